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
from dataclasses import dataclass
from typing import Any

from evaluation.gates.base import GateContext
from evaluation.gates.rows import Origin, Rows, packed, rows_of

_COMMON = 0.01  # of the documents, and at least 5: a line that so many hold belongs to none of them

Columns = dict[str, list[Any]]
"""A table, by column."""

_CHUNKS = ("chunk_id", "document_key", "uri", "characters", "said", "tokens", "tags", "unknown_tags", "language", "duplicate")
_VECTORS = ("chunk_id", "uri", "dimension", "finite", "norm", "shared")
_DOCUMENTS = (
    "document_key", "uri", "source", "title", "language", "chunks", "tokens", "characters", "tags", "stale", "duplicate",
    "losses", "lost", "boilerplate",
)  # fmt: skip


@dataclass(slots=True)
class _Document:
    origin: Origin
    tags: int
    chunks: int = 0
    tokens: int = 0
    characters: int = 0
    text: int = 0  # the sum of its chunks' hashes, in whatever order they came


def tables(context: GateContext) -> dict[str, Columns]:
    """The three tables of the candidate, by name; what was read of its points for that is kept beside them."""
    beside = context.beside
    rows, tags_of = rows_of(context.points, context.taken_over, beside.before if beside is not None else lambda: None)
    if beside is not None:
        beside.keep(packed(rows))
    chunks: Columns = {name: [] for name in _CHUNKS}
    vectors: Columns = {name: [] for name in _VECTORS}
    documents: Columns = {name: [] for name in _DOCUMENTS}
    found: dict[str, _Document] = {}
    unknown: dict[frozenset[str], str] = {}
    texts, owners = set[int](), dict[int, int]()
    for id, key, uri, length, characters, said, tokens, language, text, dimension, finite, norm, vector in zip(
        *rows.columns.values(), strict=True
    ):
        tags = tags_of[id]
        if tags not in unknown:
            unknown[tags] = ", ".join(sorted(tags - context.known_tags))
        if (document := found.get(str(key))) is None:
            document = found[str(key)] = _Document(rows.origins[str(key)], len(tags))
        _append(chunks, (id, key, uri, characters, said, tokens, len(tags), unknown[tags], language, text in texts))
        shared = dimension > 0 and owners.setdefault(vector, text) != text
        _append(vectors, (id, uri, dimension, finite, norm, shared))
        texts.add(text)
        document.chunks += 1
        document.tokens += tokens or 0
        document.characters += length
        document.text = (document.text + text) % 2**64
    for row in _documents(context, found, _boilerplate(rows)):
        _append(documents, row)
    return {"documents": documents, "chunks": chunks, "vectors": vectors}


def _append(rows: Columns, row: Iterable[Any]) -> None:
    for column, value in zip(rows.values(), row, strict=True):
        column.append(value)


def _documents(context: GateContext, documents: dict[str, _Document], shares: Mapping[str, float]) -> Iterator[tuple[Any, ...]]:
    texts: set[int] = set()
    for key, d in documents.items():
        states = context.candidate.documents.find(d.origin.uri, d.origin.source or None)
        stale = any(state.stale for state in states if state.key == key)
        yield (
            key, d.origin.uri, d.origin.source, d.origin.title or None, d.origin.language, d.chunks, d.tokens, d.characters,
            d.tags, stale, d.text in texts, d.origin.losses, d.origin.lost, shares.get(key),
        )  # fmt: skip
        texts.add(d.text)


def _boilerplate(rows: Rows) -> dict[str, float]:
    """The share of each sampled document's characters that stand in lines which many documents hold."""
    held_by = Counter(line for own in rows.lines.values() for line in {line for line, _ in own})
    many = max(5, _COMMON * len(rows.lines))
    shares = {}
    for key, own in rows.lines.items():
        total = sum(length for _, length in own)
        shares[key] = sum(length for line, length in own if held_by[line] >= many) / total if total else 0.0
    return shares
