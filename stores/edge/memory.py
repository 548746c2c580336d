"""Qdrant Edge where memory is limited (`ulimit -v`): want of memory is said as such, and is nothing to wait for.

When it has no room the engine notes where it was, which wants memory again while it holds a lock that this second want asks for:
it stands still for ever (seen with 0.9.0; nothing switches it off). So there is a look beforehand, and an end if it does
nevertheless. Memory that is not limited is the kernel's to give or to end a process for.
"""

from __future__ import annotations

import faulthandler
import re
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

MAKING_BYTES = 1_000_000_000
"""Of addresses, for making a collection: with 750 MB it failed or stood still, with 800 it was made."""
OPENING_BYTES = 300_000_000
"""For opening an empty one: 204 MB were taken."""
PATIENCE_S = 120
"""An engine call that makes a collection takes a second at most, on a slow disk some."""
_LACK = re.compile(r"cannot allocate memory|out of memory|os error 12\b|thread.*os error 11\b|memory allocation", re.IGNORECASE)


def lacks(said: str) -> bool:
    """Whether what the engine said is that it found no memory, or no room for a thread."""
    return bool(_LACK.search(said))


def need(wanted: int, doing: str) -> None:
    """Raises MemoryError, with the numbers, where this process may not have so many bytes of addresses more."""
    free = room()
    if free is not None and free < wanted:
        left = max(free, 0) / 1e6
        raise MemoryError(f"{doing} needs {wanted / 1e6:,.0f} MB of address space, the limit of this process leaves {left:,.0f}")


def room() -> int | None:
    """Bytes of addresses that this process may still have; None where that is not limited."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit - int(psutil.Process().memory_info().vms)


@contextmanager
def not_for_ever() -> Iterator[None]:
    """Within a limit the process ends, with a line of where it stood, when the block is not left in time."""
    if room() is None:
        yield
        return
    try:
        faulthandler.dump_traceback_later(PATIENCE_S, exit=True, file=sys.__stderr__ or 2)
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
