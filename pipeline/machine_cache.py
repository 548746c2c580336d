"""What is made once for all indexes of a user on a machine: of models (87 MB and some seconds for the bundled one), and the empty
database of a Prefect server (3.6 s of processor time).

In `$SLUICE_CACHE_DIR`, else `$XDG_CACHE_HOME/sluice`, else `~/.cache/sluice`. Programs are loaded from there: it is used only
where it belongs to this user and nobody else may write to it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

VARIABLE = "SLUICE_CACHE_DIR"


def models_folder(state_dir: Path) -> Path:
    """The folder for models; within the state directory where the machine's cannot be had."""
    return cache_folder("models") or state_dir / "models"


def cache_folder(name: str) -> Path | None:
    """The folder of this name in the machine's cache, made for its owner alone; None where it cannot be had."""
    try:
        folder = _home() / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_ours(folder.parent) and _is_ours(folder) and os.access(folder, os.W_OK | os.X_OK):
            return folder
    except (OSError, RuntimeError):  # read-only, full, or a user without a home folder
        pass
    return None


def _home() -> Path:
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache") / "sluice"


def _is_ours(folder: Path) -> bool:
    seen = folder.stat()
    return seen.st_uid == os.getuid() and not stat.S_IMODE(seen.st_mode) & 0o022
