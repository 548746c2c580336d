"""Unstructured's elements as one text with exact offsets, and the hierarchy of headings above each of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import lxml.html

from sluice.records import Element

_SOFT_HYPHEN = re.compile("\xad(?!\\s*\n)")
"""Where a word may be cut; at a line's end it is one that was (`ingest.clean` joins those)."""
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_STRUCK_OVER = re.compile(r"[^\n\b]\x08")
_UNSEEN = re.compile("[\x80-\x9f\u2028\u2029]")
_TWICE = re.compile("[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_CONTROLS = re.compile("[\x01-\x08\x0e-\x1f\x7f]")
_KINDS = {
    "Title": "title",
    "ListItem": "list",
    "Table": "table",
    "CodeSnippet": "code",
    "NarrativeText": "text",
    "UncategorizedText": "text",
    "Address": "text",
    "EmailAddress": "text",
}


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that a person would see in the document and that its text does not have.

    `what` is a short stable name (`hidden_sheet`, `comment`, `picture`), `count` how many of them, `where` up to a few
    places in the document's own words (a sheet's name, a page). `share` is the part of the document's text that is missing
    with it (0 to 1), where the reader knows: what a limit can be set on.
    """

    what: str
    count: int = 1
    where: str = ""
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Piece:
    """One element before it has its place: `depth` is the level of a title, 0 for the outermost."""

    kind: str
    text: str
    depth: int = 0
    page: int | None = None


def pieces(elements: Iterable[Any]) -> list[Piece]:
    """Those of unstructured's elements that have text, with table rows as lines of cells joined by ` | `."""
    found: list[Piece] = []
    for element in elements:
        kind = _KINDS.get(element.category, "other")
        text = _table(element) if kind == "table" else str(element.text or "")
        if text := clean(text, keep_indent=kind == "code"):
            found.append(Piece(kind, text, element.metadata.category_depth or 0, element.metadata.page_number))
    return found


def assembled(found: Iterable[Piece]) -> tuple[str, tuple[Element, ...]]:
    """The text (pieces joined by a blank line, items of a list by a line break) and its elements.

    A title's path is the titles above it and itself; a title closes every earlier one of the same or a deeper level.
    """
    parts: list[str] = []
    elements: list[Element] = []
    headings: list[tuple[int, str]] = []
    position, before = 0, ""
    for piece in filter(None, map(_without_soft_hyphens, found)):
        if parts:
            gap = "\n" if piece.kind == before == "list" else "\n\n"
            parts.append(gap)
            position += len(gap)
        if piece.kind == "title":
            headings = [heading for heading in headings if heading[0] < piece.depth]
            headings.append((piece.depth, " ".join(piece.text.split())))
        end = position + len(piece.text)
        elements.append(Element(piece.kind, position, end, tuple(text for _, text in headings), piece.page))
        parts.append(piece.text)
        position, before = end, piece.kind
    return "".join(parts), tuple(elements)


def _without_soft_hyphens(piece: Piece) -> Piece | None:
    """Where a word may be cut is no letter of it: nobody would find it. None where nothing else was there."""
    if "\xad" not in piece.text or piece.kind == "code":
        return piece
    text = _SOFT_HYPHEN.sub("", piece.text)
    return replace(piece, text=text) if text.strip() else None


def _table(element: Any) -> str:
    markup = element.metadata.text_as_html
    if not markup:
        return str(element.text or "")
    rows = lxml.html.fragment_fromstring(markup, create_parent="div").iter("caption", "tr")
    texts = ([cell.text_content() for cell in ([row] if row.tag == "caption" else row.xpath("./td|./th"))] for row in rows)
    return "\n".join(filter(None, map(row_text, texts)))


def row_text(cells: Iterable[str]) -> str:
    """A table row as a line of text: cells joined by ` | `, empty ones at its end left out."""
    texts = [" ".join(cell.replace("\0", "").split()) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return " | ".join(texts).strip()


def clean(text: str, *, keep_indent: bool = False) -> str:
    """Text as every store can hold it and a search can find it: line ends, no-break spaces, invisible hyphens, zeros.

    What moves or colours a terminal's letters (colours, a letter typed over another) leaves the letters that are seen.
    """
    if _CONTROLS.search(text):
        text = _CONTROLS.sub("", _STRUCK_OVER.sub("", _COLOURS.sub("", text)))
    if not text.isascii():
        if _UNSEEN.search(text):
            text = _once(text).replace("\x85", "\n").replace("\u2028", "\n").replace("\u2029", "\n\n")
        text = text.replace("\xa0", " ")
        if "\xad" in text:
            text = _SOFT_HYPHEN.sub("", text)
        # PDF fonts can decode to half a surrogate pair, which no store can encode.
        text = text.encode("utf-8", "replace").decode("utf-8")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return text.strip("\n").rstrip() if keep_indent else text.strip()


def _once(text: str) -> str:
    """A text without what was encoded twice: UTF-8 that was taken for Latin-1 and saved as UTF-8 again.

    It has control characters that nobody sees (of `â€™` only the `â`), and only there: what a person can see stays as it is.
    """

    def character(found: re.Match[str]) -> str:
        try:
            return found.group().encode("latin-1").decode("utf-8")
        except UnicodeDecodeError:
            return found.group()

    twice = any(any("\x80" <= sign <= "\x9f" for sign in found) and len(found) > 1 for found in _TWICE.findall(text))
    return _TWICE.sub(character, text) if twice else text
