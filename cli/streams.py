"""Standard streams as whoever called left them: closed, or at a file system without room."""

from __future__ import annotations

import os
import sys


def occupy() -> None:
    """Have something at descriptors 0 to 2: where one was closed, the next file that is opened would take its number, and what is
    printed or cried out would go into that."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115  as long as the process


def flushed(code: int) -> int:
    """Write what is still held, and give the exit code back; 1 where that was 0 and the answer could not be written."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # who read it is gone, or closed it
            code = code or 1
    return code
