"""Front matter: the block of YAML, TOML or JSON at the head of a Markdown file, or of another text that begins with one.

`title`, `access_tags` and `expires` have a meaning here; every other key becomes metadata, and an address that the block
gives as the document's own becomes `canonical_uri` (see `ingest.canonical`). Whatever cannot be read with certainty is an
error: a mistyped permission must keep the document out, not let it through. So does a block that is none quite (unclosed, not
at the head, in a comment) and names a permission or an expiry: it never passes as text.

A key that is given twice is no error: the last one counts, as in most readers of YAML, but of `access_tags` only what all of
them grant, and of `expires` the earliest; spellings of one key (`ingest.front_keys`) are one key. Metadata
`front_matter_repeats` names such keys. No error quotes a value: it may be a secret.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

import yaml

from ingest import canonical, front_block
from ingest.front_block import Block
from ingest.front_keys import meaning
from sluice.access import AccessTags
from sluice.errors import DocumentError
from sluice.jsons import bounded
from sluice.records import Metadata

REPEATS = "front_matter_repeats"
"""Metadata: the keys that a document's front matter gives more than once."""

_LONGEST = 256 * 1024
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
    """Separate front matter from Markdown; raises DocumentError `bad_front_matter`.

    A block that is no mapping of keys and names no permission is not front matter (a rule, a quotation): it stays in the text.
    """
    block = front_block.find(text)
    if block is None:
        if front_block.unclosed(text):
            _refuse_nearly(text, 0, uri, "the block is never closed", "end it with a line of ---")
        _refuse_nearly(text, 0, uri)
        return FrontMatter(body=text)
    values, repeated = _read(block, uri)
    if not isinstance(values, dict):
        _refuse_nearly(block.inner, 0, uri)
        _refuse_nearly(text, 0, uri)
        return FrontMatter(body=text)
    _refuse_nearly(text, block.end, uri)
    return _meant(text[block.end :], values, repeated, uri)


def split_other(text: str, *, uri: str = "") -> FrontMatter:
    """As `split`, of a text that is not Markdown: only a fenced block that names a title, a permission or an expiry is taken.

    In plain text, `---` may be a line that somebody drew, and what is between two of them is for people to read.
    """
    block = front_block.find(text)
    if block is not None and not block.bare:
        named = front_block.names(block.inner) or re.search(r"(?mi)^[\"']?title[\"']?\s*[:=]", block.inner)
        if named:
            return split(text, uri=uri)
    elif block is None and front_block.unclosed(text):
        return split(text, uri=uri)
    _refuse_nearly(text, 0, uri)
    return FrontMatter(body=text)


def _meant(body: str, values: dict[Any, Any], repeated: dict[Any, list[Any]], uri: str) -> FrontMatter:
    _refuse_mistyped(values, uri)
    budget = [_MAX_VALUES]
    tags = [_tags(stated, uri) for stated in _all("tags", values, repeated)]
    expires = [_expires(stated, uri) for stated in _all("expires", values, repeated)]
    title = _title(values.pop("title", None), uri)
    address = canonical.of_values(values)
    about = {str(key): _plain(value, uri, budget) for key, value in values.items()}
    about.pop(canonical.CANONICAL_URI, None)
    return FrontMatter(
        body=body,
        title=title,
        tags=AccessTags(frozenset.intersection(*tags)) if tags else None,
        expires=min(expires, default=None),
        metadata=about
        | ({canonical.CANONICAL_URI: address} if address else {})
        | ({REPEATS: sorted(map(str, repeated))} if repeated else {}),
    )


def _refuse_nearly(text: str, start: int, uri: str, what: str = "", hint: str = "") -> None:
    """Raise for a text that names a permission or an expiry as front matter does, where no front matter is."""
    if key := front_block.nearly(text, start):
        said = what or f"'{key[:40]}' stands at the head of the document, outside a block that can be read"
        raise bad(uri, said, hint or "put it between two lines of --- at the very beginning; in an example, use a fence of code")


def _refuse_mistyped(values: Mapping[Any, Any], uri: str) -> None:
    """Raise for a key that is nearly one of ours, and for one of ours below another key: neither says for certain what counts."""
    for key in values:
        if meaning(str(key)).startswith("nearly"):
            ours = "access_tags" if meaning(str(key)) == "nearly_tags" else "expires"
            raise bad(uri, f"'{str(key)[:40]}' is nearly '{ours}'", f"write {ours}, or another word if it is something else")
    for outer, value in values.items():
        for key in value if isinstance(value, dict) else ():
            if meaning(f"{outer}{key}") in ("tags", "nearly_tags"):
                raise bad(
                    uri, f"'{str(outer)[:40]}' holds '{str(key)[:40]}', nearly 'access_tags'", "write access_tags as one key"
                )
        if isinstance(value, str) and "\n" in value and (key := front_block.nearly(value)):
            raise bad(uri, f"'{key[:40]}' stands within the text of '{str(outer)[:40]}'", "write it at the block's own level")
        for key in keys_of(value):
            if meaning(key) in ("tags", "nearly_tags") or key == "expires":
                raise bad(uri, f"'{key[:40]}' stands below '{str(outer)[:40]}'", "write it at the block's own level")


def keys_of(value: Any) -> Iterator[str]:
    """Every key of a plain value, however deep."""
    waiting, seen = [value], 0
    while waiting and (seen := seen + 1) <= _MAX_VALUES:  # aliases: what is beyond is refused when values are made plain
        match waiting.pop():
            case dict() as inner:
                yield from (str(key) for key in inner)
                waiting += inner.values()
            case list() as inner:
                waiting += inner


def _read(block: Block, uri: str) -> tuple[Any, dict[Any, list[Any]]]:
    """The block's values, and all values of each key that it gives more than once; raises DocumentError."""
    if len(block.inner) > _LONGEST:
        raise bad(uri, f"{len(block.inner)} characters; allowed: {_LONGEST}", "keep front matter small")
    try:
        values, repeated = _READERS[block.language](block.inner)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise bad(uri, f"not valid {block.language.upper()}{_where(error)}", "correct the block") from None
    return ({} if values is None else values), repeated


def _read_yaml(block: str) -> tuple[Any, dict[Any, list[Any]]]:
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
        if isinstance(node, yaml.MappingNode):  # merged in by now: of what it says of a permission, all of it counts
            merged = [
                (loader.construct_object(k), value)
                for k, value in node.value
                if isinstance(k, yaml.ScalarNode) and k.tag != _MERGE
            ]
            for key in {key for key, _ in merged if meaning(str(key)) in ("tags", "expires")}:
                said = [value for other, value in merged if other == key]
                repeated |= {key: said} if len(said) > 1 else {}
        return values, {key: [loader.construct_object(value, deep=True) for value in found] for key, found in repeated.items()}
    finally:
        loader.dispose()


def _read_toml(block: str) -> tuple[Any, dict[Any, list[Any]]]:
    return tomllib.loads("\n".join(block.splitlines())), {}


def _read_json(block: str) -> tuple[Any, dict[Any, list[Any]]]:
    given: dict[Any, list[Any]] = {}

    def noted(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        given.clear()  # the outermost object comes last
        for key, value in pairs:
            given.setdefault(key, []).append(value)
        return dict(pairs)

    values = bounded(block, object_pairs_hook=noted)
    return values, {key: found for key, found in given.items() if len(found) > 1} if isinstance(values, dict) else {}


_READERS = {"yaml": _read_yaml, "toml": _read_toml, "json": _read_json}


def _where(error: Exception) -> str:
    """Where a block breaks, and how, without a word of what it says."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "msg", None) or str(error)
    line = mark.line + 1 if mark is not None else getattr(error, "lineno", None)
    said = re.sub(r"'[^']*'|\"[^\"]*\"|\S{20,}", "…", " ".join(str(problem).split()))[:120]
    return (f", line {line}" if line is not None else "") + f": {said}"


def _all(what: str, values: dict[Any, Any], repeated: dict[Any, list[Any]]) -> list[Any]:
    """Every value that the block gives for a key, in any of its spellings; they leave `values`."""
    found: list[Any] = []
    for key in [key for key in values if meaning(str(key)) == what]:
        found += repeated.get(key, [values[key]])
        del values[key]
    return found


def _title(value: Any, uri: str) -> str:
    if isinstance(value, dict | list | set):
        raise bad(uri, f"'title' is a {type(value).__name__}", "write it as one line of text")
    return "" if value is None else " ".join(str(value).split())


def _tags(value: Any, uri: str) -> AccessTags:
    stated = [value] if isinstance(value, str) else value
    if not isinstance(stated, list) or not all(isinstance(tag, str) and tag.strip() and "," not in tag for tag in stated):
        raise bad(
            uri,
            f"'access_tags' is no list of tags ({type(value).__name__})",
            "write a tag or a list of tags: access_tags: [hr, legal]",
        )
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
        raise bad(uri, "'expires' is no date", "write expires: 2026-12-31, or a date and time in ISO 8601")
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise bad(uri, "'expires' is out of range", "write a year from 1 to 9999") from None


def _plain(value: Any, uri: str, budget: list[int], depth: int = 0) -> Any:
    """A value that JSON and a store can hold."""
    budget[0] -= 1
    if budget[0] < 0 or depth > 20:
        raise bad(uri, f"more than {_MAX_VALUES} values or 20 levels", "keep front matter small")
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


def bad(uri: str, what: str, hint: str) -> DocumentError:
    """What is raised for permissions that cannot be read with certainty, or that nothing reads."""
    return DocumentError("bad_front_matter", f"{uri}: front matter: {what}", hint=hint, withdraws=True)
