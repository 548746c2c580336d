"""From documents to a staged release: decide whether one is called for, begin it, stage what was built."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from flows.steps.account import PARTITION_DOCUMENTS, Account
from flows.wiring import Wiring, utc_now
from indexing.build import Built
from indexing.delta import difference, may_be_base
from indexing.fingerprints import access_root, release_fingerprint
from sluice.records import DocumentState, Verdict
from sluice.releases import Release


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the documents and the configuration call for, compared with what is live."""

    fingerprint: str
    access_root: str
    live: Release | None
    held: Release | None
    waiting: Release | None
    """A complete release of this fingerprint that was staged and not judged, or rejected under other gates."""
    documents: tuple[DocumentState, ...]
    action: Literal["nothing", "gates", "judge", "build"]
    rebuild: bool = False
    """Build all of it: what is live does not hold what it should."""


def assess(w: Wiring, states: Sequence[DocumentState], *, rebuild: bool = False) -> Assessment:
    """Decide what to do about these documents: nothing, judge the live release again, judge a waiting one, or build."""
    members = tuple(s for s in states if s.in_release)
    wanted = release_fingerprint(members, w.recipe.answers)
    releases = w.releases
    live, held = releases.live(), releases.held(wanted)
    waiting = next((r for r in reversed(releases.all()) if r.state == "staged" and r.fingerprint == wanted), None)
    action: Literal["nothing", "gates", "judge", "build"] = "build"
    if rebuild:
        action = "build"
    elif live is not None and live.fingerprint == wanted:
        action = "nothing" if live.gates_fingerprint == w.gates_fingerprint else "gates"
    elif held is not None:
        reconsidered = held.state == "rejected" and held.gates_fingerprint != w.gates_fingerprint
        action, waiting = ("nothing" if not reconsidered else "judge" if held.removed is None else "build"), held
    elif waiting is not None:
        action = "judge"
    elif not members and live is None:
        action = "nothing"
    return Assessment(wanted, access_root(members), live, held, waiting, members, action, rebuild)


@dataclass(frozen=True, slots=True)
class Begun:
    """A release to build into, the documents that are to be built, and what it has already of the live one."""

    release: Release
    documents: tuple[DocumentState, ...]
    kept: Built


def begin(w: Wiring, found: Assessment) -> Begun:
    """The release to build into: a new one, or the interrupted one of the same fingerprint; a delta of the live one if it can."""
    delta = None
    if found.live is not None and not found.rebuild and may_be_base(found.live, w.recipe):
        delta = difference(w.stores.qdrant, found.live, found.documents)
    name, taken = f"{utc_now():%Y%m%d-%H%M%S}-{found.fingerprint[:8]}", {release.id for release in w.releases.all()}
    ids = (name if n == 1 else f"{name}-{n}" for n in itertools.count(1))
    release = w.releases.begin(
        found.fingerprint,
        release_id=next(id for id in ids if id not in taken),  # built again within a second: it has a name of its own
        access_root=found.access_root,
        dimension=w.model.encoder.dimension,
        sparse=w.recipe.sparse,
        fingerprints={**w.recipe.fingerprints, "parse": w.parse_fingerprints},
        configuration=w.configuration(),
        recipe=w.kept_recipe(),
        delta=delta,
    )
    if delta is None or release.state != "building":
        return Begun(release, found.documents, Built())
    return Begun(release, tuple(state for state in found.documents if state.key in delta.write), delta.kept)


def stage(w: Wiring, release: Release, built: Built, account: Account) -> Release:
    """A complete build becomes the candidate, with its account in the manifest."""
    for name, counts in built.counts.items():
        account.count(name, counts)
    account.built += built
    return w.releases.stage(
        release,
        {
            "documents": built.documents,
            "chunks": built.chunks,
            "tokens": built.tokens,
            "embedded": built.embedded,
            "cached": built.cached,
            "tokens_embedded": built.tokens_embedded,
            "contexts_cut": built.contexts_cut,
            "counts": {name: counts.checked(name).as_json() for name, counts in account.counts.items()},
            "seconds": {**account.seconds, **{f"{name} (work)": seconds for name, seconds in built.seconds.items()}},
        },
    )


def live_holds(w: Wiring, found: Assessment, keys: frozenset[str]) -> bool:
    """Whether the live release holds exactly the chunks that these documents give now (a backfill's question)."""
    if found.live is None:
        return False
    expected = {
        chunk.id
        for _, chunks in ExpectedFrom(w.builder(), [s for s in found.documents if s.key in keys]).chunks()
        for chunk in chunks
    }
    points = w.stores.qdrant.scan(found.live.collection, ["document_key"])
    return expected == {point.id for point in points if point.payload["document_key"] in keys}


def is_whole(w: Wiring, release: Release) -> bool:
    """Whether the store holds as many documents and chunks as the release's manifest says: 10 ms for 3,000 chunks."""
    return against_manifest(w, release).passed


@dataclass(frozen=True, slots=True)
class CollectionPoints:
    """Implements `evaluation.protocols.ReleasePoints` for one collection."""

    w: Wiring
    collection: str

    def scan(self, fields: Sequence[str] = (), *, vectors: bool = False, readable_by: Any = None) -> Iterator[Any]:
        return iter(self.w.stores.qdrant.scan(self.collection, fields, vectors=vectors, readable_by=readable_by))


@dataclass(frozen=True, slots=True)
class ExpectedFrom:
    """Implements `evaluation.protocols.ExpectedChunks`: cut again from the stored documents."""

    builder: Any
    states: Sequence[DocumentState]

    def chunks(self) -> Iterator[Any]:
        for i in range(0, len(self.states), PARTITION_DOCUMENTS):
            for state, _, chunks in self.builder.chunks(self.states[i : i + PARTITION_DOCUMENTS]):
                yield state, chunks


def against_manifest(w: Wiring, release: Release) -> Verdict:
    keys = [point.payload["document_key"] for point in w.stores.qdrant.scan(release.collection, ["document_key"])]
    stored = {"chunks": len(keys), "documents": len(set(keys))}
    recorded = {"chunks": release.chunks, "documents": release.documents}
    same = stored == recorded
    reason = f"the store holds {stored}, the manifest says {recorded}" if not same else "the store holds what its manifest says"
    return Verdict("reconciliation", same, reason, {"stored": stored, "manifest": recorded})
