"""The account of an operation, gathered as it goes; what comes of it at the end is an outcome."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from indexing.build import Built, Figures
from pipeline.outcomes import Held, Report
from sluice.counts import StageCounts
from sluice.records import DocumentState, Verdict


@dataclass(slots=True)
class Account:
    """What an operation did so far."""

    counts: dict[str, StageCounts] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    built: Built = field(default_factory=Built)
    deleted: int = 0
    expired: int = 0
    expired_uris: list[str] = field(default_factory=list)
    access_changed: int = 0
    revocation_lag_s: float | None = None
    verdicts: tuple[Verdict, ...] = ()
    warnings: list[str] = field(default_factory=list)
    held: Held | None = None
    sources: dict[str, Figures] = field(default_factory=dict)
    looked: dict[str, str] = field(default_factory=dict)
    """Source to the reason why it could not be read; empty where it was."""
    guarded: tuple[str, ...] = ()
    """Those of them whose deletions were held back."""
    moments: list[tuple[str, float, float]] = field(default_factory=list)
    """Which stage was at work from when until when, in seconds since the epoch."""
    price: float = 0.0
    """Of a million tokens embedded."""
    promoted: str | None = None
    """The release that went live, as soon as it did."""
    release: str | None = None
    """The release that is built or judged, as soon as it has a name."""

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.spent(stage, time.perf_counter() - started)

    def spent(self, stage: str, seconds: float) -> None:
        """Note that a stage took so long, until now."""
        now = time.time()
        self.moments.append((stage, now - seconds, now))
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    def copy(self) -> Account:
        """What is accounted for so far, independent of what follows."""
        return replace(
            self,
            counts=dict(self.counts),
            seconds=dict(self.seconds),
            warnings=list(self.warnings),
            expired_uris=list(self.expired_uris),
            moments=list(self.moments),
            sources={name: dict(done) for name, done in self.sources.items()},
        )

    def count_source(self, source: str, done: Figures) -> None:
        """Note what was done for a source."""
        known = self.sources.setdefault(source, {})
        for name, count in done.items():
            known[name] = known.get(name, 0) + count

    def by_source(self) -> dict[str, Figures]:
        """What was done for each source, with what was built of it, its `seconds` (of work: several are done at once), and what
        it cost."""
        found = {}
        for name in sorted({*self.sources, *self.built.sources}):
            taken_in, built = self.sources.get(name, {}), self.built.sources.get(name, {})
            seconds = round(taken_in.get("seconds", 0.0) + built.get("seconds", 0.0), 3)
            found[name] = {**taken_in, **built, "seconds": seconds}
            if "tokens_embedded" in built:
                found[name]["cost"] = round(built["tokens_embedded"] * self.price / 1_000_000, 6)
        return found

    def revoke(self, documents: int, lag_s: float | None) -> None:
        """Note documents whose readers changed, and for how long the slowest of them was still read by who lost it."""
        self.access_changed += documents
        self.revocation_lag_s = max((lag for lag in (self.revocation_lag_s, lag_s) if lag is not None), default=None)

    def expire(self, states: Iterable[DocumentState], count: int) -> None:
        """Note documents whose time is up."""
        self.expired += count
        self.expired_uris += [state.uri for state in states]

    def count(self, stage: str, counts: StageCounts) -> None:
        self.counts[stage] = self.counts.get(stage, StageCounts()) + counts

    def report(
        self,
        outcome: str,
        release: str | None,
        *,
        page: Path | None = None,
        left: str | None = None,
        selected: int | None = None,
        stopped: str | None = None,
    ) -> Report:
        """The account as an outcome; IntegrityError when a stage's does not balance."""
        return Report(
            outcome=outcome,
            release=release,
            counts={stage: counts.checked(stage) for stage, counts in self.counts.items()},
            documents_deleted=self.deleted,
            documents_expired=self.expired,
            expired=tuple(sorted(self.expired_uris)),
            access_changed=self.access_changed,
            revocation_lag_s=self.revocation_lag_s,
            chunks=self.built.chunks,
            embedded=self.built.embedded,
            cached=self.built.cached,
            tokens=self.built.tokens_embedded,
            contexts_cut=self.built.contexts_cut,
            seconds={stage: round(seconds, 3) for stage, seconds in self.seconds.items()},
            verdicts=self.verdicts,
            warnings=tuple(self.warnings),
            held=self.held,
            report=page,
            left=left,
            selected=selected,
            stopped=stopped,
            sources=self.by_source(),
        )
