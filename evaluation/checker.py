"""Expectations checked in a process of their own, begun beside the build: its import is seconds of work that no other waits for.

The process takes pickled requests on its standard input and ends when that is closed, when nobody asked it anything more for
`IDLE_S`, or with the process that began it. Where it cannot be had, or ends of anything else, the check is done here.
"""

from __future__ import annotations

import atexit
import gc
import os
import pickle
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any, BinaryIO

from evaluation import expectations
from evaluation.expectations import Finding, Suite
from sluice import garbage
from sluice.errors import SluiceError
from sluice.tether import tie

IDLE_S = 30.0
FIRST_S = 3600.0
"""The same before the first request: a build from nothing takes its time."""

_ELSEWHERE = ("sqlalchemy", "boto3", "botocore", "google", "pyarrow")
"""What reads and writes tables that lie elsewhere, or in files: a fifth of the import, and 50 MB."""

_SELDOM = ("scipy.stats", "altair")
"""What distributions and charts in Data Docs need: a third of the import, and 70 MB."""


@dataclass(frozen=True, slots=True)
class _Request:
    suites: Sequence[Suite]
    parameters: Mapping[str, Any]
    docs: Path | None


class Checker:
    """`expectations.check`, in another process when one was begun `ahead` and the library is not loaded here anyway."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()

    def ahead(self) -> None:
        """Begin the process; nothing where there is one, or where it would not help."""
        with self._lock:
            if "great_expectations" in sys.modules or (self._process is not None and self._process.poll() is None):
                return
            environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
            if self._process is None:
                atexit.register(self.end)
            self._ended()  # of idleness: its pipes are still there
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", "from evaluation.checker import main; main()", str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )

    def check(self, suites: Sequence[Suite], *, parameters: Mapping[str, Any], docs: Path | None = None) -> list[Finding]:
        """As `expectations.check`."""
        answer = self._asked(_Request(suites, parameters, docs))
        if answer is None:
            return expectations.check(suites, parameters=parameters, docs=docs)
        if isinstance(answer, SluiceError):
            raise answer
        return answer

    def end(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._ended()

    def _ended(self) -> None:
        if (process := self._process) is not None:
            self._process = None
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):  # what is left in it goes nowhere
                        pipe.close()

    def _asked(self, request: _Request) -> list[Finding] | SluiceError | None:
        with self._lock:
            process = self._process
            if process is None or process.stdin is None or process.stdout is None:
                return None
            try:
                pickle.dump(request, process.stdin)
                process.stdin.flush()
                answer = pickle.load(process.stdout)  # of a process that is ours
            except (OSError, EOFError, pickle.PickleError):  # it ended: of idleness, or for want of memory
                answer = None
        if answer is None:
            self.end()
        return answer if isinstance(answer, list | SluiceError) else None


shared = Checker()
"""The one of this process."""


def main() -> None:
    """The other process: load the library, then answer until nobody asks."""
    tie(int(sys.argv[1]))
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no reply
    _load()
    requests = sys.stdin.buffer
    patience = FIRST_S
    while select.select([requests], [], [], patience)[0] and (request := _read(requests)) is not None:
        pickle.dump(_answered(request), replies)
        replies.flush()
        patience = IDLE_S


def _load() -> None:
    """The library, without what it would load for tables that lie elsewhere: here they are data frames. What fails for want of
    that is done again by the asking process, which has it. What it seldom needs is loaded when it does."""
    for elsewhere in _ELSEWHERE:
        sys.modules.setdefault(elsewhere, None)  # type: ignore[arg-type]  # what makes an import fail, as if it were not installed
    sys.meta_path.insert(0, _Seldom())
    gc.disable()  # a million objects, of which all stay: looking for others among them is a sixth of the time
    try:
        expectations.library()
    finally:
        gc.freeze()
        gc.enable()
        garbage.look_seldom()


class _Seldom(MetaPathFinder):
    """Finds the modules of `_SELDOM`, and puts off their loading to the first use of a name in them."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname not in _SELDOM or (spec := PathFinder.find_spec(fullname, path)) is None or spec.loader is None:
            return None
        spec.loader = LazyLoader(spec.loader)
        return spec


def _read(requests: BinaryIO) -> _Request | None:
    try:
        request = pickle.load(requests)
    except EOFError:
        return None
    return request if isinstance(request, _Request) else None


def _answered(request: _Request) -> list[Finding] | SluiceError | None:
    """The findings, or the error that the asking process is to raise; None for any other: it will meet it itself."""
    try:
        return expectations.check(request.suites, parameters=request.parameters, docs=request.docs)
    except SluiceError as error:
        return error
    except Exception:
        return None
