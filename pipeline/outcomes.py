"""What each operation found and did: frozen records. As JSON they are written by `cli/` and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sluice.counts import StageCounts
from sluice.records import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an operation that is in the record of runs."""

    outcome: str
    release: str | None = None
    """The release that it is about, or the live one; None where there is none."""
    warnings: tuple[str, ...] = ()
    run: str = ""
    """Under which id it is in the record."""


@dataclass(frozen=True, slots=True)
class Held:
    """A release that a run does not offer again by itself, and why."""

    release: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Outcome):
    """What a run, or one of its parts, did: `sluice run`, `ingest`, `index`, `promote`, `rollback`, `backfill`, `access sync`."""

    counts: Mapping[str, StageCounts] = field(default_factory=dict)
    documents_deleted: int = 0
    documents_expired: int = 0
    expired: tuple[str, ...] = ()
    access_changed: int = 0
    """Documents that other readers have now; not those that nobody has any more because they were deleted or expired."""
    revocation_lag_s: float | None = None
    """From reading the rules to the moment from which the last revocation held in the last collection."""
    chunks: int = 0
    embedded: int = 0
    cached: int = 0
    tokens: int = 0
    contexts_cut: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    held: Held | None = None
    report: Path | None = None
    """The page of the release that was judged."""
    left: str | None = None
    """The release that a rollback left."""
    selected: int | None = None
    """How many documents were to be done again."""
    stopped: str | None = None
    """Why it stopped before its end, and how it goes on."""
    sources: Mapping[str, Mapping[str, int | float]] = field(default_factory=dict)
    """What was done for each source: documents fetched, parsed, failed and cut now, their chunks and tokens."""
    cost: float = 0.0
    """What was embedded, at the endpoint's price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How it was looked whether anything is left of a document."""

    collections: int
    searches: int
    left: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure(Report):
    """A document that was erased, what went with it, and the proof."""

    document_key: str
    uri: str
    source: str
    erased: Mapping[str, int | Mapping[str, int]]
    shared: int
    """Contents that other documents have too, and that stay."""
    elsewhere: Sequence[str]
    """Who was told its name and cannot be made to forget from here."""
    proof: Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed(Report):
    """A forgotten document may come back."""

    document_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned(Outcome):
    """A release that retention keeps, or does not keep any more."""

    release: str
    pinned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage(Outcome):
    """What nothing needed and was removed, or would be: names by kind."""

    dry_run: bool
    removed: Mapping[str, Sequence[str]]
    freed_bytes: int = 0
    """Of the cache of vectors, whose size is bounded by what releases, documents and experiments use."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a backfill would cost."""

    documents: int
    """Those that it names."""
    to_build: int
    """Documents whose points are made anew: more than those where a setting has changed, none where nothing has."""
    chunks: int
    tokens: int
    to_embed: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed from release `a` to release `b`: uris, figures as pairs, and keys of the configuration as pairs."""

    a: str
    b: str
    added: Sequence[str]
    removed: Sequence[str]
    changed: Sequence[str]
    counts: Mapping[str, tuple[int, int]]
    configuration: Mapping[str, tuple[Any, Any]]
