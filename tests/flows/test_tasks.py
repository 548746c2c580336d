"""Partitions as Prefect's tasks, in a real flow."""

from __future__ import annotations

import threading

import pytest
from prefect import flow
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import own_server
from flows.tasks import PrefectTasks
from pipeline.resources import Resources
from sluice.settings import load
from tests.flows.conftest import Index

pytestmark = pytest.mark.slow


def test_as_many_partitions_are_in_work_as_the_configuration_says(index: Index) -> None:
    """Results come in order; so many are begun together, and never more."""
    workers = 3
    together, lock, working, most = threading.Barrier(workers), threading.Lock(), [0], [0]

    def work(_r: Resources, partition: tuple[int, ...]) -> int:
        with lock:
            working[0] += 1
            most[0] = max(most[0], working[0])
        together.wait(timeout=30)
        with lock:
            working[0] -= 1
        return sum(partition)

    @flow(name="widths")
    def widths(r: Resources) -> list[int]:
        return list(PrefectTasks(workers).map(work, [(n, n) for n in range(2 * workers)], r))

    index.configure(runner={"workers": workers})
    server = own_server.Server(index.folder / "state", schedules=False)
    with Resources(load(index.config)) as r, temporary_settings({PREFECT_API_URL: server.ready()}):
        assert r.settings.runner.threads == workers
        assert widths(r) == [2 * n for n in range(2 * workers)]
    server.stop()
    assert most == [workers]
