"""A release as tables, for expectations: documents, chunks and vectors, one row each, without texts and vectors.

documents  document_key, uri, source, title, language, chunks, tokens, characters, tags (how many), stale (the source has
           a newer version that waits or failed), duplicate (its text is an earlier document's), losses
           (kinds of what is not in its text), lost (the share of its text that is known to be), boilerplate (the share of
           its characters in lines that many documents hold; measured on at most `SAMPLED` documents, empty elsewhere)
chunks     chunk_id, document_key, uri, characters (of the text, stripped), said (characters of title, heading path and
           metadata, which every point holds), tokens, tags, unknown_tags (those that no
           access rule knows, joined), language, duplicate (its text is an earlier chunk's)
vectors    chunk_id, uri, dimension, finite, norm, shared (an earlier chunk of another text has this very vector)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np

from evaluation.gates.base import GateContext
from sluice import bounds
from sluice.points import StoredPoint, Vector

FIELDS = (*("document_key", "uri", "source", "title", "heading_path", "metadata", "text", "tokens", "access_tags", "language"),)
SAMPLED = 2_000
"""Documents whose lines are counted: those with the smallest keys, which are hashes; memory stays level."""
_LINE = 20  # characters: shorter lines recur by chance
_COMMON = 0.01  # of the documents, and at least 5: a line that so many hold belongs to none of them

Columns = dict[str, list[Any]]
"""A table, by column."""


@dataclass(slots=True)
class _Document:
    uri: str
    source: str
    title: str | None
    language: str | None
    tags: int
    losses: int = 0
    lost: float = 0.0
    chunks: int = 0
    tokens: int = 0
    characters: int = 0
    text: int = 0  # the sum of its chunks' hashes, in whatever order they came


@dataclass(slots=True)
class _Seen:
    """What came before: hashes only, so that a million chunks cost 100 MB and not their texts."""

    documents: dict[str, _Document] = field(default_factory=dict)
    lines: _Lines = field(default_factory=lambda: _Lines())
    texts: set[int] = field(default_factory=set)
    vectors: dict[int, int] = field(default_factory=dict)


def tables(context: GateContext) -> dict[str, Columns]:
    """The three tables of the candidate, by name."""
    seen = _Seen()
    chunks: Columns = {name: [] for name in _CHUNKS}
    vectors: Columns = {name: [] for name in _VECTORS}
    for point in context.points.scan(FIELDS, vectors=True):
        text = _hash(str(point.payload.get("text") or "").encode())
        _append(chunks, _chunk(point, context.known_tags, text in seen.texts))
        _append(vectors, _vector(point, text, seen.vectors))
        seen.texts.add(text)
        _add(seen.documents, point, text)
        seen.lines.add(str(point.payload.get("document_key")), str(point.payload.get("text") or ""))
    documents: Columns = {name: [] for name in _DOCUMENTS}
    for row in _documents(context, seen.documents, seen.lines.shares()):
        _append(documents, row)
    return {"documents": documents, "chunks": chunks, "vectors": vectors}


_CHUNKS = ("chunk_id", "document_key", "uri", "characters", "said", "tokens", "tags", "unknown_tags", "language", "duplicate")
_VECTORS = ("chunk_id", "uri", "dimension", "finite", "norm", "shared")
_DOCUMENTS = (
    "document_key", "uri", "source", "title", "language", "chunks", "tokens", "characters", "tags", "stale", "duplicate",
    "losses", "lost", "boilerplate",
)  # fmt: skip


def _append(rows: Columns, row: Iterable[Any]) -> None:
    for column, value in zip(rows.values(), row, strict=True):
        column.append(value)


def _chunk(point: StoredPoint, known_tags: frozenset[str], duplicate: bool) -> tuple[Any, ...]:
    held = point.payload
    tags = frozenset(held.get("access_tags") or ())
    return (
        point.id,
        held.get("document_key"),
        held.get("uri"),
        len(str(held.get("text") or "").strip()),
        sum(bounds.size(held.get(name) or "") for name in ("title", "heading_path", "metadata")),
        held.get("tokens"),
        len(tags),
        ", ".join(sorted(tags - known_tags)),
        held.get("language"),
        duplicate,
    )


def _vector(point: StoredPoint, text: int, owners: dict[int, int]) -> tuple[Any, ...]:
    vector: Vector | None = point.dense
    finite = vector is not None and bool(np.isfinite(vector).all())
    norm = float(np.linalg.norm(vector.astype(np.float64))) if vector is not None and finite else 0.0
    shared = vector is not None and owners.setdefault(_hash(vector.tobytes()), text) != text
    return point.id, point.payload.get("uri"), 0 if vector is None else len(vector), finite, norm, shared


def _add(documents: dict[str, _Document], point: StoredPoint, text: int) -> None:
    held = point.payload
    losses = (held.get("metadata") or {}).get("losses") or ()
    document = documents.setdefault(
        str(held.get("document_key")),
        _Document(
            str(held.get("uri") or ""),
            str(held.get("source") or ""),
            held.get("title"),
            held.get("language"),
            len(held.get("access_tags") or ()),
            len(losses),
            sum(float(loss.get("share") or 0) for loss in losses),
        ),
    )
    document.chunks += 1
    document.tokens += held.get("tokens") or 0
    document.characters += len(str(held.get("text") or ""))
    document.text = (document.text + text) % 2**64


def _documents(context: GateContext, documents: dict[str, _Document], shares: Mapping[str, float]) -> Iterator[tuple[Any, ...]]:
    texts: set[int] = set()
    for key, d in documents.items():
        states = context.candidate.documents.find(d.uri, d.source or None)
        stale = any(state.stale for state in states if state.key == key)
        yield (
            key, d.uri, d.source, d.title or None, d.language, d.chunks, d.tokens, d.characters, d.tags, stale,
            d.text in texts, d.losses, d.lost, shares.get(key),
        )  # fmt: skip
        texts.add(d.text)


class _Lines:
    """Hashes and lengths of the lines of the `SAMPLED` documents with the smallest keys, as their chunks come along."""

    def __init__(self) -> None:
        self._of: dict[str, list[tuple[int, int]]] = {}
        self._largest = ""
        """Of the keys in `_of`, once it is full: from then on it only falls, so a document is in with all its chunks or none."""

    def add(self, key: str, text: str) -> None:
        if key not in self._of:
            if self._largest and key > self._largest:
                return
            if self._largest:
                del self._of[self._largest]
            self._of[key] = []
            self._largest = max(self._of) if len(self._of) >= SAMPLED else ""
        lines = (line for raw in text.splitlines() if len(line := raw.strip()) >= _LINE)
        self._of[key] += [(_hash(line.encode()), len(line)) for line in lines]

    def shares(self) -> dict[str, float]:
        """The share of each sampled document's characters that stand in lines which many documents hold."""
        held_by = Counter(line for own in self._of.values() for line in {line for line, _ in own})
        many = max(5, _COMMON * len(self._of))
        shares = {}
        for key, own in self._of.items():
            total = sum(length for _, length in own)
            shares[key] = sum(length for line, length in own if held_by[line] >= many) / total if total else 0.0
        return shares


def _hash(content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=8).digest())
