"""The Prefect flows: partitions as mapped tasks, retries on what may succeed later, evidence as an artifact.

Each flow takes plain parameters, so that a deployment, a worker on another machine and the command line start the same
thing. A task is handed ids, never data: it reads and writes the stores itself. What the steps do is in `steps/`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from prefect import flow, get_run_logger, task, unmapped
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Completed
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.tasks import Task

import evaluation
from flows import operations, steps
from flows.steps import Account, Look, Redo
from flows.wiring import Wiring, shared
from indexing.build import Built
from sluice.counts import StageCounts
from sluice.errors import IndexBusy, Retryable
from sluice.records import ItemRef
from sluice.releases import Release

WORKERS = 2
"""Partitions in work at once on this machine: one embeds (all cores) while another parses, chunks or writes."""


def may_succeed_later(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Prefect's retry condition: only the retryable half of the error tree, and not a held index."""
    error = state.data if isinstance(state.data, BaseException) else None
    if error is None:
        try:
            state.result()
        except BaseException as raised:
            error = raised
    return isinstance(error, Retryable) and not isinstance(error, IndexBusy)


_RETRY: dict[str, Any] = {
    "persist_result": False,
    "retries": 3,
    "retry_delay_seconds": [1, 5, 20],
    "retry_condition_fn": may_succeed_later,
}


def _threads() -> Any:  # TaskRunner is invariant in its future: the pool is not one of PrefectFuture[Any]
    return ThreadPoolTaskRunner(max_workers=WORKERS)


@task(name="ingest partition", **_RETRY)
def ingest_partition(
    config: str, run: str, source: str, work: tuple[list[ItemRef], list[str]], redo: Redo
) -> dict[str, StageCounts]:
    """Fetch and parse one partition."""
    with shared(config) as w:
        return steps.ingest_partition(w, run, source, work[0], work[1], redo)


@task(name="build partition", **_RETRY)
def build_partition(config: str, release: Release, keys: Sequence[str]) -> Built:
    """Chunk, embed and write one partition."""
    with shared(config) as w:
        return w.builder().build(release, w.stores.documents.read(keys))


@task(name="judge release", **_RETRY)
def judge_release(config: str, release: str, account: Account) -> Account:
    """Put a release before its gates."""
    with shared(config) as w:
        steps.judge(w, w.releases.get(release), account)
        return account


def _ingest(w: Wiring, account: Account, seen: Look, redo: Redo) -> None:
    """Map every source's partitions, gather their accounts, and complete them."""
    config = str(w.settings.path)
    with account.timed("ingest"):
        total = sum(len(plan.fetch) for plan in seen.plans) + len(seen.parse)
        with w.progress.stage("fetch and parse", total):
            work = {plan.source: list(steps.partitions(plan, seen.parse)) for plan in seen.plans}
            futures = [
                ingest_partition.map(unmapped(config), unmapped(w.run_id), unmapped(source), parts, unmapped(redo))
                for source, parts in work.items()
                if parts
            ]
            for partition in futures:
                for counts in partition.result():
                    for name, stage_counts in counts.items():
                        account.count(name, stage_counts)


def _build(w: Wiring, account: Account, found: steps.Assessment) -> Release:
    """Map the build over partitions of the release's documents; what comes back is staged."""
    begun = steps.begin(w, found)
    release = begun.release
    if release.state == "staged":
        return release
    keys = [state.key for state in begun.documents]
    parts = [keys[i : i + steps.PARTITION_DOCUMENTS] for i in range(0, len(keys), steps.PARTITION_DOCUMENTS)]
    with account.timed("index"):
        with w.progress.stage("chunk, embed, stage", len(keys)):
            results = build_partition.map(unmapped(str(w.settings.path)), unmapped(release), parts).result()
        built = sum(results, begun.kept)
        return steps.stage(w, release, built, account)


def _conclude(w: Wiring, account: Account, release: Release, canary: float | None) -> dict[str, Any]:
    account.verdicts = judge_release(str(w.settings.path), release.id, account).verdicts
    outcome, release = steps.conclude(w, release, account, canary)
    return {**account.as_json(outcome, release.id), "report": str(steps.write_report(w, release))}


@flow(name="run", task_runner=_threads(), validate_parameters=False, persist_result=False)
def run(config: str, source: str | None = None, allow_deletions: Sequence[str] = ()) -> Any:
    """The nightly reindex: plan, ingest what changed, build what changed, gate, promote. Idempotent."""
    with shared(config) as w, w.lease("run"):
        return _outcome(w, operations.run(w, _engine(), source=source, allow_deletions=allow_deletions))


@flow(name="ingest", task_runner=_threads(), validate_parameters=False, persist_result=False)
def ingest(config: str, source: str | None = None, allow_deletions: Sequence[str] = ()) -> Any:
    """Fetch and parse what changed; nothing is indexed, revocations apply at once."""
    with shared(config) as w, w.lease("ingest"):
        return operations.ingest(w, _engine(), source=source, allow_deletions=allow_deletions)


@flow(name="index", task_runner=_threads(), validate_parameters=False, persist_result=False)
def index(config: str) -> Any:
    """Build and stage a release from what was ingested; `promote` puts it before the gates."""
    with shared(config) as w, w.lease("index"):
        return operations.index(w, _engine())


@flow(name="promote", validate_parameters=False, persist_result=False)
def promote(config: str, release: str, force: bool = False, canary: float | None = None) -> Any:
    """Put a release before the gates and make it live when they pass; with `canary`, for this share of the readers."""
    with shared(config) as w, w.lease("promote"):
        return _outcome(w, operations.promote(w, _engine(), release, force=force, canary=canary))


@flow(name="rollback", validate_parameters=False, persist_result=False)
def rollback(config: str, to: str | None = None) -> Any:
    """Return to the release that was live before, or to the one named."""
    with shared(config) as w, w.lease("rollback"):
        return operations.rollback(w, to)


@flow(name="backfill", task_runner=_threads(), validate_parameters=False, persist_result=False)
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
    with shared(config) as w, w.lease("backfill"):
        which = operations.Selection(source, match, since, until, stage)
        return _outcome(w, operations.backfill(w, _engine(), which, allow_deletions=allow_deletions))


@flow(name="retry", task_runner=_threads(), validate_parameters=False, persist_result=False)
def retry(config: str) -> Any:
    """Try every quarantined document again, then index what came of it."""
    with shared(config) as w, w.lease("retry"):
        return _outcome(w, operations.retry(w, _engine()))


@flow(name="access-sync", validate_parameters=False, persist_result=False)
def access_sync(config: str) -> Any:
    """Apply present access rules and source permissions to every existing collection, on a schedule of its own."""
    with shared(config) as w:
        try:
            with w.lease("access sync"):
                return operations.sync_access(w)
        except IndexBusy as error:  # whoever holds the index applies them itself, before it builds and before it promotes
            return Completed(name="Skipped", message=error.message)


def _engine() -> operations.Engine:
    logger = get_run_logger()
    logger.debug("partitions run as mapped tasks on %d threads", WORKERS)
    return operations.Engine(ingest=_ingest, build=_build, conclude=_conclude)


def _outcome(w: Wiring, result: dict[str, Any]) -> Any:
    """A rejection is a completed flow run with a name of its own, so that an automation can watch for it.

    Whatever was judged leaves its evidence as an artifact of the flow run, too.
    """
    if "report" in result:
        release = w.releases.get(result["release"])
        told = f"{result['outcome']}: {release.id}"
        create_markdown_artifact(key=f"release-{release.id}".lower(), markdown=evaluation.report(release), description=told)
    if result["outcome"] == "rejected":
        return Completed(name="Rejected", message=f"release {result['release']} was rejected by a gate", data=result)
    return result


FLOWS: dict[str, Callable[..., Any]] = {
    "run": run,
    "ingest": ingest,
    "index": index,
    "promote": promote,
    "rollback": rollback,
    "backfill": backfill,
    "retry": retry,
    "access sync": access_sync,
}
