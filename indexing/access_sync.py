"""Current access tags, brought into every collection that exists: law 7.

No chunk is cut and nothing is embedded: tags are payload, and only the differences are written, revocations first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from indexing.protocols import Points
from sluice.access import NOBODY, AccessTags


@dataclass(frozen=True, slots=True)
class SyncResult:
    """How many documents lost readers, gained readers, or both, in one collection."""

    collection: str
    revoked: int = 0
    granted: int = 0

    @property
    def changed(self) -> int:
        return self.revoked + self.granted


def sync(points: Points, collection: str, current: Mapping[str, AccessTags]) -> SyncResult:
    """Make the tags in one collection equal to `current` (document key → tags; a key that is not there: nobody).

    What is stored is read back and compared, so that the result holds whatever was written before, and running it
    again writes nothing. A document whose readers shrink is written before one whose readers grow.
    """
    stored: dict[str, set[AccessTags]] = {}
    for point in points.scan(collection, ["document_key", "access_tags"]):
        stored.setdefault(point.payload["document_key"], set()).add(AccessTags(point.payload.get("access_tags") or ()))
    revoke: dict[AccessTags, list[str]] = {}
    grant: dict[AccessTags, list[str]] = {}
    for key, seen in stored.items():
        wanted = current.get(key, NOBODY)
        if seen == {wanted}:
            continue
        target = revoke if any(tags - wanted for tags in seen) else grant
        target.setdefault(wanted, []).append(key)
    for change in (revoke, grant):
        for tags, keys in sorted(change.items(), key=lambda entry: sorted(entry[0])):
            points.set_tags(collection, tags, sorted(keys))
    return SyncResult(collection, _count(revoke.values()), _count(grant.values()))


def _count(groups: Iterable[list[str]]) -> int:
    return sum(len(keys) for keys in groups)
