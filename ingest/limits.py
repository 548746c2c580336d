"""Limits that can be checked before anything is unpacked or laid out: size, expansion, entities, pages.

Reasons: `too_large`, `expands_too_far`, `entities`, `too_many_pages`; after the parse `lossy` and `unsure_encoding`.
What they cannot foresee, the sandbox's time and memory limits end.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from typing import Any

from ingest.formats import Format
from sluice.display import counted
from sluice.errors import DocumentError
from sluice.records import Document
from sluice.settings import LimitSettings

LOSSES = "losses"
"""The metadata that says what a person would see in the document and its text does not have: `{what, count, where}` each,
and `share`, the part of the text that it is, where that is known."""
ENCODING, CONFIDENCE = "guessed_encoding", "encoding_confidence"
"""The metadata of a text whose encoding nobody named: which it was taken for, and how sure that is (0 to 1)."""

_ENTRIES = 20_000
_ENTITY = re.compile(rb"<!ENTITY\s+(?:%\s+)?[^\s>]+\s+(?P<value>[^>]*)>", re.IGNORECASE)
_ZIPPED: frozenset[Format] = frozenset({"docx", "pptx", "xlsx", "xlsb", "odt", "ods", "odp", "epub"})


def check(content: bytes, kind: Format, uri: str, limits: LimitSettings) -> None:
    """Raise DocumentError for a document beyond its limits; one that is broken is left for its reader to refuse."""
    if len(content) > limits.size_mb << 20:
        raise _beyond("too_large", uri, f"is {_mb(len(content))} MB large", f"{limits.size_mb} MB", "size_mb")
    if kind in _ZIPPED:
        _check_archive(content, uri, limits)
    elif kind in ("xml", "html"):
        _check_entities(content, uri)
    elif kind == "pdf":
        _check_pages(content, uri, limits)


def check_losses(document: Document, limits: LimitSettings) -> None:
    """Raise DocumentError `lossy` or `unsure_encoding` for a document of which too little is known to be read right."""
    lost = sum(float(loss.get("share") or 0) for loss in document.metadata.get(LOSSES) or ())
    if lost > limits.max_lost_share:
        what = ", ".join(sorted({str(loss["what"]) for loss in document.metadata[LOSSES] if loss.get("share")}))
        raise _beyond(
            "lossy", document.uri, f"{lost:.1%} of its text is lost ({what})", f"{limits.max_lost_share:.1%}", "max_lost_share"
        )
    sure = float(document.metadata.get(CONFIDENCE, 1.0))
    if sure < limits.min_encoding_confidence:
        raise DocumentError(
            "unsure_encoding",
            f"{document.uri}: seems to be {document.metadata[ENCODING]}, and that is only {sure:.0%} sure; "
            f"allowed: {limits.min_encoding_confidence:.0%}",
            hint="save it as UTF-8, or lower the source's limits.min_encoding_confidence and run `sluice quarantine retry`",
        )


def _mb(size: int) -> str:
    """Never rounded down to the limit that it is beyond."""
    return f"{math.ceil(size / (1 << 20) * 10) / 10:,g}"


def _check_archive(content: bytes, uri: str, limits: LimitSettings) -> None:
    try:
        entries = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return
    expanded = sum(entry.file_size for entry in entries)  # what an archive gives as size is all that zipfile reads of it
    if expanded > limits.expanded_mb << 20:
        raise _beyond("expands_too_far", uri, f"unpacks to {_mb(expanded)} MB", f"{limits.expanded_mb} MB", "expanded_mb")
    if len(entries) > _ENTRIES:
        raise _beyond("expands_too_far", uri, f"unpacks to {counted(len(entries), 'file')}", f"{_ENTRIES}", "")


def _check_entities(content: bytes, uri: str) -> None:
    """Entities made of entities grow without end, and entities from elsewhere are a way in; neither has a place in a document."""
    head = content[: 1 << 20]
    for entity in _ENTITY.finditer(head if b"\0" not in head[:200] else head.replace(b"\0", b"")):
        value = entity["value"]
        if re.match(rb"(?:SYSTEM|PUBLIC)\b", value) or re.search(rb"&(?!#|amp;|lt;|gt;|quot;|apos;)[^;\s]+;|%[\w.-]+;", value):
            raise DocumentError(
                "entities",
                f"{uri}: declares XML entities made of others, or from elsewhere",
                hint="write it without them, or exclude it",
            )


def _check_pages(content: bytes, uri: str, limits: LimitSettings) -> None:
    from pypdf import PdfReader

    try:
        reader: Any = PdfReader(io.BytesIO(content))
        pages = 0 if reader.is_encrypted else int(reader.get_num_pages())
    except Exception:  # broken in any of a hundred ways: the reader says which
        return
    if pages > limits.pages:
        raise _beyond("too_many_pages", uri, f"has {counted(pages, 'page')}", f"{limits.pages}", "pages")


def _beyond(reason: str, uri: str, seen: str, allowed: str, key: str) -> DocumentError:
    raised = f"raise the source's limits.{key} and run `sluice quarantine retry`, or " if key else ""
    return DocumentError(reason, f"{uri}: {seen}; allowed: {allowed}", hint=f"{raised}exclude it")
