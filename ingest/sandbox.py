"""Parsing in worker processes, each document with a time limit and a memory limit.

A document that hangs, eats memory or crashes the interpreter costs its worker and one quarantine entry, never another
document. Reasons: `timeout`, `out_of_memory`, `crashed`.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import pickle
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from ingest.protocols import Parser
from ingest.worker import FOLDER, HEADER_BYTES, Ahead, Reply, Request, write_frame
from sluice.cores import cores
from sluice.errors import DocumentError, SluiceError
from sluice.records import Document, RawItem
from sluice.settings import LimitSettings

START_S = 180.0
"""For the interpreter and the parser's libraries (half a second; 4 to 8 s with OCR's); not part of a document's time."""

_ENVIRONMENT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "HF_HUB_OFFLINE",
    "TESSDATA_PREFIX",
)
"""What a worker is given of the environment: no password of a database, no key of a source."""


class SandboxedParser:
    """Parses as the parser that `make` gives does, but in a worker; implements `ingest.protocols.Parser`.

    `make` is picklable (a function of a module, a partial of one) and is called once in each worker. Cheap to construct;
    the first document starts a worker, later ones find it warm. Safe to use from several threads: each document in work
    has a worker of its own, up to the sandbox's number of workers.
    """

    def __init__(
        self, make: Callable[[], Parser], fingerprint: str, limits: LimitSettings, sandbox: Sandbox | None = None
    ) -> None:
        self.fingerprint = fingerprint
        self._make = pickle.dumps(make)
        self._limits = limits
        self._sandbox = sandbox

    def parse(self, item: RawItem, *, source: str) -> Document:
        """The document in these bytes; raises what the parser raises, or DocumentError for a document beyond its limits."""
        request = Request(self._make, item, source, self._limits.timeout_s, self._limits.memory_mb << 20)
        return (self._sandbox or shared()).parse(request)

    def ahead(self) -> None:
        """Have a worker begin and load its libraries: whoever parses soon does not wait for that."""
        (self._sandbox or shared()).ahead(self._make)


class Sandbox:
    """A pool of workers: started when needed, kept warm, replaced after `documents` or when one was killed.

    An idle worker ends by itself after `idle_s`, so that a build does not pay for the memory of a parse.
    """

    def __init__(self, workers: int | None = None, *, idle_s: float = 30.0, documents: int = 2000) -> None:
        self._free = threading.BoundedSemaphore(workers or max(2, cores()))
        self._arguments = (str(idle_s), str(documents))
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()

    def parse(self, request: Request) -> Document:
        """Parse in a worker; waits for one to be free."""
        with self._free:
            while True:
                with self._lock:
                    worker = self._idle.pop() if self._idle else None
                new = worker is None
                worker = worker or _Worker(self._arguments)
                reply = None
                try:
                    reply = worker.ask(request)
                finally:  # also when the parse is interrupted: half an answer must not be taken for the next one's
                    if reply is None or reply.last:
                        worker.end()
                    else:
                        with self._lock:
                            self._idle.append(worker)
                if reply is not None or (new and not worker.began):
                    return _outcome(reply, request, worker)
                if worker.began:
                    raise _killed(request, worker)
                # It had ended of idleness just before it was asked: the document was not touched.

    def ahead(self, make: bytes) -> None:
        """Have one worker, idle until it is asked, build this parser."""
        with self._lock:
            if not self._idle:
                self._idle.append(_Worker(self._arguments))
            self._idle[-1].prepare(make)

    def close(self) -> None:
        """End the idle workers; those at work end with their document. The pool can be used again."""
        with self._lock:
            ending, self._idle = self._idle, []
        for worker in ending:
            worker.end()


class _Worker:
    """One process, its two pipes and its folder for temporary files."""

    def __init__(self, arguments: tuple[str, str]) -> None:
        self._folder = tempfile.mkdtemp(prefix="sluice-parse-")
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        modules = os.pathsep.join(map(os.path.abspath, sys.path))
        environment |= {"PYTHONPATH": modules, "TMPDIR": self._folder, FOLDER: self._folder, "OMP_NUM_THREADS": "1"}
        environment["PYTHONUTF8"] = "1"  # what is read of a document is no matter of the locale
        requests, self._wire_in = os.pipe()
        self._wire_out, replies = os.pipe()
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", "from ingest.worker import main; main()", *arguments],
                stdin=requests,
                stdout=replies,
                stderr=subprocess.DEVNULL,
                env=environment,
                process_group=0,  # with the programs that it starts (tesseract, LibreOffice): they end together
            )
        finally:
            os.close(requests)
            os.close(replies)
        self._waiting = select.poll()  # select() cannot, in a process with many open files
        self._waiting.register(self._wire_out, select.POLLIN)
        self.began = False
        self.overdue = False

    def prepare(self, make: bytes) -> None:
        """Have it build a parser; it answers nothing, and whoever asks next is told what went wrong."""
        with contextlib.suppress(OSError):  # it ended of idleness
            write_frame(self._wire_in, pickle.dumps(Ahead(make)))

    def ask(self, request: Request) -> Reply | None:
        """The outcome; None when the worker died or was killed for taking too long (`overdue`)."""
        self.began = self.overdue = False
        try:
            write_frame(self._wire_in, pickle.dumps(request))
        except OSError:
            return None
        reply = self._receive(START_S)
        if reply is None or reply.kind != "started":
            return reply
        self.began = True
        return self._receive(request.timeout_s)

    def _receive(self, timeout_s: float) -> Reply | None:
        deadline = time.monotonic() + timeout_s
        header = self._read(HEADER_BYTES, deadline)
        frame = None if header is None else self._read(int.from_bytes(header, "big"), deadline)
        if frame is None:
            return None
        try:
            reply = _Unpickler(io.BytesIO(frame)).load()
        except Exception:  # what no worker of ours wrote can raise anything
            return None
        return reply if isinstance(reply, Reply) else None

    def _read(self, size: int, deadline: float) -> bytes | None:
        parts = bytearray()
        while len(parts) < size:
            if not self._waiting.poll(max(deadline - time.monotonic(), 0) * 1000):
                self.overdue = True
                return None
            part = os.read(self._wire_out, min(size - len(parts), 1 << 20))
            if not part:
                return None
            parts += part
        return bytes(parts)

    def end(self) -> None:
        """Make it end, and leave nothing of it behind."""
        os.close(self._wire_in)
        os.close(self._wire_out)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


class _Unpickler(pickle.Unpickler):
    """Reads the vocabulary's records only: a document that took a worker over must not take its parent over too."""

    def find_class(self, module: str, name: str) -> Any:
        if (module in _RECORDS and "." not in name) or (module, name) in _ALLOWED:
            found = super().find_class(module, name)
            if getattr(found, "__module__", "") == module:
                return found
        raise pickle.UnpicklingError(f"a worker sent a {module}.{name}")


_RECORDS = frozenset({"sluice.records", "sluice.access", "sluice.errors"})
_ALLOWED = {("ingest.worker", "Reply"), ("datetime", "datetime"), ("datetime", "timezone"), ("datetime", "timedelta")}


def _outcome(reply: Reply | None, request: Request, worker: _Worker) -> Document:
    uri = request.item.uri
    match reply:
        case Reply(kind="document", value=Document() as document):
            return document
        case Reply(kind="error", value=SluiceError() as error):
            raise error
        case Reply(kind="out_of_memory"):
            raise _out_of_memory(request)
        case Reply(kind="failed", value=what):
            raise DocumentError("crashed", f"{uri}: the parser failed: {what}", hint="please report this with the file")
        case _:
            raise SluiceError(
                f"a worker for parsing did not start (exit status {worker.process.returncode})",
                hint="run it by hand to see why: python -c 'import ingest.processing, ingest.worker'",
            )


def _killed(request: Request, worker: _Worker) -> DocumentError:
    uri, status = request.item.uri, worker.process.returncode
    if worker.overdue or status == -signal.SIGALRM:
        return DocumentError(
            "timeout",
            f"{uri}: not parsed within {request.timeout_s:g} s",
            hint="raise the source's limits.timeout_s and run `sluice quarantine retry`, or exclude it",
        )
    if status == -signal.SIGKILL:  # by the kernel, whose memory it was
        return _out_of_memory(request)
    how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    return DocumentError("crashed", f"{uri}: the parser died ({how})", hint="save the file again, or exclude it")


def _out_of_memory(request: Request) -> DocumentError:
    return DocumentError(
        "out_of_memory",
        f"{request.item.uri}: needs more than {request.memory_bytes >> 20} MB to parse",
        hint="raise the source's limits.memory_mb and run `sluice quarantine retry`, or exclude it",
    )


@cache
def shared() -> Sandbox:
    """The process's one pool: workers stay warm from one source, and one command, to the next."""
    sandbox = Sandbox()
    atexit.register(sandbox.close)
    return sandbox


os.register_at_fork(after_in_child=shared.cache_clear)  # a forked child must not talk to its parent's workers
