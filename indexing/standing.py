"""Where a document stands among the answers to a query, and at which stage it lost its place: for `sluice why`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from indexing.payload import place, shown_text
from indexing.search import ANYWHERE, Searcher
from sluice.access import AccessTags, Principal
from sluice.points import DOCUMENT_KEY, TEXT_ID, ScoredPoint, StoredPoint, VectorQuery
from sluice.records import Hit

DEPTH = 1000
"""How far down each ranking is read; beyond it a rank is None."""
ALIKE = 0.8
"""Two texts are near copies when this share of their runs of three words is common (Broder, 1997)."""
TOLERANCE = 1e-6
"""Scores nearer than this are equal: the last bits depend on where vectors lie."""

Reason = Literal[
    "found",
    "shown_as_copy",
    "outranked",
    "outranked_by_copies",
    "lost_to_fusion",
    "lost_to_reranker",
    "lost_to_approximation",
    "no_term_in_common",
]


class Scanned(Protocol):
    """The part of `Points` that is needed to rank exactly."""

    def scan(
        self, collection: str, fields: Sequence[str] = (), *, vectors: bool = False, readable_by: AccessTags | None = None
    ) -> Iterator[StoredPoint]: ...


@dataclass(frozen=True, slots=True)
class Ranks:
    """Ranks of the document's best chunk among different texts that the principal may read, from 1; None: not among the first
    `DEPTH`, or a stage that this search does not have. `dense_exact` is computed over every vector, beside what the store's
    search answers; `searched` is before the reranker, `answered` what the reader gets.
    """

    dense: int | None = None
    dense_exact: int | None = None
    sparse: int | None = None
    searched: int | None = None
    reranked: int | None = None
    answered: int | None = None


@dataclass(frozen=True, slots=True)
class Rival:
    """A hit above the document: its rank, and the other places of the same text; `near` names the hits it nearly repeats."""

    rank: int
    uri: str
    source: str
    score: float
    copies: tuple[str, ...] = ()
    near: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class BestChunk:
    """The document's chunk that comes nearest to the query, as it was cut."""

    chunk_id: str
    start: int
    end: int
    heading_path: tuple[str, ...]
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Standing:
    """Why the document is or is not among the k hits."""

    reason: Reason
    ranks: Ranks
    chunk: BestChunk | None
    outranked_by: tuple[Rival, ...]


def standing(searcher: Searcher, points: Scanned, query: str, principal: Principal, key: str, k: int) -> Standing:
    """Where document `key` stands in the answer of `searcher` to a principal that may read it.

    Reads each ranking of the store to `DEPTH`, and for the exact one every vector that the principal may read, as a stream.
    """
    quiet = replace(searcher, log=None)  # asking why is no search of a reader
    hits = quiet.search(query, principal, k)
    asked = quiet.asked(query, k)
    found = _Rankings(quiet, principal, key)
    whole = found.ranking(asked)
    looked_at = quiet.looked_at(k)
    again = quiet.reranked(query, whole[:looked_at]) if quiet.reranker is not None else []
    best = next((point for point in whole if found.is_it(point)), None)
    ranks = Ranks(
        dense=found.rank(found.ranking(VectorQuery(asked.dense))) if asked.dense is not None else None,
        dense_exact=_exact_rank(points, quiet.collection, asked, principal.tags, key),
        sparse=found.rank(found.ranking(VectorQuery(None, asked.sparse))) if asked.sparse is not None else None,
        searched=found.rank(whole),
        reranked=found.rank(again),
        answered=next((n for n, hit in enumerate(hits, 1) if key in _keys(hit)), None),
    )
    near = _near_copies([hit.text for hit in hits])
    rivals = tuple(
        Rival(n, hit.uri, hit.source, hit.score, tuple(sorted({c.uri for c in hit.copies})), near.get(n, ()))
        for n, hit in enumerate(hits, 1)
        if ranks.answered is None or n < ranks.answered
    )
    is_copy = ranks.answered is not None and hits[ranks.answered - 1].document_key != key
    reason = _reason(ranks, k, looked_at, is_copy=is_copy, hybrid=asked.dense is not None and asked.sparse is not None)
    if reason == "outranked" and _copies_took_it(whole, ranks.searched, k):
        reason = "outranked_by_copies"
    return Standing(reason, ranks, _chunk(best), rivals)


def _reason(ranks: Ranks, k: int, looked_at: int, *, is_copy: bool, hybrid: bool) -> Reason:
    """The last stage at which the document was still in, from what the ranks say."""

    def within(rank: int | None, limit: int) -> bool:
        return rank is not None and rank <= limit

    if ranks.answered is not None:
        return "shown_as_copy" if is_copy else "found"
    if within(ranks.searched, k) and ranks.reranked is not None:
        return "lost_to_reranker"
    if within(ranks.dense_exact, looked_at) and not within(ranks.dense, looked_at):
        return "lost_to_approximation"
    if hybrid and (within(ranks.dense, looked_at) or within(ranks.sparse, looked_at)) and not within(ranks.searched, looked_at):
        return "lost_to_fusion"
    if ranks.searched is None and ranks.dense_exact is None and ranks.sparse is None:
        return "no_term_in_common"
    return "outranked"


class _Rankings:
    def __init__(self, searcher: Searcher, principal: Principal, key: str) -> None:
        self._searcher, self._principal, self._key = searcher, principal, key

    def ranking(self, asked: VectorQuery) -> list[ScoredPoint]:
        """Different texts, best first, to `DEPTH` points; the document's own point stands for its text where it has it."""
        found = self._searcher.vectors.nearest(self._searcher.collection, asked, self._principal.tags, DEPTH, ANYWHERE)
        mine = {shown_text(point.payload): point for point in reversed(found) if self.is_it(point)}
        return [mine.get(shown_text(point.payload), point) for point in _distinct(found)]

    def rank(self, ranking: Sequence[ScoredPoint]) -> int | None:
        return next((n for n, point in enumerate(ranking, 1) if self.is_it(point)), None)

    def is_it(self, point: ScoredPoint) -> bool:
        return bool(point.payload[DOCUMENT_KEY] == self._key)


def _exact_rank(points: Scanned, collection: str, asked: VectorQuery, tags: AccessTags, key: str) -> int | None:
    """The rank among different texts by every vector, read one after the other; None for a search without vectors."""
    if asked.dense is None:
        return None
    best: dict[str, float] = {}
    mine: float | None = None
    for point in points.scan(collection, [DOCUMENT_KEY, TEXT_ID], vectors=True, readable_by=tags):
        if point.dense is None:
            continue
        score = float(point.dense @ asked.dense)
        text = str(point.payload.get(TEXT_ID, point.id))
        best[text] = max(score, best.get(text, score))
        if point.payload[DOCUMENT_KEY] == key:
            mine = score if mine is None else max(mine, score)
    return None if mine is None else 1 + sum(score > mine + TOLERANCE for score in best.values())


def _keys(hit: Hit) -> set[str]:
    return {hit.document_key, *(copy.document_key for copy in hit.copies)}


def _chunk(point: ScoredPoint | None) -> BestChunk | None:
    if point is None:
        return None
    held = point.payload
    where = place(held)
    return BestChunk(point.id, where.start, where.end, tuple(held["heading_path"]), shown_text(held), point.score)


def _copies_took_it(ranking: Sequence[ScoredPoint], rank: int | None, k: int) -> bool:
    """Whether it would be among the k if texts that nearly repeat one above them took no place of their own."""
    if rank is None or rank > 10 * k:
        return False
    repeated = _near_copies([shown_text(point.payload) for point in ranking[: rank - 1]])
    return bool(repeated) and rank - len(repeated) <= k


def _near_copies(texts: Sequence[str]) -> dict[int, tuple[int, ...]]:
    """For each text (from 1) that nearly repeats earlier ones, which."""
    runs = [_runs(text) for text in texts]
    found = {n: tuple(m for m, one in enumerate(runs[: n - 1], 1) if _alike(one, other)) for n, other in enumerate(runs, 1)}
    return {n: earlier for n, earlier in found.items() if earlier}


def _alike(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> bool:
    return len(one & other) >= ALIKE * len(one | other)


def _runs(text: str) -> frozenset[tuple[str, ...]]:
    words = text.casefold().split()
    return frozenset(tuple(words[i : i + 3]) for i in range(max(1, len(words) - 2)))


def _distinct(points: list[ScoredPoint]) -> list[ScoredPoint]:
    """The first point of each text that a reader is given, in the same order."""
    seen: set[str] = set()
    kept = []
    for point in points:
        text = shown_text(point.payload)  # children of one parent are one answer, ranked by the best of them
        if text not in seen:
            seen.add(text)
            kept.append(point)
    return kept
