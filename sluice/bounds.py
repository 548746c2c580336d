"""How much a document may say beside its text: title, heading path and metadata are copied into every one of its points.

Without a bound, a file of half a megabyte whose one heading is all of its text makes gigabytes of store. What is beyond a bound
is cut, and whoever cuts says so (`losses`); data quality checks that nothing beyond it is stored. Pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sluice.records import Document, Element, Metadata

MAX_URI = 4_000
"""A uri is never cut: it is what a document is known by."""
MAX_TITLE = 500
MAX_HEADING = 300
MAX_HEADINGS = 12
"""Headings in a path: the outermost and the innermost stay."""
MAX_METADATA = 8_000
"""Characters of all keys and values of a document's metadata."""
MAX_VALUE = 2_000
MAX_KEY = 100
MAX_DEPTH = 6
MAX_LABEL = MAX_TITLE + MAX_HEADINGS * (MAX_HEADING + 1) + 2 * MAX_METADATA
"""Characters that a point may hold beside its text; metadata counts twice, for JSON escapes."""

_NEAR = 200
_MARK = "…"
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATES = re.compile("[\x00\ud800-\udfff]")
_LONG = 2**63


@dataclass(slots=True)
class Cuts:
    """How often something was cut, by what it was."""

    titles: int = 0
    headings: int = 0
    metadata: int = 0

    def as_losses(self) -> list[dict[str, Any]]:
        """`{what, count, where}` of each that was cut."""
        said = (("title_cut", self.titles), ("heading_cut", self.headings), ("metadata_cut", self.metadata))
        return [{"what": what, "count": count, "where": ""} for what, count in said if count]


def storable(text: str) -> str:
    """The text, of equal length, with U+FFFD for what no store can hold: half surrogate pairs and zeros."""
    return _SURROGATES.sub("\ufffd", text)


def label(text: str, limit: int) -> str:
    """One line of at most so many characters, without control characters."""
    if len(text) > 4 * limit:
        text = text[: 4 * limit] + _MARK
    flat = " ".join(_CONTROLS.sub(" ", storable(text)).split())
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + _MARK


def bounded(document: Document) -> tuple[Document, Cuts]:
    """The document within the bounds, its text and offsets unchanged; idempotent."""
    cuts = Cuts()
    paths: dict[tuple[str, ...], tuple[str, ...]] = {}
    for element in document.elements:
        if element.heading_path not in paths:
            paths[element.heading_path] = _path(element.heading_path, cuts)
    title = label(document.title, MAX_TITLE)
    cuts.titles = int(len(" ".join(document.title.split())) > MAX_TITLE)
    elements = tuple(_with_path(element, paths[element.heading_path]) for element in document.elements)
    metadata, cuts.metadata = bounded_metadata(document.metadata)
    return replace(document, title=title, text=storable(document.text), elements=elements, metadata=metadata), cuts


def bounded_metadata(metadata: Metadata) -> tuple[dict[str, Any], int]:
    """Plain, storable values within the bounds, in their order; and how many were cut or left out."""
    walk = _Walk()
    return walk.mapping(metadata, 0), walk.cuts


def size(value: Any) -> int:
    """Characters of a plain value: its keys and texts; a number is as long as it is written."""
    match value:
        case str():
            return len(value)
        case Mapping():
            return sum(len(str(key)) + size(item) for key, item in value.items())
        case list() | tuple():
            return sum(map(size, value)) + len(value)
    return len(str(value))


class _Walk:
    """Goes through metadata with what room is left."""

    def __init__(self) -> None:
        self.room, self.cuts = MAX_METADATA, 0

    def mapping(self, values: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for position, (key, value) in enumerate(values.items()):
            name = label(str(key), MAX_KEY)
            if self.room <= len(name) or name in kept:
                self.cuts += 1 if name in kept else len(values) - position
                if name in kept:
                    continue
                break
            self.room -= len(name)
            kept[name] = self.value(value, depth + 1)
        return kept

    def value(self, value: Any, depth: int) -> Any:
        match value:
            case bool() | None:
                self.room -= 5
                return value
            case Mapping() if depth < MAX_DEPTH:
                return self.mapping(value, depth)
            case list() | tuple() if depth < MAX_DEPTH:
                return self._list(value, depth)
            case int() if -_LONG <= value < _LONG:
                self.room -= len(str(value))
                return value
            case float() if math.isfinite(value):
                self.room -= len(str(value))
                return value
        return self._text(value)

    def _list(self, values: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
        kept = []
        for position, value in enumerate(values):
            if self.room <= 0:
                self.cuts += len(values) - position
                break
            self.room -= 1
            kept.append(self.value(value, depth + 1))
        return kept

    def _text(self, value: Any) -> str:
        deep = isinstance(value, Mapping | list | tuple)
        text = _MARK if deep else storable(value if isinstance(value, str) else _written(value))
        text = _CONTROLS.sub(" ", text)
        limit = max(min(MAX_VALUE, self.room), 1)
        if deep or len(text) > limit:
            self.cuts += 1
            text = text if len(text) <= limit else _cut(text, limit - 1) + _MARK
        self.room -= len(text)
        return text


def _cut(text: str, limit: int) -> str:
    """At a blank where one is near: half a word may be half a secret, which nothing finds any more."""
    cut = text[:limit]
    blank = -1 if text[limit].isspace() else cut.rfind(" ", max(limit - _NEAR, 0))
    return cut[:blank] if blank > 0 else cut


def _written(value: Any) -> str:
    try:
        return str(value)
    except ValueError:  # an integer of thousands of digits
        return _MARK


def _path(path: tuple[str, ...], cuts: Cuts) -> tuple[str, ...]:
    shown = path if len(path) <= MAX_HEADINGS else (*path[: MAX_HEADINGS // 2], *path[-(MAX_HEADINGS // 2) :])
    if len(shown) < len(path) or any(len(heading) > MAX_HEADING for heading in shown):
        cuts.headings += 1
    return tuple(filter(None, (label(heading, MAX_HEADING) for heading in shown)))


def _with_path(element: Element, path: tuple[str, ...]) -> Element:
    return element if element.heading_path == path else replace(element, heading_path=path)
