"""A run that may work until a time, or for so much: it keeps what it did, and the next one goes on from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline import nightly
from pipeline.executors import Inline
from pipeline.outcomes import Report
from pipeline.resources import Resources, shared
from pipeline.runs import holding
from pipeline.windows import end_of
from sluice.errors import ConfigurationError
from tests.flows.conftest import Index

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_a_time_is_the_next_one_in_the_time_zone_of_the_schedule() -> None:
    """06:00 at noon is tomorrow's, by the zone's clock; a whole moment is itself; anything else is refused."""
    assert end_of("06:00", NOON, "UTC") == NOON.replace(hour=6) + timedelta(days=1)
    assert end_of("13:30", NOON, "UTC") == NOON.replace(hour=13, minute=30)
    assert end_of("13:30", NOON, "Europe/Berlin") == NOON.replace(hour=12, minute=30)
    assert end_of("2026-11-27T01:00+02:00", NOON, "UTC") == datetime(2026, 11, 26, 23, tzinfo=UTC)
    assert end_of("2026-11-27 01:00", NOON, "Europe/Berlin") == datetime(2026, 11, 27, tzinfo=UTC)
    assert end_of(None, NOON, "UTC") is None
    for wrong in ("25:00", "soon", "6"):
        with pytest.raises(ConfigurationError, match="is not a time"):
            end_of(wrong, NOON, "UTC")
    with pytest.raises(ConfigurationError, match="time zone"):
        end_of("06:00", NOON, "Mars/Olympus")


class Closing:
    """Does partitions one by one; the window closes when so many of one function were done."""

    def __init__(self, name: str, after: int) -> None:
        self.name, self.after = name, after

    def map(self, function: Any, partitions: Sequence[Any], r: Resources) -> Sequence[Any]:
        answers = []
        for number, part in enumerate(partitions):
            closed = function.__name__ == self.name and number >= self.after
            answers.append((replace(function, until=0.0) if closed else function)(r, part))
        return answers


def closing_after(index: Index, name: str, after: int) -> Report:
    """A run whose window closes after so many partitions of this function."""
    with shared(str(index.config)) as r, holding(r, "run", executor=Closing(name, after), partition_documents=3) as run:
        return nightly.reindex(r, run, until="2999-01-01")


def whole(index: Index) -> Report:
    with shared(str(index.config)) as r, holding(r, "run", executor=Inline(), partition_documents=3) as run:
        return nightly.reindex(r, run)


@pytest.mark.parametrize("stage", ["ingest_partition", "build_partition"])
def test_a_window_that_closes_stops_within_one_partition_and_nothing_is_done_twice(index: Index, stage: str) -> None:
    """Two partitions of four are done, nothing is live; the next run does the other two and embeds nothing again."""
    first = closing_after(index, stage, 2)
    assert (first.outcome, first.release) == ("stopped", None)
    assert first.stopped is not None
    assert "goes on from there" in first.stopped
    assert first.embedded == {"ingest_partition": 0, "build_partition": 6}[stage]
    second = whole(index)
    assert second.outcome == "promoted"
    assert first.embedded + second.embedded == 12
    if stage == "ingest_partition":
        assert second.counts["crawl"].kept == 6
    [latest, *_] = [run for run in index("runs").out["runs"] if run["outcome"] == "stopped"]
    assert latest["release"] is None


def test_no_work_is_begun_after_the_time_and_nothing_goes_live(index: Index) -> None:
    """`--until` with a moment that has passed, on the command line: exit 0, said why, nothing searched; without it, all of it."""
    answer = index("run", "--until", "2020-01-01")
    assert (answer.code, answer.out["outcome"], answer.out["counts"]) == (0, "stopped", {})
    assert "time was over" in answer.out["stopped"]
    assert index("run", "--until", "whenever").code == 2
    index.run()


def test_a_budget_is_never_overspent_and_the_next_run_goes_on(index: Index) -> None:
    """Each run embeds at most its tokens; what is embedded stays, so some runs later all of it is live."""
    index.configure(budget={"tokens": 60})
    spent = []
    for _ in range(20):
        with shared(str(index.config)) as r, holding(r, "run", executor=Inline(), partition_documents=1) as run:
            report = nightly.reindex(r, run)
            meter = r.stores.meters.spend(run.id, 0, 60)
            assert meter is None, "more was spent than the budget has"
        spent.append(report.tokens)
        if report.outcome != "stopped":
            break
        assert report.stopped is not None
        assert "budget.tokens" in report.stopped
        assert "60 tokens" in report.stopped
    assert report.outcome == "promoted"
    assert len(spent) > 2
    assert report.embedded < 12 <= report.embedded + report.cached


def test_a_budget_in_money_needs_a_price(index: Index) -> None:
    """A model that runs here costs tokens and no money: the configuration is refused with what to write."""
    index.configure(budget={"cost": 1.5})
    answer = index("run")
    assert answer.code == 2
    assert "price_per_million_tokens" in answer.out["error"]["message"]


def test_what_was_done_for_each_source_is_in_report_record_and_manifest(index: Index) -> None:
    """Documents fetched, parsed and cut, their chunks and tokens; a second night has done nothing for anybody."""
    report = index.run()
    found = report["sources"]["notes"]
    assert {k: found[k] for k in ("fetched", "parsed", "failed", "documents")} == {
        "fetched": 12,
        "parsed": 12,
        "failed": 0,
        "documents": 12,
    }
    manifest = index("releases", "show", report["release"]).out
    assert manifest["sources"]["notes"] == found
    assert found["tokens"] == manifest["tokens"]
    assert (report["cost"], manifest["cost"]) == (0.0, 0.0)
    assert index.run("unchanged")["sources"] == {}
