"""The release state machine: building → staged → promoted → retired, and the ways back.

The alias is the truth about what is live; the ledger records it. Every change that readers can see is one action
on one alias. What must survive a crash between the alias and the ledger is written before the alias moves, and `recover`
repairs the rest, so that it may be called at any time and twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from indexing.access_sync import CurrentAccess, SyncResult, sync
from indexing.events import Events
from indexing.protocols import AccessAudit, Aliases, Collections, Outbox, Points, ReleaseLedger
from sluice.errors import ReleaseError
from sluice.releases import TRANSITIONS, Release, State, Transition


@dataclass(frozen=True, slots=True)
class Releases:
    """The releases of one index. Callers hold the index's lease for everything but reading."""

    index: str
    ledger: ReleaseLedger
    collections: Collections
    aliases: Aliases
    points: Points
    outbox: Outbox
    audit: AccessAudit
    actor: str
    now: Callable[[], datetime]

    @property
    def events(self) -> Events:
        return Events(self.index, self.points, self.outbox, self.actor, self.now)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def candidate_alias(self) -> str:
        return f"{self.index}__candidate"

    def all(self) -> list[Release]:
        """Every release, oldest first."""
        return self.ledger.read()

    def get(self, release_id: str) -> Release:
        """One release by its id; raises ReleaseError naming the ids there are."""
        releases = self.all()
        for release in releases:
            if release.id == release_id:
                return release
        newest = ", ".join(r.id for r in releases[-5:]) or "none yet"
        raise ReleaseError(f"index '{self.index}' has no release '{release_id}'", hint=f"the newest releases are: {newest}")

    def live(self) -> Release | None:
        """The release that the alias names; None before the first promotion."""
        collection = self.aliases.read().get(self.index)
        return next((r for r in self.all() if r.collection == collection), None) if collection else None

    def canary(self) -> Release | None:
        """The release that serves a share of the readers beside the live one; None when there is none."""
        return next((r for r in self.all() if r.state == "canary" and r.removed is None), None)

    def unknown_live(self) -> str:
        """What is wrong when the alias names a collection that the ledger does not know; empty when nothing is."""
        collection = self.aliases.read().get(self.index)
        if collection is None or any(r.collection == collection for r in self.all()):
            return ""
        return f"the alias '{self.index}' names '{collection}', which no release of the ledger is"

    def held(self, fingerprint: str) -> Release | None:
        """The newest release with this fingerprint, if it must not be offered again by a run."""
        same = [r for r in self.all() if r.fingerprint == fingerprint]
        return same[-1] if same and same[-1].held else None

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
    ) -> Release:
        """The release to build for this fingerprint: an interrupted or staged one is taken up, else a new one begins.

        Builds and staged releases of other fingerprints are abandoned and their collections dropped; so is a staged one
        whose collection is gone. An interrupted build goes on under the access and configuration of today.
        """
        waiting = [r for r in self.all() if r.state in ("building", "staged", "canary")]
        for release in waiting:
            if release.state == "canary":
                raise ReleaseError(
                    f"release {release.id} is serving as a canary; nothing is built meanwhile",
                    hint=f"end it first: sluice promote {release.id}, or sluice rollback",
                )
        mine: Release | None = None
        existing = set(self.collections.names())
        for release in waiting:
            usable = release.state == "building" or release.collection in existing
            if mine is None and usable and release.fingerprint == fingerprint:
                mine = release
            elif release.pinned:  # never removed, so not abandoned either
                self._move(release, "rejected", {"held": "a newer build took its place"})
                self._candidate(None)
            else:
                self._move(release, "abandoned")
                self._remove(release)
        today: dict[str, Any] = {"access_root": access_root, "fingerprints": fingerprints}
        today |= {"configuration": configuration, "recipe": recipe}
        if mine is None:
            now = self.now()
            mine = Release(
                id=release_id,
                index=self.index,
                collection=f"{self.index}__{release_id}",
                state="building",
                fingerprint=fingerprint,
                created=now,
                history=(Transition("building", now, self.actor),),
                **today,
            )
            self.ledger.add(mine)
        elif mine.state == "building":
            mine = self.ledger.update(mine.id, today)
        if mine.state == "building":
            self.collections.create(mine.collection, dimension=dimension, sparse=sparse)
        return mine

    def stage(self, release: Release, measured: Mapping[str, Any]) -> Release:
        """A complete build becomes the candidate; `measured` are manifest fields (documents, chunks, tokens, counts…)."""
        staged = self._move(release, "staged", measured)
        self.aliases.switch({self.candidate_alias: release.collection})
        return staged

    # ── judging ──────────────────────────────────────────────────────────────────────────────────────────────────

    def record(self, release: Release, verdicts: Sequence[Mapping[str, Any]], gates_fingerprint: str, **judged: Any) -> Release:
        """Keep what the gates found, and what is to be known of the judgement; the state does not change."""
        known = {"at": self.now(), "actor": self.actor, **judged}
        return self.ledger.update(
            release.id, {"verdicts": tuple(verdicts), "gates_fingerprint": gates_fingerprint, "judged": known}
        )

    def reject(self, release: Release) -> Release:
        """The candidate stays for inspection and is not offered again by itself; nothing that is live changes."""
        if release.state == "rejected":
            return release
        held = {"held": "rejected by a gate"}
        if release.state == "canary":
            release = self._end_canary(release, "staged", held["held"])
        if release.state != "staged":  # a rolled back or older release offered once more: it stays what it was
            return self.ledger.update(release.id, held)
        rejected = self._move(release, "rejected", held)
        self._candidate(None)
        return rejected

    # ── going live ───────────────────────────────────────────────────────────────────────────────────────────────

    def promote(self, release: Release, access: CurrentAccess) -> Release:
        """Make a release live: current access tags first, then its alias in one action of its own, then the ledger.

        Last the candidate alias goes, unless it names another release, which goes on waiting.
        """
        return self._go_live(release, access, "promoted")

    def _go_live(self, release: Release, access: CurrentAccess, kind: Literal["promoted", "rolled back"]) -> Release:
        live, release = self.live(), self.get(release.id)  # as it is now: the alias moves before the compare-and-set
        if live is not None and live.id == release.id:
            return release
        self._may_go_live(release)
        self._no_canary_but(release)
        self.sync_access(release, access)
        event = self.events.intend(kind, release, live)  # before the alias moves: caches must hear of it, whatever happens next
        self.aliases.switch({self.index: release.collection})
        promoted = self._move(release, "promoted", {"held": "", "replaced": live.id if live else None})
        if live is not None:
            self._move(live, "retired")
        if self._is_candidate(release):
            self._candidate(None)
        self.events.confirm(event)
        return promoted

    def rollback(self, to: str | None, access: CurrentAccess) -> tuple[Release, Release]:
        """Return to a release (default: the one that was live before); the release left is held. Gives (left, live)."""
        live = self.live()
        if live is None:
            raise ReleaseError(
                f"index '{self.index}' has nothing live to roll back from", hint="sluice run publishes a first release"
            )
        target = self.get(to) if to else self.previous(live)
        if target.id == live.id:
            raise ReleaseError(f"release {live.id} is live already", hint="sluice releases lists where you can go")
        if target.state != "retired":
            raise ReleaseError(
                f"release {target.id} is {target.state}; a rollback goes to a release that was live before",
                hint=f"sluice promote {target.id} offers it to the gates" if target.state in ("staged", "rejected") else "",
            )
        self._may_go_live(target)
        self._no_canary_but(target)
        # Before the alias moves: after a crash in between, the release left must already be held.
        left = self.ledger.update(live.id, {"held": f"rolled back to {target.id}"})
        return left, self._go_live(target, access, "rolled back")

    def previous(self, live: Release) -> Release:
        """The release that was live most recently before this one and can still be searched."""
        retired = [r for r in self.all() if r.state == "retired" and r.searchable and r.last_live is not None]
        if not retired:
            raise ReleaseError(f"no release was live before {live.id}", hint="sluice releases lists them")
        return max(retired, key=lambda r: (r.last_live, r.id))

    def start_canary(self, release: Release, share: float, access: CurrentAccess) -> Release:
        """Let the staged release serve this share of the readers (0 < share < 1) beside the live one; nothing goes live."""
        release, live = self.get(release.id), self.live()
        if live is None:
            raise ReleaseError(
                f"nothing is live beside which {release.id} could be a canary", hint=f"make it live: sluice promote {release.id}"
            )
        if release.state != "staged" or not 0 < share < 1:
            raise ReleaseError(
                f"release {release.id} is {release.state} and cannot serve {share:g} of the readers as a canary",
                hint="a staged release may, for a share between 0 and 1: sluice index stages one",
            )
        self._may_go_live(release)
        self.sync_access(release, access)
        self._candidate(release.collection)
        event = self.events.intend("canary started", release, live, share)
        canary = self._move(release, "canary", {"canary_share": share, "held": ""})
        self.events.confirm(event)
        return canary

    def end_canary(self) -> Release | None:
        """Every reader goes back to the live release; what was the canary is staged, and held. None without a canary."""
        canary = self.canary()
        return None if canary is None else self._end_canary(canary, "staged", "its canary was rolled back")

    def _end_canary(self, canary: Release, state: Literal["staged", "abandoned"], held: str) -> Release:
        live = self.live()  # without one its readers are served nothing else: there is nothing to tell
        event = self.events.intend("canary ended", live, canary, canary.canary_share) if live is not None else None
        ended = self._move(canary, state, {"held": held}, force=state == "abandoned")
        if event is not None:
            self.events.confirm(event)
        return ended

    def _no_canary_but(self, release: Release) -> None:
        canary = self.canary()
        if canary is not None and canary.id != release.id:
            raise ReleaseError(
                f"release {canary.id} is serving as a canary; nothing else goes live meanwhile",
                hint=f"end it first: sluice promote {canary.id}, or sluice rollback",
            )

    def _may_go_live(self, release: Release) -> None:
        if release.removed is not None or release.collection not in self.collections.names():
            raise ReleaseError(
                f"release {release.id} was removed by retention"
                if release.removed
                else f"the collection of {release.id} is gone",
                hint="raise retention.keep, or run again to build a new release",
            )
        if "promoted" not in TRANSITIONS[release.state]:
            raise ReleaseError(
                f"release {release.id} is {release.state} and cannot go live", hint="sluice run builds a complete one"
            )

    # ── access ───────────────────────────────────────────────────────────────────────────────────────────────────

    def sync_access(self, release: Release, access: CurrentAccess) -> SyncResult:
        """Bring current access tags into one release's collection; costs one comparison when nothing changed."""
        return self._sync(release, access, self.now(), time.perf_counter())

    def _sync(self, release: Release, access: CurrentAccess, at: datetime, started: float) -> SyncResult:
        if self.get(release.id).synced == access.root:
            return SyncResult(release.collection)
        # Cleared first: a sync that is interrupted must be done again.
        self.ledger.update(release.id, {"synced": ""})
        result = sync(self.points, release.collection, access.tags, lambda changes: self.audit.record(changes, at, self.actor))
        noted: dict[str, Any] = {}
        if result.changed:
            lag = round(result.revoked_at - started, 4) if result.revoked else None
            noted["access"] = {"at": at, "revoked": result.revoked, "granted": result.granted, "revocation_lag_s": lag}
        self.ledger.update(release.id, {"synced": access.root, **noted})
        return result

    def sync_all_access(self, access: CurrentAccess) -> list[SyncResult]:
        """Bring current access tags into every collection that exists, the live one first."""
        existing = set(self.collections.names())
        live = self.live()
        present = [r for r in self.all() if r.removed is None and r.collection in existing]
        present.sort(key=lambda r: live is None or r.id != live.id)
        at, started = self.now(), time.perf_counter()
        return [self._sync(release, access, at, started) for release in present]

    # ── keeping ──────────────────────────────────────────────────────────────────────────────────────────────────

    def pin(self, release_id: str, *, pinned: bool = True) -> Release:
        """Never remove this release, whatever retention says; or let it go again. Idempotent."""
        release = self.get(release_id)
        if pinned and not release.searchable:
            state = "removed by retention" if release.removed else release.state
            raise ReleaseError(f"release {release_id} cannot be pinned: it is {state}", hint="pin one that can be searched")
        return self.ledger.update(release_id, {"pinned": pinned})

    # ── repair and removal ───────────────────────────────────────────────────────────────────────────────────────

    def recover(self) -> list[str]:
        """Repair the ledger to the aliases and collections that exist; says what was repaired. Idempotent."""
        repaired = []
        aliases, existing = self.aliases.read(), set(self.collections.names())
        live, releases = aliases.get(self.index), self.all()
        left = next((r.id for r in releases if r.state == "promoted" and r.collection != live), None)
        for release in releases:
            if release.collection == live and release.state != "promoted":
                repaired.append(f"{release.id} is live: ledger said {release.state}")
                release = self._move(release, "promoted", {"held": "", "replaced": left}, force=True)
            elif release.collection == live and release.held:
                repaired.append(f"{release.id} is still live: not held any more ({release.held})")
                self.ledger.update(release.id, {"held": ""})
            elif release.collection != live and release.state == "promoted":
                repaired.append(f"{release.id} is not live any more: now retired")
                release = self._move(release, "retired")
            if release.removed is not None or release.state == "building":
                continue
            if release.collection not in existing:
                repaired.append(f"the collection of {release.id} is gone: recorded")
                if release.state == "canary":
                    release = self._end_canary(replace(release, removed=self.now()), "abandoned", "")
                elif release.state == "staged":
                    release = self._move(release, "abandoned", force=True)
                self.ledger.update(release.id, {"removed": self.now()})
            elif release.state == "abandoned":
                repaired.append(f"{release.id} was abandoned: its collection is removed")
                self._remove(release)
        staged = [r for r in self.all() if r.state in ("staged", "canary") and r.removed is None]
        self._candidate(staged[-1].collection if staged else None)
        repaired += self.events.settle(self.all(), live)
        return repaired

    def retain(self, keep: int) -> list[str]:
        """Drop the collections of the releases that are `beyond` it; the ids that were removed."""
        doomed = self.beyond(keep)
        for release in doomed:
            self._remove(release)
        return [release.id for release in doomed]

    def beyond(self, keep: int) -> list[Release]:
        """Promoted releases beyond the newest `keep`, and all rejected ones but the newest.

        Never the live one, the last previously live one, or a pinned one.
        """
        live = self.live()
        served = [r for r in self.all() if r.state in ("promoted", "retired") and r.removed is None and not r.pinned]
        served.sort(key=lambda r: (r.last_live or r.created, r.id), reverse=True)
        safe = {r.id for r in served[: max(keep, 2)]} | ({live.id} if live else set())
        rejected = [r for r in self.all() if r.state == "rejected" and r.removed is None and not r.pinned]
        return [r for r in served if r.id not in safe] + rejected[:-1]

    def orphans(self) -> list[str]:
        """Collections of this index that no alias names and no release of the ledger owns, or an abandoned one."""
        owned = {r.collection for r in self.all() if r.state != "abandoned"} | set(self.aliases.read().values())
        return [name for name in self.collections.names() if name.startswith(f"{self.index}__") and name not in owned]

    def drop_orphans(self) -> list[str]:
        """Drop them; the names that were dropped."""
        orphans = self.orphans()
        for name in orphans:
            self.collections.drop(name)
        return orphans

    def _remove(self, release: Release) -> None:
        named = self.aliases.read()
        if named.get(self.index) == release.collection:  # whatever the ledger says of it: its alias would go with it
            raise ReleaseError(
                f"release {release.id} is what readers are served, and stays, though the ledger says that it is {release.state}",
                hint="run again: the ledger is repaired to the alias first",
            )
        if named.get(self.candidate_alias) == release.collection:
            self._candidate(None)
        self.collections.drop(release.collection)
        self.ledger.update(release.id, {"removed": self.now()})

    def _is_candidate(self, release: Release) -> bool:
        return self.aliases.read().get(self.candidate_alias) == release.collection

    def _candidate(self, collection: str | None) -> None:
        if self.aliases.read().get(self.candidate_alias) != collection:
            self.aliases.switch({self.candidate_alias: collection})

    def _move(self, release: Release, state: State, changes: Mapping[str, Any] | None = None, *, force: bool = False) -> Release:
        if not force and state not in TRANSITIONS[release.state]:
            raise ReleaseError(f"release {release.id} is {release.state} and cannot become {state}")
        history = (*release.history, Transition(state, self.now(), self.actor))
        return self.ledger.update(release.id, {**(changes or {}), "state": state, "history": history}, expect=release.state)


def manifest(release: Release) -> dict[str, Any]:
    """A release as plain data, for people and programs."""
    return asdict(release)
