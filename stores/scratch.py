"""Folders in memory for a moment's work, and none left there by a process that was killed in that moment."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stores.locks import FileLock

MEMORY = Path("/dev/shm")
_HELD = "held"
_WAIT_S = 5.0


@contextmanager
def scratch(otherwise: Path, memory: Path = MEMORY) -> Iterator[Path]:
    """An empty folder of this process, removed afterwards: in memory where that can be written to, else in `otherwise`.

    What is left in memory stays there until the machine starts again, so whoever comes next removes what nobody holds any
    more: the kernel lets go of a lock with its process, however that ended.
    """
    if not os.access(memory, os.W_OK):
        with tempfile.TemporaryDirectory(prefix="sluice-", dir=otherwise) as elsewhere:
            yield Path(elsewhere)
        return
    prefix = f"sluice-{os.getuid()}-scratch-"  # sockets have folders of a like name where temporary files lie here, too
    with FileLock(memory / f"{prefix}lock") as all_of_us:
        all_of_us.acquire(wait_s=_WAIT_S)
        for left in memory.glob(f"{prefix}*"):
            if left.is_dir() and not _in_use(left):
                shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=memory))
        held = FileLock(folder / _HELD)
        held.acquire()
    try:
        inside = folder / "scratch"
        inside.mkdir(mode=0o700)
        yield inside
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        held.close()


def _in_use(folder: Path) -> bool:
    with suppress(FileNotFoundError), FileLock(folder / _HELD, create=False) as lock:
        return not lock.acquire()
    return False
