"""Mail: every message a document, every attachment a document of its own.

A message's uri is `folder/message-id`, an attachment's `folder/message-id/n-name`: rules on folders hold for both. The
thread, the folder and the message it came with are metadata. An attachment's permissions are its message's, always.
A message that is known is not read again: its place in the mailbox is its validator (see `ingest.sources.mailboxes`).
What a message says is read in a worker (`ingest.sources.letters`), with the source's limits of time and memory.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from ingest.sources.bounded import within_limits
from ingest.sources.imap import Imap
from ingest.sources.letters import read_message, segment
from ingest.sources.mailboxes import Entry, Mailbox, Maildir, Mbox
from sluice.access import AccessTags
from sluice.errors import ConfigurationError, DocumentError
from sluice.globs import matches, selected
from sluice.ids import digest, fingerprint
from sluice.records import ItemRef, RawItem
from sluice.settings import ConfigPath, Glob, LimitSettings, Section

_VERSION = 2
"""Raised whenever a message gives other items than before: every message is then read again, once."""


class MailOptions(Section):
    path: ConfigPath | None = None
    """An mbox file, or a Maildir folder."""
    url: str | None = None
    """An IMAP server: `imaps://user@host`."""
    password: str = Field(default="", repr=False)
    folders: tuple[Glob, ...] = Field(default=("**",), min_length=1)
    exclude_folders: tuple[Glob, ...] = ("Trash", "Junk", "Spam", "Drafts")
    folder_tags: Mapping[Glob, tuple[str, ...]] | None = None
    """Who may read a folder (a glob): the first that matches; a folder that none matches is for nobody."""
    tags_header: str | None = None
    """A header that names who may read a message, as words separated by commas; a message without it is for nobody, and of
    several only what all of them name counts."""
    attachments: bool = True
    plaintext: bool = False
    """Whether a password may be sent unencrypted."""
    timeout_s: float = Field(default=60, gt=0)
    max_bytes: int = Field(default=50_000_000, gt=0)
    limits: LimitSettings = Field(default=LimitSettings(), exclude=True)

    @model_validator(mode="after")
    def _one_place(self) -> MailOptions:
        if (self.path is None) == (self.url is None):
            raise ValueError("name the mailbox as 'path' (mbox, Maildir) or as 'url' (IMAP); one of the two")
        if self.url is not None and (urlsplit(self.url).scheme not in ("imap", "imaps") or not urlsplit(self.url).hostname):
            raise ValueError("url: write it as imaps://user@host")
        if self.url is not None and urlsplit(self.url).password:
            raise ValueError("url: give the password apart, as password: ${NAME}")
        return self


@dataclass(frozen=True, slots=True)
class _Opened:
    """A message as it was read, and what all its attachments share; `asked` and `stamp` say whether it is so still."""

    asked: str
    stamp: str
    folder: str
    place: str
    content: bytes
    attachments: Sequence[Mapping[str, str]]
    metadata: Mapping[str, Any]
    subject: str
    modified: datetime | None
    tags: AccessTags | None


class MailSource:
    """Every message of a mailbox that is not marked as deleted, and its attachments."""

    Options = MailOptions

    def __init__(self, name: str, options: MailOptions) -> None:
        self.name = name
        self.options = options
        shape = {"folder_tags", "tags_header", "attachments"}
        version = _VERSION + (options.tags_header is not None)  # of several such headers the first one counted before
        self._shape = fingerprint("mail", {"version": version, **options.model_dump(mode="json", include=shape)})[:8]
        self._lock = threading.Lock()
        self._last = threading.local()
        self._entries: dict[str, Entry] = {}
        self._listed: dict[str, str] = {}
        self._known: Mapping[str, str] = {}

    @cached_property
    def _mailbox(self) -> Mailbox:
        o = self.options
        if o.url is not None:
            return Imap(self.name, o.url, o.password, o.timeout_s, o.plaintext, self._wanted)
        path = o.path
        if path is not None and (path / "cur").is_dir():
            return Maildir(self.name, path, self._wanted)
        if path is not None and path.is_file():
            return Mbox(self.name, path, self._wanted)
        raise ConfigurationError(
            f"sources.{self.name}.path: {path} is neither an mbox file nor a Maildir (a folder with cur, new and tmp)",
            hint="correct it, or mount it; nothing was changed",
        )

    def _wanted(self, folder: str) -> bool:
        return selected(folder, self.options.folders, self.options.exclude_folders)

    def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]:
        """Each message and attachment once; of what is known nothing but its place is asked for.

        The mailbox is listed to its end before the first item is given. Raises ConfigurationError and SourceUnavailable.
        """
        with self._lock:
            self._known = known
            return iter(self._scanned(known))

    def asks_for(self, uri: str) -> bool:
        """Whether the configuration selects the folder of a message, and of an attachment attachments at all; whether it is
        still there or not."""
        message = uri.rpartition("/")[0]
        if message in self._known:
            return self.options.attachments and self._wanted(message.rpartition("/")[0])
        return self._wanted(message)

    def _scanned(self, known: Mapping[str, str]) -> list[ItemRef]:
        places = {validator: uri for uri, validator in known.items() if validator.startswith(f"{self._shape}.0:")}
        parts: dict[str, list[str]] = {}
        for uri in known:
            if (message := uri.rpartition("/")[0]) in known:
                parts.setdefault(message, []).append(uri)
        found: dict[str, Entry] = {}
        refs: list[ItemRef] = []
        new: dict[str, Entry] = {}
        for entry in self._mailbox.entries():
            validator = self._validator(entry.folder, entry.place)
            old = places.get(validator)
            if old is None:
                new[validator] = entry  # an exact copy within an mbox has the same validator, and is the same document
            elif old not in found:
                found[old] = entry
                refs.append(ItemRef(old, validator, size=entry.size))
                refs += [ItemRef(p, self._validator(entry.folder, entry.place, _number(p))) for p in parts.get(old, ())]
        for entry in self._mailbox.identified(new.values()):
            refs += self._first_seen(entry, found)
        self._entries = found
        self._listed = {ref.uri: ref.validator for ref in refs}
        return refs

    def _first_seen(self, entry: Entry, found: dict[str, Entry]) -> Iterator[ItemRef]:
        """A message that is not known: it is read, to see what is attached."""
        base = f"{entry.folder}/{segment(entry.message_id or 'no-id-' + digest(entry.folder, entry.place)[:16])}"
        uri, copies = base, 1
        while uri in found:
            copies += 1
            uri = f"{base}~{copies}"
        found[uri] = entry
        yield ItemRef(uri, self._validator(entry.folder, entry.place), size=entry.size)
        if entry.size > self.options.max_bytes or not self.options.attachments:
            return
        read = self._mailbox.read(entry)
        try:
            attached = self._taken_apart(read[0], uri)["attachments"] if read else ()
        except DocumentError:
            return  # the message itself fails when it is fetched, with that reason
        for number, part in enumerate(attached, start=1):
            yield ItemRef(f"{uri}/{number}-{part['name']}", self._validator(entry.folder, entry.place, number))

    def _taken_apart(self, content: bytes, uri: str, *, contents: bool = False) -> dict[str, Any]:
        """What the message says, read in a worker; raises DocumentError for one beyond its limits."""
        about = {"tags_header": self.options.tags_header, "contents": contents}
        found: dict[str, Any] = within_limits(read_message, content, uri, about, limits=self.options.limits)
        return found

    def fetch(self, ref: ItemRef) -> RawItem:
        """A message as it was received, or an attachment decoded.

        Raises DocumentError (`gone`, `too_large`, `malformed`) and SourceUnavailable.
        """
        number = int(ref.validator.partition(":")[0].partition(".")[2] or 0)
        message_uri = ref.uri.rpartition("/")[0] if number else ref.uri
        entry = self._entries.get(message_uri) or self._elsewhere(ref.validator)
        opened = self._opened(entry, ref.uri) if entry is not None else None
        if opened is None:
            with self._lock:  # it has moved or changed since: listed again, at the cost of what is new
                self._scanned(self._listed)
                entry = self._entries.get(message_uri)
            opened = self._opened(entry, ref.uri) if entry is not None else None
        if opened is None:
            raise self._refused("gone", ref.uri, "is not in the mailbox any more", "the next run takes it out of the index")
        return self._item(ref.uri, message_uri, number, opened)

    def _elsewhere(self, validator: str) -> Entry | None:
        """The entry that another process listed."""
        head, _, place = validator.partition(":")
        place, separator, folder = place.partition("@")
        return self._mailbox.find(folder, place) if separator and head.startswith(self._shape) else None

    def _opened(self, entry: Entry, uri: str) -> _Opened | None:
        """The message, taken apart once for all that is attached to it; None when it is not there any more."""
        if entry.size > self.options.max_bytes:
            raise self._refused(
                "too_large",
                uri,
                f"{entry.size} bytes, max_bytes is {self.options.max_bytes}",
                "raise max_bytes of this source, or delete the message",
            )
        last, stamp = getattr(self._last, "opened", None), self._mailbox.stamp(entry)
        if isinstance(last, _Opened) and stamp and (last.folder, last.asked, last.stamp) == (entry.folder, entry.place, stamp):
            return last
        read = self._mailbox.read(entry)
        if read is None:
            return None
        content, place = read
        found = self._taken_apart(content, uri, contents=self.options.attachments)
        opened = _Opened(
            asked=entry.place,
            stamp=stamp,
            folder=entry.folder,
            place=place,
            content=content,
            attachments=found["attachments"],
            metadata=found["metadata"] | {"folder": entry.folder},
            subject=found["subject"],
            modified=datetime.fromisoformat(found["modified"]) if found["modified"] else None,
            tags=self._tags(entry.folder, found["tags"]),
        )
        self._last.opened = opened
        return opened

    def _item(self, uri: str, message_uri: str, number: int, opened: _Opened) -> RawItem:
        content, metadata = opened.content, dict(opened.metadata)
        media_type: str | None = "message/rfc822"
        if number:
            parts = opened.attachments
            part = parts[number - 1] if number <= len(parts) else {}
            if uri != f"{message_uri}/{number}-{part.get('name')}":
                raise self._refused("gone", uri, "is not attached any more", "the next run takes it out of the index")
            if "error" in part:
                raise self._refused("malformed", uri, f"cannot be decoded: {part['error']}", "look at the message")
            content = base64.b64decode(part["content"])
            media_type = None if part["type"] == "application/octet-stream" else part["type"]
            metadata |= {"message": message_uri, "subject": opened.subject}
        return RawItem(
            uri=uri,
            content=content,
            validator=self._validator(opened.folder, opened.place, number),
            media_type=media_type,
            modified=opened.modified,
            metadata={key: value for key, value in metadata.items() if value},
            tags=opened.tags,
            named=bool(number),
        )

    def _tags(self, folder: str, said: Sequence[str]) -> AccessTags | None:
        """What the folder grants, narrowed by what each such header of the message grants (who sends it may have added one);
        None where the configuration asks neither."""
        stated: list[frozenset[str]] = []
        if self.options.folder_tags is not None:
            granted = next((tags for glob, tags in self.options.folder_tags.items() if matches(folder, glob)), ())
            stated.append(frozenset(granted))
        if self.options.tags_header is not None:
            stated += [frozenset(word.strip() for word in header.split(",") if word.strip()) for header in said or [""]]
        return AccessTags(frozenset.intersection(*stated)) if stated else None

    def _validator(self, folder: str, place: str, number: int = 0) -> str:
        return f"{self._shape}.{number}:{place}@{folder}"

    def _refused(self, reason: str, uri: str, what: str, hint: str) -> DocumentError:
        return DocumentError(reason, f"source '{self.name}': {uri}: {what}", hint=hint)


def _number(uri: str) -> int:
    head = uri.rpartition("/")[2].partition("-")[0]
    return int(head) if head.isdecimal() else 0
