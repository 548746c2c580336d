"""Documents to points: chunk, embed what was never embedded, write; one partition at a time.

Every point's id is its chunk's id and every vector comes from the cache or goes into it first, so a partition that is
done twice, on whatever machine, leaves the same collection and costs no embedding the second time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from indexing.cuts import Cutter, NotCut, Uncut
from indexing.embed import CachedEmbedder, Embedded
from indexing.payload import payload
from indexing.protocols import Points, SparseEncoder, VersionReader
from sluice.counts import StageCounts
from sluice.errors import IntegrityError
from sluice.ids import text_hash, version_id
from sluice.points import Point
from sluice.records import Chunk, Document, DocumentState
from sluice.releases import Release

Figures = dict[str, int | float]
"""What was done, by name."""


@dataclass(frozen=True, slots=True)
class Built:
    """What building one partition did, or leaving it as it is; adding two gives both. `documents` are those with chunks."""

    counts: dict[str, StageCounts] = field(default_factory=dict)
    documents: int = 0
    chunks: int = 0
    tokens: int = 0
    tokens_embedded: int = 0
    embedded: int = 0
    cached: int = 0
    contexts_cut: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    sources: dict[str, Figures] = field(default_factory=dict)
    """Of each source: documents cut, their chunks and tokens, texts embedded and found in the cache, tokens embedded, seconds."""
    uncut: tuple[Uncut, ...] = ()
    """Documents that the strategy cannot cut; nothing was embedded or written of a partition that has one."""

    def __add__(self, other: Built) -> Built:
        return Built(
            {s: self.counts.get(s, StageCounts()) + other.counts.get(s, StageCounts()) for s in {**self.counts, **other.counts}},
            self.documents + other.documents,
            self.chunks + other.chunks,
            self.tokens + other.tokens,
            self.tokens_embedded + other.tokens_embedded,
            self.embedded + other.embedded,
            self.cached + other.cached,
            self.contexts_cut + other.contexts_cut,
            {s: self.seconds.get(s, 0.0) + other.seconds.get(s, 0.0) for s in {**self.seconds, **other.seconds}},
            {s: _added(self.sources.get(s, {}), other.sources.get(s, {})) for s in {**self.sources, **other.sources}},
            self.uncut + other.uncut,
        )

    def embedded_before(self, earlier: Built) -> Built:
        """What building did, with what was embedded for it `earlier` (into the cache) counted as embedded, not as cached."""
        embedded, texts = self.embedded + earlier.embedded, self.embedded + self.cached
        kept = min(embedded, texts)
        counts = {**self.counts, "embed": StageCounts(texts, kept, texts - kept)} if texts else self.counts
        return replace(
            self,
            counts=counts,
            embedded=embedded,
            cached=texts - kept,
            tokens_embedded=self.tokens_embedded + earlier.tokens_embedded,
            seconds={s: self.seconds.get(s, 0.0) + earlier.seconds.get(s, 0.0) for s in {**self.seconds, **earlier.seconds}},
            sources={
                source: _added(figures, {**early, "cached": -early["embedded"]})
                if (early := earlier.sources.get(source))
                else figures
                for source, figures in self.sources.items()
            },
        )


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds partitions of one release."""

    versions: VersionReader
    cutter: Cutter
    embedder: CachedEmbedder
    points: Points
    sparse: SparseEncoder | None = None
    progress: Callable[[int], None] = lambda _documents: None

    def chunks(self, states: Sequence[DocumentState]) -> Iterator[tuple[DocumentState, Document, list[Chunk]]]:
        """The chunks of each document; raises IntegrityError when a version that a release needs is missing, NotCut for
        documents that the strategy cannot cut."""
        ids = {s.key: version_id(s.key, s.version, s.parse_fingerprint) for s in states}
        documents = self.versions.get(list(ids.values()))
        found: list[tuple[DocumentState, Document]] = []
        for state in states:
            document = documents.get(ids[state.key])
            if document is None:
                raise IntegrityError(
                    f"the parsed version of '{state.uri}' (source '{state.source}') is missing from MongoDB",
                    hint=f"sluice backfill --source {state.source} --match '{state.uri}' --from parse",
                )
            found.append((state, document))
        for (state, document), chunks in zip(found, self.cutter.cut(found), strict=True):
            yield state, document, chunks

    def embed(self, states: Sequence[DocumentState]) -> Built:
        """Chunk these documents and have their vectors in the cache; idempotent."""
        started = time.perf_counter()
        try:
            cut = list(self.chunks(states))
        except NotCut as error:
            return Built(uncut=error.uncut)
        chunked = time.perf_counter()
        result = self.embedder.vectors([chunk.embedded_text for _, _, chunks in cut for chunk in chunks])
        seconds = {"chunk": chunked - started, "embed": time.perf_counter() - chunked}
        spent = {
            source: {name: figures[name] for name in ("embedded", "tokens_embedded", "seconds")}
            for source, figures in _by_source(cut, result, seconds).items()
        }
        return Built(embedded=result.embedded, tokens_embedded=result.tokens, seconds=seconds, sources=spent)

    def build(self, release: Release, states: Sequence[DocumentState]) -> Built:
        """Chunk, embed and write these documents; idempotent."""
        started = time.perf_counter()
        try:
            cut = list(self.chunks(states))
        except NotCut as error:
            return Built(uncut=error.uncut)
        chunked = time.perf_counter()
        texts = [chunk.embedded_text for _, _, chunks in cut for chunk in chunks]
        result = self.embedder.vectors(texts)
        embedded = time.perf_counter()
        weights = iter(self.sparse.documents(texts)) if self.sparse is not None else None
        points = [
            Point(
                id=chunk.id,
                dense=result.vectors[text_hash(chunk.embedded_text)],
                payload=payload(chunk, document, state),
                sparse=next(weights) if weights is not None else None,
            )
            for state, document, chunks in cut
            for chunk in chunks
        ]
        self.points.upsert(release.collection, points)
        self.progress(len(states))
        written = time.perf_counter()
        seconds = {"chunk": chunked - started, "embed": embedded - chunked, "stage": written - embedded}
        with_text = sum(1 for _, _, chunks in cut if chunks)
        return Built(
            counts={
                "chunk": StageCounts(
                    len(cut), with_text, dropped={"no_text": len(cut) - with_text} if len(cut) > with_text else {}
                ),
                "embed": StageCounts(len(texts), result.embedded, len(texts) - result.embedded),
                "stage": StageCounts(len(points), len(points)),
            },
            documents=with_text,
            chunks=len(points),
            tokens=sum(chunk.tokens for _, _, chunks in cut for chunk in chunks),
            tokens_embedded=result.tokens,
            embedded=result.embedded,
            cached=len(texts) - result.embedded,
            contexts_cut=sum(chunk.context_cut for _, _, chunks in cut for chunk in chunks),
            seconds=seconds,
            sources=_by_source(cut, result, seconds),
        )


def _added(a: Mapping[str, int | float], b: Mapping[str, int | float]) -> Figures:
    return {name: a.get(name, 0) + b.get(name, 0) for name in {**a, **b}}


def _by_source(
    cut: Sequence[tuple[DocumentState, Document, list[Chunk]]], result: Embedded, seconds: Mapping[str, float]
) -> dict[str, Figures]:
    """What each source had of a partition. A text of two sources is embedded for the first and in the cache for the other; time
    is shared out: that of the model by tokens embedded, all other by chunks."""
    found: dict[str, Figures] = {}
    texts: dict[str, set[str]] = {}
    for state, _, chunks in cut:
        tokens = sum(chunk.tokens for chunk in chunks)
        found[state.source] = _added(found.get(state.source, {}), {"documents": 1, "chunks": len(chunks), "tokens": tokens})
        texts.setdefault(state.source, set()).update(text_hash(chunk.embedded_text) for chunk in chunks)
    chunks_in_all, taken = sum(figures["chunks"] for figures in found.values()), set[str]()
    for source, figures in found.items():
        mine = (texts[source] & result.spent.keys()) - taken
        taken |= mine
        spent = sum(result.spent[text] for text in mine)
        of_chunks = figures["chunks"] / chunks_in_all if chunks_in_all else 1 / len(found)
        of_tokens = spent / result.tokens if result.tokens else of_chunks
        took = sum(s * (of_tokens if stage == "embed" else of_chunks) for stage, s in seconds.items())
        figures |= {
            "embedded": len(mine),
            "cached": int(figures["chunks"]) - len(mine),
            "tokens_embedded": spent,
            "seconds": took,
        }
    return found
