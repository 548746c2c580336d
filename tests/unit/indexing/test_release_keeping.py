"""What happens to the releases that are there: current access, retention, orphans."""

from __future__ import annotations

import pytest

from tests.unit.indexing.conftest import put
from tests.unit.indexing.fakes import World, access, begin, point

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
