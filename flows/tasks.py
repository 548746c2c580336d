"""Partitions as Prefect's tasks: retried on what may succeed later, on a worker's own Resources where it has none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from prefect import task, unmapped
from prefect.client.schemas.objects import State, TaskRun
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.tasks import Task

from pipeline.cluster import Dask
from pipeline.executors import PATIENCE_S, Executor, Inline, P, R, may_succeed_later
from pipeline.resources import Resources, shared

CANCEL_S = 20.0
"""How long partitions in work may take to end when the run is cancelled: one batch of texts. Prefect kills after 30 s."""

WORKERS = 2
"""Partitions in work at once on this machine: one embeds (all cores) while another parses, chunks or writes."""


def retried(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Prefect's retry condition."""
    error = state.data if isinstance(state.data, BaseException) else None
    if error is None:
        try:
            state.result()
        except BaseException as raised:
            error = raised
    return may_succeed_later(error)


def threads(workers: int = WORKERS) -> Any:  # TaskRunner is invariant in its future: the pool is not one of PrefectFuture[Any]
    return ThreadPoolTaskRunner(max_workers=workers)


@cache
def _task(function: Callable[[Resources, Any], Any]) -> Task[..., Any]:
    def on_resources(config: str, partition: Any) -> Any:
        with shared(config) as r, r.at_work():
            return function(r, partition)

    on_resources.__doc__ = function.__doc__
    named = task(
        name=function.__name__.replace("_", " "),
        persist_result=False,
        retries=len(PATIENCE_S),
        retry_delay_seconds=list(PATIENCE_S),
        retry_condition_fn=retried,
    )
    made: Task[..., Any] = named(on_resources)
    return made


@contextmanager
def executor(r: Resources) -> Iterator[Executor]:
    """Who does a flow's partitions, as `runner` says: this thread, tasks on Prefect's threads, or a Dask cluster."""
    match r.settings.runner.type:
        case "inline":
            yield Inline(PATIENCE_S)
        case "dask":
            with Dask.of(r.settings.runner) as dask:
                yield dask
        case _:
            yield PrefectTasks()


@dataclass(frozen=True, slots=True)
class PrefectTasks:
    """Implements `pipeline.executors.Executor` within a flow, on its task runner."""

    def map(self, function: Callable[[Resources, P], R], partitions: Sequence[P], r: Resources) -> Sequence[R]:
        try:
            # Given as opaque values: Prefect would look for futures within records.
            futures = _task(function).map(unmapped(str(r.settings.path)), list(partitions))
            futures.wait()  # what one failed of must not leave the others half done and unseen
            results: Sequence[R] = futures.result()
        except Exception:
            raise
        except BaseException:  # Prefect's worker ends this process: nobody may write once the lease is given back
            r.cancel(CANCEL_S)
            raise
        return results
