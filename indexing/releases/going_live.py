"""What readers are served: promotion, rollback, a canary, and a rejection that keeps a release from them."""

from __future__ import annotations

from typing import Literal

from indexing.access_sync import CurrentAccess
from indexing.releases.moves import Moves
from indexing.releases.view import View
from sluice.errors import ReleaseError
from sluice.releases import TRANSITIONS, Release


def promote(m: Moves, release: Release, access: CurrentAccess) -> Release:
    """Make a release live: current access tags first, then its alias in one action of its own, then the ledger."""
    return _go_live(m, m.view(), release.id, access, "promoted")


def _go_live(m: Moves, view: View, release_id: str, access: CurrentAccess, kind: Literal["promoted", "rolled back"]) -> Release:
    live, release = view.live, view.get(release_id)
    if live is not None and live.id == release.id:
        return release
    _may_go_live(m, view, release)
    m.sync_now(release, access)
    event = m.events.intend(kind, release, live)  # before the alias moves: caches must hear of it, whatever happens next
    m.aliases.switch({m.index: release.collection})
    promoted = m.move(release, "promoted", {"held": "", "replaced": live.id if live else None})
    if live is not None:
        m.move(live, "retired")
    m.candidate(None, only_if=release.collection)  # another release that is staged goes on waiting
    m.events.confirm(event)
    return promoted


def rollback(m: Moves, to: str | None, access: CurrentAccess) -> tuple[Release, Release]:
    """Return to a release (default: the one that was live before); the release left is held. Gives (left, live)."""
    view = m.view()
    live = view.live
    if live is None:
        raise ReleaseError(f"index '{m.index}' has nothing live to roll back from", hint="sluice run publishes a first release")
    target = view.get(to) if to else view.previous(live)
    if target.id == live.id:
        raise ReleaseError(f"release {live.id} is live already", hint="sluice releases lists where you can go")
    if target.state != "retired":
        raise ReleaseError(
            f"release {target.id} is {target.state}; a rollback goes to a release that was live before",
            hint=f"sluice promote {target.id} offers it to the gates" if target.state in ("staged", "rejected") else "",
        )
    _may_go_live(m, view, target)
    # Before the alias moves: after a crash in between, the release left must already be held.
    left = m.ledger.update(live.id, {"held": f"rolled back to {target.id}"})
    return left, _go_live(m, view, target.id, access, "rolled back")


def start_canary(m: Moves, release: Release, share: float, access: CurrentAccess) -> Release:
    """Let the staged release serve this share of the readers (0 < share < 1) beside the live one; nothing goes live."""
    view = m.view()
    release, live = view.get(release.id), view.live
    if live is None:
        raise ReleaseError(
            f"nothing is live beside which {release.id} could be a canary", hint=f"make it live: sluice promote {release.id}"
        )
    if release.state != "staged" or not 0 < share < 1:
        raise ReleaseError(
            f"release {release.id} is {release.state} and cannot serve {share:g} of the readers as a canary",
            hint="a staged release may, for a share between 0 and 1: sluice index stages one",
        )
    _may_go_live(m, view, release)
    m.sync_now(release, access)
    m.candidate(release.collection)
    event = m.events.intend("canary started", release, live, share)
    canary = m.move(release, "canary", {"canary_share": share, "held": ""})
    m.events.confirm(event)
    return canary


def end_canary(
    m: Moves, view: View, canary: Release, state: Literal["staged", "abandoned"], held: str = "its canary was rolled back"
) -> Release:
    """Every reader goes back to the live release; what was the canary waits again, or is given up, and is held."""
    live = view.live  # without one its readers are served nothing else: there is nothing to tell
    event = m.events.intend("canary ended", live, canary, canary.canary_share) if live is not None else None
    ended = m.move(canary, state, {"held": held}, force=state == "abandoned")
    if event is not None:
        m.events.confirm(event)
    return ended


def reject(m: Moves, release: Release) -> Release:
    """The candidate stays for inspection and is not offered again by itself; nothing that is live changes."""
    if release.state == "rejected":
        return release
    held = "rejected by a gate"
    if release.state == "canary":
        release = end_canary(m, m.view(), release, "staged", held)
    if release.state != "staged":  # a rolled back or older release offered once more: it stays what it was
        return m.ledger.update(release.id, {"held": held})
    rejected = m.move(release, "rejected", {"held": held})
    m.candidate(None)
    return rejected


def _may_go_live(m: Moves, view: View, release: Release) -> None:
    if release.removed is not None:
        release.there()
    if release.collection not in m.collections.names():
        raise ReleaseError(f"the collection of {release.id} is gone", hint="run again to build a new release")
    if "promoted" not in TRANSITIONS[release.state]:
        raise ReleaseError(f"release {release.id} is {release.state} and cannot go live", hint="sluice run builds a complete one")
    canary = view.canary
    if canary is not None and canary.id != release.id:
        raise ReleaseError(
            f"release {canary.id} is serving as a canary; nothing else goes live meanwhile",
            hint=f"end it first: sluice promote {canary.id}, or sluice rollback",
        )
