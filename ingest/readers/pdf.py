"""PDF, and pictures: what is laid out on pages, and what OCR sees in them."""

from __future__ import annotations

import io
from dataclasses import replace

from ingest import nlp, ocr, properties
from ingest.elements import Piece
from ingest.readers.base import Reading, partitioned, protected
from sluice.errors import DocumentDropped, DocumentError


def pdf(content: bytes, uri: str, languages: ocr.Languages) -> Reading:
    from pypdf import PdfReader

    nlp.install()  # silences pypdf too
    reader = PdfReader(io.BytesIO(content))
    if reader.is_encrypted and not reader.decrypt(""):
        raise protected(uri)
    pages = len(reader.pages)
    found = partitioned("pdf", file=io.BytesIO(content), strategy="fast")
    # Unstructured gives nothing, silently, where its PDF reader fails: ask another one before believing it.
    if not found and any(page.extract_text().strip() for page in reader.pages):
        raise DocumentError(
            "malformed", f"{uri}: has text on {pages} pages that cannot be laid out", hint="print it to a new PDF"
        )
    about = properties.of_pdf(reader)
    unread = ocr.pictured(content, sorted(set(range(1, pages + 1)) - {piece.page for piece in found}))
    if languages and unread:
        found += [piece for page, text in ocr.of_pages(content, uri, unread, languages) for piece in _printed(text, page)]
        found.sort(key=lambda piece: piece.page or 0)
    elif unread and found:
        about["pages_without_text"] = str(len(unread))
    elif unread:
        raise _needs_ocr(uri, f"looks like a scan ({pages} pages, pictures on {len(unread)}, no text)")
    if unread and not found:
        raise _no_text(uri)
    return Reading(found, about)


def picture(content: bytes, uri: str, languages: ocr.Languages) -> Reading:
    if not languages:
        raise _needs_ocr(uri, "is a picture")
    found = _printed(ocr.of_picture(content, uri, languages), None)
    if not found:
        raise _no_text(uri)
    return Reading(found)


def _printed(text: str, page: int | None) -> list[Piece]:
    """What OCR saw on a page; a picture has no levels of headings."""
    return [replace(piece, page=page) for piece in partitioned("text", text=text)] if text else []


def _needs_ocr(uri: str, what: str) -> DocumentError:
    how = "set `ocr: [eng]` for the source to have it read"
    return DocumentError(ocr.NEEDS_OCR, f"{uri}: {what}, and OCR is off; {how}", hint=f"{how}, or exclude it")


def _no_text(uri: str) -> DocumentDropped:
    return DocumentDropped(ocr.NO_TEXT, f"{uri}: OCR finds no text in its pictures")
