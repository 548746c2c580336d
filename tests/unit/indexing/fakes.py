"""A world of stores in memory that can be watched, and stopped at any of their calls, as a killed process would be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from indexing.access_sync import CurrentAccess
from indexing.releases import Releases
from sluice.access import AccessTags
from sluice.ids import digest
from sluice.points import Point
from sluice.releases import Release
from tests.fakes import MemoryAccessAudit, MemoryOutbox, MemoryReleaseLedger, MemoryVectorStore

DIMENSION = 2
NORTH = np.array([1.0, 0.0], dtype=np.float32)


class Killed(BaseException):
    """The process ends here; nothing that handles errors may handle this."""


class Tap:
    """Passes every call on, notes it, and ends the process before or after the n-th."""

    def __init__(self, target: Any, log: list[tuple[Any, ...]], kill: Callable[[int], str] = lambda _n: "") -> None:
        self._target, self._log, self._kill = target, log, kill

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._target, name)

        def call(*arguments: Any, **named: Any) -> Any:
            moment = self._kill(len(self._log))
            if moment == "before":
                raise Killed
            self._log.append((name, *arguments))
            result = method(*arguments, **named)
            if moment == "after":
                raise Killed
            return result

        return call


@dataclass
class World:
    """One index on stores that outlive every process."""

    ledger: MemoryReleaseLedger = field(default_factory=MemoryReleaseLedger)
    store: MemoryVectorStore = field(default_factory=MemoryVectorStore)
    outbox: MemoryOutbox = field(default_factory=MemoryOutbox)
    audit: MemoryAccessAudit = field(default_factory=MemoryAccessAudit)
    ticks: int = 0
    log: list[tuple[Any, ...]] = field(default_factory=list)

    def now(self) -> datetime:
        self.ticks += 1
        return datetime(2026, 11, 21, tzinfo=UTC) + timedelta(seconds=self.ticks)

    def releases(self, kill: Callable[[int], str] = lambda _n: "") -> Releases:
        """A process: its own Releases, its log empty."""
        self.log = []
        store = Tap(self.store, self.log, kill)
        outbox = Tap(self.outbox, self.log, kill)
        audit = Tap(self.audit, self.log, kill)
        return Releases(
            index="ix",
            ledger=Tap(self.ledger, self.log, kill),
            collections=store,
            aliases=store,
            points=store,
            outbox=outbox,
            audit=audit,
            actor="test",
            now=self.now,
        )

    def writes(self) -> list[tuple[Any, ...]]:
        """What the last process asked the stores to change, in order."""
        return [call for call in self.log if call[0] not in ("read", "names", "scan", "open")]

    def begin(self, id: str, fingerprint: str = "", **more: Any) -> Release:
        return begin(self.releases(), id, fingerprint, **more)

    def staged(self, id: str, fingerprint: str = "", documents: Iterable[str] = ("d1", "d2")) -> Release:
        release = self.begin(id, fingerprint)
        self.store.upsert(release.collection, [point(id, key) for key in documents])
        return self.releases().stage(release, {"documents": 2, "chunks": 2})

    def promoted(self, *ids: str) -> list[Release]:
        return [self.releases().promote(self.staged(id), access()) for id in ids]

    def get(self, id: str) -> Release:
        return self.ledger.rows[id]

    def states(self) -> dict[str, str]:
        return {r.id: r.state for r in self.ledger.read()}

    def tags(self, id: str) -> dict[str, list[str]]:
        return {p.payload["document_key"]: p.payload["access_tags"] for p in self.store.collections[f"ix__{id}"].points.values()}

    def picture(self) -> dict[str, Any]:
        """Everything that must be the same however often the way here was interrupted."""
        return {
            "releases": {r.id: (r.state, bool(r.held), r.replaced, r.removed is not None, r.synced) for r in self.ledger.read()},
            "aliases": self.store.read(),
            "events": sorted(
                {(e.release, e.kind, e.replaced, e.state, e.everything) for e in self.outbox.rows.values()}
            ),  # told at least once
            "points": {name: {p.id: p.payload for p in c.points.values()} for name, c in self.store.collections.items()},
        }


def begin(releases: Releases, id: str, fingerprint: str = "", **more: Any) -> Release:
    given: dict[str, Any] = {"access_root": "root", "sparse": False, "fingerprints": {}, "configuration": {}, "recipe": {}} | more
    return releases.begin(fingerprint or f"fp-{id}", release_id=id, dimension=DIMENSION, **given)


def point(release: str, key: str, tags: Iterable[str] = ("old",), text: str = "text") -> Point:
    return Point(digest(release, key, text), NORTH, {"document_key": key, "access_tags": sorted(tags), "text": text})


def access(root: str = "now", **tags: Iterable[str]) -> CurrentAccess:
    given = tags or {"d1": ("staff",), "d2": ("hr",)}
    return CurrentAccess({key: AccessTags(value) for key, value in given.items()}, root)
