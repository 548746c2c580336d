"""Which build of PyTorch is installed, and what it costs: asked of the packages' records, without importing it."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

_CUDA = re.compile(r"(nvidia|triton|cuda)([-_]|$)", re.IGNORECASE)


def torch_build() -> str:
    """In a sentence: version, kind, size on disk; and whether its CUDA is of use here."""
    try:
        version = metadata.version("torch")
    except metadata.PackageNotFoundError:
        return "torch is not installed"
    packages = [d for d in metadata.distributions() if d.name and (d.name.lower() == "torch" or _CUDA.match(d.name))]
    cuda = [d for d in packages if d.name.lower() != "torch"]
    size = sum(file.size or 0 for package in packages for file in package.files or ()) / 1e9
    if not cuda and "+cu" not in version:
        return f"torch {version}, the CPU build: {size:.1f} GB"
    said = f"torch {version} with CUDA ({len(cuda)} packages): {size:.1f} GB"
    if Path("/dev/nvidia0").exists() or Path("/dev/nvidiactl").exists():
        return said
    return f"{said}; no NVIDIA GPU is seen here: make install TORCH_INDEX=… (README, Install) takes the small build"
