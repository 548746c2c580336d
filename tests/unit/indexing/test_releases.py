"""The release state machine: what may follow what, and how a release is built."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from sluice.errors import ReleaseError
from sluice.releases import TRANSITIONS, State
from tests.unit.indexing.conftest import put
from tests.unit.indexing.fakes import World, access

STATES: tuple[State, ...] = get_args(State)


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
        put(world, state, state)
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
