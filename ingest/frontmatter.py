"""Front matter: the YAML block between two `---` lines at the head of a Markdown file.

`title`, `access_tags` and `expires` have a meaning here; every other key becomes metadata, and an address that the block
gives as the document's own becomes `canonical_uri` (see `ingest.canonical`). Whatever cannot be read with certainty is an
error: a mistyped permission must keep the document out, not let it through.

A key that is given twice is no error: the last one counts, as in most readers of YAML, but of `access_tags` only what all of
them grant, and of `expires` the earliest. Metadata `front_matter_repeats` names such keys.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

import yaml

from ingest import canonical
from sluice.access import AccessTags
from sluice.errors import DocumentError
from sluice.records import Metadata

REPEATS = "front_matter_repeats"
"""Metadata: the keys that a document's front matter gives more than once."""

_BLOCK = re.compile(r"---[ \t]*\r?\n(.*?)(?:^)(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_UNCLOSED = re.compile(r"---[ \t]*\r?\n(?:[^\r\n]+\r?\n)*?(?:access_tags|expires)[ \t]*:")
_MAX_VALUES = 10_000  # YAML aliases can turn a hundred bytes into billions of values
_MERGE = "tag:yaml.org,2002:merge"
_LONG = 2**63  # what a store keeps as an integer


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What the block says, and the text after it."""

    body: str
    title: str = ""
    tags: AccessTags | None = None
    expires: datetime | None = None
    metadata: Metadata = field(default_factory=dict)


def split(text: str, *, uri: str = "") -> FrontMatter:
    """Separate front matter from text; raises DocumentError `bad_front_matter`.

    A block that is no mapping of keys is not front matter (a rule, a quotation): it stays in the text.
    """
    block = _BLOCK.match(text)
    if block is None:
        if _UNCLOSED.match(text):
            raise _bad(uri, "the block is never closed", "end it with a line of ---")
        return FrontMatter(body=text)
    try:
        values, repeated = _read(block.group(1))
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise _bad(uri, f"not valid YAML: {' '.join(str(error).split())[:200]}", "correct the block") from None
    if values is None:
        values = {}
    if not isinstance(values, dict):
        return FrontMatter(body=text)
    budget = [_MAX_VALUES]
    tags = [_tags(stated, uri) for stated in _all("access_tags", values, repeated)]
    expires = [_expires(stated, uri) for stated in _all("expires", values, repeated)]
    title = _title(values.pop("title", None), uri)
    address = canonical.of_values(values)
    about = {str(key): _plain(value, uri, budget) for key, value in values.items()}
    about.pop(canonical.CANONICAL_URI, None)
    return FrontMatter(
        body=text[block.end() :],
        title=title,
        tags=AccessTags(frozenset.intersection(*tags)) if tags else None,
        expires=min(expires, default=None),
        metadata=about
        | ({canonical.CANONICAL_URI: address} if address else {})
        | ({REPEATS: sorted(map(str, repeated))} if repeated else {}),
    )


def _read(block: str) -> tuple[Any, dict[Any, list[Any]]]:
    """The block's values, and all values of each key that it gives more than once."""
    loader = yaml.SafeLoader(block)
    try:
        node = loader.get_single_node()
        written = list(node.value) if isinstance(node, yaml.MappingNode) else []  # before merge keys are resolved in place
        values = None if node is None else loader.construct_document(node)
        given: dict[Any, list[Any]] = {}
        for key, value in written:
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                given.setdefault(loader.construct_object(key), []).append(value)
        repeated = {key: found for key, found in given.items() if len(found) > 1}
        return values, {key: [loader.construct_object(value, deep=True) for value in found] for key, found in repeated.items()}
    finally:
        loader.dispose()


def _all(key: str, values: dict[Any, Any], repeated: dict[Any, list[Any]]) -> list[Any]:
    """Every value that the block gives for a key; it leaves `values`."""
    return repeated.get(key, [values.pop(key)]) if key in values else []


def _title(value: Any, uri: str) -> str:
    if isinstance(value, dict | list | set):
        raise _bad(uri, f"'title' is a {type(value).__name__}", "write it as one line of text")
    return "" if value is None else " ".join(str(value).split())


def _tags(value: Any, uri: str) -> AccessTags:
    stated = [value] if isinstance(value, str) else value
    if not isinstance(stated, list) or not all(isinstance(tag, str) and tag.strip() and "," not in tag for tag in stated):
        raise _bad(uri, f"'access_tags' is {str(value)[:80]!r}", "write a tag or a list of tags: access_tags: [hr, legal]")
    return AccessTags(tag.strip() for tag in stated)


def _expires(value: Any, uri: str) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            value = None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())  # a day: it has expired from its first moment (UTC) on
    if not isinstance(value, datetime):
        raise _bad(uri, "'expires' is no date", "write expires: 2026-12-31, or a date and time in ISO 8601")
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise _bad(uri, "'expires' is out of range", "write a year from 1 to 9999") from None


def _plain(value: Any, uri: str, budget: list[int], depth: int = 0) -> Any:
    """A value that JSON and a store can hold."""
    budget[0] -= 1
    if budget[0] < 0 or depth > 20:
        raise _bad(uri, f"more than {_MAX_VALUES} values or 20 levels", "keep front matter small")
    match value:
        case dict():
            return {str(key): _plain(item, uri, budget, depth + 1) for key, item in value.items()}
        case list():
            return [_plain(item, uri, budget, depth + 1) for item in value]
        case set():
            return sorted(str(item) for item in value)
        case date():
            return value.isoformat()
        case bool() | str() | None:
            return value
        case int() if -_LONG <= value < _LONG:
            return value
        case float() if math.isfinite(value):
            return value
        case _:
            return str(value)


def _bad(uri: str, what: str, hint: str) -> DocumentError:
    return DocumentError("bad_front_matter", f"{uri}: front matter: {what}", hint=hint)
