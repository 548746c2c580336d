"""A world of releases, and releases in any state."""

from __future__ import annotations

from typing import Any

import pytest

from sluice.releases import Release, State, Transition
from tests.unit.indexing.fakes import World


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
