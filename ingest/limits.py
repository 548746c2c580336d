"""Limits that can be checked before anything is unpacked or laid out: size, expansion, entities, pages.

Reasons: `too_large`, `expands_too_far`, `entities`, `too_many_pages`. What they cannot foresee, the sandbox's time and
memory limits end.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

from ingest.formats import Format
from sluice.errors import DocumentError
from sluice.settings import LimitSettings

_ENTRIES = 20_000
_ENTITY = re.compile(rb"<!ENTITY\s+(?:%\s+)?[^\s>]+\s+(?P<value>[^>]*)>", re.IGNORECASE)
_ZIPPED: frozenset[Format] = frozenset({"docx", "pptx", "xlsx", "xlsb", "odt", "ods", "odp", "epub"})


def check(content: bytes, kind: Format, uri: str, limits: LimitSettings) -> None:
    """Raise DocumentError for a document beyond its limits; one that is broken is left for its reader to refuse."""
    if len(content) > limits.size_mb << 20:
        raise _beyond("too_large", uri, f"is {len(content) >> 20} MB large", f"{limits.size_mb} MB", "size_mb")
    if kind in _ZIPPED:
        _check_archive(content, uri, limits)
    elif kind in ("xml", "html"):
        _check_entities(content, uri)
    elif kind == "pdf":
        _check_pages(content, uri, limits)


def _check_archive(content: bytes, uri: str, limits: LimitSettings) -> None:
    try:
        entries = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return
    expanded = sum(entry.file_size for entry in entries)  # what an archive gives as size is all that zipfile reads of it
    if expanded > limits.expanded_mb << 20:
        raise _beyond("expands_too_far", uri, f"unpacks to {expanded >> 20} MB", f"{limits.expanded_mb} MB", "expanded_mb")
    if len(entries) > _ENTRIES:
        raise _beyond("expands_too_far", uri, f"unpacks to {len(entries)} files", f"{_ENTRIES}", "")


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
        raise _beyond("too_many_pages", uri, f"has {pages} pages", f"{limits.pages}", "pages")


def _beyond(reason: str, uri: str, seen: str, allowed: str, key: str) -> DocumentError:
    raised = f"raise the source's limits.{key} and run `sluice quarantine retry`, or " if key else ""
    return DocumentError(reason, f"{uri}: {seen}; allowed: {allowed}", hint=f"{raised}exclude it")
