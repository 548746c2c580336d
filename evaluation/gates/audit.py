"""The access filter against brute force: what it admits, and what a search that knows a chunk's own words finds.

Both believe the tags of the points and nothing that the store says about who may read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from heapq import nsmallest
from typing import Any

from evaluation.gates.base import SAMPLES
from evaluation.protocols import ReleasePoints, Searcher
from sluice.access import NOBODY, AccessTags, Principal

MOST_AUDITED = 200
"""Sets of tags that are audited; a release with more of them is audited on the first so many, and the verdict says so."""


def audit(points: ReleasePoints) -> dict[str, Any]:
    """For nobody, each tag alone and each set of tags in the release: the ids the store admits against brute force."""
    tags_of = _tags(points)
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
    points: ReleasePoints,
    searcher: Searcher,
    count: int,
    k: int,
    *,
    go_on: Callable[[], bool] = lambda: True,
    ahead: Callable[[Sequence[str]], None] = lambda _texts: None,
) -> dict[str, Any]:
    """Search for `count` chunks with their own texts, each as a principal with every tag of the release but the chunk's.

    The same chunks each time: an even share of each set of tags, by a hash of their ids. A hit that shares no tag with
    the principal is a leak, whichever chunk it is. Stops early when `go_on` says so, and counts what is left out. `ahead` is told
    the texts before.
    """
    tags_of = _tags(points)
    everything = AccessTags(frozenset[str]().union(*tags_of.values()))
    chosen = dict.fromkeys(_spread(tags_of, everything, count))
    texts = {p.id: str(p.payload.get("text") or "") for p in points.scan(("text",)) if p.id in chosen} if chosen else {}
    ahead([texts[id] for id in chosen if texts.get(id, "").strip()])
    found: dict[str, dict[str, Any]] = {}
    searches = 0
    for id in chosen:
        if not texts.get(id, "").strip():
            continue
        if not go_on():
            break
        principal = Principal(AccessTags(everything - tags_of[id]))
        searches += 1
        for hit in searcher.search(texts[id], principal, k):
            if not principal.may_read(tags_of.get(hit.chunk_id, NOBODY)):
                found[hit.chunk_id] = {"principal": sorted(principal.tags), "chunk_id": hit.chunk_id, "uri": hit.uri}
    return {
        "searches": searches,
        "left_out": sum(1 for id in chosen if texts.get(id, "").strip()) - searches,
        "leaks": len(found),
        "samples": list(found.values())[:SAMPLES],
    }


def _tags(points: ReleasePoints) -> dict[str, AccessTags]:
    distinct: dict[frozenset[str], AccessTags] = {}  # one copy of each set of tags, however many points carry it
    tags_of = {}
    for point in points.scan(("access_tags",)):
        tags = AccessTags(point.payload.get("access_tags") or ())
        tags_of[point.id] = distinct.setdefault(tags, tags)
    return tags_of


def _principals(tag_sets: Iterable[AccessTags]) -> list[AccessTags]:
    distinct = set(tag_sets)
    single = {AccessTags({tag}) for tags in distinct for tag in tags}
    return sorted(distinct | single | {NOBODY}, key=lambda tags: (len(tags), sorted(tags)))


def _spread(tags_of: dict[str, AccessTags], everything: AccessTags, count: int) -> list[str]:
    """`count` ids, one set of tags after the other; only chunks that some principal with tags may not read."""
    groups: dict[AccessTags, list[str]] = {}
    for id, tags in tags_of.items():
        if everything - tags:
            groups.setdefault(tags, []).append(id)
    drawn = [nsmallest(count, groups[tags], key=_shuffled) for tags in sorted(groups, key=sorted)]
    turns = [ids[turn] for turn in range(max(map(len, drawn), default=0)) for ids in drawn if turn < len(ids)]
    return turns[:count]


def _shuffled(id: str) -> bytes:
    return sha256(id.encode()).digest()
