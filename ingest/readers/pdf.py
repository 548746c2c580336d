"""PDF, and pictures: what is laid out on pages (through PDFium), and what OCR sees in them.

Kept: columns one after the other, text that stands sideways (after the page's own), words cut at a line's end as one,
form fields and typed notes where they stand. Ligatures and other forms of letters are the letters. Out and said: lines
that every page repeats, page numbers, comments, attachments, text and pages that no font explains.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ingest import nlp, ocr, properties
from ingest.elements import Piece
from ingest.readers import pdflayers, pdflayout, pdftables
from ingest.readers.base import Loss, Reading, malformed, partitioned, protected
from ingest.readers.pdffields import fields
from ingest.readers.pdfglyphs import glyphs
from ingest.readers.pdflayout import Line
from sluice.display import counted
from sluice.errors import DocumentDropped, DocumentError

Tables = Literal["fast", "pdfplumber"]
"""Whose eyes see the lines around cells: PDFium's, or pdfplumber's. Tables without lines are seen by their gaps."""

_REPEATED = 0.4
"""Share of the pages, and at least three of them, whose edge a line must stand at to be a header or footer."""
_FEWEST = 3
_EDGE = 2
_LONGEST_EDGE = 200
_PAGE_NUMBER = re.compile(
    r"\W*(?:(?:page|seite|pagina|página|p\.|pág\.|стр\.|s\.)\s*)?(?:\d{1,4}|[ivxlc]{1,7})(?:\s*(?:/|of|von|de|di|из|sur)\s*\d{1,4})?\W*",
    re.IGNORECASE,
)
_LEVELS = 6


@dataclass(slots=True)
class _Pages:
    """What the pages hold: lines of each, what stands sideways, and what cannot be read."""

    lines: list[list[Line]] = field(default_factory=list)
    sideways: list[list[Line]] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)
    characters: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    where: dict[str, str] = field(default_factory=dict)


def pdf(content: bytes, uri: str, languages: ocr.Languages, tables: Tables = "fast") -> Reading:
    """Raises DocumentError (`protected`, `malformed`, `needs_ocr`), and DocumentDropped where OCR finds nothing."""
    nlp.silence()
    reader = _reader(content)
    if reader is not None and reader.is_encrypted and not reader.decrypt(""):
        raise protected(uri)
    content, layered = pdflayers.visible(content, reader)
    pages = _laid_out(content, uri, reader, tables)
    pages.lost["hidden_layer"] += layered
    about = properties.of_pdf(reader)
    found = _read(pages)
    count = len(pages.lines)
    has_text = {piece.page for piece in found}
    unread = sorted({*pages.unreadable, *ocr.pictured(content, sorted(set(range(1, count + 1)) - has_text))})
    if languages and unread:
        found += [piece for page, text in ocr.of_pages(content, uri, unread, languages) for piece in _printed(text, page)]
        found.sort(key=lambda piece: piece.page or 0)
        pages.unreadable = []
    elif pages.unreadable and 2 * len(pages.unreadable) >= count - len(unread) + len(pages.unreadable):
        raise _needs_ocr(
            uri, f"has fonts that do not say which letters they show (on {len(pages.unreadable)} of {counted(count, 'page')})"
        )
    elif unread and found:
        about["pages_without_text"] = str(len(unread))
    elif unread:
        raise _needs_ocr(uri, f"looks like a scan ({counted(count, 'page')}, pictures on {len(unread)}, no text)")
    if unread and not found:
        raise _no_text(uri)
    if unread and not languages:
        pages.lost["page_without_text"] = len(unread)
        pages.where["page_without_text"] = ", ".join(f"page {page}" for page in unread[:5])
    shares = {"unreadable_characters": pages.lost["unreadable_characters"] / max(pages.characters, 1)}
    losses = tuple(
        Loss(what, n, pages.where.get(what, ""), share=shares.get(what, 0.0)) for what, n in sorted((+pages.lost).items())
    )
    return Reading(found, about, losses=losses)


def _reader(content: bytes) -> Any | None:
    """pypdf's reader; None for a file that it cannot open: PDFium opens some of those."""
    from pypdf import PdfReader

    try:
        return PdfReader(io.BytesIO(content))
    except MemoryError:
        raise
    except Exception:
        return None


def _laid_out(content: bytes, uri: str, reader: Any, tables: Tables) -> _Pages:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise protected(uri) from error
        raise malformed(uri, "cannot be laid out") from error
    found = _Pages()
    try:
        forms = _with_annotations(reader, len(document), found.lost)
        drawn_tables = pdftables.grids(content, found.lost) if tables == "pdfplumber" else {}
        for number in range(len(document)):
            page = document[number]
            grids = drawn_tables.get(number, []) if tables == "pdfplumber" else pdftables.of_lines(page)
            drawn, ruled = pdftables.read(page, grids) if grids else (glyphs(page), [])
            page.close()
            main = drawn.main()
            found.characters += drawn.characters
            if drawn.covered:
                found.lost["covered_text"] += drawn.covered
                found.where.setdefault("covered_text", f"page {number + 1}")
            if not drawn.is_readable:
                found.unreadable.append(number + 1)
                found.lines.append([])
                found.sideways.append([])
                continue
            if drawn.unknown:
                found.lost["unreadable_characters"] += drawn.unknown
                found.where.setdefault("unreadable_characters", f"page {number + 1}")
            upright = [*drawn.turns.get(main, []), *(fields(forms[number], found.lost) if number in forms else [])]
            found.lines.append(pdftables.lines(upright, ruled))
            other = [turn for turn in sorted(drawn.turns) if turn != main]
            found.sideways.append([line for turn in other for line in pdflayout.lines(drawn.turns[turn])])
        if attached := _attached(document):
            found.lost["attachment"] += attached
    finally:
        document.close()
    return found


def _with_annotations(reader: Any, count: int, lost: Counter[str]) -> dict[int, Any]:
    """The pypdf pages that have annotations; pypdf reads some broken files less well than PDFium does."""
    try:
        pages = list(reader.pages)[:count]
        root = reader.trailer["/Root"].get("/AcroForm")
        if root is not None and "/XFA" in root.get_object() and not root.get_object().get("/Fields"):
            lost["dynamic_form"] += 1
        return {number: page for number, page in enumerate(pages) if "/Annots" in page}
    except Exception:  # the text is what counts
        return {}


def _attached(document: Any) -> int:
    import pypdfium2.raw as raw

    return max(int(raw.FPDFDoc_GetAttachmentCount(document.raw)), 0)


def _read(pages: _Pages) -> list[Piece]:
    shown = _without_edges(pages)
    words = pdflayout.vocabulary(shown)
    body = pdflayout.body_size(shown)
    sizes = {round(line.size * 2) / 2 for page in shown for line in page if pdflayout.is_heading(line, body)}
    levels = sorted(sizes, reverse=True)[:_LEVELS]
    found: list[Piece] = []
    before: Sequence[Line] = ()
    for number, (page, sideways) in enumerate(zip(shown, pages.sideways, strict=True), 1):
        here = pdflayout.pieces(page, number, body, levels, words)
        if pdflayout.goes_on(before, page, body) and found[-1].kind in ("text", "list") and here[0].kind == "text":
            found[-1] = replace(found[-1], text=pdflayout.joined([found[-1].text, here.pop(0).text], words))
        found += here
        before = () if sideways else page
        found += [replace(p, kind="text", depth=0) for p in pdflayout.pieces(sideways, number, body, levels, words)]
    return [piece for piece in found if piece.text.strip()]


def _without_edges(pages: _Pages) -> list[list[Line]]:
    """The pages without the lines at their top and bottom that repeat on others, digits aside, and without page numbers."""
    count = sum(map(bool, pages.lines))
    edges = [_edges(page) for page in pages.lines]
    seen = Counter(shape for page in edges for shape in {_shape(line) for line in page})
    enough = max(_FEWEST, round(_REPEATED * count))
    if count < _FEWEST:
        return pages.lines
    numbered = sum(any(_PAGE_NUMBER.fullmatch(line.text) for line in page) for page in edges) >= enough
    kept: list[list[Line]] = []
    for page, edge in zip(pages.lines, edges, strict=True):
        numbers = {id(line) for line in edge if numbered and _PAGE_NUMBER.fullmatch(line.text)}
        repeated = {id(line) for line in edge if seen[_shape(line)] >= enough} - numbers
        if len(repeated) + len(numbers) == len(page):  # a page of nothing else says it
            kept.append(page)
            continue
        for line in page:
            if id(line) in repeated:
                pages.where.setdefault("repeated_line", line.text[:80])
        pages.lost["page_number"] += len(numbers)
        pages.lost["repeated_line"] += len(repeated)
        kept.append([line for line in page if id(line) not in repeated | numbers])
    return kept


def _edges(page: Sequence[Line]) -> list[Line]:
    """The two uppermost and the two lowest lines of a page, wherever they are read."""
    order = sorted(page, key=lambda line: -line.top)
    chosen = order if len(order) <= 2 * _EDGE else [*order[:_EDGE], *order[-_EDGE:]]
    return [line for line in chosen if not line.is_table and len(line.text) <= _LONGEST_EDGE]


def _shape(line: Line) -> str:
    return re.sub(r"\d+", "0", " ".join(line.text.lower().split()))


def picture(content: bytes, uri: str, languages: ocr.Languages) -> Reading:
    if not languages:
        raise _needs_ocr(uri, "is a picture")
    found = _printed(ocr.of_picture(content, uri, languages), None)
    if not found:
        raise _no_text(uri)
    return Reading(found, properties.of_picture(content))


def _printed(text: str, page: int | None) -> list[Piece]:
    """What OCR saw on a page; a picture has no levels of headings."""
    return [replace(piece, page=page) for piece in partitioned("text", text=text)] if text else []


def _needs_ocr(uri: str, what: str) -> DocumentError:
    how = "set `ocr: [eng]` for the source to have it read"
    return DocumentError(ocr.NEEDS_OCR, f"{uri}: {what}, and OCR is off; {how}", hint=f"{how}, or exclude it")


def _no_text(uri: str) -> DocumentDropped:
    return DocumentDropped(ocr.NO_TEXT, f"{uri}: OCR finds no text in its pictures")
