"""What a point holds beside its vectors: all that a reader needs to cite and filter, and nothing that they may not see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sluice.ids import text_hash
from sluice.points import ScoredPoint
from sluice.records import Chunk, Document, DocumentState, Hit

PARENT, PARENT_TEXT = "parent", "parent_text"


def shown_text(held: Mapping[str, Any]) -> str:
    """The text that a reader is given for this payload: the parent's where there is one."""
    return str(held.get(PARENT_TEXT, held["text"]))


def payload(chunk: Chunk, document: Document, state: DocumentState, release: str) -> dict[str, Any]:
    """The payload of a chunk's point. Access tags are the document's present ones.

    A chunk with a parent holds its span and its text too: what a reader is given in the chunk's place.
    """
    parent = {} if chunk.parent is None else {PARENT: list(chunk.parent), PARENT_TEXT: document.text[slice(*chunk.parent)]}
    return parent | {
        "document_key": state.key,
        "version": state.version,
        "parse_fingerprint": state.parse_fingerprint,
        "source": state.source,
        "uri": state.uri,
        "title": document.title,
        "heading_path": list(chunk.heading_path),
        "page": chunk.page,
        "start": chunk.start,
        "end": chunk.end,
        "text": chunk.text,
        "tokens": chunk.tokens,
        "text_hash": text_hash(chunk.embedded_text),
        "language": document.language,
        "access_tags": sorted(state.tags),
        "metadata": dict(document.metadata),
        "modified": state.modified.isoformat() if state.modified else None,
        "release": release,
    }


def hit(point: ScoredPoint) -> Hit:
    """A stored point as an answer: with its parent's span and text where it has one."""
    held: Mapping[str, Any] = point.payload
    start, end = held.get(PARENT, (held["start"], held["end"]))
    return Hit(
        chunk_id=point.id,
        document_key=held["document_key"],
        uri=held["uri"],
        source=held["source"],
        title=held["title"],
        score=point.score,
        start=start,
        end=end,
        text=shown_text(held),
        heading_path=tuple(held["heading_path"]),
        page=held["page"],
        language=held["language"],
        access_tags=tuple(held["access_tags"]),
        metadata=held["metadata"],
        release=held["release"],
    )
