"""Whether a release is called for: what the documents and the configuration ask for, compared with what there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from indexing.fingerprints import access_root, release_fingerprint
from pipeline.evidence.views import ExpectedFrom
from pipeline.resources import Resources
from sluice.records import DocumentState
from sluice.releases import Release


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the documents and the configuration call for, compared with what is live."""

    fingerprint: str
    access_root: str
    live: Release | None
    held: Release | None
    waiting: Release | None
    """A complete release of this fingerprint that was staged and not judged, or rejected under other gates or access rules."""
    documents: tuple[DocumentState, ...]
    action: Literal["nothing", "gates", "judge", "build"]
    unfinished: tuple[Release, ...] = ()
    """Builds that were begun for other documents or settings than these: nobody goes on with them."""
    rebuild: bool = False
    """Build all of it: what is live does not hold what it should."""


def assess(r: Resources, states: Sequence[DocumentState], *, rebuild: bool = False) -> Assessment:
    """Decide what to do about these documents: nothing, judge the live release again, judge a waiting one, or build."""
    members = tuple(s for s in states if s.in_release)
    wanted, access = release_fingerprint(members, r.recipe.answers), access_root(members)
    releases = r.releases
    live, held = releases.live(), releases.held(wanted)
    there = releases.all()
    waiting = next((r for r in reversed(there) if r.state == "staged" and r.fingerprint == wanted), None)
    unfinished = tuple(r for r in there if r.state == "building" and r.fingerprint != wanted)
    action: Literal["nothing", "gates", "judge", "build"] = "build"
    if rebuild:
        action = "build"
    elif live is not None and live.fingerprint == wanted:
        action = "nothing" if live.gates_fingerprint == r.gates_fingerprint else "gates"
    elif held is not None:
        same_case = held.gates_fingerprint == r.gates_fingerprint and held.judged.get("access", access) == access
        reconsidered = held.state == "rejected" and not same_case  # who mends a leak changes nothing but the rules
        action, waiting = ("nothing" if not reconsidered else "judge" if held.removed is None else "build"), held
        if action == "nothing" and live is not None and live.gates_fingerprint != r.gates_fingerprint:
            action = "gates"  # of what serves, whatever became of what was to take its place
    elif waiting is not None:
        action = "judge"
    elif not members and live is None:
        action = "nothing"
    return Assessment(wanted, access, live, held, waiting, members, action, unfinished, rebuild)


def live_holds(r: Resources, found: Assessment, keys: frozenset[str]) -> bool:
    """Whether the live release holds exactly the chunks that these documents give now (a backfill's question)."""
    if found.live is None:
        return False
    expected = {
        chunk.id
        for _, chunks in ExpectedFrom(r.builder(), [s for s in found.documents if s.key in keys]).chunks()
        for chunk in chunks
    }
    points = r.stores.qdrant.scan(found.live.collection, ["document_key"])
    return expected == {point.id for point in points if point.payload["document_key"] in keys}


def is_whole(r: Resources, release: Release) -> bool:
    """Whether the store holds as many chunks as the release's manifest says; it is not opened for that."""
    return r.stores.qdrant.count(release.collection) == release.chunks
