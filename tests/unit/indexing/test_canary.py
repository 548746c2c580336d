"""A canary, a pin, an event: releases beside the live one, kept for good, and told of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from indexing.routing import LiveSearcher, is_chosen
from indexing.search import Searcher
from sluice.access import Principal
from sluice.errors import ReleaseError
from sluice.points import Point
from sluice.releases import Release
from sluice.settings import SearchSettings
from tests.unit.indexing.fakes import NORTH, Killed, World, access, point

STAFF = Principal.of(["staff", "hr"])


@pytest.fixture
def world() -> World:
    return World()


class North:
    """An encoder for which every text points north."""

    fingerprint, dimension = "north", 2

    def encode(self, texts: Any) -> Any:
        return np.stack([NORTH for _ in texts])

    def encode_query(self, text: str) -> Any:
        return NORTH


def readable(world: World, id: str) -> Release:
    """A staged release whose points say which release they are of."""
    release = world.begin(id)
    held = {"uri": id, "source": "s", "title": "", "start": 0, "end": 1, "heading_path": [], "page": None}
    more = {**held, "language": "en", "metadata": {}, "release": id, "version": id}
    made = (point(id, key, ["staff"]) for key in ("d1", "d2"))
    world.store.upsert(release.collection, [Point(p.id, p.dense, {**p.payload, **more}) for p in made])
    return world.releases().stage(release, {"documents": 2, "chunks": 2})


def live_searcher(world: World) -> LiveSearcher:
    def opened(release: Release) -> Searcher:
        return Searcher(world.store, release.collection, North(), SearchSettings(), release=release.id)

    return LiveSearcher(world.releases(), opened)


def test_a_canary_serves_its_share_of_the_readers_and_always_the_same_ones(world: World) -> None:
    """Of 2,000 readers, three tenths (to three standard deviations); anonymous ones and everyone afterwards get the live one."""
    world.releases().promote(readable(world, "r1"), access())
    world.releases().start_canary(readable(world, "r2"), 0.3, access())
    searcher = live_searcher(world)
    readers = [Principal(STAFF.tags, f"reader-{n}") for n in range(2000)]
    served = [searcher.release_for(reader).id for reader in readers]
    assert abs(served.count("r2") - 600) < 62
    assert served == [live_searcher(world).release_for(reader).id for reader in readers]
    assert [searcher.search("x", readers[n], 1)[0].release for n in range(20)] == served[:20]
    assert searcher.release_for(STAFF).id == "r1"
    assert (world.get("r2").state, world.get("r2").canary_share) == ("canary", 0.3)
    world.releases().end_canary()
    assert {searcher.release_for(reader).id for reader in readers} == {"r1"}
    assert world.releases().held("fp-r2") is not None


def test_a_larger_share_keeps_the_readers_of_a_smaller_one() -> None:
    """Whoever is served the new release goes on being served it while the share grows."""
    small, large = ({n for n in range(500) if is_chosen(f"u{n}", "r", share)} for share in (0.1, 0.5))
    assert small < large


def test_while_a_canary_serves_nothing_is_built_and_nothing_else_goes_live(world: World) -> None:
    """Each refusal says how to end it, and changes nothing; promoting the canary ends it."""
    world.promoted("r1", "r2")
    releases = world.releases()
    with pytest.raises(ReleaseError, match="retired"):
        releases.start_canary(world.get("r1"), 0.5, access())
    releases.start_canary(world.staged("r3"), 0.5, access())
    before = world.picture()
    for refused in (
        lambda: world.begin("r4"),
        lambda: releases.promote(world.get("r1"), access()),
        lambda: releases.rollback(None, access()),
    ):
        with pytest.raises(ReleaseError, match="r3 is serving as a canary") as error:
            refused()
        assert "sluice rollback" in error.value.hint
    assert world.picture() == before
    assert releases.promote(world.get("r3"), access()).state == "promoted"
    assert world.store.read() == {"ix": "ix__r3"}


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5])
def test_a_share_is_a_share(world: World, share: float) -> None:
    """None and all are no canaries; and beside nothing there is none."""
    with pytest.raises(ReleaseError, match="nothing is live"):
        world.releases().start_canary(world.staged("r1"), 0.5, access())
    world.releases().promote(world.get("r1"), access())
    with pytest.raises(ReleaseError, match="cannot serve"):
        world.releases().start_canary(world.staged("r2"), share, access())


def test_what_is_pinned_is_never_removed(world: World) -> None:
    """Not by retention, not by a newer build; unpinned, it goes as any other."""
    world.promoted("r1", "r2", "r3", "r4")
    world.releases().pin("r1")
    assert world.releases().retain(1) == ["r2"]
    world.staged("x1")
    world.releases().pin("x1")
    world.begin("r5")
    assert (world.get("x1").state, world.get("x1").removed) == ("rejected", None)
    assert "ix__x1" in world.store.names()
    assert world.releases().recover() == []
    with pytest.raises(ReleaseError, match="r2 was removed by retention"):
        world.releases().pin("r2")
    world.releases().pin("r1", pinned=False)
    assert world.releases().retain(1) == ["r1"]


def test_an_event_lists_the_documents_that_changed(world: World) -> None:
    """Added, changed and removed against the one before; a first release and another chunking change everything."""

    def staged(id: str, chunking: str = "c", **versions: str) -> Release:
        release = world.begin(id, fingerprints={"chunking": chunking})
        points = [point(id, key) for key in versions]
        held = [replace(p, payload={**p.payload, "version": versions[p.payload["document_key"]], "uri": "u"}) for p in points]
        world.store.upsert(release.collection, held)
        return world.releases().stage(release, {})

    documents: list[dict[str, Any]] = [{"a": "1", "b": "1"}, {"b": "2", "c": "1"}, {"b": "2", "chunking": "other"}]
    for number, held in enumerate(documents, 1):
        world.releases().promote(staged(f"r{number}", **held), access())
    world.releases().rollback("r2", access())
    world.releases().rollback("r1", access())
    told = [
        (e.kind, e.release, e.replaced, e.everything, *([d["key"] for d in found] for found in (e.added, e.changed, e.removed)))
        for e in world.outbox.open()
    ]
    assert told == [
        ("promoted", "r1", None, True, [], [], []),
        ("promoted", "r2", "r1", False, ["c"], ["b"], ["a"]),
        ("promoted", "r3", "r2", True, [], [], []),
        ("rolled back", "r2", "r3", True, [], [], []),
        ("rolled back", "r1", "r2", False, ["a"], ["b"], ["c"]),
    ]
    assert {event.state for event in world.outbox.open()} == {"confirmed"}


def told(world: World) -> list[tuple[str, str, str | None, float]]:
    """Every event, oldest first: what happened, who serves from then on, in whose place, and to which share."""
    return [(e.kind, e.release, e.replaced, e.share) for e in world.outbox.open()]


def test_a_canary_that_starts_and_one_that_ends_are_told(world: World) -> None:
    """To what is served now, in the place of what: taken back, rejected, started once more; one that goes live is promoted."""
    releases = world.releases()
    releases.promote(readable(world, "r1"), access())
    start = [("promoted", "r1", None, 0.0)]
    releases.start_canary(readable(world, "r2"), 0.3, access())
    releases.end_canary()
    releases.start_canary(world.get("r2"), 0.4, access())
    releases.reject(world.get("r2"))
    once = [("canary started", "r2", "r1", 0.3), ("canary ended", "r1", "r2", 0.3)]
    again = [("canary started", "r2", "r1", 0.4), ("canary ended", "r1", "r2", 0.4)]
    assert told(world) == [*start, *once, *again]
    releases.start_canary(readable(world, "r3"), 0.5, access())
    releases.promote(world.get("r3"), access())
    assert told(world)[5:] == [("canary started", "r3", "r1", 0.5), ("promoted", "r3", "r1", 0.0)]
    assert {event.state for event in world.outbox.open()} == {"confirmed"}
    assert len({event.id for event in world.outbox.open()}) == 7


def test_a_canary_whose_collection_vanished_has_ended(world: World) -> None:
    """Its readers are served the live one: that is told when it is found out, once, and that everything may differ."""
    world.promoted("r1")
    world.releases().start_canary(world.staged("r2"), 0.3, access())
    world.store.drop("ix__r2")
    assert world.releases().recover() == ["the collection of r2 is gone: recorded"]
    assert world.releases().recover() == []
    assert told(world)[2:] == [("canary ended", "r1", "r2", 0.3)]
    assert [event.everything for event in world.outbox.open()][2:] == [True]
    assert (world.get("r2").state, world.get("r2").removed is not None) == ("abandoned", True)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_what_is_told_after_a_crash_is_what_happened(moment: str) -> None:
    """Killed at every call of a canary's start and of its end: once recovered, each is told if it came about, and only then."""
    seen = set()
    for call in range(100):
        world = World()
        world.promoted("r1")
        world.staged("r2")
        completed = True

        def kill(n: int, at: int = call) -> str:
            return moment if n == at else ""

        try:
            releases = world.releases(kill)
            releases.start_canary(releases.get("r2"), 0.3, access())
            releases.end_canary()
        except Killed:
            completed = False
        world.releases().recover()
        states = [transition.state for transition in world.get("r2").history][2:]
        came_about = {"canary": "canary started", "staged": "canary ended"}
        assert [kind for kind, *_ in told(world)][1:] == [came_about[state] for state in states]
        seen.add(tuple(states))
        if completed:
            break
    assert seen == {(), ("canary",), ("canary", "staged")}
