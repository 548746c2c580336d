"""Messages on an IMAP server (RFC 3501), as a mailbox of `ingest.sources.mailboxes`."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import imaplib
import re
import ssl
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ingest.sources.mailboxes import Entry, message_id
from sluice import passing
from sluice.display import counted
from sluice.errors import ConfigurationError, SourceUnavailable

_ATTEMPTS = 3
_BATCH = 200


class Imap:
    """Folders of a server, opened for reading only: nothing is marked as seen.

    A message has UIDVALIDITY:UID as its place and never changes there. Bodies are kept in a temporary folder from
    the scan that read them to the next one, so that a new message is sent once.
    """

    def __init__(
        self, source: str, url: str, password: str, timeout_s: float, plaintext: bool, wanted: Callable[[str], bool]
    ) -> None:
        self._source = source
        parts = urlsplit(url)
        self._secure = parts.scheme == "imaps"
        self._host, self._port = parts.hostname or "", parts.port or (993 if self._secure else 143)
        self._user, self._password = unquote(parts.username or ""), password
        self._timeout_s = timeout_s
        self._plaintext = plaintext
        self._wanted = wanted
        self._lock = threading.RLock()
        self._open: list[imaplib.IMAP4] = []
        self._kept: Path | None = None
        self.bodies = 0
        """How many bodies the server has sent."""
        weakref.finalize(self, _shut, self._open)

    def entries(self) -> Iterator[Entry]:
        with self._lock:
            for body in self._kept.iterdir() if self._kept is not None else ():
                body.unlink()
            listed = self._asked(self._listed)
        yield from listed

    def _listed(self, server: imaplib.IMAP4) -> list[Entry]:
        found: list[Entry] = []
        for raw, folder in self._folders(server):
            validity, count = self._examine(server, raw)
            if not count:
                continue
            seen = 0
            for line in _ok(server.uid("FETCH", "1:*", "(UID FLAGS RFC822.SIZE)")):
                uid, size = re.search(rb"UID (\d+)", _bytes(line)), re.search(rb"RFC822.SIZE (\d+)", _bytes(line))
                if uid and size:
                    seen += 1
                    if b"\\Deleted" not in _bytes(line):
                        at = (raw, validity, uid.group(1).decode())
                        found.append(Entry(folder, f"{validity}:{at[2]}", int(size.group(1)), at))
            if seen < count:
                raise imaplib.IMAP4.abort(f"{folder}: {counted(count, 'message')}, {seen} listed")
        return found

    def identified(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        folders: dict[str, list[Entry]] = {}
        for entry in entries:
            folders.setdefault(entry.at[0], []).append(entry)
        for raw, mine in folders.items():
            for i in range(0, len(mine), _BATCH):
                batch = mine[i : i + _BATCH]
                with self._lock:
                    names = self._asked(partial(self._ids, raw, batch))
                yield from (Entry(e.folder, e.place, e.size, e.at, names.get(e.at[2], "")) for e in batch)

    def _ids(self, raw: str, batch: list[Entry], server: imaplib.IMAP4) -> dict[str, str]:
        self._examine(server, raw)
        uids = ",".join(entry.at[2] for entry in batch)
        found = {}
        for part in _ok(server.uid("FETCH", uids, "(UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")):
            if isinstance(part, tuple) and (uid := re.search(rb"UID (\d+)", part[0])):
                found[uid.group(1).decode()] = message_id(part[1])
        return found

    def find(self, folder: str, place: str) -> Entry | None:
        validity, _, uid = place.partition(":")
        with self._lock:
            raw = next((raw for raw, name in self._asked(self._folders) if name == folder), None)
        return Entry(folder, place, 0, (raw, validity, uid)) if raw is not None else None

    def read(self, entry: Entry) -> tuple[bytes, str] | None:
        with self._lock:
            if self._kept is None:
                self._kept = passing.folder("mail", self)
            file = self._kept / hashlib.sha256("\0".join(entry.at).encode()).hexdigest()
            if file.exists():
                return file.read_bytes(), entry.place
            content = self._asked(partial(self._body, entry))
            if content is not None:
                file.write_bytes(content)
        return (content, entry.place) if content is not None else None

    def stamp(self, entry: Entry) -> str:
        return entry.place  # a message never changes on a server

    def _body(self, entry: Entry, server: imaplib.IMAP4) -> bytes | None:
        raw, validity, uid = entry.at
        if self._examine(server, raw)[0] != validity:
            return None
        for part in _ok(server.uid("FETCH", uid, "(UID BODY.PEEK[])")):
            if isinstance(part, tuple):
                self.bodies += 1
                return bytes(part[1])
        return None

    # ── the connection ───────────────────────────────────────────────────────────────────────────────────────────

    def _asked(self, work: Callable[[imaplib.IMAP4], Any]) -> Any:
        """The answer of the server, over a new connection when the old one is gone."""
        left = _ATTEMPTS
        while True:
            try:
                if not self._open:
                    self._open.append(self._connected())
                return work(self._open[0])
            except (imaplib.IMAP4.error, OSError, ssl.SSLError) as error:
                _shut(self._open)
                left -= 1
                if not left:
                    raise self._failed(error) from error

    def _connected(self) -> imaplib.IMAP4:
        context = ssl.create_default_context()
        try:
            if self._secure:
                server: imaplib.IMAP4 = imaplib.IMAP4_SSL(self._host, self._port, ssl_context=context, timeout=self._timeout_s)
            else:
                server = imaplib.IMAP4(self._host, self._port, timeout=self._timeout_s)
                if "STARTTLS" in server.capabilities and not self._plaintext:
                    server.starttls(context)
                elif not self._plaintext:
                    server.shutdown()
                    raise ConfigurationError(
                        f"source '{self._source}': {self._host}:{self._port} offers no encryption",
                        hint="use imaps://, or allow a readable password with plaintext: true",
                    )
        except OSError as error:
            raise self._failed(error) from error
        try:
            server.login(self._user, self._password)
        except imaplib.IMAP4.error as error:
            server.shutdown()
            who = f"{self._host}:{self._port} does not let {self._user or '(no user)'} in"
            raise SourceUnavailable(
                f"source '{self._source}': {who}: {_said(error, self._password)}",
                hint=f"correct the user in sources.{self._source}.url, or sources.{self._source}.password or the variable in it",
            ) from None
        return server

    def _folders(self, server: imaplib.IMAP4) -> list[tuple[str, str]]:
        """(name as the server writes it, name for people with / between levels) of every folder that is wanted."""
        found = []
        for line in _ok(server.list()):
            head, name = line if isinstance(line, tuple) else (line, None)
            match = re.match(rb'\((.*?)\) ("(?:\\.|[^"])"|NIL) ?(.*)', _bytes(head), re.DOTALL)
            if match is None or b"\\noselect" in match.group(1).lower():
                continue
            raw = _bytes(name if name is not None else match.group(3)).decode("ascii", "replace").strip()
            if raw.startswith('"') and name is None:
                raw = re.sub(r"\\(.)", r"\1", raw[1:-1])
            delimiter = match.group(2).decode("ascii", "replace").strip('"').replace("\\\\", "\\")
            folder = _from_utf7(raw)
            folder = folder.replace(delimiter, "/") if match.group(2) != b"NIL" else folder
            if self._wanted(folder):
                found.append((raw, folder))
        return sorted(found)

    def _examine(self, server: imaplib.IMAP4, raw: str) -> tuple[str, int]:
        """Open a folder for reading: its UIDVALIDITY and how many messages it has."""
        quoted = '"' + raw.replace("\\", "\\\\").replace('"', '\\"') + '"'
        count = int(_ok(server.select(quoted, readonly=True))[0])
        validity = server.response("UIDVALIDITY")[1]
        if not validity or validity[0] is None:
            raise imaplib.IMAP4.error(f"{raw}: the server gives no UIDVALIDITY")
        return _bytes(validity[0]).decode(), count

    def _failed(self, error: Exception) -> SourceUnavailable:
        return SourceUnavailable(
            f"source '{self._source}': {self._host}:{self._port}: {_said(error, self._password)}",
            hint="is the server reachable from here, and is it well?",
        )


def _shut(connections: list[imaplib.IMAP4]) -> None:
    while connections:
        with contextlib.suppress(OSError):
            connections.pop().shutdown()


def _ok(answer: tuple[str, list[Any]]) -> list[Any]:
    kind, data = answer
    if kind != "OK":
        raise imaplib.IMAP4.error(" ".join(str(part) for part in data)[:200])
    return [part for part in data if part is not None]


def _bytes(part: Any) -> bytes:
    return b" ".join(map(_bytes, part)) if isinstance(part, tuple) else part if isinstance(part, bytes) else str(part).encode()


def _said(error: Exception, secret: str) -> str:
    said = " ".join(str(error).split())[:200] or type(error).__name__
    return said.replace(secret, "***") if secret else said


def _from_utf7(name: str) -> str:
    """A folder's name out of IMAP's modified UTF-7 (RFC 3501, section 5.1.3)."""

    def decoded(match: re.Match[str]) -> str:
        coded = match.group(1).replace(",", "/")
        try:
            return base64.b64decode(coded + "=" * (-len(coded) % 4)).decode("utf-16-be", "replace") if coded else "&"
        except ValueError:  # a name that a program wrote as it liked: one folder, not the mailbox
            return match.group()

    return re.sub(r"&([A-Za-z0-9+,]*)-", decoded, name)
