"""What evaluation asks for, over the stores: the points of a collection, and the chunks that it should hold."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from evaluation.protocols import TakenOver
from indexing.build import Builder
from indexing.contents import Holdings, ids_root
from indexing.delta import is_of
from indexing.protocols import Points
from pipeline.resources import Resources
from sluice.access import AccessTags
from sluice.ahead import read_ahead
from sluice.groups import batches
from sluice.ids import IdSum
from sluice.points import StoredPoint
from sluice.records import Chunk, DocumentState, Verdict
from sluice.releases import Release

SHARES = 7
"""Releases after which every document was compared word for word, whatever changed; more where that would be many each time."""
MOST_COMPARED = 1_000
"""Documents compared word for word in a release though they did not change: 1 s."""
READ_AT_ONCE = 200
"""Documents whose texts are asked for in one request; twice as many are held at once."""


@dataclass(frozen=True, slots=True)
class CollectionPoints:
    """Implements `evaluation.protocols.ReleasePoints` for one collection."""

    points: Points
    collection: str

    def scan(
        self,
        fields: Sequence[str] = (),
        *,
        vectors: bool = False,
        readable_by: AccessTags | None = None,
        documents: Collection[str] | None = None,
    ) -> Iterator[StoredPoint]:
        return self.points.scan(self.collection, fields, vectors=vectors, readable_by=readable_by, documents=documents)


@dataclass(frozen=True, slots=True)
class ExpectedFrom:
    """Implements `evaluation.protocols.ExpectedChunks`: cut again from the stored documents."""

    builder: Builder
    states: Sequence[DocumentState]

    def chunks(self, documents: Collection[str] | None = None) -> Iterator[tuple[DocumentState, Sequence[Chunk]]]:
        chosen = self.states if documents is None else [state for state in self.states if state.key in documents]
        parts = (list(self.builder.chunks(part)) for part in batches(chosen, READ_AT_ONCE))
        for part in read_ahead(parts):
            for state, _, chunks in part:
                yield state, chunks


@dataclass(frozen=True, slots=True)
class BesidePoints:
    """Implements `evaluation.protocols.Beside` for a release and the live one, by what a store keeps beside points."""

    points: Points
    candidate: str
    live: str | None
    name: str = "rows"

    def before(self) -> bytes | None:
        return self.points.notes(self.live, self.name) if self.live is not None else None

    def keep(self, content: bytes) -> None:
        self.points.note(self.candidate, self.name, content)


def taken_over(r: Resources, release: Release, live: Release | None, states: Sequence[DocumentState]) -> TakenOver | None:
    """What the release has of the live one, of which it is a clone: the documents whose points say the same in both.

    Every seventh of them is left out (of many, `MOST_COMPARED`), others in each release, so that in time everything is compared
    word for word, whatever changed. None where nothing was taken over.
    """
    if live is None or release.base != live.id or not reconciled(live.verdicts):
        return None
    before, after = r.contents.of(live.collection), r.contents.whole(release.collection)
    due = compared(len(after), len(r.releases.all()))
    same = {key for key, held in after.items() if not due(key) and held.is_copy_of(before.get(key))}
    members = [state for state in states if state.in_release]
    known = same if holds_what_was_judged(live, before) else set[str]()

    def expected() -> Iterator[tuple[DocumentState, IdSum | None]]:
        for part in batches(members, READ_AT_ONCE * 5):
            judged = {s.key: held.id_sum for s in part if s.key in known and is_of(held := before[s.key], s)}
            sums = judged | r.cutter.sums(state for state in part if state.key not in judged)
            yield from ((state, sums.get(state.key)) for state in part)

    return TakenOver(same, after, expected)


def holds_what_was_judged(release: Release, held: Holdings) -> bool:
    """Whether its collection holds the very chunks of each document that it did when they were found to be what its documents
    and its chunker give: how each was cut need not be read again."""
    return release.judged.get("ids") == ids_root(held)


def compared(documents: int, release: int) -> Callable[[str], bool]:
    """Whether a document, by its key, is compared word for word in the release of this number though it did not change."""
    shares = max(SHARES, -(-documents // MOST_COMPARED))
    return lambda key: crc32(key.encode()) % shares == release % shares


def reconciled(verdicts: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a release with these verdicts (as a manifest keeps them) was found to hold what its documents give, and was not
    only held against its own manifest."""
    return any(v["gate"] == "reconciliation" and v["passed"] and "chunks_expected" in v.get("evidence", {}) for v in verdicts)


def ids_judged(r: Resources, release: Release) -> str | None:
    """What stands for the chunks that a release held when it was reconciled with the documents; None where they were not looked
    at by who judges."""
    held = r.contents.known(release.collection)
    return ids_root(held) if held is not None else None


def against_manifest(r: Resources, release: Release) -> Verdict:
    """Whether the store holds as many documents and chunks as the manifest says."""
    held = r.contents.now(release.collection)
    stored = {"chunks": sum(found.chunks for found in held.values()), "documents": len(held)}
    recorded = {"chunks": release.chunks, "documents": release.documents}
    same = stored == recorded
    reason = f"the store holds {stored}, the manifest says {recorded}" if not same else "the store holds what its manifest says"
    return Verdict("reconciliation", same, reason, {"stored": stored, "manifest": recorded})
