"""Two real worker processes of a Dask cluster do what one thread does, whatever becomes of a worker."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import distributed
import pytest

from pipeline.cluster import Dask, local_cluster
from pipeline.executors import Executor, Inline
from pipeline.experiments import comparing
from pipeline.experiments.variants import laboratory
from pipeline.operations import nightly
from pipeline.outcomes import Report
from pipeline.resources import Resources, shared
from pipeline.runs import holding
from pipeline.windows import NotBegun, Within
from sluice.errors import ConfigurationError, StoreUnavailable
from tests import killers
from tests.flows.conftest import Index
from tests.killers import Numbers

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A scheduler and two worker processes; its address."""
    with local_cluster(2) as made:
        yield made.scheduler_address


@pytest.fixture
def r(index: Index) -> Iterator[Resources]:
    with shared(str(index.config)) as opened:
        yield opened


def parts(folder: Path) -> list[Numbers]:
    return [Numbers(tuple(range(n, n + 3)), folder) for n in range(0, 30, 3)]


def test_answers_come_in_order_from_other_processes_that_keep_what_they_opened(
    cluster: str, r: Resources, tmp_path: Path
) -> None:
    """Two processes, neither of them this one; each has one Resources for all its partitions; nothing to do is nothing."""
    with Dask(cluster) as dask:
        found = dask.map(killers.doubled, parts(tmp_path), r)
        assert [n for part in found for n in part] == list(range(0, 60, 2))
        by = [pair for part in dask.map(killers.process, parts(tmp_path), r) for pair in part]
        assert len(set(by)) == len({pid for pid, _ in by}) <= 2
        assert dask.map(killers.doubled, [], r) == []
        over = dask.map(Within(killers.doubled, 0.0), parts(tmp_path), r)
        assert over == [NotBegun(part) for part in parts(tmp_path)], "a window that is over is over on every machine"


def test_a_worker_that_dies_costs_a_try_and_a_killer_its_own_document(cluster: str, r: Resources, tmp_path: Path) -> None:
    """Killed once: every answer is there. Killed every time: only the document that does it is given up; errors are raised."""
    with Dask(cluster, tries=2) as dask:
        assert [n for part in dask.map(killers.dies_once, parts(tmp_path), r) for n in part] == list(range(0, 60, 2))
        found: list[Any] = [n for part in dask.map(killers.dies_always, parts(tmp_path), r) for n in part]
        assert [n for n in found if isinstance(n, int)] == [n for n in range(0, 60, 2) if n != 14]
        assert [n for n in found if isinstance(n, str)] == ["7: its worker died each of the 2 times that it was tried"]
        with pytest.raises(ConfigurationError, match="a seven"):
            dask.map(killers.wrong, parts(tmp_path), r)


def test_a_cluster_that_lost_its_workers_for_good_ends_the_run(r: Resources, tmp_path: Path) -> None:
    """Not waited for without end: after a while the run fails, as with a cluster that is gone, and can be run again."""
    with local_cluster(1) as made, Dask(made.scheduler_address, unstaffed_s=3) as dask:
        assert dask.map(killers.doubled, parts(tmp_path)[:1], r) == [[0, 2, 4]]
        made.scale(0)
        with pytest.raises(StoreUnavailable, match="without a worker"):
            dask.map(killers.doubled, parts(tmp_path), r)


def test_an_answer_that_went_with_its_worker_is_not_waited_for(
    r: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work is done, and its worker ends before it is asked for the answer, while that is still under way to whoever waits."""
    with local_cluster(1) as made, Dask(made.scheduler_address, unstaffed_s=3) as dask:
        done = set[str]()

        class Late(SimpleQueue[Any]):
            def get(self, block: bool = True, timeout: float | None = None) -> Any:
                future = super().get(block, timeout)
                made.scale(0)
                while made.scheduler.workers:
                    time.sleep(0.05)
                done.add(future.key)
                return future

        told = distributed.Future.status
        seen = property(lambda future: "finished" if future.key in done else told.fget(future))
        monkeypatch.setattr("pipeline.cluster.SimpleQueue", Late)
        monkeypatch.setattr(distributed.Future, "status", seen)
        with pytest.raises(StoreUnavailable, match="without a worker"):
            dask.map(killers.doubled, parts(tmp_path)[:1], r)
        assert done, "nothing was ever done"


class Deadly(Dask):
    """Has partitions parsed or cut by work that ends its worker at one document."""

    def map(self, function: Callable[..., Any], partitions: Sequence[Any], r: Resources) -> Sequence[Any]:
        return Dask.map(self, killers.INSTEAD.get(function.__name__, function), partitions, r)


def reindexed(index: Index, executor: Executor) -> Report:
    with shared(str(index.config)) as r, holding(r, "run", executor=executor, partition_documents=3) as run:
        return nightly.reindex(r, run)


def test_an_index_built_on_two_workers_is_the_one_built_inline(cluster: str, index: Index) -> None:
    """The same fingerprint, access root, counts and answers; nothing is embedded twice afterwards."""
    first = reindexed(index, Inline())
    manifest = index("releases", "show", str(first.release)).out
    answers = [index("search", "passwords", "--as", "security", "-k", "9").out["hits"]]
    index.configure(index="other", state_dir="elsewhere")
    with Dask(cluster) as dask:
        second = reindexed(index, dask)
    assert (second.outcome, second.embedded, second.cached) == ("promoted", first.embedded, first.cached)
    assert second.tokens == first.tokens
    assert {s: c.as_json() for s, c in second.counts.items()} == {s: c.as_json() for s, c in first.counts.items()}
    again = index("releases", "show", str(second.release)).out
    assert (again["fingerprint"], again["access_root"]) == (manifest["fingerprint"], manifest["access_root"])
    hits = index("search", "passwords", "--as", "security", "-k", "9").out["hits"]
    assert [{**h, "release": ""} for h in hits] == [{**h, "release": ""} for h in answers[0]]


def test_an_experiment_has_its_documents_parsed_on_the_workers_and_measures_its_variants_here(cluster: str, index: Index) -> None:
    """What a variant costs is part of the answer, and nobody's if machines share it; the base's documents are anybody's."""
    file, asked = index.folder / "experiment.yaml", list[tuple[str, int]]()
    given = {"name": "trial", "base": "sluice.yaml", "golden": "golden.jsonl", "k": 3}
    variants = [{"name": f"v{n}", "chunking": {"strategy": "recursive", "max_tokens": n}} for n in (100, 90)]
    file.write_text(json.dumps({**given, "variants": variants}), encoding="utf-8")

    class Watched(Dask):
        def _submitted(self, function: Callable[..., Any], part: Any, r: Resources) -> Any:
            asked.append((function.__name__, len(part)))
            return Dask._submitted(self, function, part, r)

    with laboratory(str(file)) as lab, Watched(cluster) as dask:
        found = comparing.compare(lab, dask).summary()
    assert [v["cost"]["embedded"] for v in found["variants"]] == [12, 0]
    assert (found["documents"], {name for name, _ in asked}) == (12, {"ingest_partition"})
    assert sum(count for _, count in asked) == 12


def test_a_document_that_ends_every_worker_is_quarantined_and_the_rest_goes_live(cluster: str, index: Index) -> None:
    """Cut: its name is in the quarantine, the account balances, and a retry with a mended strategy brings it back."""
    reindexed(index, Inline())
    index.write(killers.UNREADABLE, "ends who parses it")
    index.configure(chunking={"strategy": "recursive", "max_tokens": 90})
    with Deadly(cluster, tries=2) as dask:
        found = reindexed(index, dask)
    assert found.outcome == "promoted"
    assert found.counts["parse"].failed == {"worker_died": 1}
    assert found.counts["chunk"].failed == {"worker_died": 1}
    assert found.counts["chunk"].kept == 11
    entries = {(e["uri"], e["stage"], e["reason"]) for e in index("quarantine").out["entries"]}
    assert entries == {(killers.KILLER, "chunk", "worker_died"), (killers.UNREADABLE, "parse", "worker_died")}
    assert killers.KILLER not in index.find("report phishing to the hotline", "security", k=9)
    assert reindexed(index, Inline()).outcome == "unchanged"
    answer = index("quarantine", "retry")
    assert answer.out["outcome"] == "promoted", answer
    assert index("quarantine").out["entries"] == []
    assert killers.KILLER in index.find("report phishing to the hotline", "security", k=9)
