"""From nothing to a staged release: begun anew or taken up where a killed process left it, complete before it has a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from indexing.delta import Delta
from indexing.releases.moves import Moves
from sluice.errors import ReleaseError
from sluice.releases import Release, Transition


def begin(
    m: Moves,
    fingerprint: str,
    *,
    release_id: str,
    dimension: int,
    sparse: bool,
    today: Mapping[str, Any],
    delta: Delta | None = None,
) -> Release:
    """The release to build for this fingerprint; `today` are manifest fields that an interrupted build takes over anew.

    What an interrupted delta left, or a build that is to be one now, is dropped and begun again: a clone is cheap, and a part
    of one is nothing to build on. The points of an interrupted full build stay: they are those that it would write.
    """
    mine = _taken_up(m, fingerprint)
    base = delta.base if delta is not None else None
    # Not the base's, although the clone has its tags: they are looked at again before it is judged, whatever a build did to them.
    today = {**today, "base": base.id if base is not None else None, "synced": ""}
    if mine is None:
        now = m.now()
        mine = Release(
            id=release_id,
            index=m.index,
            collection=f"{m.index}__{release_id}",
            state="building",
            fingerprint=fingerprint,
            created=now,
            history=(Transition("building", now, m.actor),),
            **today,
        )
        m.ledger.add(mine)
    elif mine.state == "building":
        if mine.base is not None or delta is not None:
            m.collections.drop(mine.collection)
        mine = m.ledger.update(mine.id, today)
    if mine.state == "building" and delta is not None:
        m.collections.clone(delta.base.collection, mine.collection)
        m.points.delete(mine.collection, delta.stale)
    elif mine.state == "building":
        m.collections.create(mine.collection, dimension=dimension, sparse=sparse)
    return mine


def _taken_up(m: Moves, fingerprint: str) -> Release | None:
    """What waits for this fingerprint; every other build and staged release is abandoned, its collection dropped."""
    waiting = [r for r in m.view().releases if r.state in ("building", "staged", "canary")]
    for release in waiting:
        if release.state == "canary":
            raise ReleaseError(
                f"release {release.id} is serving as a canary; nothing is built meanwhile",
                hint=f"end it first: sluice promote {release.id}, or sluice rollback",
            )
    mine: Release | None = None
    existing = set(m.collections.names()) if waiting else set()
    for release in waiting:
        usable = release.state == "building" or release.collection in existing
        if mine is None and usable and release.fingerprint == fingerprint:
            mine = release
        elif release.pinned:  # never removed, so not abandoned either
            m.move(release, "rejected", {"held": "a newer build took its place"})
            m.candidate(None)
        else:
            m.move(release, "abandoned")
            m.remove(release)
    return mine


def stage(m: Moves, release: Release, measured: Mapping[str, Any]) -> Release:
    """A complete build becomes the candidate; `measured` are manifest fields (documents, chunks, tokens, counts…)."""
    staged = m.move(release, "staged", measured)
    m.aliases.switch({m.candidate_alias: release.collection})
    return staged
