"""Current access tags, brought into every collection that exists: law 7.

No chunk is cut and nothing is embedded: tags are payload, and only the differences are written, revocations first.

Who may read a document is said of its present text. A collection may hold an older one, of which that was never said: it loses
readers like any other and gains none but by a rule, within what it says of itself; what was revoked of it stays revoked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field

from indexing.protocols import Points
from sluice.access import NOBODY, AccessTags, TagChange, every_tag
from sluice.ids import digest

Text = tuple[str, str]
"""Which text of a document: its version, and by which parser."""
Older = Callable[[Mapping[str, Text]], Mapping[str, AccessTags]]
"""Older texts by document key → the most that may read each, where that is known."""


def _unknown(_texts: Mapping[str, Text]) -> Mapping[str, AccessTags]:
    return {}


@dataclass(frozen=True, slots=True)
class CurrentAccess:
    """Who may read each document now, and the root that stands for it (see `fingerprints.tags_root`).

    `texts` says of which text of a document that is said; of one that is not there, of any. `older` knows about others, and is
    asked of those in `masked` also where they gain nobody: redaction found something in the present text.
    """

    tags: Mapping[str, AccessTags]
    root: str
    texts: Mapping[str, Text] = field(default_factory=dict)
    older: Older = _unknown
    masked: frozenset[str] = frozenset()

    def synced(self, narrowed: Collection[str]) -> str:
        """What a collection that has these tags is known by; another once one of the documents that it holds an older text of,
        and that were kept narrower, has that text again."""
        if not narrowed:
            return self.root
        return digest(
            "narrowed", self.root, *(part for key in sorted(narrowed) for part in (key, *self.texts.get(key, ("", ""))))
        )


@dataclass(frozen=True, slots=True)
class Carried:
    """The sets of tags that a document's points carry in one collection, and of which texts they are."""

    tags: Set[AccessTags]
    texts: Set[Text] = frozenset()


@dataclass(frozen=True, slots=True)
class SyncResult:
    """How many documents lost readers, gained readers, or both, in one collection.

    `documents` are their keys, `narrowed` those of which an older text is kept narrower than the present one.
    `revoked_at` is when the last loss held, on the clock of `time.perf_counter`; 0 without one.
    """

    collection: str
    revoked: int = 0
    granted: int = 0
    documents: frozenset[str] = field(default=frozenset(), compare=False)
    revoked_at: float = field(default=0.0, compare=False)
    narrowed: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def changed(self) -> int:
        return self.revoked + self.granted


def carried(points: Points, collection: str, documents: Collection[str] | None = None) -> dict[str, Carried]:
    """What each document's points carry, by document key: one scan of nothing else, of all or of these documents."""
    tags: dict[str, set[AccessTags]] = {}
    texts: dict[str, set[Text]] = {}
    for point in points.scan(collection, ["document_key", "access_tags", "version", "parse_fingerprint"], documents=documents):
        held = point.payload
        tags.setdefault(held["document_key"], set()).add(AccessTags(held.get("access_tags") or ()))
        texts.setdefault(held["document_key"], set()).add((held.get("version") or "", held.get("parse_fingerprint") or ""))
    return {key: Carried(seen, texts[key]) for key, seen in tags.items()}


def sync(
    points: Points,
    collection: str,
    current: CurrentAccess,
    audit: Callable[[Sequence[TagChange]], None] = lambda _changes: None,
    read: Callable[[Points, str], Mapping[str, Carried]] = carried,
) -> SyncResult:
    """Make the tags in one collection those of now (a document that is not there: nobody).

    What is stored is read back and compared, so that the result holds whatever was written before, and running it
    again writes nothing. A document whose readers shrink is written before one whose readers grow. `audit` is told what
    is about to change, each document once, before it does. `read` is `carried`, or another reading of the same.
    """
    stored = read(points, collection)
    bound = _bound(stored, current)
    revoke: dict[str, AccessTags] = {}
    grant: dict[str, AccessTags] = {}
    narrowed: set[str] = set()
    for key, held in sorted(stored.items()):
        now = current.tags.get(key, NOBODY)
        wanted = AccessTags(now & bound.get(key, now))
        if wanted != now:
            narrowed.add(key)
        if held.tags == {wanted}:
            continue
        target = revoke if any(tags - wanted for tags in held.tags) else grant
        target[key] = wanted
    changed = [*revoke.items(), *grant.items()]
    if changed:
        audit([TagChange(key, every_tag(stored[key].tags), tags) for key, tags in changed])
    revoked_at = 0.0
    if revoke:
        points.retag(collection, revoke)
        revoked_at = time.perf_counter()
    if grant:
        points.retag(collection, grant)
    documents = frozenset(revoke) | frozenset(grant)
    return SyncResult(collection, len(revoke), len(grant), documents, revoked_at, frozenset(narrowed))


def _bound(stored: Mapping[str, Carried], current: CurrentAccess) -> Mapping[str, AccessTags]:
    """The most that may read the older texts that a collection holds, where less may than may read the present one."""
    readers: dict[str, AccessTags] = {}
    asked: dict[str, Text] = {}
    for key, held in stored.items():
        if key not in current.texts or not held.texts or held.texts == {current.texts[key]}:
            continue
        before = every_tag(held.tags)
        if key in current.masked or current.tags.get(key, NOBODY) - before:
            readers[key] = before
            if len(held.texts) == 1:
                asked[key] = next(iter(held.texts))
    known = current.older(asked) if asked else {}
    return {key: known.get(key, before) for key, before in readers.items()}
