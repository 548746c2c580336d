"""Going live, going back, and what is held: what readers see when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from sluice.errors import ReleaseError
from sluice.releases import Release
from tests.fakes import MemoryReleaseLedger
from tests.unit.indexing.conftest import put
from tests.unit.indexing.fakes import World, access, begin

# ── going live ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_going_live_is_one_action_of_its_own(world: World) -> None:
    """The serving alias moves alone; the candidate's, which no reader needs, goes when all is recorded."""
    world.promoted("r1")
    staged = world.staged("r2")
    world.releases().promote(staged, access())
    assert [call for call in world.writes() if call[0] == "switch"] == [
        ("switch", {"ix": "ix__r2"}),
        ("switch", {"ix__candidate": None}),
    ]
    assert world.states() == {"r1": "retired", "r2": "promoted"}
    assert world.get("r2").replaced == "r1"


def test_current_access_comes_before_the_alias(world: World) -> None:
    """Not for a moment does a release serve with the tags it was built with."""
    staged = world.staged("r1")
    world.releases().promote(staged, access(d1=("staff",)))
    names = [call[0] for call in world.writes()]
    assert max(i for i, name in enumerate(names) if name == "retag") < names.index("switch")
    assert world.tags("r1") == {"d1": ["staff"], "d2": []}


def test_rolling_back_applies_current_access_first_too(world: World) -> None:
    """A document that was revoked since is not readable in the old release either."""
    world.promoted("r1", "r2")
    world.releases().rollback(None, access("later", d1=("staff",)))
    names = [call[0] for call in world.writes()]
    assert max(i for i, name in enumerate(names) if name == "retag") < names.index("switch")
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


def test_what_readers_are_served_is_never_removed(world: World) -> None:
    """Not when the ledger is behind the alias, either: a collection takes its aliases with it."""
    world.promoted("r1", "r2")
    world.ledger.update("r2", {"state": "building"})
    with pytest.raises(ReleaseError, match="r2 is what readers are served"):
        world.begin("r3")
    assert world.store.read() == {"ix": "ix__r2"}


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


def test_rollback_goes_by_the_recorded_order_when_the_clock_jumped(world: World) -> None:
    """The oldest release says that it was live next year: rollback still goes to the one that was replaced."""
    world.promoted("r1", "r2", "r3")
    ahead = tuple(replace(t, at=t.at + timedelta(days=365)) for t in world.get("r1").history)
    world.ledger.update("r1", {"history": ahead})
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


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["promote", "rollback", "retain", "begin", "start_canary", "sync_all_access", "orphans"])
def test_an_operation_reads_the_ledger_once(world: World, name: str) -> None:
    """However many releases there are: what it decides by is one moment's view."""
    world.promoted("r1", "r2", "r3", "r4")
    staged = world.staged("r5")
    ledger = Counting(world.ledger.rows)
    releases = replace(world.releases(), ledger=ledger)
    operations: dict[str, Callable[[], object]] = {
        "promote": lambda: releases.promote(staged, access()),
        "rollback": lambda: releases.rollback(None, access()),
        "retain": lambda: releases.retain(2),
        "begin": lambda: begin(releases, "r6"),
        "start_canary": lambda: releases.start_canary(staged, 0.5, access()),
        "sync_all_access": lambda: releases.sync_all_access(access("later")),
        "orphans": releases.orphans,
    }
    operations[name]()
    assert ledger.reads == 1


class Counting(MemoryReleaseLedger):
    """Counts how often it is read."""

    def __init__(self, rows: dict[str, Release]) -> None:
        self.rows, self.reads = rows, 0

    def read(self) -> list[Release]:
        self.reads += 1
        return super().read()
