"""`sluice runs`: what was done to an index, newest first, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.observability import run_log
from pipeline.resources import Resources
from sluice.errors import ConfigurationError
from sluice.spelling import did_you_mean

INTERRUPTED = "interrupted"
"""The outcome of a run whose process is gone and never said how it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """One run; `seconds` is None while it is under way, and where nobody knows when it ended."""

    run: str
    command: str
    started: datetime
    finished: datetime | None
    seconds: float | None
    outcome: str
    release: str | None
    actor: str
    parameters: Mapping[str, Any]
    error: str
    warnings: tuple[str, ...]
    counts: Mapping[str, Any]
    embedded: int
    """Texts that the model embedded; `tokens` are theirs, and `cost` what they cost."""
    tokens: int
    cost: float
    sources: Mapping[str, Any]
    """What was done for each source."""
    log: Path | None
    looked: Mapping[str, str]
    """Source to the reason why it could not be read; empty where it was."""
    guarded: tuple[str, ...] = ()
    """Those of them whose deletions were held back until somebody allows them."""


def past_runs(r: Resources) -> list[PastRun]:
    """Every run, the newest first."""
    holder = r.stores.lease.living()
    since = holder.since - timedelta(seconds=1) if holder is not None else None  # the lease was taken before the row was made
    return [_past(r, row, since) for row in r.stores.runs.read()]


def past_run(r: Resources, run_id: str) -> PastRun:
    """One of them, by its id or a beginning of it that no other has; ConfigurationError when there is none."""
    begun = [found for found in past_runs(r) if run_id and found.run.startswith(run_id)]
    for found in begun:
        if found.run == run_id or len(begun) == 1:
            return found
    if begun:
        which = ", ".join(found.run for found in begun[:5])
        raise ConfigurationError(f"'{run_id}' begins the ids of {len(begun)} runs", hint=f"say more of it: {which}")
    known = [found.run for found in past_runs(r)]
    newest = f"; the newest are: {', '.join(known[:5])}" if known else ""
    raise ConfigurationError(
        f"index '{r.settings.index}' has no run '{run_id}'{did_you_mean(run_id, known)}", hint=f"sluice runs lists them{newest}"
    )


def _past(r: Resources, row: Mapping[str, Any], since: datetime | None) -> PastRun:
    started, finished = datetime.fromisoformat(row["started"]), row.get("finished")
    ended = datetime.fromisoformat(finished) if finished else None
    outcome = row.get("outcome", "")
    if outcome == "running" and (since is None or started < since):
        outcome = INTERRUPTED
    log = run_log.path(r, row["run"])
    return PastRun(
        run=row["run"],
        command=row.get("command", ""),
        started=started,
        finished=ended,
        seconds=round((ended - started).total_seconds(), 1) if ended is not None else None,
        outcome=outcome,
        release=row.get("release"),
        actor=row.get("actor", ""),
        parameters=row.get("parameters", {}),
        error=row.get("error", ""),
        warnings=tuple(row.get("warnings", ())),
        counts=row.get("counts", {}),
        embedded=row.get("embedded", 0),
        tokens=row.get("tokens", 0),
        cost=row.get("cost", 0.0),
        sources=row.get("sources", {}),
        log=log if log.exists() else None,
        looked=row.get("looked", {}),
        guarded=tuple(row.get("guarded", ())),
    )
