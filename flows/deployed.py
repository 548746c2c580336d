"""The Prefect flows: what deployments, schedules and the command line start.

Each takes plain parameters, opens (or shares) the Resources of a configuration, and hands an operation of `pipeline/` an
executor that maps partitions as tasks. A flow that a command started goes on with that command's run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any, Literal

from prefect import State
from prefect.states import Completed
from pydantic import Field

import evaluation
from flows.run_page import opened, shown
from flows.tasks import executor
from flows.telling import Rejection, named_flow
from pipeline.executors import Executor
from pipeline.experiments import comparing
from pipeline.experiments.variants import laboratory
from pipeline.golden import checking
from pipeline.operations import backfilling, collecting, going_live, nightly, parts, syncing
from pipeline.outcomes import Outcome, Report
from pipeline.resources import Resources
from pipeline.runs import Run, holding
from sluice.display import counted
from sluice.errors import IndexBusy

Config = str
Source = str | None
Day = Annotated[str | None, Field(json_schema_extra={"format": "date"})]
"""ISO 8601; the form of a run shows a calendar."""
Answer = Outcome | State[Any]
"""What an operation found; or that, in a state of Prefect's that says more than done."""


@named_flow("run")
def run(
    config: Config, source: Source = None, allow_deletions: Sequence[str] = (), until: str | None = None, now: bool = False
) -> Answer:
    """The nightly reindex: plan, ingest what changed, build what changed, gate, promote. Idempotent.

    Args:
        config: Path of the configuration, on the worker's machine.
        source: Only this source; the others stay as they are.
        allow_deletions: Sources that may have lost most of their documents.
        until: Begin no work after this time (06:00, or ISO 8601); the next run goes on.
        now: What the configuration no longer asks for leaves live search at once, before the gates.
    """
    with opened(config) as r, executor(r) as workers, _waiting(r, "run", workers) as run:
        return _outcome(r, nightly.reindex(r, run, source=source, allow_deletions=allow_deletions, until=until, now=now))


@named_flow("ingest")
def ingest(config: Config, source: Source = None, allow_deletions: Sequence[str] = (), now: bool = False) -> Answer:
    """Fetch and parse what changed; nothing is indexed, revocations apply at once."""
    with opened(config) as r, executor(r) as workers, _waiting(r, "ingest", workers) as run:
        return parts.ingest(r, run, source=source, allow_deletions=allow_deletions, now=now)


@named_flow("index")
def index(config: Config) -> Answer:
    """Build and stage a release from what was ingested; `promote` puts it before the gates."""
    with opened(config) as r, executor(r) as workers, _waiting(r, "index", workers) as run:
        return parts.index(r, run)


@named_flow("promote")
def promote(config: Config, release: str, force: bool = False, canary: float | None = None) -> Answer:
    """Put a release before the gates and make it live when they pass; with `canary`, for this share of the readers."""
    with opened(config) as r, executor(r) as workers, _waiting(r, "promote", workers) as run:
        return _outcome(r, going_live.promote(r, run, release, force=force, canary=canary))


@named_flow("rollback")
def rollback(config: Config, to: str | None = None) -> Answer:
    """Return to the release that was live before, or to the one named."""
    with opened(config) as r, _waiting(r, "rollback") as run:
        return going_live.rollback(r, run, to)


@named_flow("backfill")
def backfill(
    config: Config,
    source: Source = None,
    match: str | None = None,
    since: Day = None,
    until: Day = None,
    stage: Literal["fetch", "parse", "chunk"] = "parse",
    allow_deletions: Sequence[str] = (),
    order: backfilling.Order = "key",
    stop_at: str | None = None,
) -> Answer:
    """Redo a slice of the documents on purpose, from a stage on; a release is published when its content differs.

    Args:
        config: Path of the configuration, on the worker's machine.
        source: Only documents of this source.
        match: Only documents whose uri matches this glob, e.g. content/security/**.
        since: Only documents modified at or after this date.
        until: Only documents modified before this date.
        stage: The first stage to do again.
        allow_deletions: Sources that may have lost most of their documents.
        order: value does the documents that were searched most first, by the log of searches.
        stop_at: Begin no work after this time (06:00, or ISO 8601); the next run goes on.
    """
    until, stop_at = backfilling.told_apart(until, stop_at)
    which = backfilling.Selection(source, match, since, until, stage)
    with opened(config) as r, executor(r) as workers, _waiting(r, "backfill", workers) as run:
        return _outcome(r, backfilling.backfill(r, run, which, allow_deletions=allow_deletions, order=order, stop_at=stop_at))


@named_flow("retry")
def retry(config: Config) -> Answer:
    """Try every quarantined document again, then index what came of it."""
    with opened(config) as r, executor(r) as workers, _waiting(r, "retry", workers) as run:
        return _outcome(r, backfilling.retry(r, run))


@named_flow("access-sync")
def access_sync(config: Config) -> Answer:
    """Apply present access rules and source permissions to every existing collection, on a schedule of its own.

    Args:
        config: Path of the configuration, on the worker's machine.
    """
    with opened(config) as r:
        try:
            with holding(r, "access sync") as run:
                return syncing.sync_access(r, run)
        except IndexBusy as error:  # whoever holds the index applies them itself, before it builds and before it promotes
            return Completed(name="Skipped", message=error.message)


@named_flow("gc")
def gc(config: Config, dry_run: bool = False) -> Answer:
    """Remove what no release and no document needs any more.

    Args:
        config: Path of the configuration, on the worker's machine.
        dry_run: Only say what it would be.
    """
    with opened(config) as r:
        if dry_run:
            return collecting.would_collect(r)
        with _waiting(r, "gc") as run:
            return collecting.collect_garbage(r, run)


@named_flow("golden-check")
def golden_check(config: Config, golden: str | None = None) -> Answer:
    """Whether the labels of a golden set are still true; the state is named Stale when some are not, Doubtful for anything else.

    Args:
        config: Path of the configuration, on the worker's machine.
        golden: The golden set; the retrieval gate's where none is named.
    """
    with opened(config) as r:
        found = checking.check_golden(r, Path(golden) if golden else None)
        care = found.care.as_json()
        told = "\n".join(f"- {name}: {value}" for name, value in care.items() if isinstance(value, int | float | str))
        shown(r, f"golden-{r.settings.index}", told)
        if found.care.stale:
            return Completed(
                name="Stale", message=f"{counted(len(found.care.stale), 'label')} of {found.golden} went stale", data=care
            )
        if not found.care.healthy:
            named = ("missing", "ambiguous", "unreadable", "duplicates", "leak_cases")
            told = ", ".join(f"{len(care[name])} {name.replace('_', ' ')}" for name in named if care[name])
            return Completed(name="Doubtful", message=f"{found.golden} needs care: {told}", data=care)
        return Completed(message=f"every label of {found.golden} is true", data=care)


@named_flow("compare")
def compare(experiment: str) -> Answer:
    """Run what no earlier run answers, then decide; a variant that fails leaves the others' results recorded.

    Args:
        experiment: Path of the experiment, on the worker's machine.
    """
    with laboratory(experiment) as lab, executor(lab.r, one_by_one=True) as workers:
        found = comparing.compare(lab, workers)
        said = " ".join(found.summary()["conclusion"])
        shown(lab.r, f"experiment-{found.name}", comparing.markdown(found), said)
        return Completed(message=said, data=found)


def _waiting(r: Resources, command: str, executor: Executor | None = None) -> AbstractContextManager[Run]:
    """Hold the index; while somebody else does, wait for it: schedules may meet, and no night is lost for that."""
    return holding(r, command, executor=executor, wait_s=r.settings.schedule.wait_s)


def _outcome(r: Resources, found: Report) -> Answer:
    """A rejection is a failed flow run whose state is named `Rejected`, so that an automation can watch for it.

    Whatever was judged leaves its evidence as an artifact of the flow run, too.
    """
    if found.report is not None and found.release is not None:
        told = f"{found.outcome}: {found.release}"
        markdown = evaluation.report(r.releases.get(found.release))
        shown(r, f"release-{found.release}", markdown, told)
    if found.outcome == "rejected":
        raise Rejection(found)
    if found.stopped is not None:
        return Completed(name="Stopped", message=found.stopped, data=found)
    return found


FLOWS: dict[str, Callable[..., Any]] = {
    "run": run,
    "ingest": ingest,
    "index": index,
    "promote": promote,
    "rollback": rollback,
    "backfill": backfill,
    "retry": retry,
    "access sync": access_sync,
    "compare": compare,
    "gc": gc,
    "golden check": golden_check,
}
