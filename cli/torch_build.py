"""Which build of PyTorch is installed, and what it costs: asked of the packages' records, without importing it."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

_TORCH = re.compile(r"torch-", re.IGNORECASE)
_CUDA = re.compile(r"(nvidia|triton|cuda)([-_]|$)", re.IGNORECASE)


def torch_build() -> str:
    """In a sentence: version, kind, size on disk; and whether its CUDA is of use here."""
    try:
        version = metadata.version("torch")
    except metadata.PackageNotFoundError:
        return "torch is not installed"
    beside = Path(str(metadata.distribution("torch").locate_file(""))).glob("*-info")  # by name: to read each takes a second
    packages = [metadata.Distribution.at(record) for record in beside if _TORCH.match(record.name) or _CUDA.match(record.name)]
    cuda = [package for package in packages if package.name.lower() != "torch"]
    size = sum(file.size or 0 for package in packages for file in package.files or ()) / 1e9
    if not cuda and "+cu" not in version:
        return f"torch {version}, the CPU build: {size:.1f} GB"
    said = f"torch {version} with CUDA ({len(cuda)} packages): {size:.1f} GB"
    if Path("/dev/nvidia0").exists() or Path("/dev/nvidiactl").exists():
        return said
    return f"{said}; no NVIDIA GPU is seen here: make install TORCH_INDEX=… (README, Install) takes the small build"
