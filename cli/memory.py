"""When memory ends: the process does too, at once and in words.

A thread that dies of a MemoryError leaves others waiting for it for ever (Prefect's event loop does), and so a command that
holds its index. An end at any moment is what everything else is made for: children end with their parent, the next run goes on.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import sys
import threading
from types import TracebackType

from sluice.display import json_text
from sluice.errors import chain

SAID = {
    "type": "OutOfMemory",
    "message": "there is no memory left",
    "hint": "run again where there is more: what was done is kept; `runner: {workers: 1}` needs less",
}
_CANNOT_LOAD = "failed to map segment"
"""What the loader says of a library that it finds no room for."""
_NO_STACK = "can't start new thread"
"""What Python says of a thread whose stack it finds no room for."""

FLOOR_BYTES = 600_000_000
"""Of addresses, below which (`ulimit -v`) nothing is begun: a command takes 400 to 500 MB of them before it has done anything,
and Python waits for ever for a thread that found no memory to begin with (seen with 3.11 at 350 MB)."""


def is_out(error: BaseException | None) -> bool:
    """Whether this, or what it came of, is for want of memory."""
    return any(
        isinstance(each, MemoryError)
        or (isinstance(each, OSError) and each.errno == errno.ENOMEM)
        or (isinstance(each, ImportError) and _CANNOT_LOAD in str(each))
        or (isinstance(each, RuntimeError) and _NO_STACK in str(each))
        for each in chain(error)
    )


def look() -> None:
    """Raises MemoryError, with the numbers, where so little is allowed that no command would come to its end."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < FLOOR_BYTES:
        allowed = f"this process may have {limit / 1e6:,.0f} MB of address space"
        raise MemoryError(f"{allowed}, and {FLOOR_BYTES / 1e6:,.0f} are needed")


def end_when_out(as_json: bool) -> None:
    """From now on a thread that dies of a MemoryError ends the process, with exit code 1; what is said then is made now."""
    if threading.excepthook is not threading.__excepthook__:
        return  # somebody looks after it: a test
    err = f"error: {SAID['message']}\nnext:  {SAID['hint']}\n".encode()
    out = (json_text(json.dumps({"error": SAID}, indent=2)) + "\n").encode() if as_json else b""

    def end() -> None:
        os.write(2, err)
        os.write(1, out)
        os._exit(1)

    def thread_died(args: threading.ExceptHookArgs) -> None:
        if issubclass(args.exc_type, MemoryError):
            end()
        threading.__excepthook__(args)

    def nobody_caught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Also what `threading` calls when there was no memory to call the other one."""
        if issubclass(kind, MemoryError):
            end()
        sys.__excepthook__(kind, error, trace)

    threading.excepthook, sys.excepthook = thread_died, nobody_caught
