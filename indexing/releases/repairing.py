"""After a crash the alias is the truth, and the ledger is repaired to it; what is repaired twice is repaired once."""

from __future__ import annotations

from dataclasses import replace

from indexing.releases.going_live import end_canary
from indexing.releases.moves import Moves


def recover(m: Moves) -> list[str]:
    """Repair the ledger to the aliases and collections that exist; says what was repaired. Idempotent."""
    repaired = []
    view, existing = m.view(), set(m.collections.names())
    live = view.aliases.get(m.index)
    left = next((r.id for r in view.releases if r.state == "promoted" and r.collection != live), None)
    for release in view.releases:
        if release.collection == live and release.state != "promoted":
            repaired.append(f"{release.id} is live: ledger said {release.state}")
            release = m.move(release, "promoted", {"held": "", "replaced": left}, force=True)
        elif release.collection == live and release.held:
            repaired.append(f"{release.id} is still live: not held any more ({release.held})")
            m.ledger.update(release.id, {"held": ""})
        elif release.collection != live and release.state == "promoted":
            repaired.append(f"{release.id} is not live any more: now retired")
            release = m.move(release, "retired")
        if release.removed is not None or release.state == "building":
            continue
        if release.collection not in existing:
            repaired.append(f"the collection of {release.id} is gone: recorded")
            if release.state == "canary":
                release = end_canary(m, m.view(), replace(release, removed=m.now()), "abandoned", "")
            elif release.state == "staged":
                release = m.move(release, "abandoned", force=True)
            m.ledger.update(release.id, {"removed": m.now()})
        elif release.state == "abandoned":
            repaired.append(f"{release.id} was abandoned: its collection is removed")
            m.remove(release)
    repaired_view = m.view()
    staged = [r for r in repaired_view.releases if r.state in ("staged", "canary") and r.removed is None]
    m.candidate(staged[-1].collection if staged else None)
    return repaired + m.events.settle(repaired_view.releases, live)
