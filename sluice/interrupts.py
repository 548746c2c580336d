"""Ctrl-C: a command ends in order at the first, and at once at the second, whatever its threads are doing.

Python raises KeyboardInterrupt for every signal, also in the middle of what the first one set off: leases half given back, locks
of the import system never released, tracebacks of what is done at exit. So only the first is raised. An end at any moment is
what everything else is made for: children end with their parent, the next run takes the lease over and goes on.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from types import FrameType
from typing import NoReturn

EXIT_CODE = 1
"""Of a command that was interrupted, in order or at once."""

_came = threading.Event()
_code = EXIT_CODE
_saying = threading.RLock()
_words: list[tuple[int, bytes]] = []
"""What is said at once, by descriptor, until somebody told it in order."""


def listen(err: bytes, out: bytes = b"") -> None:
    """From now on Ctrl-C, and SIGTERM (a supervisor, a container's end), end this program so; what is said then is made now."""
    if threading.current_thread() is not threading.main_thread():
        return
    _words[:] = [(number, word) for number, word in ((2, err), (1, out)) if word]
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):  # a shell's background has SIGINT ignored
            signal.signal(number, _first)
    ear, mouth = os.pipe()
    os.set_blocking(mouth, False)
    signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
    threading.Thread(target=_hear, args=(ear,), name="interrupts", daemon=True).start()


def came() -> bool:
    """Whether this program was interrupted."""
    return _came.is_set()


def say() -> bool:
    """Say what is to be said, once, whichever of main thread and listener comes to it; whether there was anything left to say."""
    with _saying:
        left = bool(_words)
        while _words:
            with suppress(OSError):
                os.write(*_words[0])
            _words.pop(0)
    return left


def at_once(_number: int = 0, _frame: FrameType | None = None) -> NoReturn:
    """End this process: no thread is waited for, nothing is taken apart."""
    say()
    os._exit(_code)


def over(code: int) -> None:
    """The command is done, its answer given: what comes while the process takes leave ends it at once, with this exit code."""
    global _code
    _code = code
    _words.clear()
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is _first:
            signal.signal(number, at_once)


def _hear(ear: int) -> None:
    """End at once at the second while the main thread is within native code, too: Python calls `_first` when it is back from
    there, once for all that came meanwhile."""
    came = False
    while number := os.read(ear, 1):
        if came and number[0] == signal.SIGINT:
            at_once()
        came = came or number[0] in (signal.SIGINT, signal.SIGTERM)


def _first(number: int, _frame: FrameType | None) -> None:
    if not _came.is_set():
        _came.set()
        raise KeyboardInterrupt
    if number == signal.SIGINT:
        at_once()
