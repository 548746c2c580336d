"""What every change of a release is made of: a compare-and-set in the ledger, an alias, a collection that goes, tags."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from indexing.access_sync import Carried, CurrentAccess, SyncResult, carried, sync
from indexing.contents import Contents, Holding
from indexing.events import Events
from indexing.protocols import AccessAudit, Aliases, Collections, Outbox, Points, ReleaseLedger
from indexing.releases.view import View
from sluice.access import TagChange
from sluice.errors import ReleaseError
from sluice.releases import TRANSITIONS, Release, ReleaseEvent, State, Transition


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """The stores of one index, who acts on them, and the steps that the state machine is made of."""

    index: str
    ledger: ReleaseLedger
    collections: Collections
    aliases: Aliases
    points: Points
    outbox: Outbox
    audit: AccessAudit
    actor: str
    now: Callable[[], datetime]
    contents: Contents | None = None
    """What collections hold, where somebody remembers it."""

    @property
    def events(self) -> Events:
        return Events(self.index, self.contents or Contents(self.points), self.outbox, self.actor, self.now)

    @property
    def candidate_alias(self) -> str:
        return f"{self.index}__candidate"

    def view(self) -> View:
        """The ledger and the aliases as they are now: one read of each."""
        return View(self.index, tuple(self.ledger.read()), self.aliases.read())

    def move(self, release: Release, state: State, changes: Mapping[str, Any] | None = None, *, force: bool = False) -> Release:
        """Another state, if the release is still in the one given and this one may follow (`force`: whichever does)."""
        if not force and state not in TRANSITIONS[release.state]:
            raise ReleaseError(f"release {release.id} is {release.state} and cannot become {state}")
        history = (*release.history, Transition(state, self.now(), self.actor))
        return self.ledger.update(release.id, {**(changes or {}), "state": state, "history": history}, expect=release.state)

    def remove(self, release: Release) -> None:
        """Drop its collection, and record it; never what readers are served, whatever the ledger says of it."""
        named = self.aliases.read()  # as it is now, not as a view had it: a collection takes its aliases with it
        if named.get(self.index) == release.collection:
            raise ReleaseError(
                f"release {release.id} is what readers are served, and stays, though the ledger says that it is {release.state}",
                hint="run again: the ledger is repaired to the alias first",
            )
        if named.get(self.candidate_alias) == release.collection:
            self.aliases.switch({self.candidate_alias: None})
        self.collections.drop(release.collection)
        self.ledger.update(release.id, {"removed": self.now()})

    def candidate(self, collection: str | None, *, only_if: str | None = None) -> None:
        """Let the candidate alias name this collection, or nothing; with `only_if`, only where it names that one."""
        named = self.aliases.read().get(self.candidate_alias)
        if named != collection and only_if in (None, named):
            self.aliases.switch({self.candidate_alias: collection})

    def sync(
        self, release: Release, access: CurrentAccess, at: datetime, started: float, *, remember: bool = False
    ) -> SyncResult:
        """Bring current tags into one collection; `release` is as the ledger has it now. Nothing is read when it has them.

        With `remember` all that the collection holds of documents is read, for who will ask for it next.
        """
        if release.synced == access.synced(release.narrowed):
            return SyncResult(release.collection)
        # Cleared first: a sync that is interrupted must be done again.
        self.ledger.update(release.id, {"synced": ""})
        told: list[ReleaseEvent] = []
        contents = self.contents if remember else None
        if contents is not None and contents.agree(release.collection, access.tags, access.texts):
            result = SyncResult(release.collection)
        else:
            read = _remembered(contents) if contents is not None else carried
            result = sync(self.points, release.collection, access, partial(self._before, release, at, told), read)
        for event in told:
            self.events.confirm(event)
        noted = self._after(result, at, started) if result.changed else {}
        narrowed = tuple(sorted(result.narrowed))
        self.ledger.update(release.id, {"synced": access.synced(narrowed), "narrowed": narrowed, **noted})
        return result

    def revoke(self, release: Release, access: CurrentAccess, documents: Collection[str], started: float) -> SyncResult:
        """As `sync`, of these documents alone: for what cannot wait until all others are known. What the collection has
        in the end is for `sync` to say, which looks at it again.
        """
        if release.synced:
            self.ledger.update(release.id, {"synced": ""})
        at, told = self.now(), list[ReleaseEvent]()
        result = sync(
            self.points,
            release.collection,
            access,
            partial(self._before, release, at, told),
            partial(carried, documents=documents),
        )
        for event in told:
            self.events.confirm(event)
        if result.changed:
            self.ledger.update(release.id, self._after(result, at, started))
        return result

    def _before(self, release: Release, at: datetime, told: list[ReleaseEvent], changes: Sequence[TagChange]) -> None:
        """Note what is about to change of who may read what."""
        self.audit.record(changes, at, self.actor)
        if release.state in ("promoted", "canary"):  # what nobody is served, nobody keeps answers of
            told.append(self.events.intend_access(release, changes))

    def _after(self, result: SyncResult, at: datetime, started: float) -> dict[str, Any]:
        """What the ledger keeps of a change of tags."""
        if self.contents is not None:
            self.contents.changed(result.collection)
        lag = round(result.revoked_at - started, 4) if result.revoked else None
        return {"access": {"at": at, "revoked": result.revoked, "granted": result.granted, "revocation_lag_s": lag}}

    def sync_now(self, release: Release, access: CurrentAccess) -> SyncResult:
        """The same, from this moment on, for one that is about to be judged or served."""
        return self.sync(release, access, self.now(), time.perf_counter(), remember=True)


def _remembered(contents: Contents) -> Callable[[Points, str], Mapping[str, Carried]]:
    def carried_by(one: Holding) -> Carried:
        text = one.version, one.parse_fingerprint
        return Carried(one.tags, {text} if one.alike else {text, ("", "")})

    return lambda _points, collection: {key: carried_by(held) for key, held in contents.now(collection).items()}
