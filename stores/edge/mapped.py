"""Files that a library has mapped into this process: what was read of them counts as its memory until somebody lets go of it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

_DONT_NEED = 4
"""MADV_DONTNEED: of a shared mapping of a file nothing is lost, written or not; it is read from the system's cache again."""

_MAPS = Path("/proc/self/maps")


def wanted_soon(files: Iterable[Path]) -> None:
    """Have the system read these into its cache in one go, where it can: who has mapped them would read a page at a time."""
    if not hasattr(os, "posix_fadvise"):
        return
    for file in files:
        with file.open("rb") as content:
            os.posix_fadvise(content.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)


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
        span, rights, _, _, _, *name = line.split(maxsplit=5)
        if name and name[0].startswith(below) and rights.endswith("s"):
            start, end = (int(edge, 16) for edge in span.split("-"))
            done += not _advise()(start, end - start, _DONT_NEED)
    return done


@cache
def _advise() -> Any:
    import ctypes  # 10 ms, for large collections only

    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return madvise
