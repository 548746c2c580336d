"""Standard streams as whoever called left them: closed, at a file system without room, or in an encoding without most letters."""

from __future__ import annotations

import io
import os
import sys

_UTF8_MODE = "PYTHONUTF8"


def in_utf8() -> None:
    """Begin this program anew in Python's UTF-8 mode where file names and arguments would be read in another encoding.

    Of a locale like `de_DE.ISO-8859-1`, or with `PYTHONUTF8=0`. Uris and paths of a configuration are UTF-8 (on the disk, too):
    a night in cron's locale would not find what a run in a shell has found, and take it for deleted.
    """
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get(_UTF8_MODE) != "1" and sys.executable:
        os.environ[_UTF8_MODE] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def legible(as_json: bool) -> None:
    """Have whatever is printed be printable: JSON is UTF-8; in an encoding that lacks a letter, `?` stands for it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() not in ("utf-8", "utf8"):
            if as_json and stream is sys.stdout:
                stream.reconfigure(encoding="utf-8")
            else:
                stream.reconfigure(errors="replace")


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
