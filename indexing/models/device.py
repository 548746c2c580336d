"""Where a model runs: `embedding.device`, found out without importing torch on a machine that has no GPU."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

from sluice.errors import ConfigurationError

_DRIVERS = tuple(map(Path, ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg", "/dev/nvhost-ctrl-gpu")))
"""One exists where the driver of a GPU is loaded that torch may use: NVIDIA's, AMD's, that of WSL, of Jetson."""


def resolve(wanted: str, environment: Mapping[str, str] = os.environ) -> str:
    """`cpu`, `cuda:N` or `mps`; `auto` takes a GPU where torch can use one, else the CPU.

    Raises ConfigurationError for a GPU that is asked for by name and not there. Importing torch takes 2 s, and happens only
    where the machine looks as if it had a GPU, or where one is asked for.
    """
    if wanted in ("cpu", "auto") and not gpu_likely(wanted, environment):
        return "cpu"
    found = _usable(wanted)
    if found is None and wanted != "auto":
        raise ConfigurationError(
            f"embedding.device: '{wanted}' is not on this machine, or this build of torch cannot use it",
            hint="set embedding.device to auto or cpu; `python -c 'import torch; print(torch.cuda.is_available())'` tells",
        )
    return found or "cpu"


def gpu_likely(wanted: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a GPU may be taken, as far as can be told without importing torch."""
    if wanted == "cpu" or environment.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    return any(driver.exists() for driver in _DRIVERS) or (sys.platform == "darwin" and platform.machine() == "arm64")


def _usable(wanted: str) -> str | None:
    import torch

    kind, _, number = wanted.partition(":")
    if kind in ("auto", "cuda") and torch.cuda.is_available() and int(number or 0) < torch.cuda.device_count():
        return f"cuda:{number or 0}"
    if kind in ("auto", "mps") and torch.backends.mps.is_available():
        return "mps"
    return None
