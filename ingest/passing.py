"""Folders for what a source or a parser holds for a moment, and none left by a process that was killed in that moment.

What lies there is what documents are made of: it must not outlive them because a machine ran out of memory.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path

_HELD = ".held"


def folder(kind: str, owner: object, within: Path | None = None) -> Path:
    """An empty folder for temporary files, removed with its owner, or by the next process that makes one of this kind: the
    kernel lets go of a lock with its process, however that ended."""
    prefix = f"sluice-{kind}-{os.getuid()}-"
    there = within or Path(tempfile.gettempdir())
    for left in there.glob(f"{prefix}*"):
        _remove_unheld(left)
    begun = Path(tempfile.mkdtemp(prefix=f".{prefix}", dir=there))  # by a name that nobody looks for until it is held
    held = os.open(begun / _HELD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX)
    made = begun.rename(there / begun.name.removeprefix("."))
    weakref.finalize(owner, _end, made, held)
    return made


def _remove_unheld(left: Path) -> None:
    with suppress(OSError):  # held, somebody else's, just being made, or gone meanwhile
        held = os.open(left / _HELD, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
        finally:
            os.close(held)


def _end(made: Path, held: int) -> None:
    shutil.rmtree(made, ignore_errors=True)
    with suppress(OSError):
        os.close(held)
