"""Which collections stay: pinned ones, the live one and those before it; and which nobody goes on with, or knows any more."""

from __future__ import annotations

from collections.abc import Iterable

from indexing.releases.moves import Moves
from sluice.releases import Release


def pin(m: Moves, release_id: str, *, pinned: bool) -> Release:
    """Never remove this release, whatever retention says; or let it go again. Idempotent."""
    release = m.view().get(release_id)
    if pinned:
        release.there()
    return m.ledger.update(release_id, {"pinned": pinned})


def beyond(m: Moves, keep: int) -> list[Release]:
    """Releases that retention removes: promoted ones beyond the newest `keep`, and all rejected ones but the newest.

    Never the live one, the last previously live one, or a pinned one.
    """
    view = m.view()
    there = [r for r in view.releases if r.removed is None and not r.pinned]
    served = [r for r in there if r.state in ("promoted", "retired")]
    served.sort(key=lambda r: (r.last_live or r.created, r.id), reverse=True)
    safe = {r.id for r in served[: max(keep, 2)]} | ({view.live.id, view.live.replaced or ""} if view.live else set())
    return [r for r in served if r.id not in safe] + [r for r in there if r.state == "rejected"][:-1]


def abandon(m: Moves, unfinished: Iterable[Release]) -> list[str]:
    """Give up builds that nobody goes on with, their collections with them; the ids of those that were still building."""
    known = {release.id for release in unfinished}
    if not known:
        return []
    left = [release for release in m.view().releases if release.id in known and release.state == "building"]
    for release in left:
        m.move(release, "abandoned")
        m.remove(release)
    return [release.id for release in left]


def orphans(m: Moves) -> list[str]:
    """Collections of this index that no alias names and no release of the ledger owns, or an abandoned one."""
    view = m.view()
    owned = {r.collection for r in view.releases if r.state != "abandoned"} | set(view.aliases.values())
    return [name for name in m.collections.names() if name.startswith(f"{m.index}__") and name not in owned]
