"""What a run is told to do, what it found to do, and the account of what it did."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import evaluation
from indexing.build import Built
from ingest.planning import SourcePlan
from sluice.counts import StageCounts
from sluice.ids import document_key
from sluice.records import DocumentState, Verdict

PARTITION_DOCUMENTS = 64
"""Documents per task: about 800 chunks, enough to sort by length, few enough to lose little to a crash."""


@dataclass(frozen=True, slots=True)
class Redo:
    """Document keys whose stages are done again on purpose, although nothing changed."""

    fetch: frozenset[str] = frozenset()
    parse: frozenset[str] = frozenset()
    chunk: frozenset[str] = frozenset()

    @classmethod
    def since(cls, stage: str, keys: Iterable[str]) -> Redo:
        """These documents, from `fetch`, `parse` or `chunk` on."""
        chosen = frozenset(keys)
        order = ("fetch", "parse", "chunk")
        return cls(**dict.fromkeys(order[order.index(stage) :], chosen))

    def forces(self, stage: Literal["fetch", "parse"], source: str) -> Callable[[str], bool]:
        """Whether a uri of this source must be fetched or parsed whatever is known of it."""
        keys = self.fetch if stage == "fetch" else self.parse
        return lambda uri: document_key(source, uri) in keys


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to do, found without changing anything."""

    plans: tuple[SourcePlan, ...]
    expired: tuple[DocumentState, ...]
    parse: tuple[DocumentState, ...]
    """Documents whose bytes are here and wait to be parsed (those to be fetched come on top)."""
    held: dict[str, int]
    states: int

    @property
    def ingest_needed(self) -> bool:
        return bool(self.parse or any(plan.fetch for plan in self.plans))


@dataclass(slots=True)
class Account:
    """What a run did, gathered as it goes: the JSON of `sluice run`."""

    counts: dict[str, StageCounts] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    built: Built = field(default_factory=Built)
    deleted: int = 0
    expired: int = 0
    expired_uris: list[str] = field(default_factory=list)
    access_changed: int = 0
    revocation_lag_s: float | None = None
    """From reading the rules to the moment from which the last revocation held in the last collection."""
    verdicts: list[Verdict] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    held: dict[str, str] | None = None

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started

    def copy(self) -> Account:
        """What is accounted for so far, independent of what follows."""
        return replace(
            self,
            counts=dict(self.counts),
            seconds=dict(self.seconds),
            warnings=list(self.warnings),
            expired_uris=list(self.expired_uris),
        )

    def take(self, earlier: Account) -> None:
        """Start from what an earlier pass accounted for."""
        self.counts, self.seconds = dict(earlier.counts), dict(earlier.seconds)
        self.deleted, self.expired, self.access_changed = earlier.deleted, earlier.expired, earlier.access_changed
        self.revocation_lag_s = earlier.revocation_lag_s
        self.expired_uris = list(earlier.expired_uris)

    def expire(self, states: Iterable[DocumentState], count: int) -> None:
        """Note documents whose time is up."""
        self.expired += count
        self.expired_uris += [state.uri for state in states]

    def count(self, stage: str, counts: StageCounts) -> None:
        self.counts[stage] = self.counts.get(stage, StageCounts()) + counts

    def as_json(self, outcome: str, release: str | None) -> dict[str, Any]:
        return {
            "outcome": outcome,
            "release": release,
            "counts": {stage: counts.checked(stage).as_json() for stage, counts in self.counts.items()},
            "documents_deleted": self.deleted,
            "documents_expired": self.expired,
            "expired": sorted(self.expired_uris),
            "access_changed": self.access_changed,
            "revocation_lag_s": self.revocation_lag_s,
            "chunks": self.built.chunks,
            "embedded": self.built.embedded,
            "cached": self.built.cached,
            "tokens": self.built.tokens_embedded,
            "contexts_cut": self.built.contexts_cut,
            "seconds": {stage: round(seconds, 3) for stage, seconds in self.seconds.items()},
            "verdicts": [evaluation.verdict_json(verdict) for verdict in self.verdicts],
            "warnings": self.warnings,
            "held": self.held,
        }
