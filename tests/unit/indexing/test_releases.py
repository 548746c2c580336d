"""The release state machine: what may follow what, and what readers see when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest

from sluice.errors import ReleaseError
from sluice.releases import TRANSITIONS, Release, State, Transition
from tests.unit.indexing.fakes import World, access, begin, point

STATES: tuple[State, ...] = get_args(State)


@pytest.fixture
def world() -> World:
    return World()


def put(world: World, id: str, state: State, **more: Any) -> Release:
    """A release in any state, with its collection."""
    now = world.now()
    release = Release(id, "ix", f"ix__{id}", state, f"fp-{id}", "root", now, (Transition(state, now, "test"),), **more)
    world.ledger.add(release)
    world.store.create(release.collection, dimension=2, sparse=False)
    return release


# ── what may follow what ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_table_is_that_of_the_design() -> None:
    """building → staged → promoted → retired, and the ways back; written twice, so that neither changes alone."""
    assert {(a, b) for a, following in TRANSITIONS.items() for b in following} == {
        ("building", "staged"),
        ("building", "abandoned"),
        ("staged", "canary"),
        ("staged", "promoted"),
        ("staged", "rejected"),
        ("staged", "abandoned"),
        ("canary", "promoted"),
        ("canary", "staged"),
        ("promoted", "retired"),
        ("retired", "promoted"),
        ("rejected", "promoted"),
    }
    assert TRANSITIONS.keys() == set(STATES)


@pytest.mark.parametrize("state", STATES)
def test_only_complete_releases_go_live(world: World, state: State) -> None:
    """Staged, canary, retired and rejected ones may; a build and an abandoned one never; and a refusal changes nothing."""
    release = put(world, "r1", state)
    if state == "promoted":  # in the ledger, but the alias does not say so: `recover` is for that
        release = replace(release, state="retired")
        world.ledger.update("r1", {"state": "retired"})
    if "promoted" in TRANSITIONS[release.state]:
        assert world.releases().promote(release, access()).state == "promoted"
        assert world.store.read() == {"ix": "ix__r1"}
        return
    before = world.picture()
    with pytest.raises(ReleaseError, match=f"r1 is {state} and cannot go live"):
        world.releases().promote(release, access())
    assert world.picture() == before


@pytest.mark.parametrize("state", [s for s in STATES if s != "building"])
def test_only_a_build_is_staged(world: World, state: State) -> None:
    """Whatever the caller believes: the compare-and-set refuses, and no alias moves."""
    release = put(world, "r1", state)
    with pytest.raises(ReleaseError, match="r1 is"):
        world.releases().stage(replace(release, state="building"), {})
    assert world.store.read() == {}
    assert world.get("r1") == release


def test_rollback_goes_only_to_what_was_live(world: World) -> None:
    """A staged, rejected or abandoned release is offered to the gates instead, and says so."""
    world.promoted("r1")
    for state in ("staged", "rejected", "abandoned", "building", "canary"):
        put(world, state, state)  # type: ignore[arg-type]
        with pytest.raises(ReleaseError, match=f"{state} is {state}; a rollback goes to a release that was live before"):
            world.releases().rollback(state, access())
    assert world.get("r1").held == ""


def test_history_says_who_and_when(world: World) -> None:
    """Each state with its time and actor, in order; the creation is the first."""
    (release,) = world.promoted("r1")
    assert [(t.state, t.actor) for t in release.history] == [("building", "test"), ("staged", "test"), ("promoted", "test")]
    assert sorted(t.at for t in release.history) == [t.at for t in release.history]
    assert release.last_live == release.history[-1].at


def test_a_state_that_changed_underneath_is_not_overwritten(world: World) -> None:
    """Every transition is a compare-and-set, and promotion looks before the alias moves, not after."""
    release = world.staged("r1")
    world.releases().reject(release)
    with pytest.raises(ReleaseError):
        world.releases().reject(release)
    world.ledger.update("r1", {"state": "abandoned"})
    with pytest.raises(ReleaseError):
        world.releases().promote(release, access())
    assert "ix" not in world.store.read()


# ── building ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_interrupted_build_is_taken_up(world: World) -> None:
    """The same fingerprint goes on in the same release, under the access and configuration of today."""
    first = world.begin("r1", "fp", configuration={"search": "dense"})
    again = world.begin("r2", "fp", access_root="new root", configuration={"search": "hybrid"})
    assert (again.id, again.created) == (first.id, first.created)
    assert (again.access_root, again.configuration) == ("new root", {"search": "hybrid"})
    assert world.states() == {"r1": "building"}


def test_a_build_whose_collection_is_gone_gets_it_again(world: World) -> None:
    """Nothing but points is lost with it, and they are written again."""
    world.begin("r1", "fp")
    world.store.drop("ix__r1")
    assert world.begin("r2", "fp").id == "r1"
    assert world.store.names() == ["ix__r1"]


def test_a_staged_release_of_this_fingerprint_is_taken_up(world: World) -> None:
    """It is complete: it waits for its gates, nothing is built."""
    staged = world.staged("r1", "fp")
    assert world.begin("r2", "fp") == staged
    assert world.store.read() == {"ix__candidate": "ix__r1"}


def test_a_staged_release_without_its_collection_is_not_taken_up(world: World) -> None:
    """It could never be judged: it is abandoned and built anew."""
    world.staged("r1", "fp")
    world.store.drop("ix__r1")
    assert world.begin("r2", "fp").id == "r2"
    assert world.states() == {"r1": "abandoned", "r2": "building"}


def test_what_another_fingerprint_left_is_abandoned(world: World) -> None:
    """Its collection and candidate alias go; at most one release is in the making."""
    world.staged("r1")
    world.begin("r2")
    world.begin("r3")
    assert world.states() == {"r1": "abandoned", "r2": "abandoned", "r3": "building"}
    assert world.store.names() == ["ix__r3"]
    assert world.store.read() == {}
    assert all(world.get(id).removed for id in ("r1", "r2"))


def test_nothing_is_built_while_a_canary_is_on(world: World) -> None:
    """It says so, and touches nothing, whatever else there is."""
    put(world, "r1", "staged")
    put(world, "r2", "canary")
    before = world.picture()
    with pytest.raises(ReleaseError, match="r2 is serving as a canary"):
        world.begin("r3")
    assert world.picture() == before


def test_staging_makes_the_candidate(world: World) -> None:
    """What was measured is in the manifest, and the candidate alias names the release."""
    release = world.staged("r1")
    assert (release.state, release.documents) == ("staged", 2)
    assert world.store.read() == {"ix__candidate": "ix__r1"}


def test_two_indexes_share_a_store(world: World) -> None:
    """Names of another index are not of this one: neither its collections nor its aliases."""
    world.store.create("ix-2__r9", dimension=2, sparse=False)
    world.promoted("r1")
    assert world.releases().orphans() == []


# ── going live ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_going_live_is_one_request(world: World) -> None:
    """Live and candidate alias change together, and nothing else that readers see changes with them."""
    world.promoted("r1")
    staged = world.staged("r2")
    world.releases().promote(staged, access())
    assert [call for call in world.writes() if call[0] == "switch"] == [("switch", {"ix": "ix__r2", "ix__candidate": None})]
    assert world.states() == {"r1": "retired", "r2": "promoted"}
    assert world.get("r2").replaced == "r1"


def test_current_access_comes_before_the_alias(world: World) -> None:
    """Not for a moment does a release serve with the tags it was built with."""
    staged = world.staged("r1")
    world.releases().promote(staged, access(d1=("staff",)))
    names = [call[0] for call in world.writes()]
    assert max(i for i, name in enumerate(names) if name == "set_tags") < names.index("switch")
    assert world.tags("r1") == {"d1": ["staff"], "d2": []}


def test_rolling_back_applies_current_access_first_too(world: World) -> None:
    """A document that was revoked since is not readable in the old release either."""
    world.promoted("r1", "r2")
    world.releases().rollback(None, access("later", d1=("staff",)))
    names = [call[0] for call in world.writes()]
    assert max(i for i, name in enumerate(names) if name == "set_tags") < names.index("switch")
    assert world.tags("r1") == {"d1": ["staff"], "d2": []}


def test_promoting_what_is_live_changes_nothing(world: World) -> None:
    """It is asked for twice and done once."""
    (release,) = world.promoted("r1")
    before = world.picture()
    assert world.releases().promote(release, access()) == release
    assert world.writes() == []
    assert world.picture() == before


def test_a_candidate_goes_on_waiting_while_another_release_goes_live(world: World) -> None:
    """A rollback does not take the candidate alias from a release that is still staged."""
    world.promoted("r1", "r2")
    world.staged("r3")
    world.releases().rollback(None, access())
    assert world.store.read() == {"ix": "ix__r1", "ix__candidate": "ix__r3"}


def test_a_release_without_its_collection_does_not_go_live(world: World) -> None:
    """Removed by retention, or gone for another reason: the message says which, and the alias stays."""
    world.promoted("r1", "r2")
    world.store.drop("ix__r1")
    with pytest.raises(ReleaseError, match="the collection of r1 is gone"):
        world.releases().rollback("r1", access())
    world.ledger.update("r1", {"removed": world.now()})
    with pytest.raises(ReleaseError, match="r1 was removed by retention"):
        world.releases().rollback("r1", access())
    assert world.store.read() == {"ix": "ix__r2"}
    assert world.get("r2").held == ""


# ── rollback ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rollback_goes_to_the_one_that_was_live_before(world: World) -> None:
    """By when it was live, not by when it was built; what was never live, or is gone, is passed over."""
    world.promoted("r1", "r2", "r3")
    world.releases().rollback("r1", access())  # live before r1: r3, then r2
    put(world, "r4", "rejected")
    left, live = world.releases().rollback(None, access())
    assert (left.id, live.id) == ("r1", "r3")
    world.ledger.update("r1", {"removed": world.now()})
    assert world.releases().rollback(None, access())[1].id == "r2"


def test_the_release_that_is_left_is_held_before_the_alias_moves(world: World) -> None:
    """A crash in between must not let it come back by itself."""
    world.promoted("r1", "r2")
    left, live = world.releases().rollback(None, access())
    writes = world.writes()
    held = next(i for i, call in enumerate(writes) if call[0] == "update" and call[2].get("held"))
    assert held < next(i for i, call in enumerate(writes) if call[0] == "switch")
    assert (left.id, left.held) == ("r2", "rolled back to r1")
    assert (live.id, live.held, live.replaced) == ("r1", "", "r2")
    assert world.states() == {"r1": "promoted", "r2": "retired"}


def test_rolling_forward_is_the_same_function(world: World) -> None:
    """Going back to what was left lifts its hold, and holds the one it is left for."""
    world.promoted("r1", "r2")
    world.releases().rollback(None, access())
    world.releases().rollback("r2", access())
    assert world.get("r2").held == ""
    assert world.get("r1").held == "rolled back to r2"


def test_rollback_says_why_it_cannot(world: World) -> None:
    """Nothing live, nothing before, already there, unknown: each has a sentence of its own, and changes nothing."""
    with pytest.raises(ReleaseError, match="nothing live"):
        world.releases().rollback(None, access())
    world.promoted("r1")
    before = world.picture()
    with pytest.raises(ReleaseError, match="no release was live before r1"):
        world.releases().rollback(None, access())
    with pytest.raises(ReleaseError, match="r1 is live already"):
        world.releases().rollback("r1", access())
    with pytest.raises(ReleaseError, match="no release 'r9'") as error:
        world.releases().rollback("r9", access())
    assert "r1" in error.value.hint
    assert world.picture() == before


# ── held ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_rejected_fingerprint_is_held(world: World) -> None:
    """The candidate stays for inspection, loses its alias, and is not offered again until someone promotes it."""
    world.releases().reject(world.staged("r1", "fp"))
    held = world.releases().held("fp")
    assert held is not None
    assert (held.id, held.state) == ("r1", "rejected")
    assert world.store.names() == ["ix__r1"]
    assert world.store.read() == {}
    world.releases().promote(held, access())
    assert world.releases().held("fp") is None


def test_rejecting_an_older_release_leaves_it_what_it_was(world: World) -> None:
    """Offered once more and refused, a retired release can still be rolled back to."""
    world.promoted("r1", "r2")
    assert world.releases().reject(world.get("r1")).state == "retired"
    assert world.releases().held("fp-r1") is not None
    assert world.releases().rollback("r1", access())[1].id == "r1"


def test_rejecting_twice_is_rejecting_once(world: World) -> None:
    """The second time finds it rejected."""
    rejected = world.releases().reject(world.staged("r1"))
    assert world.releases().reject(rejected) == rejected


def test_the_newest_of_a_fingerprint_decides(world: World) -> None:
    """A fingerprint that went live again after a rejection is not held by the old one."""
    put(world, "r1", "rejected", held="rejected by a gate")
    assert world.releases().held("fp-r1") is not None
    world.ledger.update("r1", {"fingerprint": "fp"})
    world.staged("r2", "fp")
    assert world.releases().held("fp") is None
    assert world.releases().held("unknown") is None


# ── access ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_existing_collection_gets_current_access_the_live_one_first(world: World) -> None:
    """Live, retired, rejected, staged, in the making: whatever exists could be searched or go live."""
    world.promoted("r1", "r2")
    world.releases().reject(world.staged("r3"))
    building = begin(world.releases(), "r4")
    world.store.upsert(building.collection, [point("r4", "d1")])
    results = world.releases().sync_all_access(access("later", d1=("boss",)))
    assert results[0].collection == "ix__r2"
    assert {r.collection for r in results} == {"ix__r1", "ix__r2", "ix__r3", "ix__r4"}
    assert all(world.tags(id)["d1"] == ["boss"] for id in ("r1", "r2", "r3", "r4"))
    assert all(world.tags(id).get("d2", []) == [] for id in ("r1", "r2", "r3", "r4"))


def test_an_unchanged_access_costs_no_reading_of_points(world: World) -> None:
    """One comparison of roots says that nothing has to be compared."""
    world.promoted("r1")
    world.releases().sync_all_access(access())
    assert world.writes() == []
    assert all(call[0] != "scan" for call in world.log)


def test_what_was_removed_is_not_synced(world: World) -> None:
    """A manifest without a collection has no points to change."""
    world.promoted("r1", "r2")
    world.store.drop("ix__r1")
    assert [r.collection for r in world.releases().sync_all_access(access("later"))] == ["ix__r2"]


# ── retention and orphans ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("keep", "stay"), [(1, {"r4", "r5"}), (2, {"r4", "r5"}), (3, {"r3", "r4", "r5"}), (9, {"r1", "r2", "r3", "r4", "r5"})]
)
def test_retention_keeps_the_newest_and_never_less_than_live_and_previous(world: World, keep: int, stay: set[str]) -> None:
    """`keep: 1` still leaves somewhere to roll back to."""
    world.promoted("r1", "r2", "r3", "r4", "r5")
    removed = world.releases().retain(keep)
    assert set(removed) == {"r1", "r2", "r3", "r4", "r5"} - stay
    assert {name.removeprefix("ix__") for name in world.store.names()} == stay
    assert {id for id in world.states() if world.get(id).removed} == set(removed)
    assert world.releases().retain(keep) == []


def test_retention_counts_by_when_a_release_was_live(world: World) -> None:
    """After a rollback the oldest release is live and the newest the previous one: both stay."""
    world.promoted("r1", "r2", "r3")
    world.releases().rollback("r1", access())
    assert world.releases().retain(1) == ["r2"]


def test_retention_leaves_pinned_ones_out_of_the_count(world: World) -> None:
    """A pinned release stays and takes nobody's place, live or not."""
    world.promoted("r1", "r2", "r3", "r4")
    for pinned in ("r1", "r4"):
        world.ledger.update(pinned, {"pinned": True})
    assert world.releases().retain(1) == []
    world.ledger.update("r4", {"pinned": False})
    assert world.releases().retain(1) == ["r2"]


def test_retention_keeps_the_newest_rejected_for_inspection(world: World) -> None:
    """Older rejected ones go, pinned ones stay, a staged one is not retention's business."""
    world.promoted("r1")
    for id in ("x1", "x2", "x3"):
        world.releases().reject(world.staged(id))
    world.ledger.update("x1", {"pinned": True})
    world.staged("r2")
    assert world.releases().retain(3) == ["x2"]
    assert world.store.names() == ["ix__r1", "ix__r2", "ix__x1", "ix__x3"]


def test_orphans_are_what_nobody_owns(world: World) -> None:
    """A collection of this index without a release, or of an abandoned one; never one that an alias names."""
    world.promoted("r1")
    for name in ("ix__lost", "ix__served", "other__r1", "ix"):
        world.store.create(name, dimension=2, sparse=False)
    world.store.switch({"elsewhere": "ix__served"})
    put(world, "dead", "abandoned")
    assert world.releases().orphans() == ["ix__dead", "ix__lost"]
    assert world.releases().drop_orphans() == ["ix__dead", "ix__lost"]
    assert world.releases().orphans() == []
    assert world.releases().recover() == ["the collection of dead is gone: recorded"]
