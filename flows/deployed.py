"""The Prefect flows: what deployments, schedules and the command line start.

Each takes plain parameters, opens (or shares) the Resources of a configuration, and hands an operation of `pipeline/` an
executor that maps partitions as tasks. A flow that a command started goes on with that command's run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from prefect.artifacts import create_markdown_artifact
from prefect.states import Completed

import evaluation
from flows.tasks import PrefectTasks, threads
from flows.telling import Rejection, named_flow
from pipeline import backfilling, comparing, going_live, nightly, parts, syncing
from pipeline.executors import Executor
from pipeline.outcomes import Report
from pipeline.resources import Resources, shared
from pipeline.runs import Run, holding
from pipeline.variants import laboratory
from sluice.errors import IndexBusy


@named_flow("run", task_runner=threads())
def run(config: str, source: str | None = None, allow_deletions: Sequence[str] = ()) -> Any:
    """The nightly reindex: plan, ingest what changed, build what changed, gate, promote. Idempotent."""
    with shared(config) as r, _waiting(r, "run", PrefectTasks()) as run:
        return _outcome(r, nightly.reindex(r, run, source=source, allow_deletions=allow_deletions))


@named_flow("ingest", task_runner=threads())
def ingest(config: str, source: str | None = None, allow_deletions: Sequence[str] = ()) -> Any:
    """Fetch and parse what changed; nothing is indexed, revocations apply at once."""
    with shared(config) as r, _waiting(r, "ingest", PrefectTasks()) as run:
        return parts.ingest(r, run, source=source, allow_deletions=allow_deletions)


@named_flow("index", task_runner=threads())
def index(config: str) -> Any:
    """Build and stage a release from what was ingested; `promote` puts it before the gates."""
    with shared(config) as r, _waiting(r, "index", PrefectTasks()) as run:
        return parts.index(r, run)


@named_flow("promote")
def promote(config: str, release: str, force: bool = False, canary: float | None = None) -> Any:
    """Put a release before the gates and make it live when they pass; with `canary`, for this share of the readers."""
    with shared(config) as r, _waiting(r, "promote", PrefectTasks()) as run:
        return _outcome(r, going_live.promote(r, run, release, force=force, canary=canary))


@named_flow("rollback")
def rollback(config: str, to: str | None = None) -> Any:
    """Return to the release that was live before, or to the one named."""
    with shared(config) as r, _waiting(r, "rollback") as run:
        return going_live.rollback(r, run, to)


@named_flow("backfill", task_runner=threads())
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
    with shared(config) as r, _waiting(r, "backfill", PrefectTasks()) as run:
        return _outcome(r, backfilling.backfill(r, run, which, allow_deletions=allow_deletions))


@named_flow("retry", task_runner=threads())
def retry(config: str) -> Any:
    """Try every quarantined document again, then index what came of it."""
    with shared(config) as r, _waiting(r, "retry", PrefectTasks()) as run:
        return _outcome(r, backfilling.retry(r, run))


@named_flow("access-sync")
def access_sync(config: str) -> Any:
    """Apply present access rules and source permissions to every existing collection, on a schedule of its own."""
    with shared(config) as r:
        try:
            with holding(r, "access sync") as run:
                return syncing.sync_access(r, run)
        except IndexBusy as error:  # whoever holds the index applies them itself, before it builds and before it promotes
            return Completed(name="Skipped", message=error.message)


@named_flow("compare", task_runner=threads(1))
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


def _waiting(r: Resources, command: str, executor: Executor | None = None) -> AbstractContextManager[Run]:
    """Hold the index; while somebody else does, wait for it: schedules may meet, and no night is lost for that."""
    return holding(r, command, executor=executor, wait_s=r.settings.schedule.wait_s)


def _outcome(r: Resources, found: Report) -> Any:
    """A rejection is a failed flow run whose state is named `Rejected`, so that an automation can watch for it.

    Whatever was judged leaves its evidence as an artifact of the flow run, too.
    """
    if found.report is not None and found.release is not None:
        told = f"{found.outcome}: {found.release}"
        markdown = evaluation.report(r.releases.get(found.release))
        create_markdown_artifact(key=f"release-{found.release}".lower(), markdown=markdown, description=told)
    if found.outcome == "rejected":
        raise Rejection(found)
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
