"""A row of a table, a record of an export or an object of an API as one document.

The uri is `<prefix>/<key>`; the body is a template, or a title above a text; the source's own permissions and metadata
come from the columns that the configuration names. The validator covers all of it, the configuration included, so that
a changed template is a change of every document.

Over 300 lines: one kind of document, shared by three sources.
"""

from __future__ import annotations

import html
import json
import re
import string
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ingest.sources.checked import plain_text
from ingest.sources.paths import FieldPath, steps, value_at
from ingest.sources.snapshot import Listed
from sluice.access import AccessTags
from sluice.errors import DocumentError
from sluice.ids import digest, fingerprint
from sluice.records import ItemRef, RawItem
from sluice.settings import Section

_LONG = 2**63  # what a store keeps as an integer


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _template(value: str) -> str:
    for _, name, specification, conversion in string.Formatter().parse(value):
        if name is not None and (not name or specification or conversion):
            raise ValueError(f"'{{{name}}}' is no field: write {{column}} or {{author.name}}; a brace itself is doubled")
        steps(name or "")
    return value


class RowOptions(Section):
    """Which column is what. A column is named by its path: `title`, `author.name`, `labels[*].name`."""

    key: Annotated[tuple[FieldPath, ...], BeforeValidator(_listed)] = Field(min_length=1)
    prefix: str | None = None
    """What uris begin with; the source's own default otherwise. "" for bare keys."""
    title: FieldPath | None = None
    text: Annotated[tuple[FieldPath, ...], BeforeValidator(_listed)] = ()
    template: Annotated[str, AfterValidator(_template)] | None = None
    """The whole body, with {column} in it; in place of `title` and `text`."""
    media_type: Literal["text/markdown", "text/html", "text/plain"] = "text/markdown"
    tags: FieldPath | None = None
    """The row's own permissions: a list, or words separated by commas. A row without any is for nobody."""
    tag_map: Mapping[str, tuple[str, ...]] | None = None
    """What a permission of the source means in tags; one that is not in it grants nothing."""
    metadata: tuple[FieldPath, ...] | Mapping[str, FieldPath] = ()
    updated_at: FieldPath | None = None
    max_bytes: int = Field(default=50_000_000, gt=0)

    @model_validator(mode="after")
    def _has_a_body(self) -> RowOptions:
        if bool(self.text) == bool(self.template):
            raise ValueError("name the columns to read as 'text' (and 'title'), or give a 'template'; one of the two")
        return self

    def named_metadata(self) -> dict[str, str]:
        """Metadata key → path."""
        return dict(self.metadata) if isinstance(self.metadata, Mapping) else {path: path for path in self.metadata}

    def columns(self) -> tuple[str, ...]:
        """Every path that the options name."""
        named = [*self.key, *self.text, *self.named_metadata().values()]
        named += [path for path in (self.title, self.tags, self.updated_at) if path]
        named += [name for _, name, _, _ in string.Formatter().parse(self.template or "") if name]
        return tuple(dict.fromkeys(named))


_VERSION = 2
"""Raised whenever a row gives another item than before: every row is then read again, once."""


class Rows:
    """Rows of one source to documents."""

    def __init__(self, source: str, options: RowOptions, prefix: str) -> None:
        self._source = source
        self._options = options
        prefix = options.prefix if options.prefix is not None else prefix
        self._prefix = f"{prefix}/" if prefix else ""
        slash = "" if len(options.key) == 1 else "/"
        self._safe = frozenset(map(chr, range(33, 127))) - set("%#" + slash)
        self._metadata = options.named_metadata()
        shape = {"text", "title", "template", "media_type", "tags", "tag_map", "metadata"}
        self._shape = fingerprint("rows", {"version": _VERSION, **options.model_dump(mode="json", include=shape)})[:12]

    def listed(self, row: Mapping[str, Any], where: str) -> Listed:
        """A row as an item; what is wrong with it is the item's own error. `where` says which row, for people."""
        try:
            uri = self.uri(row)
            keys = " ".join(plain(value_at(row, path)) for path in self._options.key)
        except (RecursionError, ValueError):
            return self.broken(_said(row), where, "malformed_record", "its key cannot be written", "give every row a plain key")
        if uri is None:
            return self.broken(_said(row), where, "no_key", f"{' and '.join(self._options.key)} is empty", "give every row a key")
        if _SURROGATE.search(keys) or "\ufffd" in keys:
            return self.broken(_said(row), where, "undecodable", "its key is no text", _UNDECODABLE_HINT)
        tags: AccessTags | None = None
        try:
            tags = self._tags(uri, row)
            item = self._item(uri, row, tags)
        except (RecursionError, ValueError):
            what = f"source '{self._source}': {uri}: its values are nested too deeply"
            failed = DocumentError("malformed_record", what, hint="flatten them", tags=tags)
            return Listed(ItemRef(uri, digest("broken", what, _said(tags))), failed)
        except DocumentError as error:
            error.tags = tags  # what stays in its place is for whom the row says now
            return Listed(ItemRef(uri, digest("broken", error.message, _said(row))), error)
        return Listed(ItemRef(uri, item.validator, item.modified, len(item.content)), item)

    def broken(self, raw: str, where: str, reason: str, what: str, hint: str) -> Listed:
        """A row that cannot be told apart by its key: an item by its content, failing when it is fetched."""
        identity = digest(reason, raw)
        uri = f"{self._prefix}#{identity[:12]}"
        return Listed(ItemRef(uri, identity), DocumentError(reason, f"source '{self._source}': {where}: {what}", hint=hint))

    def doubled(self, row: Mapping[str, Any], raw: str, where: str, names: Sequence[str]) -> Listed:
        """An object that gives names twice, of which nobody can say what counts: it fails, and nothing older stays for it."""
        shown = ", ".join(repr(plain_text(name)) for name in names[:5])
        uri = self.uri(row) if not {re.split(r"[.\[]", path)[0] for path in self._options.key} & set(names) else None
        if uri is None:
            return self.broken(raw, where, "malformed_record", f"gives {shown} twice: which one counts?", _TWICE_HINT)
        what = f"source '{self._source}': {uri}: gives {shown} twice: which one counts?"
        failed = DocumentError("malformed_record", what, hint=_TWICE_HINT, withdraws=True)
        return Listed(ItemRef(uri, digest("doubled", raw)), failed)

    def uri(self, row: Mapping[str, Any]) -> str | None:
        """`<prefix>/<key>`; of several key columns, joined by `/` with any `/` inside escaped. None without a key."""
        parts = [plain(value_at(row, path)) for path in self._options.key]
        if not all(parts):
            return None
        return self._prefix + "/".join(_escaped(part, self._safe) for part in parts)

    def version(self, row: Mapping[str, Any]) -> str | None:
        """A validator from `updated_at` (and the tags, which must not wait for it); None where the row has none."""
        updated = value_at(row, self._options.updated_at) if self._options.updated_at else None
        if updated is None:
            return None
        tags = plain(value_at(row, self._options.tags)) if self._options.tags else None
        return f"{plain(updated)}:{digest(self._shape, tags)[:16]}"

    def _item(self, uri: str, row: Mapping[str, Any], tags: AccessTags | None) -> RawItem:
        content = self._body(uri, row)
        if len(content) > self._options.max_bytes:
            raise DocumentError(
                "too_large",
                f"source '{self._source}': {uri}: {len(content)} bytes, max_bytes is {self._options.max_bytes}",
                hint="raise max_bytes of this source, or leave the row out",
            )
        metadata = {name: jsonable(value_at(row, path)) for name, path in self._metadata.items()}
        if any(_SURROGATE.search(plain(value)) for value in metadata.values()):
            raise self._undecodable(uri)
        stated = json.dumps([sorted(tags) if tags is not None else None, metadata], sort_keys=True)
        updated = value_at(row, self._options.updated_at) if self._options.updated_at else None
        return RawItem(
            uri=uri,
            content=content,
            validator=self.version(row) or digest(self._shape, content, stated),
            media_type=self._options.media_type,
            modified=moment(updated),
            metadata={name: value for name, value in metadata.items() if value is not None},
            tags=tags,
            named=False,
        )

    def _undecodable(self, uri: str) -> DocumentError:
        return DocumentError(
            "undecodable", f"source '{self._source}': {uri}: holds bytes that are no text", hint=_UNDECODABLE_HINT
        )

    def _encoded(self, uri: str, text: str) -> bytes:
        try:
            return text.encode("utf-8")
        except UnicodeEncodeError:
            raise self._undecodable(uri) from None

    def _body(self, uri: str, row: Mapping[str, Any]) -> bytes:
        named = self._options.columns() if self._options.template is not None else self._options.text
        alone = self._options.template is None and len(named) == 1 and not self._options.title
        if not alone and not all(_is_text(value_at(row, path)) for path in named):
            raise self._undecodable(uri)
        if self._options.template is not None:
            parts = string.Formatter().parse(self._options.template)
            filled = (literal + (plain(value_at(row, name)) if name else "") for literal, name, _, _ in parts)
            return self._encoded(uri, "".join(filled))
        values = [value_at(row, path) for path in self._options.text]
        title = " ".join(plain(value_at(row, self._options.title)).split()) if self._options.title else ""
        if len(values) == 1 and isinstance(values[0], bytes | memoryview) and not title:
            return bytes(values[0])
        text = "\n\n".join(part for value in values if (part := plain(value)))
        if title:
            media_type = self._options.media_type
            text = _HEADED[media_type].format(title=html.escape(title) if media_type == "text/html" else title) + text
        return self._encoded(uri, text)

    def _tags(self, uri: str, row: Mapping[str, Any]) -> AccessTags | None:
        if self._options.tags is None:
            return None
        stated = value_at(row, self._options.tags)
        if isinstance(stated, str):
            stated = stated.split(",")
        words = stated if isinstance(stated, list | tuple | set) else [] if stated is None else [stated]
        if not all(isinstance(word, str | int) and "," not in str(word) for word in words):
            raise DocumentError(
                "bad_tags",
                f"source '{self._source}': {uri}: the tags in '{self._options.tags}' are no list of words",
                hint="name a column with a list, or with words separated by commas",
                withdraws=True,  # by which permissions would the version before stay?
            )
        named = [plain(word).strip() for word in words]
        if self._options.tag_map is not None:
            named = [tag for word in named for tag in self._options.tag_map.get(word, ())]
        return AccessTags(tag for tag in named if tag)


_SURROGATE = re.compile("[\ud800-\udfff]")
_TWICE_HINT = "give each name once"
_UNDECODABLE_HINT = "mend it at the source, or leave the row out"
_HEADED = {"text/markdown": "# {title}\n\n", "text/html": "<h1>{title}</h1>\n", "text/plain": "{title}\n\n"}


def plain(value: Any) -> str:
    """A value as text for people: dates in ISO 8601, what is nested as JSON, nothing as nothing."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case bytes() | memoryview():
            return _of_bytes(bytes(value))
        case datetime() | date() | time():
            return value.isoformat()
        case Mapping() | list() | tuple():
            return json.dumps(jsonable(value), ensure_ascii=False)
        case set() | frozenset():
            return json.dumps(sorted(map(plain, value)), ensure_ascii=False)
    return str(value)


def _of_bytes(value: bytes) -> str:
    """Bytes that are text as that, others (a UUID of a database) in hexadecimal."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return value.hex()
    return text if all(c.isprintable() or c.isspace() for c in text) else value.hex()


def _is_text(value: Any) -> bool:
    """Whether a value is no bytes that UTF-8 does not read."""
    try:
        return not isinstance(value, bytes | memoryview) or bytes(value).decode("utf-8") is not None
    except UnicodeDecodeError:
        return False


def _said(row: Any) -> str:
    """A row, or its tags, as it can be hashed, whatever is in it."""
    try:
        return repr(row)
    except (RecursionError, ValueError):
        return " ".join(map(str, row))


def jsonable(value: Any) -> Any:
    """A value as metadata: plain values only."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if -_LONG <= value < _LONG else str(value)
        case float():
            return value if value == value and abs(value) != float("inf") else None
        case Decimal():
            return float(value) if value.is_finite() else None
        case Mapping():
            return {str(key): jsonable(found) for key, found in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | memoryview):
        return [jsonable(found) for found in (value if isinstance(value, Sequence) else sorted(map(plain, value)))]
    return plain(value)


def moment(value: Any) -> datetime | None:
    """A column's time as aware UTC: a datetime, a date, ISO 8601, or seconds since 1970; None for anything else."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value.strip())
        elif isinstance(value, int | float) and not isinstance(value, bool):
            value = datetime.fromtimestamp(value, UTC)
        elif isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)
        if not isinstance(value, datetime):
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _escaped(part: str, safe: frozenset[str]) -> str:
    """Text stays readable; what would be invisible, or taken for another part, is percent-encoded."""
    if part.isalnum() and part.isascii():
        return part
    return "".join(c if c in safe or (ord(c) > 127 and c.isprintable()) else quote(c, safe="", errors="replace") for c in part)
