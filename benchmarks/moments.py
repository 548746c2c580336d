"""Every moment at which a process is about to leave something behind, in order; and its death at the n-th of them.

What a killed process leaves behind is what it had sent or written by then, so that these moments are all there are: a
command to MongoDB that changes something (pymongo's own monitoring), a request to a Qdrant server that does, a commit of
SQLite's, a file or folder made, emptied, filled, renamed or removed (the interpreter's audit hooks, sqlite3's trace
callback). Nothing is patched. Between two moments a process only reads and computes, and its death there leaves what its
death at the next one leaves.
"""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pymongo import monitoring

READING = {"aggregate", "buildinfo", "count", "endSessions", "find", "getMore", "hello", "isMaster", "killCursors", "ping"}
GONE = re.compile(r"(\.gone-.*)-[0-9a-f]{8}$")
RELEASE = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}(?:[0-9a-f]{2})?(-\d+)?")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PROCESS = re.compile(r"\.(\d+|[0-9a-f]{8})\.tmp$")
"""A release's and a run's name hold the time, a file in the making its process, a
segment's is random; a moment's name is none of that."""


def _timeless(name: str) -> str:
    """The name of a moment without what differs from run to run."""
    return PROCESS.sub(".PID.tmp", UUID.sub("UUID", RELEASE.sub("RELEASE", GONE.sub(r"\1", name))))


LASTING = ("COMMIT", "CREATE")
"""What SQLite keeps: of the statements before a COMMIT nothing is there until it is done."""
CHANGING = {"os.mkdir": 0, "os.remove": 0, "os.rename": 1, "os.rmdir": 0, "os.link": 1, "os.symlink": 1}
"""Audit events that change a folder, and which of their arguments says what."""


ASKING = ("/scroll", "/query", "/count", "/query/groups", "/facet")
"""Requests to Qdrant by POST that change nothing."""


class Moments:
    """Counts the moments of this process in one folder and in MongoDB; kills it at the one numbered `fatal`.

    `tell` is called with the name of that moment before the process dies. Commands to MongoDB named in `idle` change nothing
    where they are sent and are no moments.
    """

    def __init__(
        self,
        folder: Path,
        fatal: int | None = None,
        tell: Callable[[str], None] = lambda _name: None,
        idle: frozenset[str] = frozenset(),
    ) -> None:
        self.folder, self.fatal, self.tell, self.idle = str(folder.resolve()), fatal, tell, idle
        self.passed: list[str] = []
        self._untraced: list[sqlite3.Connection] = []

    def watch(self) -> Moments:
        """Begin; there is no end but that of the process."""
        monitoring.register(_Commands(self))
        sys.addaudithook(self._audited)
        return self

    def also_of(self, store: Any) -> None:
        """What is asked of a Qdrant server that changes something, too."""
        if not store.embedded:
            store._server().http.client.add_middleware(self._requested)  # its client's own door for who wants to look on

    def _requested(self, request: Any, send: Callable[[Any], Any]) -> Any:
        path = request.url.path
        if request.method != "GET" and not path.endswith(ASKING):
            self.at(f"qdrant {request.method} {path}")
        return send(request)

    def at(self, name: str, last_deed: Callable[[], object] = lambda: None) -> None:
        """The process is about to do what `name` says; where it dies here, `last_deed` is done first."""
        number, name = len(self.passed), _timeless(name)
        self.passed.append(name)
        if number == self.fatal:
            last_deed()
            self.tell(name)
            os.kill(os.getpid(), signal.SIGKILL)

    def trace(self) -> None:
        """Watch the connections opened since: sqlite3 announces each a little before it can be traced."""
        while self._untraced:
            self._untraced.pop().set_trace_callback(self._executed)

    def _audited(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "sqlite3.connect/handle":
            self._untraced.append(arguments[0])
            return
        self.trace()
        if event == "open":
            self._opened(arguments[0], arguments[2])
        elif event == "sqlite3.connect" and self._is_here(arguments[0]) and not os.path.exists(arguments[0]):
            self.at(f"make {os.path.basename(arguments[0])}")
        elif event in CHANGING and self._is_here(name := arguments[CHANGING[event]], arguments[-1]):
            self.at(f"{event} {os.path.basename(os.fsdecode(name))}")

    def _opened(self, file: Any, flags: int) -> None:
        if not isinstance(file, str | bytes | os.PathLike) or not flags & (os.O_CREAT | os.O_TRUNC) or not self._is_here(file):
            return
        path = os.fsdecode(file)
        if path.endswith(".lock") or (os.path.exists(path) and not flags & os.O_TRUNC):
            return
        self.at(f"make {os.path.basename(path)}")
        self.at(f"fill {os.path.basename(path)}", lambda: os.close(os.open(path, flags & ~os.O_EXCL, 0o644)))

    def _executed(self, statement: str) -> None:
        verb = statement.lstrip().split(maxsplit=1)[0].upper()
        if verb in LASTING:
            self.at(f"sqlite {verb}")

    def _is_here(self, file: Any, folder: Any = -1) -> bool:
        if isinstance(folder, int) and folder >= 0:  # named relative to an open folder, as shutil.rmtree does
            file = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), os.fsdecode(file))
        return os.path.abspath(os.fsdecode(file)).startswith(self.folder + os.sep)


class _Commands(monitoring.CommandListener):
    def __init__(self, moments: Moments) -> None:
        self._moments = moments

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self._moments.trace()
        if event.command_name not in READING | self._moments.idle:
            of = event.command.get(event.command_name)
            self._moments.at(f"mongo {event.command_name} {of}")

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Of no interest."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Of no interest."""
