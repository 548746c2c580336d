"""The best of each group, from a store that ranks points and breaks ties as it likes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sluice.points import ScoredPoint

PREFETCH = 200
"""Candidates of each kind that a hybrid search fuses, at least."""
SPARE = 4
"""Points beyond those wanted: ties at the cut are few."""
LEAST = 32
"""Points that are asked for where documents are wanted, at least."""

Search = Callable[[int, int], list[ScoredPoint]]
"""The best points as the store ranks them, for a limit and a number of candidates of each kind."""


class Wanted(NamedTuple):
    """The best point of each of the `k` best groups; `alone`: most points are a group of their own."""

    k: int
    group: Callable[[ScoredPoint], str]
    alone: bool = False


def points_alone(k: int) -> Wanted:
    """The k best points, each a group."""
    return Wanted(k, lambda point: point.id, alone=True)


def best_of_each(search: Search, wanted: Sequence[Wanted], *, fused: bool) -> list[list[ScoredPoint]]:
    """As `best_of_groups` for each way to group, of one ranking: what was asked for one is not asked again for another."""
    once = _Once(search)
    return [best_of_groups(once, each, fused=fused) if each.k > 0 else [] for each in wanted]


def best_of_groups(search: Search, wanted: Wanted, *, fused: bool) -> list[ScoredPoint]:
    """The best point of each of the k best groups, best first, equal scores by id.

    Asks for ever more points until k groups are complete and the last of them is not tied with what was cut off. Qdrant's
    grouping query gives the same groups; in local mode it takes 3 times as long, for it copies every payload, and on a
    server it stops after a few rounds, with fewer groups than there are; Qdrant Edge has none. Reading a point takes as long
    as finding it, so where most are a group of their own few more are asked for than wanted.
    """
    k, group, alone = wanted
    limit, prefetch, before = k + SPARE if alone else max(4 * k, LEAST), max(4 * k, PREFETCH), -1
    while True:
        points = sorted(search(limit, prefetch), key=lambda point: (-rounded(point.score), point.id))
        best: dict[str, ScoredPoint] = {}
        for point in points:
            best.setdefault(group(point), point)
        chosen = list(best.values())[:k]
        exhausted = len(points) < limit
        if len(chosen) == k and (exhausted or rounded(chosen[-1].score) > rounded(points[-1].score)):
            return chosen
        if exhausted:  # of what was prefetched, or of all there is
            if not fused or len(points) == before:
                return chosen
            before, prefetch = len(points), prefetch * 4
        limit *= 4


class _Once:
    """A search that answers from what it found before, where that is enough."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._found: dict[int, tuple[int, list[ScoredPoint]]] = {}
        """By the number of candidates: the limit, and what was found."""

    def __call__(self, limit: int, prefetch: int) -> list[ScoredPoint]:
        asked, found = self._found.get(prefetch, (0, []))
        if asked < limit and len(found) == asked:
            found = self._search(limit, prefetch)
            self._found[prefetch] = limit, found
        return found[:limit]


def fused(rankings: Sequence[Sequence[str]], weights: Sequence[float]) -> dict[str, float]:
    """Ids to scores by weighted reciprocal rank (Cormack, Clarke and Büttcher, SIGIR 2009), with Qdrant's constant:
    1 / ((rank + 1) / weight + 1), ranks from 0.
    """
    scores: dict[str, float] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        for rank, point in enumerate(ranking):
            scores[point] = scores.get(point, 0.0) + weight / (rank + 1 + weight)
    return scores


def rounded(score: float) -> float:
    """Equal vectors may differ in the last bit of their scores, by where they lie in memory."""
    return round(score, 6)
