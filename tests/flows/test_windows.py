"""A run that may work until a time, or for so much: it keeps what it did, and the next one goes on from there."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline.executors import Inline
from pipeline.operations import backfilling, nightly
from pipeline.outcomes import Report
from pipeline.resources import Resources, shared
from pipeline.runs import holding
from pipeline.windows import end_of
from sluice.errors import ConfigurationError
from tests.flows.conftest import TOPICS, Index

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


SEARCHED = {"security/1.md": 2, "people/2.md": 1}
"""How often each is searched: in the order of their keys they are the fifth and the seventh."""


class Noting:
    """Does partitions one by one, and notes the documents of each function's; the window closes where it is told."""

    def __init__(self, closing: str = "", after: int = 0) -> None:
        self.closing, self.after, self.order = closing, after, dict[str, list[str]]()

    def map(self, function: Any, partitions: Sequence[Any], r: Resources) -> Sequence[Any]:
        uris = {state.key: state.uri for state in r.stores.documents.read()}
        answers = []
        for number, part in enumerate(partitions):
            keys = getattr(part, "documents", getattr(part, "keys", ()))
            self.order.setdefault(function.__name__, []).extend(uris[key] for key in keys)
            closed = function.__name__ == self.closing and number >= self.after
            answers.append((replace(function, until=0.0) if closed else function)(r, part))
        return answers


def backfilled(index: Index, stage: str, executor: Noting, **how: Any) -> Report:
    """A backfill of everything, two documents in a partition."""
    with shared(str(index.config)) as r, holding(r, "backfill", executor=executor, partition_documents=2) as run:
        return backfilling.backfill(r, run, backfilling.Selection(stage=stage), **how)


def searched(index: Index) -> Index:
    """The index has run, and people have searched it."""
    index.configure(search={"mode": "dense", "log": "searches.jsonl"})
    index.run()
    for uri, times in SEARCHED.items():
        department, number = uri.removesuffix(".md").split("/")
        for _ in range(times):
            assert index.find(TOPICS[department][int(number)], department, k=1) == [uri]
    return index


def test_the_most_searched_documents_are_done_first_and_the_result_is_the_same(
    index: Index, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A setting changes every chunk: parsed, cut and embedded by value, to the release that the usual order gives, point by
    point."""
    searched(index)
    index.configure(chunking={"strategy": "recursive", "max_tokens": 100, "overlap_tokens": 0, "context": "title"})
    index.let_go()
    copy = shutil.copytree(index.folder, tmp_path_factory.mktemp("other") / "index")
    released = {}
    for order, place in (("key", index), ("value", Index(copy, index.capture, index.settings))):
        done = Noting()
        report = backfilled(place, "parse", done, order=order)
        assert report.outcome == "promoted"
        assert report.release is not None
        assert sorted(done.order["build_partition"]) == sorted(done.order["ingest_partition"])
        for function in ("ingest_partition", "build_partition"):
            assert (done.order[function][:2] == list(SEARCHED)) == (order == "value"), done.order
        with shared(str(place.config)) as r:
            release = r.releases.get(report.release)
            stored = r.stores.qdrant.scan(release.collection, ["document_key", "text", "access_tags"], vectors=True)
            points = {(point.id, str(point.dense), str(point.payload)) for point in stored}
            counts = {stage: counted.as_json() for stage, counted in report.counts.items()}
            released[order] = (release.fingerprint, release.access_root, release.chunks, counts["parse"], counts["chunk"], points)
    assert released["key"] == released["value"]


def test_a_backfill_whose_window_ends_in_the_middle_has_done_what_matters_and_the_next_run_does_the_rest(index: Index) -> None:
    """Nothing has changed, so only being put off makes the rest due: each document is fetched and parsed once, in both runs."""
    searched(index)
    first = Noting("ingest_partition", 2)
    report = backfilled(index, "fetch", first, order="value", stop_at="2999-01-01")
    assert (report.outcome, report.counts["crawl"].kept + report.counts["crawl"].unchanged) == ("stopped", 4)
    done = first.order["ingest_partition"][:4]
    assert done[:2] == list(SEARCHED)
    second = Noting()
    with shared(str(index.config)) as r, holding(r, "run", executor=second, partition_documents=2) as run:
        assert nightly.reindex(r, run).outcome == "unchanged"
    assert sorted([*done, *second.order["ingest_partition"]]) == sorted(f"{d}/{n}.md" for d in TOPICS for n in range(4))
    assert index.run("unchanged")["counts"]["crawl"]["unchanged"] == 12


def test_a_backfill_says_when_it_stops_in_either_word_and_wants_a_log_to_order_by(index: Index) -> None:
    """`--until 06:00` and `--stop-at` are one; `--until` a date says which documents; without a log nobody knows what matters."""
    index.run()
    assert backfilling.told_apart("06:00", None) == (None, "06:00")
    assert backfilling.told_apart("2026-11-01", "06:00") == ("2026-11-01", "06:00")
    stopped = index("backfill", "--from", "parse", "--stop-at", "2020-01-01")
    assert (stopped.code, stopped.out["outcome"], stopped.out["selected"]) == (0, "stopped", 12)
    assert index.run("unchanged")["counts"]["parse"]["kept"] == 12
    assert "--stop-at 'soon'" in index("backfill", "--from", "parse", "--stop-at", "soon").out["error"]["message"]
    refused = index("backfill", "--from", "parse", "--order", "value", "--until", "23:59")
    assert (refused.code, "search: {log:" in refused.out["error"]["hint"]) == (2, True)
    index.configure(search={"mode": "dense", "log": "searches.jsonl"})
    unordered = index("backfill", "--from", "parse", "--order", "value")
    assert unordered.code == 0
    assert any("usual order" in warning for warning in unordered.out["warnings"])


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


def test_a_budget_of_less_than_a_batch_is_spent_and_not_waited_for(index: Index) -> None:
    """All documents are one batch: of it is embedded what may be, and the next run goes on; a text beyond any budget is said."""
    index.configure(budget={"tokens": 60})
    first = index("run")
    assert (first.code, first.out["outcome"]) == (0, "stopped")
    assert 0 < first.out["tokens"] <= 60
    assert 0 < first.out["embedded"] < 12, "texts that took those tokens"
    for _ in range(20):
        if (report := index("run").out)["outcome"] == "promoted":
            break
    assert report["outcome"] == "promoted"
    index.write("people/0.md", "# People note 0\n\nRemember that parental leave lasts twenty weeks.\n")
    index.configure(budget={"tokens": 2})
    stopped = index("run").out
    assert stopped["outcome"] == "stopped"
    assert "no run may embed it. Next: raise budget.tokens" in stopped["stopped"]


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
    assert (report["cost"], manifest["cost"], found["cost"]) == (0.0, 0.0, 0.0)
    assert (found["embedded"], found["cached"], found["tokens_embedded"]) == (
        report["embedded"],
        report["cached"],
        report["tokens"],
    )
    assert 0 < found["seconds"] < 600
    assert index.run("unchanged")["sources"] == {}
