"""The release state machine: building → staged → promoted → retired, and the ways back.

The alias is the truth about what is live; the ledger records it. Every change that readers can see is one action on one
alias. What must survive a crash between the alias and the ledger is written before the alias moves, and `recover` repairs
the rest, so that it may be called at any time and twice.

`view` is what an operation reads, once; `building`, `going_live`, `keeping` and `repairing` are what changes it, each made of
`moves`.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from indexing.access_sync import CurrentAccess, SyncResult
from indexing.delta import Delta
from indexing.releases import building, going_live, keeping, repairing
from indexing.releases.moves import Moves
from indexing.releases.view import View
from sluice.releases import Release

__all__ = ["Releases", "View", "manifest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases(Moves):
    """The releases of one index. Callers hold the index's lease for everything but reading.

    Who asks more than one thing reads a `view` and asks that.
    """

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────

    def all(self) -> list[Release]:
        """Every release, oldest first."""
        return self.ledger.read()

    def get(self, release_id: str) -> Release:
        """As `View.get`."""
        return self.view().get(release_id)

    def live(self) -> Release | None:
        """As `View.live`."""
        return self.view().live

    def canary(self) -> Release | None:
        """As `View.canary`."""
        return self.view().canary

    def unknown_live(self) -> str:
        """As `View.unknown_live`."""
        return self.view().unknown_live

    def held(self, fingerprint: str) -> Release | None:
        """As `View.held`."""
        return self.view().held(fingerprint)

    def previous(self, live: Release) -> Release:
        """As `View.previous`."""
        return self.view().previous(live)

    # ── building ─────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(
        self,
        fingerprint: str,
        *,
        release_id: str,
        access_root: str,
        dimension: int,
        sparse: bool,
        fingerprints: Mapping[str, Any],
        configuration: Mapping[str, Any],
        recipe: Mapping[str, Any],
        delta: Delta | None = None,
    ) -> Release:
        """The release to build for this fingerprint: an interrupted or staged one is taken up, else a new one begins.

        Builds and staged releases of other fingerprints are abandoned and their collections dropped; so is a staged one
        whose collection is gone. An interrupted build goes on under the access and configuration of today.
        With a `delta` its collection is a clone of the delta's base, without the points that the delta calls stale.
        """
        today = {"access_root": access_root, "fingerprints": fingerprints, "configuration": configuration, "recipe": recipe}
        return building.begin(
            self, fingerprint, release_id=release_id, dimension=dimension, sparse=sparse, today=today, delta=delta
        )

    def stage(self, release: Release, measured: Mapping[str, Any]) -> Release:
        """A complete build becomes the candidate; `measured` are manifest fields (documents, chunks, tokens, counts…)."""
        return building.stage(self, release, measured)

    # ── judging ──────────────────────────────────────────────────────────────────────────────────────────────────

    def record(self, release: Release, verdicts: Sequence[Mapping[str, Any]], gates_fingerprint: str, **judged: Any) -> Release:
        """Keep what the gates found, and what is to be known of the judgement; the state does not change."""
        known = {"at": self.now(), "actor": self.actor, **judged}
        return self.ledger.update(
            release.id, {"verdicts": tuple(verdicts), "gates_fingerprint": gates_fingerprint, "judged": known}
        )

    def reject(self, release: Release) -> Release:
        """The candidate stays for inspection and is not offered again by itself; nothing that is live changes."""
        return going_live.reject(self, release)

    # ── going live ───────────────────────────────────────────────────────────────────────────────────────────────

    def promote(self, release: Release, access: CurrentAccess) -> Release:
        """Make a release live: current access tags first, then its alias in one action of its own, then the ledger.

        Last the candidate alias goes, unless it names another release, which goes on waiting.
        """
        return going_live.promote(self, release, access)

    def rollback(self, to: str | None, access: CurrentAccess) -> tuple[Release, Release]:
        """Return to a release (default: the one that was live before); the release left is held. Gives (left, live)."""
        return going_live.rollback(self, to, access)

    def start_canary(self, release: Release, share: float, access: CurrentAccess) -> Release:
        """Let the staged release serve this share of the readers (0 < share < 1) beside the live one; nothing goes live."""
        return going_live.start_canary(self, release, share, access)

    def end_canary(self) -> Release | None:
        """Every reader goes back to the live release; what was the canary is staged, and held. None without a canary."""
        view = self.view()
        return None if view.canary is None else going_live.end_canary(self, view, view.canary, "staged")

    # ── access ───────────────────────────────────────────────────────────────────────────────────────────────────

    def sync_access(self, release: Release, access: CurrentAccess) -> SyncResult:
        """Bring current access tags into one release's collection; costs one comparison when nothing changed."""
        return self.sync_now(self.get(release.id), access)

    def sync_all_access(self, access: CurrentAccess) -> list[SyncResult]:
        """Bring current access tags into every collection that exists, the live one first."""
        at, started = self.now(), time.perf_counter()
        return [self.sync(release, access, at, started) for release in self._present()]

    def revoke_everywhere(self, access: CurrentAccess, documents: Collection[str], started: float) -> list[SyncResult]:
        """Bring the tags of these documents into every collection that exists, the live one first; whoever loses them has
        waited since `started`, on the clock of `time.perf_counter`."""
        return [self.revoke(release, access, documents, started) for release in self._present()]

    def _present(self) -> list[Release]:
        """Releases whose collections exist, the live one first."""
        view, existing = self.view(), set(self.collections.names())
        present = [r for r in view.releases if r.removed is None and r.collection in existing]
        return sorted(present, key=lambda r: view.live is None or r.id != view.live.id)

    # ── keeping and repair ───────────────────────────────────────────────────────────────────────────────────────

    def pin(self, release_id: str, *, pinned: bool = True) -> Release:
        """Never remove this release, whatever retention says; or let it go again. Idempotent."""
        return keeping.pin(self, release_id, pinned=pinned)

    def retain(self, keep: int) -> list[str]:
        """Drop the collections of promoted releases beyond the newest `keep`; the ids that were removed.

        Never the live one, the last previously live one, or a pinned one. Of rejected ones the newest stays.
        """
        doomed = self.beyond(keep)
        for release in doomed:
            self.remove(release)
        return [release.id for release in doomed]

    def beyond(self, keep: int) -> list[Release]:
        """What `retain` would remove."""
        return keeping.beyond(self, keep)

    def abandon(self, unfinished: Iterable[Release]) -> list[str]:
        """Give up builds that nobody goes on with, their collections with them; the ids of those that were still building."""
        return keeping.abandon(self, unfinished)

    def orphans(self) -> list[str]:
        """Collections of this index that no alias names and no release of the ledger owns, or an abandoned one."""
        return keeping.orphans(self)

    def drop_orphans(self) -> list[str]:
        """Drop them; the names that were dropped."""
        orphans = self.orphans()
        for name in orphans:
            self.collections.drop(name)
        return orphans

    def recover(self) -> list[str]:
        """Repair the ledger to the aliases and collections that exist; says what was repaired. Idempotent."""
        return repairing.recover(self)


def manifest(release: Release) -> dict[str, Any]:
    """A release as plain data, for people and programs."""
    return asdict(release)
