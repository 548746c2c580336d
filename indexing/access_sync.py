"""Current access tags, brought into every collection that exists: law 7.

No chunk is cut and nothing is embedded: tags are payload, and only the differences are written, revocations first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from indexing.protocols import Points
from sluice.access import NOBODY, AccessTags, TagChange


@dataclass(frozen=True, slots=True)
class CurrentAccess:
    """Who may read each document now, and the root that stands for it (see `fingerprints.tags_root`)."""

    tags: Mapping[str, AccessTags]
    root: str


@dataclass(frozen=True, slots=True)
class SyncResult:
    """How many documents lost readers, gained readers, or both, in one collection.

    `documents` are their keys; `revoked_at` is when the last loss held, on the clock of `time.perf_counter`; 0 without one.
    """

    collection: str
    revoked: int = 0
    granted: int = 0
    documents: frozenset[str] = field(default=frozenset(), compare=False)
    revoked_at: float = field(default=0.0, compare=False)

    @property
    def changed(self) -> int:
        return self.revoked + self.granted


def carried(points: Points, collection: str) -> dict[str, set[AccessTags]]:
    """Every set of tags that a document's points carry, by document key: one scan of nothing else."""
    stored: dict[str, set[AccessTags]] = {}
    for point in points.scan(collection, ["document_key", "access_tags"]):
        stored.setdefault(point.payload["document_key"], set()).add(AccessTags(point.payload.get("access_tags") or ()))
    return stored


def sync(
    points: Points,
    collection: str,
    current: Mapping[str, AccessTags],
    audit: Callable[[Sequence[TagChange]], None] = lambda _changes: None,
    read: Callable[[Points, str], Mapping[str, Set[AccessTags]]] = carried,
) -> SyncResult:
    """Make the tags in one collection equal to `current` (document key → tags; a key that is not there: nobody).

    What is stored is read back and compared, so that the result holds whatever was written before, and running it
    again writes nothing. A document whose readers shrink is written before one whose readers grow. `audit` is told what
    is about to change, each document once, before it does. `read` is `carried`, or another reading of the same.
    """
    stored = read(points, collection)
    revoke: dict[str, AccessTags] = {}
    grant: dict[str, AccessTags] = {}
    for key, seen in sorted(stored.items()):
        wanted = current.get(key, NOBODY)
        if seen == {wanted}:
            continue
        target = revoke if any(tags - wanted for tags in seen) else grant
        target[key] = wanted
    changed = [*revoke.items(), *grant.items()]
    if changed:
        audit([TagChange(key, AccessTags(frozenset[str]().union(*stored[key])), tags) for key, tags in changed])
    revoked_at = 0.0
    if revoke:
        points.retag(collection, revoke)
        revoked_at = time.perf_counter()
    if grant:
        points.retag(collection, grant)
    return SyncResult(collection, len(revoke), len(grant), frozenset(revoke) | frozenset(grant), revoked_at)
