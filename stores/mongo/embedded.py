"""An embedded MongoDB-compatible server for each state directory, shared by the processes of this machine.

It is nx-27017 (on SQLite), which the real pymongo driver talks to over the wire. The first process that needs it
starts it, others join, and it stops with the last (`embedded_server.py` has how). In `state_dir/mongodb`:
`users.lock` (shared, one holder per user), `start.lock` (who decides to start one), `server.lock` (the server's own),
`server.json` (its socket), `server.log`, `data/` (a file per database), `reserve` (room to start on a full disk).
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote_plus

import psutil
import pymongo
from pymongo.errors import PyMongoError

from sluice.errors import StoreUnavailable
from stores import private
from stores.locks import FileLock
from stores.mongo.embedded_server import is_private, socket_path

_SCRIPT = Path(__file__).with_name("embedded_server.py")
_ATTEMPTS = 3
_NEEDS_BYTES = 1_000_000
"""Without so much room on its disk it does not start."""
_LOG_LIMIT = 10_000_000
_RESERVE_BYTES = 4_000_000
"""Kept aside while there is room, and given up to start on a full disk: whoever only searches is served there, too."""


class EmbeddedMongo:
    """One user of the embedded server of a state directory; any number of them, in any number of processes.

    Opening takes about half a second when the server has to be started, and milliseconds when it runs. It listens on a
    Unix socket in a folder that only its owner may enter, and on no port: other users of this machine cannot connect.
    Raises StoreUnavailable when it does not come up within `timeout_s`, ConfigurationError when the directory cannot
    be written.
    """

    def __init__(self, state_dir: Path, *, timeout_s: float = 15.0) -> None:
        private.protect(Path(state_dir).absolute())
        self._folder = Path(state_dir).absolute() / "mongodb"
        self._deadline = time.monotonic() + timeout_s
        self._timeout_s = timeout_s
        self._user = FileLock(self._folder / "users.lock")
        try:
            # Refused only while a server without users is on its way out: wait for it to be gone.
            if not self._user.acquire(shared=True, wait_s=timeout_s):
                raise self._unavailable("a former server does not stop")
            self.uri = _uri(self._socket())
        except BaseException:
            self._user.close()
            raise

    def close(self) -> None:
        """Leave; the server stops by itself when nobody is left. Safe to call again."""
        self._user.close()

    def __enter__(self) -> str:
        return self.uri

    def __exit__(self, *_: object) -> None:
        self.close()

    def _socket(self) -> str:
        with FileLock(self._folder / "start.lock") as starting:
            if not starting.acquire(wait_s=self._remaining()):
                raise self._unavailable("another process has been starting it for too long")
            for _ in range(_ATTEMPTS):
                server = None if self._running() else self._start()
                while server is None or server.poll() is None:
                    # Its own place first: the folder is private, so whoever listens there is its server.
                    own = socket_path(self._folder)
                    for path in (str(own) if is_private(own.parent) else None, self._recorded_socket()):
                        if path and _answers(path):
                            return path
                    if server is None and not self._running():
                        break  # it was on its way out: start one of our own
                    if not self._remaining():
                        if server is not None:
                            server.kill()
                        raise self._unavailable("it runs, but does not answer")
                    time.sleep(0.02)
            raise self._unavailable("it stops as soon as it is started")

    def _running(self) -> bool:
        with FileLock(self._folder / "server.lock") as server:
            return not server.acquire()

    def _recorded_socket(self) -> str | None:
        """The socket in server.json, if the process that wrote it is a server of this very folder.

        After a crash or a reboot the file is stale, and its pid may be another folder's server's.
        """
        try:
            recorded = json.loads((self._folder / "server.json").read_text())
            if psutil.Process(recorded["pid"]).cmdline()[-1:] == [str(self._folder)]:
                return str(recorded["socket"])
        except (OSError, ValueError, KeyError, TypeError, psutil.Error):
            pass
        return None

    def _start(self) -> _Server:
        log = self._folder / "server.log"
        self._mind_the_reserve()
        try:
            if log.exists() and log.stat().st_size > _LOG_LIMIT:
                log.unlink()
            output = log.open("ab")
        except OSError as error:
            raise private.unwritable(log, error) from None
        with output:
            # A session of its own: Ctrl-C in a terminal reaches the users, and the server leaves after them.
            server = _Server(
                [sys.executable, "-P", str(_SCRIPT), str(self._folder)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        _started[:] = [child for child in _started if child.poll() is None] + [server]
        return server

    def _mind_the_reserve(self) -> None:
        reserve, free = self._folder / "reserve", shutil.disk_usage(self._folder).free
        if free < _NEEDS_BYTES:
            reserve.unlink(missing_ok=True)
        elif free > 10 * _RESERVE_BYTES and not reserve.exists():
            with suppress(OSError), reserve.open("wb") as file:
                file.write(bytes(_RESERVE_BYTES))

    def _remaining(self) -> float:
        return max(0.0, self._deadline - time.monotonic())

    def _unavailable(self, why: str) -> StoreUnavailable:
        if (free := shutil.disk_usage(self._folder).free) < _NEEDS_BYTES:
            return private.full(self._folder, f"{free / 1e6:.1f} MB free; the embedded MongoDB server does not start: {why}")
        return StoreUnavailable(
            f"the embedded MongoDB-compatible server in {self._folder} is not available: {why} (limit: {self._timeout_s:g} s)",
            hint=f"see {self._folder / 'server.log'}",
        )


class _Server(subprocess.Popen[bytes]):
    """A process that may outlive this one, as long as it has users elsewhere: to let go of it is no leak to be warned of."""

    def __del__(self) -> None:
        pass


_started: list[_Server] = []
"""Servers that this process started and may outlive: looked at now and then, so that none stays a zombie."""


def _uri(path: str) -> str:
    return f"mongodb://{quote_plus(path)}/?directConnection=true"


def _answers(path: str) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as trial:  # much cheaper than a client, while it starts
            trial.settimeout(1)
            trial.connect(path)
    except OSError:
        return False
    with pymongo.MongoClient[dict[str, object]](
        _uri(path), serverSelectionTimeoutMS=1000, connectTimeoutMS=1000, socketTimeoutMS=1000
    ) as client:
        try:
            client.admin.command("ping")
        except PyMongoError:
            return False
    return True
