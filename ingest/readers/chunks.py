"""A document that a Word document holds as it is (`altChunk`): a page, a saved page, RTF, text, or another Word document."""

from __future__ import annotations

from ingest.formats import Format, format_of
from ingest.readers.base import Reading, without_hidden

_DEEPEST = 5
_READ: frozenset[Format] = frozenset({"html", "email", "docx", "rtf", "text"})
"""What Word can open within a document; `email` is a page saved with its pictures."""


def chunk(content: bytes, name: str, depth: int) -> Reading | None:
    """What it says; None where it cannot be read, or lies in documents within documents."""
    from ingest.readers import read
    from ingest.readers.docx import docx
    from ingest.readers.mail import mime

    kind = format_of(name, None, content)
    if kind not in _READ or depth > _DEEPEST:
        return None
    try:
        match kind:
            case "docx":
                return docx(content, name, depth)
            case "email":
                return mime(content, name, enclosed=True)
            case "html":
                return _page(content, name)
        return read(kind, content, name)
    except MemoryError:  # of the document's limit: nothing may be lost to that in silence
        raise
    except Exception:  # a broken document within one that can be read
        return None


def _page(content: bytes, name: str) -> Reading:
    """A page without what its styles hide: the poison rules do not look into documents within documents."""
    from ingest.blocks import html_blocks
    from ingest.readers.base import text_of

    found = text_of(content, name, declared=True)
    kept, unseen = without_hidden(found.text)
    pieces, losses = html_blocks(kept)
    return Reading(pieces, losses=(*found.losses, *unseen, *losses))
