"""Files that a library has mapped into this process: what was read of them counts as its memory until somebody lets go of it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

MOST, LITTLE = 16 << 20, 4 << 20
"""Bytes of files that may come into memory while one goes on, and that may stay when one has done."""

SMALL = 128 << 10
"""Bytes of a file that is not worth letting go of; most are."""

_DONT_NEED = 4
"""MADV_DONTNEED: of a shared mapping of a file nothing is lost, written or not; it is read from the system's cache again."""

_MAPS, _STATM = Path("/proc/self/maps"), Path("/proc/self/statm")


def wanted_soon(files: Iterable[Path]) -> None:
    """Have the system read these into its cache in one go, where it can: who has mapped them would read a page at a time."""
    if not hasattr(os, "posix_fadvise"):
        return
    for file in files:
        with file.open("rb") as content:
            os.posix_fadvise(content.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)


class Bound:
    """Lets go of the files mapped below a folder when they hold much more memory than they did: to find them takes 10 to 25 ms
    where there are many."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._before = folder, _held()

    def keep(self, most: int = MOST) -> None:
        """Let go of them if they hold more than this beyond what they did."""
        if _held() - self._before > most:
            let_go(self._folder)
            self._before = _held()


def _held() -> int:
    """Bytes of mapped files that are this process's memory; 0 where a system does not say."""
    try:
        return int(_STATM.read_bytes().split()[2]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def let_go(folder: Path) -> int:
    """Give back the memory that holds the files mapped below a folder; how many mappings. 0 where a system has no such list.

    Safe while others read or write them: a page that is touched again is there again.
    """
    try:
        lines = _MAPS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return 0
    below = f"{folder}/"
    done = 0
    for line in lines:
        if below not in line:
            continue
        span, rights, _, _, _, *name = line.split(maxsplit=5)
        start, end = (int(edge, 16) for edge in span.split("-"))
        if name[0].startswith(below) and rights.endswith("s") and end - start >= SMALL:
            done += not _advise()(start, end - start, _DONT_NEED)
    return done


@cache
def _advise() -> Any:
    import ctypes  # 10 ms, for large collections only

    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return madvise
