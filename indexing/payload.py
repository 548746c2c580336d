"""What a point holds beside its vectors: all that a reader needs to cite and filter, and nothing that they may not see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from indexing.fingerprints import document_fingerprint
from sluice.ids import text_hash
from sluice.points import DOCUMENT_KEY, MODIFIED, PARENT_TEXT, TEXT_ID, ScoredPoint
from sluice.records import Chunk, Document, DocumentState, Hit, Place

PARENT, SERVED, TOKENS, CONTEXT_CUT = "parent", "served", "tokens", "context_cut"


def shown_text(held: Mapping[str, Any]) -> str:
    """The text that a reader is given for this payload: the parent's where there is one."""
    return str(held.get(PARENT_TEXT, held["text"]))


def payload(chunk: Chunk, document: Document, state: DocumentState) -> dict[str, Any]:
    """The payload of a chunk's point: the same in every release that holds it. Access tags are the document's present ones.

    A chunk with a parent holds its span and its text too: what a reader is given in the chunk's place. `served` stands for
    all of it that is the document's and not the chunk's; tags and `modified` aside.
    """
    parent: dict[str, Any] = (
        {} if chunk.parent is None else {PARENT: list(chunk.parent), PARENT_TEXT: document.text[slice(*chunk.parent)]}
    )
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
        TOKENS: chunk.tokens,
        "text_hash": text_hash(chunk.embedded_text),
        "language": document.language,
        "access_tags": sorted(state.tags),
        "metadata": dict(document.metadata),
        MODIFIED: modified(state),
        SERVED: served(state),
        CONTEXT_CUT: chunk.context_cut,
        TEXT_ID: text_hash(parent.get(PARENT_TEXT, chunk.text))[:32],
    }


def served(state: DocumentState) -> str:
    """What the points of one document hold of it, beside its tags and when it was modified, as one short hash."""
    return document_fingerprint(state)[:32]


def modified(state: DocumentState) -> str | None:
    """When the document was modified, as its points hold it."""
    return state.modified.isoformat() if state.modified else None


PLACE = (DOCUMENT_KEY, "uri", "source", "start", "end", PARENT, TEXT_ID)
"""The fields that `place` needs, and what says which text stands there."""


def place(held: Mapping[str, Any]) -> Place:
    """Where the text that a reader is given stands."""
    start, end = held.get(PARENT, (held["start"], held["end"]))
    return Place(held[DOCUMENT_KEY], held["uri"], held["source"], start, end)


def hit(point: ScoredPoint, release: str, copies: tuple[Place, ...] = ()) -> Hit:
    """A stored point as an answer of this release: with its parent's span and text where it has one."""
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
        release=release,
        copies=copies,
    )
