"""Executors: the same results whoever does the work, and small work where it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pipeline.executors import Begin, Executor, FlowNeeded, IfSmall, Inline, Threads
from pipeline.progress import Silent
from pipeline.resources import Resources
from sluice.errors import ConfigurationError, DiskFull, IndexBusy, StoreUnavailable
from sluice.settings import Settings


@pytest.fixture
def r(tmp_path: Path) -> Resources:
    settings = Settings.model_construct(path=tmp_path / "x.yaml")  # type: ignore[call-arg]  # nothing is read
    return Resources(settings, progress=Silent())


def double(_r: Resources, partition: tuple[int, ...]) -> list[int]:
    return [2 * number for number in partition]


@pytest.mark.parametrize("executor", [Inline(), Threads(3), IfSmall(100)])
def test_results_come_in_the_order_of_their_partitions(executor: Executor, r: Resources) -> None:
    """Inline, on threads, or inline because it is little: one answer for each partition, in their order."""
    parts = [tuple(range(n, n + 3)) for n in range(0, 60, 3)]
    assert [n for part in executor.map(double, parts, r) for n in part] == list(range(0, 120, 2))
    assert list(executor.map(double, [], r)) == []


def test_more_than_is_small_asks_for_a_flow_before_any_of_it_is_done(r: Resources) -> None:
    """The sum over all partitions counts: what is refused was not begun."""
    done: list[tuple[int, ...]] = []

    def noted(_r: Resources, partition: tuple[int, ...]) -> None:
        done.append(partition)

    IfSmall(4).map(noted, [(1, 2), (3, 4)], r)
    with pytest.raises(FlowNeeded):
        IfSmall(4).map(noted, [(1, 2), (3, 4), (5,)], r)
    assert done == [(1, 2), (3, 4)]


def test_a_flow_begins_while_what_comes_first_is_done(r: Resources) -> None:
    """Once, for more than is small only; who works meanwhile does all of it, and what then follows is still the flow's."""
    begun: list[str] = []
    executor = IfSmall(4, Begin(lambda: begun.append("begun"), workers=3))
    assert executor.meanwhile(4) is None
    assert begun == []
    assert IfSmall(4).meanwhile(5) is None
    workers = executor.meanwhile(5)
    assert begun == ["begun"]
    assert workers is not None
    assert (workers.workers, list(workers.map(double, [(1, 2), (3, 4), (5,)], r))) == (3, [[2, 4], [6, 8], [10]])
    with pytest.raises(FlowNeeded):
        executor.map(double, [(1, 2), (3, 4), (5,)], r)


@pytest.mark.parametrize("kind", [Inline, lambda patience_s: Threads(2, patience_s)])
def test_what_may_succeed_later_is_tried_again_and_nothing_else(
    kind: Callable[[Sequence[float]], Executor], r: Resources
) -> None:
    """A store that comes back costs a pause; a wrong setting and a held index are raised at once; patience ends."""

    def fails(error: Exception, times: int) -> tuple[Callable[[Resources, tuple[int]], int], list[int]]:
        calls: list[int] = []

        def work(_r: Resources, _partition: tuple[int]) -> int:
            calls.append(1)
            if len(calls) <= times:
                raise error
            return len(calls)

        return work, calls

    for error, times, expected in (
        (StoreUnavailable("gone"), 2, 3),
        (StoreUnavailable("gone for good"), 9, 3),
        (IndexBusy("held"), 1, 1),
        (DiskFull("no room"), 1, 1),
        (ConfigurationError("wrong"), 1, 1),
    ):
        work, calls = fails(error, times)
        if times == 2:
            assert list(kind((0, 0)).map(work, [(1,)], r)) == [3]
        else:
            with pytest.raises(type(error)):
                kind((0, 0)).map(work, [(1,)], r)
        assert len(calls) == expected, error
