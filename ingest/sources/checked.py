"""The boundary of every source: whatever a source gives, one bad item costs one entry, and its trouble stays its own.

    uri        no control characters and no lone surrogates: they are written as `\\x0a` and `\\udc80`; one that is empty, no
               text, longer than 4,096 characters or listed twice is an item of its own that fails (`bad_uri`)
    metadata   plain values; control characters become spaces, lone surrogates U+FFFD, times ISO 8601, what no store keeps as
               a number is text; more than 32 KB, or nested more than 12 deep, fails (`bad_metadata`)
    the rest   content that is no bytes and a wrong uri fail (`bad_item`); an unlikely time is left out
    tags       that are no words fail (`bad_tags`), and what is known of the item goes; of one that fails otherwise they hold
    errors     what `fetch` raises that is no error of Sluice's fails that item (`crashed`; OSError: later), what `scan`
               raises is SourceUnavailable: that source was not read, and no other is harmed

Built-in sources pass through it as a user's own do.
"""

from __future__ import annotations

import math
import re
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from hashlib import blake2b
from pathlib import Path
from typing import Any, NoReturn

from ingest.protocols import Source
from sluice.access import AccessTags
from sluice.blame import own_code
from sluice.errors import DocumentError, SluiceError, SourceUnavailable
from sluice.ids import digest
from sluice.records import ItemRef, RawItem

LONGEST_URI = 4096
MOST_METADATA = 32_768
"""Characters of all keys and values together: it travels with every chunk of the document."""
DEEPEST_METADATA = 12
_LONGEST_VALIDATOR = 1024
_LONGEST_TAG = 256
_BAD = "bad_uri:"
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_WRITTEN = re.compile(r"\\(?:x([01][0-9a-f]|7f|5c)|u(00[89][0-9a-f]|202[89]|d[89a-f][0-9a-f]{2}))")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Checked:
    """A source whose items are what `ingest.protocols.Source` promises; implements it, with `stored` and `asks_for`."""

    def __init__(self, inner: Source) -> None:
        self.inner = inner
        self.name = inner.name
        self._written: dict[str, str] = {}

    @property
    def options(self) -> Any:
        return getattr(self.inner, "options", None)

    def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]:
        """As the inner source, each item checked; raises SourceUnavailable for whatever else its scan raises."""
        asked = {self._inner_uri(uri): v for uri, v in known.items() if not v.startswith(_BAD)}
        try:
            listing = iter(self.inner.scan(asked))
        except SluiceError:
            raise
        except Exception as error:
            self._unread(error)
        return self._checked(listing)

    def _checked(self, listing: Iterator[ItemRef]) -> Iterator[ItemRef]:
        seen: set[bytes] = set()
        self._written = {}
        while True:
            try:
                ref = next(listing, None)
            except SluiceError:
                raise
            except Exception as error:
                self._unread(error)
            if ref is None:
                return
            checked = self._ref(ref, seen)
            seen.add(_mark(checked.uri))
            yield checked

    def fetch(self, ref: ItemRef) -> RawItem:
        """As the inner source; raises DocumentError for an item that is not what it must be, or that it fails on."""
        if ref.validator.startswith(_BAD):
            raise self._refused("bad_uri", ref.uri, ref.validator.removeprefix(_BAD).partition(":")[2], "rename it at the source")
        asked = replace(ref, uri=self._inner_uri(ref.uri))
        try:
            item = self.inner.fetch(asked)
        except SluiceError as error:
            raise _readable(error) from error.__cause__
        except OSError as error:
            said = f"source '{self.name}': {ref.uri}: {error.strerror or type(error).__name__}"
            raise SourceUnavailable(said, hint="run again; if it stays, is there room on the disk?") from error
        except MemoryError:
            raise self._refused("out_of_memory", ref.uri, "needs more memory than there is", "exclude it") from None
        except Exception as error:
            what = f"the source failed on it: {_where(error)}"
            raise self._refused(
                "crashed", ref.uri, what, "look at the item, or exclude it; report it where it is no fault of yours"
            ) from error
        return self._item(item, ref, asked.uri)

    def asks_for(self, uri: str) -> bool:
        """Whether the configuration still asks for this uri, where the inner source can tell."""
        tells = getattr(self.inner, "asks_for", None)
        return tells is None or bool(tells(self._inner_uri(uri)))

    def stored(self) -> None:
        """The inner source's, where it has one."""
        if (told := getattr(self.inner, "stored", None)) is not None:
            told()

    # ── refs ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _ref(self, ref: ItemRef, seen: set[bytes]) -> ItemRef:
        uri, validator = ref.uri, ref.validator
        if not isinstance(uri, str) or not uri:
            return _bad(f"#{digest(repr(uri))[:12]}", "has no uri" if not uri else f"its uri is a {type(uri).__name__}, no text")
        safe = _UNSAFE.sub(_escaped, _WRITTEN.sub(lambda found: "\\x5c" + found.group()[1:], uri))
        if len(safe) > LONGEST_URI:
            return _bad(f"{safe[:200]}…#{digest(uri)[:12]}", f"its uri has {len(safe)} characters, {LONGEST_URI} are allowed")
        if _mark(safe) in seen:
            return _bad(f"{safe[:3000]}#{digest(repr(ref))[:12]}", "is listed twice")
        if safe != uri:
            self._written[safe] = uri
        if not isinstance(validator, str) or len(validator) > _LONGEST_VALIDATOR or _UNSAFE.search(validator):
            validator = digest(str(validator))
        return ItemRef(safe, validator, _moment(ref.modified), ref.size if isinstance(ref.size, int) else None)

    def _inner_uri(self, uri: str) -> str:
        """The uri as the source itself writes it, also in a process that has not listed it."""
        if "\\" not in uri:
            return uri
        return self._written.get(uri) or _WRITTEN.sub(lambda m: chr(int(m.group(1) or m.group(2), 16)), uri)

    # ── items ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _item(self, item: RawItem, ref: ItemRef, asked: str) -> RawItem:
        if not isinstance(item, RawItem) or not isinstance(item.content, bytes | bytearray | memoryview):
            raise self._refused("bad_item", ref.uri, "the source gave no bytes", "its fetch must return a RawItem")
        if item.uri != asked:
            raise self._refused("bad_item", ref.uri, "the source gave another item in its place", "its uris must be stable")
        if item.tags is not None and not all(_is_tag(tag) for tag in item.tags):
            refused = self._refused("bad_tags", ref.uri, "its access tags are no words", "correct them at the source")
            refused.withdraws = True  # by which permissions would the version before stay?
            raise refused
        tags = AccessTags(item.tags) if item.tags is not None else None
        try:
            metadata = cleaned(item.metadata)
        except ValueError as error:
            refused = self._refused("bad_metadata", ref.uri, str(error), "shorten it at the source, or leave it out")
            refused.tags = tags
            raise refused from None
        validator = item.validator if isinstance(item.validator, str) else str(item.validator)
        if len(validator) > _LONGEST_VALIDATOR or _UNSAFE.search(validator):
            validator = digest(validator)
        kind = item.media_type
        return replace(
            item,
            uri=ref.uri,
            content=bytes(item.content),
            validator=validator,
            media_type=kind if isinstance(kind, str) and len(kind) < 200 and kind.isprintable() and kind else None,
            modified=_moment(item.modified),
            metadata=metadata,
            tags=tags,
        )

    def _refused(self, reason: str, uri: str, what: str, hint: str) -> DocumentError:
        return DocumentError(reason, f"source '{self.name}': {uri}: {what}", hint=hint)

    def _unread(self, error: Exception) -> NoReturn:
        raise SourceUnavailable(
            f"source '{self.name}': it failed while it listed its items: {_where(error)}; nothing was changed",
            hint="run again; if it stays, the line named is where to look",
        ) from error


def cleaned(metadata: Any) -> dict[str, Any]:
    """Metadata as a store can keep it and a terminal can show it; raises ValueError for what is beyond bounds."""
    if not isinstance(metadata, Mapping):
        raise ValueError(f"its metadata is a {type(metadata).__name__}, no mapping")
    room = [MOST_METADATA]
    found = _value(metadata, 0, room)
    return found if isinstance(found, dict) else {}


def _value(value: Any, depth: int, room: list[int]) -> Any:
    if depth > DEEPEST_METADATA:
        raise ValueError(f"its metadata is nested more than {DEEPEST_METADATA} deep")
    match value:
        case None | bool():
            return value
        case str():
            return _counted(value, room)
        case int():
            return value if -(2**63) <= value < 2**63 else _counted(_digits(value), room)
        case float():
            return value if math.isfinite(value) else None
        case datetime() | date() | time():
            return value.isoformat()
        case bytes() | bytearray() | memoryview():
            return _counted(bytes(value)[: MOST_METADATA + 1].decode("utf-8", "replace"), room)
        case Mapping():
            return {_counted(str(k), room): _value(v, depth + 1, room) for k, v in value.items() if k is not None}
        case set() | frozenset():
            return [_counted(word, room) for word in sorted(map(str, value))]
        case Sequence():
            return [_value(v, depth + 1, room) for v in value]
    return _counted(str(value), room)


def _counted(text: str, room: list[int]) -> str:
    room[0] -= len(text) + 1
    if room[0] < 0:
        raise ValueError(f"its metadata has more than {MOST_METADATA} characters")
    return plain_text(text)


def _digits(value: int) -> str:
    return str(value) if value.bit_length() < 10_000 else f"about 2^{value.bit_length()}"


def plain_text(text: str) -> str:
    """Text without control characters (spaces in their place; line ends and tabs stay) and lone surrogates (U+FFFD)."""
    if text.isprintable():
        return text
    return _SURROGATE.sub("\ufffd", _CONTROL.sub(" ", text))


def _readable(error: SluiceError) -> SluiceError:
    error.message, error.hint = _SURROGATE.sub("\ufffd", error.message), _SURROGATE.sub("\ufffd", error.hint)
    return error


def _bad(uri: str, what: str) -> ItemRef:
    return ItemRef(uri, f"{_BAD}{digest(uri, what)[:8]}:{what}")


def _escaped(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 128 else f"\\u{code:04x}"


def _mark(uri: str) -> bytes:
    return blake2b(uri.encode("utf-8", "surrogatepass"), digest_size=12).digest()


def _is_tag(tag: Any) -> bool:
    return isinstance(tag, str) and 0 < len(tag) <= _LONGEST_TAG and _UNSAFE.search(tag) is None


def _moment(value: Any) -> datetime | None:
    """Aware UTC; None for what no calendar of a store has."""
    if not isinstance(value, datetime):
        return None
    try:
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except (OverflowError, ValueError):
        return None


def _where(error: Exception) -> str:
    """What was raised, and where: the file and line, never the message, which may quote the document."""
    if (place := own_code(error)) is not None:
        return f"{place}: {type(error).__name__}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename and "/lib/python" not in frame.filename]
    at = own[-1] if own else frames[-1] if frames else None
    return f"{type(error).__name__} at {Path(at.filename).name}:{at.lineno}" if at else type(error).__name__
