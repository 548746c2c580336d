"""How much of the exact top k a store finds for readers, by one pass over its vectors, whatever their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from pipeline.resources import Resources
from sluice.access import AccessTags
from sluice.groups import groups
from sluice.points import ACCESS_TAGS, Filters, StoredPoint, Vector, VectorQuery
from sluice.releases import Release

AT_ONCE = 4096
"""Vectors held at a time: 6 MB of 384 dimensions."""
Recalls = Callable[[Sequence[AccessTags], Sequence[str], int], Mapping[AccessTags, list[float]]]
SAME = 1e-6
"""A hit whose score is that of the last exact one is as good: the last bits depend on what was computed together."""


def recalls(r: Resources, release: Release) -> Recalls:
    """Asks the store as each reader, reads every vector once, and says which share of each exact top k the answer holds.

    Dense search alone: words are counted, never compressed. Questions that a reader has no answer to are left out.
    """
    searcher = r.searcher(release, known=())

    def found(readers: Sequence[AccessTags], queries: Sequence[str], k: int) -> Mapping[AccessTags, list[float]]:
        asked = [searcher.encoder.encode_query(query) for query in queries]
        stored = {
            tags: [
                {hit.id for hit in searcher.vectors.nearest(release.collection, VectorQuery(vector), tags, k, Filters())}
                for vector in asked
            ]
            for tags in readers
        }
        points = r.stores.qdrant.scan(release.collection, (ACCESS_TAGS,), vectors=True)
        return compared(points, stored, np.array(asked, dtype=np.float32), k)

    return found


def compared(
    points: Iterator[StoredPoint], stored: Mapping[AccessTags, list[set[str]]], asked: Vector, k: int
) -> dict[AccessTags, list[float]]:
    """What `recalls` gives: `stored` are the ids that each reader was answered with, by question, `asked` its vectors."""
    best = {tags: np.full((len(asked), k), -np.inf, dtype=np.float32) for tags in stored}
    held: dict[AccessTags, list[list[float]]] = {tags: [[] for _ in asked] for tags in stored}
    whole = (point for point in points if point.dense is not None)
    for block in groups(whole, AT_ONCE):
        scores = asked @ np.array([point.dense for point in block], dtype=np.float32).T
        for tags, answers in stored.items():
            mine = [n for n, point in enumerate(block) if not tags.isdisjoint(point.payload[ACCESS_TAGS])]
            if not mine:
                continue
            both = np.concatenate([best[tags], scores[:, mine]], axis=1)
            best[tags] = -np.partition(-both, k - 1, axis=1)[:, :k]
            at = {block[n].id: n for n in mine}
            for number, answer in enumerate(answers):
                held[tags][number] += [float(scores[number, at[id]]) for id in answer & at.keys()]
    return {tags: _shares(best[tags], held[tags]) for tags in stored}


def _shares(best: Vector, held: Sequence[Sequence[float]]) -> list[float]:
    """Of each exact top k, the share whose place a stored hit of at least the last score takes."""
    shares = []
    for row, scores in zip(best, held, strict=True):
        exact = row[np.isfinite(row)]
        if len(exact):
            last = float(exact.min()) - SAME
            shares.append(min(sum(score >= last for score in scores), len(exact)) / len(exact))
    return shares
