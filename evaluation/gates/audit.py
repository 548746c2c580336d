"""The access filter against brute force: what it admits, and what a search that knows a chunk's own words finds.

Both believe the tags of the points and nothing that the store says about who may read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from heapq import heappush, heappushpop
from typing import Any

from evaluation.gates.base import SAMPLES
from evaluation.protocols import ReleasePoints, Searcher
from sluice.access import NOBODY, AccessTags, Principal

MOST_AUDITED = 200
"""Sets of tags that are audited; a release with more of them is audited on the first so many, and the verdict says so."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the points of a release say: the tags of each, and, of each set of tags, the first few by a hash of their ids."""

    tags_of: dict[str, AccessTags] = field(default_factory=dict)
    first: dict[AccessTags, list[tuple[str, str]]] = field(default_factory=dict)
    """(id, text), the same ones each time."""

    @classmethod
    def of(cls, points: ReleasePoints, first: int) -> Held:
        """In one scan; texts of at most `first` points of each set of tags are held."""
        tags_of: dict[str, AccessTags] = {}
        distinct: dict[frozenset[str], AccessTags] = {}  # one copy of each set of tags, however many points carry it
        nearest: dict[AccessTags, list[tuple[int, str, str]]] = {}
        for point in points.scan(("access_tags", "text") if first else ("access_tags",)):
            given = AccessTags(point.payload.get("access_tags") or ())
            tags = tags_of[point.id] = distinct.setdefault(given, given)
            if first and (text := str(point.payload.get("text") or "")).strip():
                kept = nearest.setdefault(tags, [])
                (heappush if len(kept) < first else heappushpop)(kept, (-_shuffled(point.id), point.id, text))
        ordered = {tags: [(id, text) for _, id, text in sorted(kept, reverse=True)] for tags, kept in nearest.items()}
        return cls(tags_of, ordered)


def audit(points: ReleasePoints, held: Held) -> dict[str, Any]:
    """For nobody, each tag alone and each set of tags in the release: the ids the store admits against brute force."""
    tags_of = held.tags_of
    principals = _principals(tags_of.values())
    differences = 0
    samples: list[dict[str, Any]] = []
    for tags in principals[:MOST_AUDITED]:
        admitted = {point.id for point in points.scan((), readable_by=tags)}
        readable = {id for id, own in tags_of.items() if not own.isdisjoint(tags)}
        wrong = admitted ^ readable
        differences += len(wrong)
        if wrong and len(samples) < SAMPLES:
            id = min(wrong)
            samples.append({"principal": sorted(tags), "chunk_id": id, "admitted": id in admitted})
    return {
        "principals": min(len(principals), MOST_AUDITED),
        "left_out": max(0, len(principals) - MOST_AUDITED),
        "points": len(tags_of),
        "differences": differences,
        "samples": samples,
    }


def attack(
    held: Held,
    searcher: Searcher,
    count: int,
    k: int,
    *,
    go_on: Callable[[], bool] = lambda: True,
    ahead: Callable[[Sequence[str]], None] = lambda _texts: None,
) -> dict[str, Any]:
    """Search for `count` chunks with their own texts, each as a principal with every tag of the release but the chunk's.

    The same chunks each time: an even share of each set of tags. A hit that shares no tag with the principal is a leak,
    whichever chunk it is. `ahead` is told the texts before. Stops early when `go_on` says so, and counts what is left out.
    """
    tags_of = held.tags_of
    everything = AccessTags(frozenset[str]().union(*tags_of.values()))
    chosen = _spread(held, everything, count)
    ahead([text for _, text in chosen])
    found: dict[str, dict[str, Any]] = {}
    searches = 0
    for id, text in chosen:
        if not go_on():
            break
        principal = Principal(AccessTags(everything - tags_of[id]))
        searches += 1
        for hit in searcher.search(text, principal, k):
            if not principal.may_read(tags_of.get(hit.chunk_id, NOBODY)):
                found[hit.chunk_id] = {"principal": sorted(principal.tags), "chunk_id": hit.chunk_id, "uri": hit.uri}
    return {
        "searches": searches,
        "left_out": len(chosen) - searches,
        "leaks": len(found),
        "samples": list(found.values())[:SAMPLES],
    }


def _principals(tag_sets: Iterable[AccessTags]) -> list[AccessTags]:
    distinct = set(tag_sets)
    single = {AccessTags({tag}) for tags in distinct for tag in tags}
    return sorted(distinct | single | {NOBODY}, key=lambda tags: (len(tags), sorted(tags)))


def _spread(held: Held, everything: AccessTags, count: int) -> list[tuple[str, str]]:
    """`count` chunks, one set of tags after the other; only chunks that some principal with tags may not read."""
    drawn = [held.first[tags] for tags in sorted(held.first, key=sorted) if everything - tags]
    turns = [chunks[turn] for turn in range(max(map(len, drawn), default=0)) for chunks in drawn if turn < len(chunks)]
    return turns[:count]


def _shuffled(id: str) -> int:
    return int.from_bytes(sha256(id.encode()).digest())
