"""Changes to a document's text that keep every offset true: what cleaning, redaction and poison rules have in common."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sluice.records import Document, Element


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """`text[start:end]` becomes `replacement`."""

    start: int
    end: int
    replacement: str = ""


def edited(text: str, edits: Iterable[Edit]) -> str:
    """The text with the edits made; of two that overlap, the one that starts first counts."""
    parts, position = [], 0
    for edit in disjoint(edits):
        parts += [text[position : edit.start], edit.replacement]
        position = edit.end
    return "".join([*parts, text[position:]])


def apply(document: Document, edits: Iterable[Edit], rewrite: Callable[[str], str] = lambda text: text) -> Document:
    """The document with its text edited, its elements moved along, and `rewrite` done to its other words.

    Those are title, heading paths and the texts in its metadata. An element of which nothing is left goes. The law holds
    after as before: elements are in order, do not overlap, and lie within the text.
    """
    changes = disjoint(edits)
    rewritten = cache(rewrite)
    text = edited(document.text, changes)
    return replace(
        document,
        text=text,
        elements=tuple(_moved(document.elements, changes, text, rewritten)),
        title=rewritten(document.title),
        metadata=_through(document.metadata, rewritten),
    )


def without(document: Document, gone: Callable[[Element], bool]) -> Document:
    """The document without these elements and the white space that set them apart."""
    edits = []
    for place, element in enumerate(document.elements):
        if gone(element):
            following = document.elements[place + 1 :]
            edits.append(Edit(element.start, following[0].start if following else len(document.text)))
    return apply(document, edits) if edits else document


def disjoint(edits: Iterable[Edit]) -> list[Edit]:
    """In order, without those that overlap an earlier one (of two at one start, the longer stays)."""
    kept: list[Edit] = []
    for edit in sorted(edits, key=lambda e: (e.start, -e.end)):
        if not kept or edit.start >= kept[-1].end:
            kept.append(edit)
    return kept


def merged(edits: Iterable[Edit]) -> list[Edit]:
    """Removals as their union, where they overlap or touch."""
    whole: list[Edit] = []
    for edit in sorted(edits):
        if whole and edit.start <= whole[-1].end:
            whole[-1] = Edit(whole[-1].start, max(whole[-1].end, edit.end))
        else:
            whole.append(edit)
    return whole


def _moved(elements: Sequence[Element], edits: Sequence[Edit], text: str, rewritten: Callable[[str], str]) -> Iterable[Element]:
    starts = [edit.start for edit in edits]
    shifts = [0]
    for edit in edits:
        shifts.append(shifts[-1] + len(edit.replacement) - (edit.end - edit.start))

    def place(position: int) -> int:
        """Where a boundary lies now; one inside what was replaced comes to lie behind the replacement."""
        done = bisect_right(starts, position - 1)
        inside = done > 0 and position < edits[done - 1].end
        return (edits[done - 1].end if inside else position) + shifts[done]

    for element in elements:
        start, end = place(element.start), place(element.end)
        if text[start:end].strip():
            path = tuple(rewritten(heading) for heading in element.heading_path)
            yield replace(element, start=start, end=end, heading_path=tuple(heading for heading in path if heading))


def _through(value: Any, rewritten: Callable[[str], str]) -> Any:
    match value:
        case str():
            return rewritten(value)
        case Mapping():
            return {rewritten(str(key)): _through(item, rewritten) for key, item in value.items()}
        case list() | tuple():
            return [_through(item, rewritten) for item in value]
    return value


def texts(value: Any) -> list[str]:
    """Every text in a plain value, however deep; keys too, for they are rewritten with the rest."""
    match value:
        case str():
            return [value]
        case Mapping():
            return [text for key, item in value.items() for text in (str(key), *texts(item))]
        case list() | tuple():
            return [text for item in value for text in texts(item)]
    return []
