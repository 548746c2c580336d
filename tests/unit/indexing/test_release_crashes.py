"""`kill -9` at every call to a store, before it and after it: the alias stays on a complete release, the ledger is
repaired to it, and doing the same again ends where an undisturbed run ends.

The calls are counted, not sampled: each operation is run once to count them, then once for each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from indexing.releases import Releases
from sluice.errors import ReleaseError
from tests.unit.indexing.fakes import Killed, World, access, begin, point

MANY = 1000


@dataclass(frozen=True)
class Operation:
    """How the world is before, what is done, and how it is done again after a crash (None: the same way)."""

    before: Callable[[World], object]
    do: Callable[[Releases], object]
    again: Callable[[Releases], object] | None = None


def _build(world: World, id: str) -> None:
    release = world.begin(id)
    world.store.upsert(release.collection, [point(id, "d1")])


def _rejected(world: World, *ids: str) -> None:
    for id in ids:
        world.releases().reject(world.staged(id))


def _begin_and_stage(releases: Releases) -> None:
    """As the flow does: what is staged already is not staged again."""
    release = begin(releases, "r2")
    if release.state == "building":
        releases.points.upsert(release.collection, [point("r2", "d1")])
        releases.stage(release, {"documents": 1})


def _roll_back_to(id: str) -> Callable[[Releases], object]:
    """Named, so that doing it again is not a second rollback; being there already is success."""

    def again(releases: Releases) -> None:
        live = releases.live()
        if live is None or live.id != id:
            releases.rollback(id, access("later"))

    return again


def _rolled_back(world: World) -> None:
    world.promoted("r1", "r2")
    world.releases().rollback(None, access())


def _canary(world: World) -> None:
    world.promoted("r1")
    world.releases().start_canary(world.staged("r2"), 0.5, access())


OPERATIONS: Mapping[str, Operation] = {
    "a canary": Operation(
        lambda w: (w.promoted("r1"), w.staged("r2")),
        lambda r: r.start_canary(r.get("r2"), 0.5, access("later", d1=("boss",))),
        lambda r: r.canary() or r.start_canary(r.get("r2"), 0.5, access("later", d1=("boss",))),
    ),
    "a canary that goes live": Operation(_canary, lambda r: r.promote(r.get("r2"), access())),
    "a canary that ends": Operation(_canary, lambda r: r.end_canary()),
    "a canary that is rejected": Operation(_canary, lambda r: r.reject(r.get("r2"))),
    "the first promotion": Operation(lambda w: w.staged("r1"), lambda r: r.promote(r.get("r1"), access())),
    "a promotion": Operation(
        lambda w: (w.promoted("r1", "r2"), w.staged("r3")), lambda r: r.promote(r.get("r3"), access("later", d1=("boss",)))
    ),
    "a promotion of what was rejected": Operation(
        lambda w: (w.promoted("r1"), _rejected(w, "r2")), lambda r: r.promote(r.get("r2"), access())
    ),
    "a promotion while another one is staged": Operation(
        lambda w: (w.promoted("r1"), _rejected(w, "r2"), w.staged("r3")), lambda r: r.promote(r.get("r2"), access())
    ),
    "a rollback": Operation(
        lambda w: w.promoted("r1", "r2", "r3"), lambda r: r.rollback(None, access("later")), _roll_back_to("r2")
    ),
    "a rollback to a release": Operation(lambda w: w.promoted("r1", "r2", "r3"), _roll_back_to("r1")),
    "rolling forward": Operation(_rolled_back, _roll_back_to("r2")),
    "a first build": Operation(lambda _: None, _begin_and_stage),
    "a build in the place of others": Operation(lambda w: (w.promoted("r1"), w.staged("x1"), _build(w, "x2")), _begin_and_stage),
    "a build in the place of a candidate": Operation(lambda w: (w.promoted("r1"), w.staged("x1")), _begin_and_stage),
    "a build that goes on": Operation(lambda w: (w.promoted("r1"), _build(w, "r2")), _begin_and_stage),
    "a rejection": Operation(lambda w: (w.promoted("r1"), w.staged("r2")), lambda r: r.reject(r.get("r2"))),
    "a rejection of what was live once": Operation(lambda w: w.promoted("r1", "r2"), lambda r: r.reject(r.get("r1"))),
    "retention": Operation(lambda w: (w.promoted("r1", "r2", "r3", "r4"), _rejected(w, "x1", "x2")), lambda r: r.retain(2)),
    "access": Operation(
        lambda w: (w.promoted("r1", "r2"), w.staged("r3"), _build(w, "r4")),
        lambda r: r.sync_all_access(access("later", d1=("boss",))),
    ),
    "removing orphans": Operation(
        lambda w: (w.promoted("r1"), w.store.create("ix__lost", dimension=2, sparse=False)),
        lambda r: (r.drop_orphans(), r.recover()),
    ),
}


def _undisturbed(operation: Operation) -> tuple[World, int]:
    """The world after an undisturbed operation, and how many calls it took."""
    world = World()
    operation.before(world)
    operation.do(world.releases())
    calls = len(world.log)
    world.releases().recover()
    return world, calls


def _crashes() -> list[tuple[str, int, str]]:
    return [
        (name, call, moment)
        for name, operation in OPERATIONS.items()
        for call in range(_undisturbed(operation)[1])
        for moment in ("before", "after")
    ]


def killed(operation: Operation, call: int, moment: str) -> World:
    """The world as a process leaves it that is killed at this call."""
    world = World()
    operation.before(world)
    with pytest.raises(Killed):
        operation.do(world.releases(lambda n: moment if n == call else ""))
    return world


def live_of(world: World) -> str | None:
    return world.store.read().get("ix")


def is_sound(world: World) -> None:
    """What holds after recovery, whatever happened."""
    aliases, states = world.store.read(), world.states()
    promoted = [f"ix__{id}" for id, state in states.items() if state == "promoted"]
    assert promoted == ([aliases["ix"]] if "ix" in aliases else []), "one promoted release, the alias's, or none"
    assert list(states.values()).count("building") <= 1, "at most one build"
    assert set(aliases.values()) <= set(world.store.names()), "no alias names what is not there"
    staged = [f"ix__{id}" for id, state in states.items() if state in ("staged", "canary")]
    assert [aliases["ix__candidate"]] == staged if "ix__candidate" in aliases else not staged
    assert all(event.state == "confirmed" for event in world.outbox.open()), "an event is of what happened"
    for id in states:
        release = world.get(id)
        there = release.collection in world.store.names()
        assert there == (release.removed is None) or release.state == "building"
        assert release.state != "promoted" or not release.held, "what is live is not held"


@pytest.mark.parametrize("name", OPERATIONS)
def test_readers_see_a_complete_release_whenever_it_is_killed(name: str) -> None:
    """Before anything is repaired: the alias is where it was, or where it was going, and there is no third place."""
    operation = OPERATIONS[name]
    start = World()
    operation.before(start)
    done, calls = _undisturbed(operation)
    for call in range(calls):
        for moment in ("before", "after"):
            world = killed(operation, call, moment)
            live = live_of(world)
            assert live in (live_of(start), live_of(done))
            assert live is None or len(world.store.collections[live].points) == len(done.store.collections[live].points)


@pytest.mark.parametrize(("name", "call", "moment"), _crashes())
def test_recovery_then_the_same_again_ends_where_an_undisturbed_run_ends(name: str, call: int, moment: str) -> None:
    """Recovered: sound, and a second recovery finds nothing. Done again: the same releases, aliases, points and holds."""
    operation = OPERATIONS[name]
    world = killed(operation, call, moment)
    world.releases().recover()
    is_sound(world)
    assert world.releases().recover() == []
    assert world.writes() == []
    (operation.again or operation.do)(world.releases())
    is_sound(world)
    world.releases().recover()
    assert world.picture() == _undisturbed(operation)[0].picture()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", ["a promotion", "a rollback", "a build in the place of others", "retention"])
def test_recovery_itself_may_be_killed(name: str, moment: str) -> None:
    """A crash while a crash is repaired is repaired by the next start."""
    operation = OPERATIONS[name]
    for call in range(_undisturbed(operation)[1]):
        for second in range(MANY):
            world = killed(operation, call, "after")

            def kill(n: int, at: int = second) -> str:
                return moment if n == at else ""

            try:
                world.releases(kill).recover()
            except Killed:
                world.releases().recover()
                is_sound(world)
                assert world.releases().recover() == []
            else:
                break


def test_what_a_killed_rollback_left_is_not_offered_again() -> None:
    """Once the alias has moved, the release left is held, wherever the process died after that."""
    operation = OPERATIONS["a rollback"]
    for call in range(_undisturbed(operation)[1]):
        world = killed(operation, call, "after")
        world.releases().recover()
        moved = live_of(world) == "ix__r2"
        assert bool(world.get("r3").held) == moved
        assert (world.releases().held("fp-r3") is not None) == moved


@pytest.mark.parametrize("state", ["staged", "retired", "rejected", "abandoned", "building"])
def test_the_alias_is_the_truth(state: str) -> None:
    """Whatever the ledger says about the release that the alias names, it is promoted; and the others are not."""
    world = World()
    world.promoted("r1", "r2")
    world.ledger.update("r1", {"state": state, "held": "for a reason"})
    world.store.switch({"ix": "ix__r1"})
    assert world.releases().recover() == [f"r1 is live: ledger said {state}", "r2 is not live any more: now retired"]
    is_sound(world)
    assert (world.get("r1").held, world.get("r1").replaced) == ("", "r2")


def test_collections_that_vanished_are_recorded_at_once() -> None:
    """A vector store that was emptied: nothing is live, nothing is searchable, nothing waits, and a new build begins."""
    world = World()
    world.promoted("r1", "r2")
    world.staged("r3")
    for name in world.store.names():
        world.store.drop(name)
    assert len(world.releases().recover()) == 4
    assert world.releases().recover() == []
    is_sound(world)
    assert world.states() == {"r1": "retired", "r2": "retired", "r3": "abandoned"}
    assert world.releases().live() is None
    with pytest.raises(ReleaseError, match="r1 was removed"):
        world.releases().promote(world.get("r1"), access())
    assert world.begin("r4", "fp-r3").id == "r4"


def test_a_whole_world_recovers_to_itself() -> None:
    """Recovery changes nothing where nothing is wrong."""
    world = World()
    world.promoted("r1", "r2")
    _rejected(world, "x1")
    _build(world, "r3")
    before = world.picture()
    assert world.releases().recover() == []
    assert world.writes() == []
    assert world.picture() == before
