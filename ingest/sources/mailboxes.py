"""Where messages lie: an mbox file, a Maildir (a server: `ingest.sources.imap`).

A message has a `place` within its folder that changes whenever its bytes may have changed: the hash of its bytes in an
mbox, the file's name, time and size in a Maildir, UIDVALIDITY and UID on a server.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any, Protocol

from sluice.errors import ConfigurationError, SourceUnavailable

HEADER_BYTES = 1_000_000
"""How much of a message is read outside a worker: enough for its name, in time that grows with the header."""
_ATTEMPTS = 3
_SEPARATOR = b"From "
_SENDER = rb"(?:\S+|\"[^\"\r\n]*\"\S*|\S+ at \S+)"
_CLOCK = rb"\d{1,2}:\d{2}(?::\d{2})?"
_SEPARATES = re.compile(
    rb"From +" + _SENDER + rb"(?: +(?:"
    rb"(?:\w{2,9}\.?,? +)?(?:\w{3,9}\.? +\d{1,2}|\d{1,2} +\w{3,9}\.?),? +(?:\d{4} +"
    + _CLOCK
    + rb"|"
    + _CLOCK
    + rb"(?: +\S+){0,2} +\d{2,4})"
    rb"|\d{4}-\d\d-\d\d[T ]" + _CLOCK + rb").*)\s*|From +[^\s@]+@[^\s@]+\s*"
)
"""`From ` lines by their form: who sent it, and when (RFC 4155; as mailing lists, Thunderbird and Gmail write them), or an
address alone. A sentence that begins with From is text."""
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:|>?From ")
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A message of a mailbox: `at` is how its mailbox finds it, `message_id` is filled in by `Mailbox.identified`."""

    folder: str
    place: str
    size: int
    at: Any = None
    message_id: str = ""


class Mailbox(Protocol):
    """Messages in folders; safe to use from several threads. Raises SourceUnavailable when it does not answer."""

    def entries(self) -> Iterator[Entry]:
        """Every message once, without bodies where the protocol allows."""

    def identified(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """The same entries with their Message-ID ("" where there is none)."""

    def find(self, folder: str, place: str) -> Entry | None:
        """The entry of a place that another process listed."""

    def read(self, entry: Entry) -> tuple[bytes, str] | None:
        """The message's bytes and their place; None when it is not there any more."""

    def stamp(self, entry: Entry) -> str:
        """What stays equal as long as `read` gives the same bytes; costs no reading. "" where nothing is known."""


class Mbox:
    """One mbox file (RFC 4155); its one folder is named like the file."""

    def __init__(self, source: str, path: Path, wanted: Callable[[str], bool]) -> None:
        self._source = source
        self._path = path
        self._folder = path.name
        self._wanted = wanted

    def entries(self) -> Iterator[Entry]:
        if not self._wanted(self._folder):
            return
        try:
            with open(self._path, "rb") as file:
                for start, stop in self._spans(file):
                    file.seek(start)
                    content = file.read(stop - start)
                    yield Entry(self._folder, _hash(content), len(content), (start, stop), message_id(content))
                    file.seek(stop)
        except OSError as error:
            raise _unavailable(self._source, str(self._path), error) from error

    def _spans(self, file: Any) -> Iterator[tuple[int, int]]:
        """Where each message begins, after its `From ` line, and ends."""
        start: int | None = None
        end, blank, offset = 0, True, 0
        while line := file.readline():
            if blank and line.startswith(_SEPARATOR) and (start is None or self._begins(line, file)):
                if start is not None:
                    yield start, end
                    file.seek(offset + len(line))
                start = offset + len(line)
            elif start is None and line.strip():
                raise ConfigurationError(
                    f"source '{self._source}': {self._path} is no mbox: it does not begin with a 'From ' line",
                    hint="name an mbox file or a Maildir folder as 'path'",
                )
            blank = line in (b"\n", b"\r\n")
            end = offset if blank else offset + len(line)
            offset += len(line)
        if start is not None:
            yield start, offset

    @staticmethod
    def _begins(line: bytes, file: Any) -> bool:
        """Whether a `From ` line within the file begins a message: it has the form, and a header field follows."""
        if _SEPARATES.fullmatch(line) is None:
            return False
        at = file.tell()
        following = file.readline()
        file.seek(at)
        return _FIELD.match(following) is not None

    def identified(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        yield from entries

    def stamp(self, entry: Entry) -> str:
        return _stamp(self._path)

    def find(self, folder: str, place: str) -> Entry | None:
        return next((entry for entry in self.entries() if (entry.folder, entry.place) == (folder, place)), None)

    def read(self, entry: Entry) -> tuple[bytes, str] | None:
        try:
            with open(self._path, "rb") as file:
                file.seek(entry.at[0])
                content = file.read(entry.at[1] - entry.at[0])
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unavailable(self._source, str(self._path), error) from error
        return (_ESCAPED.sub(rb"\1", content), entry.place) if _hash(content) == entry.place else None


def messages(content: bytes) -> Iterator[bytes]:
    """The messages of an mbox in these bytes; one that does not begin with a `From ` line begins with its first message."""
    opened = content if content.startswith(_SEPARATOR) else _SEPARATOR + b"\n" + content
    file = io.BytesIO(opened)
    for start, stop in list(Mbox("", Path(), lambda _: True)._spans(file)):
        yield _ESCAPED.sub(rb"\1", opened[start:stop])


class Maildir:
    """A Maildir with its folders (Maildir++: `.Archive.2026` is the folder Archive/2026; the top is INBOX)."""

    def __init__(self, source: str, path: Path, wanted: Callable[[str], bool]) -> None:
        self._source = source
        self._path = path
        self._wanted = wanted

    def entries(self) -> Iterator[Entry]:
        try:
            names = [n for n in os.listdir(self._path) if n.startswith(".") and (self._path / n / "cur").is_dir()]
            for folder, path in [("INBOX", self._path), *((n[1:].replace(".", "/"), self._path / n) for n in sorted(names))]:
                if self._wanted(folder):
                    yield from self._folder(folder, path)
        except OSError as error:
            raise _unavailable(self._source, str(self._path), error) from error

    def _folder(self, folder: str, path: Path) -> list[Entry]:
        for _ in range(_ATTEMPTS):  # a reader that sets a flag renames the file while it is listed
            before = [os.stat(path / part).st_mtime_ns for part in ("new", "cur")]
            found: dict[str, Entry] = {}
            for part in ("new", "cur"):
                with os.scandir(path / part) as listing:
                    for file in listing:
                        unique, _, flags = file.name.partition(":2,")
                        if not file.name.startswith(".") and "T" not in flags and file.is_file(follow_symlinks=False):
                            at = file.stat(follow_symlinks=False)
                            found[unique] = Entry(folder, f"{unique}:{at.st_mtime_ns}:{at.st_size}", at.st_size, file.path)
            if before == [os.stat(path / part).st_mtime_ns for part in ("new", "cur")]:
                break
        return [found[unique] for unique in sorted(found)]

    def stamp(self, entry: Entry) -> str:
        return _stamp(entry.at)

    def identified(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        for entry in entries:
            found = self._opened(entry.at, HEADER_BYTES)
            head = found[0] if found else b""
            yield Entry(entry.folder, entry.place, entry.size, entry.at, message_id(head))

    def find(self, folder: str, place: str) -> Entry | None:
        return next((entry for entry in self.entries() if (entry.folder, entry.place) == (folder, place)), None)

    def read(self, entry: Entry) -> tuple[bytes, str] | None:
        unique = entry.place.rsplit(":", 2)[0]
        path = Path(entry.at)
        found = self._opened(str(path))
        if found is None:  # moved to `cur`, or given a flag, since it was listed
            moved = [*path.parent.parent.glob(f"cur/{_literal(unique)}*"), *path.parent.parent.glob(f"new/{_literal(unique)}*")]
            found = self._opened(str(moved[0])) if moved else None
        return (found[0], f"{unique}:{found[1].st_mtime_ns}:{found[1].st_size}") if found is not None else None

    def _opened(self, path: str, limit: int = -1) -> tuple[bytes, os.stat_result] | None:
        try:
            with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                at = os.fstat(file.fileno())
                return (file.read(limit), at) if stat.S_ISREG(at.st_mode) else None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unavailable(self._source, path, error) from error


def _stamp(path: str | Path) -> str:
    try:
        at = os.stat(path)
    except OSError:
        return ""
    return f"{at.st_mtime_ns}:{at.st_size}:{at.st_ino}"


def _unavailable(source: str, what: str, error: OSError) -> SourceUnavailable:
    return SourceUnavailable(f"source '{source}': {what}: {error.strerror or error}", hint="is it mounted, and readable?")


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def message_id(head: bytes) -> str:
    """The Message-ID in a message's header; "" where there is none within its first megabyte."""
    try:
        value = str(BytesHeaderParser().parsebytes(head[:HEADER_BYTES]).get("Message-ID") or "")
    except Exception:  # the standard library's header parser raises several types on hostile headers
        return ""
    found = re.search(r"<\s*([^<>\s]+)\s*>", value)
    return (found.group(1) if found else "".join(value.split()))[:200]


def _literal(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)
