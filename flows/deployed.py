"""The Prefect flows: what deployments, schedules and the command line start.

Each takes plain parameters, opens (or shares) the Resources of a configuration, and hands an operation of `pipeline/` an
executor that maps partitions as tasks. A flow that a command started goes on with that command's run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.states import Completed

import evaluation
from flows.tasks import PrefectTasks, executor, threads
from pipeline import backfilling, comparing, going_live, nightly, parts, syncing
from pipeline.outcomes import Report
from pipeline.resources import Resources, shared
from pipeline.runs import holding
from pipeline.variants import laboratory
from sluice.errors import IndexBusy


@flow(name="run", task_runner=threads(), validate_parameters=False, persist_result=False)
def run(config: str, source: str | None = None, allow_deletions: Sequence[str] = ()) -> Any:
    """The nightly reindex: plan, ingest what changed, build what changed, gate, promote. Idempotent."""
    with shared(config) as r, executor(r) as workers, holding(r, "run", executor=workers) as run:
        return _outcome(r, nightly.reindex(r, run, source=source, allow_deletions=allow_deletions))


@flow(name="ingest", task_runner=threads(), validate_parameters=False, persist_result=False)
def ingest(config: str, source: str | None = None, allow_deletions: Sequence[str] = ()) -> Any:
    """Fetch and parse what changed; nothing is indexed, revocations apply at once."""
    with shared(config) as r, executor(r) as workers, holding(r, "ingest", executor=workers) as run:
        return parts.ingest(r, run, source=source, allow_deletions=allow_deletions)


@flow(name="index", task_runner=threads(), validate_parameters=False, persist_result=False)
def index(config: str) -> Any:
    """Build and stage a release from what was ingested; `promote` puts it before the gates."""
    with shared(config) as r, executor(r) as workers, holding(r, "index", executor=workers) as run:
        return parts.index(r, run)


@flow(name="promote", validate_parameters=False, persist_result=False)
def promote(config: str, release: str, force: bool = False, canary: float | None = None) -> Any:
    """Put a release before the gates and make it live when they pass; with `canary`, for this share of the readers."""
    with shared(config) as r, executor(r) as workers, holding(r, "promote", executor=workers) as run:
        return _outcome(r, going_live.promote(r, run, release, force=force, canary=canary))


@flow(name="rollback", validate_parameters=False, persist_result=False)
def rollback(config: str, to: str | None = None) -> Any:
    """Return to the release that was live before, or to the one named."""
    with shared(config) as r, holding(r, "rollback") as run:
        return going_live.rollback(r, run, to)


@flow(name="backfill", task_runner=threads(), validate_parameters=False, persist_result=False)
def backfill(
    config: str,
    source: str | None = None,
    match: str | None = None,
    since: str | None = None,
    until: str | None = None,
    stage: str = "parse",
    allow_deletions: Sequence[str] = (),
) -> Any:
    """Redo a slice of the documents on purpose, from `fetch`, `parse` or `chunk` on."""
    which = backfilling.Selection(source, match, since, until, stage)
    with shared(config) as r, executor(r) as workers, holding(r, "backfill", executor=workers) as run:
        return _outcome(r, backfilling.backfill(r, run, which, allow_deletions=allow_deletions))


@flow(name="retry", task_runner=threads(), validate_parameters=False, persist_result=False)
def retry(config: str) -> Any:
    """Try every quarantined document again, then index what came of it."""
    with shared(config) as r, executor(r) as workers, holding(r, "retry", executor=workers) as run:
        return _outcome(r, backfilling.retry(r, run))


@flow(name="access-sync", validate_parameters=False, persist_result=False)
def access_sync(config: str) -> Any:
    """Apply present access rules and source permissions to every existing collection, on a schedule of its own."""
    with shared(config) as r:
        try:
            with holding(r, "access sync") as run:
                return syncing.sync_access(r, run)
        except IndexBusy as error:  # whoever holds the index applies them itself, before it builds and before it promotes
            return Completed(name="Skipped", message=error.message)


@flow(name="compare", task_runner=threads(1), validate_parameters=False, persist_result=False)
def compare(experiment: str) -> Any:
    """Run what no earlier run answers, then decide; a variant that fails leaves the others' results recorded."""
    with laboratory(experiment) as lab:
        found = comparing.compare(lab, PrefectTasks())
        create_markdown_artifact(
            key=f"experiment-{found.name}".lower().replace("_", "-").replace(".", "-"),
            markdown=comparing.markdown(found),
            description=" ".join(found.summary()["conclusion"]),
        )
        return found


def _outcome(r: Resources, found: Report) -> Any:
    """A rejection is a completed flow run with a name of its own, so that an automation can watch for it.

    Whatever was judged leaves its evidence as an artifact of the flow run, too.
    """
    if found.report is not None and found.release is not None:
        told = f"{found.outcome}: {found.release}"
        markdown = evaluation.report(r.releases.get(found.release))
        create_markdown_artifact(key=f"release-{found.release}".lower(), markdown=markdown, description=told)
    if found.outcome == "rejected":
        return Completed(name="Rejected", message=f"release {found.release} was rejected by a gate", data=found)
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
}
