"""The process in which documents are parsed: answers requests on its standard input until that is closed.

It is started by `ingest.sandbox`, without the environment's secrets, and ends by itself in every case: when its input is
closed, when its parent is gone (looked at each second), when nobody asked for a while, and, whatever a library does
with the interpreter's lock, by the kernel's alarm clock soon after a document's time is up.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import select
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ingest.protocols import Parser
from sluice.errors import SluiceError
from sluice.records import Document, RawItem

HEADER_BYTES = 8
FOLDER = "SLUICE_PARSE_FOLDER"
"""The environment variable that names the worker's folder for temporary files, which its parent made and removes."""

GRACE_S = 2.0
"""The parent kills at the limit; the alarm clock rings this much later, for when there is no parent any more."""

_FULL = 0.75
"""A document that failed and had more than this share of its memory in use failed of memory."""

Kind = Literal["started", "document", "error", "out_of_memory", "failed"]


@dataclass(frozen=True, slots=True)
class Request:
    """One document to parse; `make` is a pickled callable that gives the parser, built once for all its documents."""

    make: bytes
    item: RawItem
    source: str
    timeout_s: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Ahead:
    """A parser to be built before a document comes; nothing is replied."""

    make: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """`started` when the parser stands and the clock runs, then the outcome; `last`: this worker must be replaced."""

    kind: Kind
    value: Any = None
    last: bool = False


def main() -> None:
    """Serve until the input closes; arguments: seconds of idleness to end after, documents to end after."""
    idle_s, documents = float(sys.argv[1]), int(sys.argv[2])
    wire_in, wire_out = _private_wires()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to handle
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold the document
    threading.Thread(target=_leave_with_parent, args=(os.getppid(),), daemon=True).start()
    parsers: dict[bytes, Parser] = {}
    before = 0
    for served in range(1, documents + 1):
        if not select.select([wire_in], [], [], idle_s)[0] or (frame := read_frame(wire_in)) is None:
            return
        request: Request | Ahead = pickle.loads(frame)
        if isinstance(request, Ahead):
            with contextlib.suppress(Exception):  # the first document meets it again, and it is told of that one
                _parser(request.make, parsers)
            continue
        reply = _answer(request, parsers, lambda: write_frame(wire_out, pickle.dumps(Reply("started"))))
        before = before or _data_bytes()
        # What one document left behind must not be taken from the next: a worker that has grown is not used again.
        grown = _data_bytes() - before > request.memory_bytes
        last = reply.kind == "out_of_memory" or grown or served == documents
        write_frame(wire_out, pickle.dumps(Reply(reply.kind, reply.value, last)))
        if last:
            return


def _answer(request: Request, parsers: dict[bytes, Parser], started: Callable[[], None]) -> Reply:
    try:
        parser = _parser(request.make, parsers)
        started()
    except SluiceError as error:
        return Reply("error", error)
    before, peak = _resident_bytes(), _peak_bytes()
    try:
        return Reply("document", _limited(parser, request))
    except MemoryError:
        return Reply("out_of_memory")
    except Exception as error:
        # C libraries say many things when they are refused memory: lxml calls it a syntax error of an unknown kind.
        full = _peak_bytes() > max(peak, before + request.memory_bytes * _FULL)
        if full and (not isinstance(error, SluiceError) or getattr(error, "reason", "") == "malformed"):
            return Reply("out_of_memory")
        if isinstance(error, SluiceError):
            return Reply("error", error)
        # Neither the message nor the values of frames: they may quote the document.
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        where = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame is not None else "?"
        return Reply("failed", f"{type(error).__name__} at {where}")


def _parser(make: bytes, parsers: dict[bytes, Parser]) -> Parser:
    """The parser that this makes, built once."""
    if make not in parsers:
        parsers[make] = pickle.loads(make)()
    return parsers[make]


def _limited(parser: Parser, request: Request) -> Document:
    unlimited = resource.RLIM_INFINITY
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (_data_bytes() + request.memory_bytes, unlimited))
        signal.setitimer(signal.ITIMER_REAL, request.timeout_s + GRACE_S)
        return parser.parse(request.item, source=request.source)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_DATA, (unlimited, unlimited))


def _data_bytes() -> int:
    """What RLIMIT_DATA counts: private writable memory. Not address space, of which libraries map a gigabyte unused."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[5]
    return int(pages) * resource.getpagesize()


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def _peak_bytes() -> int:
    """The most that was resident since this process began; not getrusage's, which counts the parent's before the fork too."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return int(status.partition("VmHWM:")[2].split(maxsplit=1)[0]) << 10


def _private_wires() -> tuple[int, int]:
    """The pipes to the parent under numbers of their own; what libraries print goes nowhere."""
    wire_in, wire_out = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    return wire_in, wire_out


def _leave_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    shutil.rmtree(os.environ.get(FOLDER, ""), ignore_errors=True)  # nobody else will
    os.killpg(os.getpgrp(), signal.SIGKILL)  # itself, and whatever program it waits for


def read_frame(wire: int) -> bytes | None:
    """One length-prefixed message; None when the pipe was closed before its end."""
    header = _read(wire, HEADER_BYTES)
    return None if header is None else _read(wire, int.from_bytes(header, "big"))


def write_frame(wire: int, message: bytes) -> None:
    """One length-prefixed message, whole; raises OSError when nobody reads."""
    rest = memoryview(len(message).to_bytes(HEADER_BYTES, "big") + message)
    while rest:
        rest = rest[os.write(wire, rest) :]


def _read(wire: int, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = os.read(wire, min(size - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)
