"""Folders for what is held for a moment, and none left by a process that was killed in that moment.

What lies there is what documents are made of: it must not outlive them because a machine ran out of memory.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_HELD = "held"
_INSIDE = "files"


@contextmanager
def held(kind: str, within: Path | None = None) -> Iterator[Path]:
    """An empty folder for temporary files, removed afterwards, or by the next process that makes one of this kind there: the
    kernel lets go of a lock with its process, however that ended."""
    prefix = f"sluice-{kind}-{os.getuid()}-"
    there = within or Path(tempfile.gettempdir())
    for left in there.glob(f"{prefix}*"):
        _remove_unheld(left)
    begun = Path(tempfile.mkdtemp(prefix=f".{prefix}", dir=there))  # by a name that nobody looks for until it is held
    lock = os.open(begun / _HELD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    (begun / _INSIDE).mkdir(mode=0o700)
    made = begun.rename(there / begun.name.removeprefix("."))
    try:
        yield made / _INSIDE
    finally:
        _remove(made)
        with suppress(OSError):
            os.close(lock)


def folder(kind: str, owner: object) -> Path:
    """`held` by an object: removed with it."""
    stack = ExitStack()
    weakref.finalize(owner, stack.close)
    return stack.enter_context(held(kind))


def _remove_unheld(left: Path) -> None:
    with suppress(OSError):  # held, somebody else's, just being made, or gone meanwhile
        held = os.open(left / _HELD, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(left)
        finally:
            os.close(held)


def _remove(made: Path) -> None:
    shutil.rmtree(made / _INSIDE, ignore_errors=True)
    shutil.rmtree(made, ignore_errors=True)  # the lock last: whoever is killed here leaves what the next one finds
