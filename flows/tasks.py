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


def retried(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Prefect's retry condition."""
    error = state.data if isinstance(state.data, BaseException) else None
    if error is None:
        try:
            state.result()
        except BaseException as raised:
            error = raised
    return may_succeed_later(error)


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
def executor(r: Resources, *, one_by_one: bool = False) -> Iterator[Executor]:
    """Who does a flow's partitions, as `runner` says: this thread, tasks on Prefect's threads, or a Dask cluster; tasks
    `one_by_one` where each uses the whole machine."""
    match r.settings.runner.type:
        case "inline":
            yield Inline(PATIENCE_S)
        case "dask":
            with Dask.of(r.settings.runner) as dask:
                yield dask
        case _:
            yield PrefectTasks(1 if one_by_one else r.settings.runner.threads)


@dataclass(frozen=True, slots=True)
class PrefectTasks:
    """Implements `pipeline.executors.Executor` within a flow, on a task runner of so many threads: a flow's own is made before
    its configuration is read."""

    workers: int

    def map(self, function: Callable[[Resources, P], R], partitions: Sequence[P], r: Resources) -> Sequence[R]:
        asked = {"config": unmapped(str(r.settings.path)), "partition": list(partitions)}
        with ThreadPoolTaskRunner[R](max_workers=self.workers) as pool:
            try:
                futures: Any = pool.map(_task(function), asked)
                futures.wait()  # what one failed of must not leave the others half done and unseen
                results: Sequence[R] = futures.result()
            except Exception:
                raise
            except BaseException:  # Prefect's worker ends this process: nobody may write once the lease is given back
                r.cancel(CANCEL_S)
                raise
        return results
