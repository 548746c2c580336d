"""Operations without Prefect and without a terminal: what they do once, what they record, what one failure costs."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.tampering import Tampering
from ingest.protocols import Source
from pipeline.erasure.texts import embedded_texts, ways
from pipeline.executors import Inline, P, R
from pipeline.operations import nightly, parts, syncing
from pipeline.operations.collecting import collect_garbage, unused_vectors, would_collect
from pipeline.resources import Resources
from pipeline.runs import holding
from sluice.errors import DocumentError, StoreUnavailable
from sluice.ids import text_hash, version_id
from sluice.records import ItemRef, RawItem
from sluice.settings import load
from tests.flows.conftest import DEPARTMENTS, TOPICS, Index

pytestmark = pytest.mark.slow


class Twice:
    """An executor that does everything twice, as one does whose worker died before it could answer."""

    def map(self, function: Callable[[Resources, P], R], partitions: Sequence[P], r: Resources) -> Sequence[R]:
        Inline().map(function, partitions, r)
        return Inline().map(function, partitions, r)


def test_a_partition_or_judgement_that_is_done_again_is_accounted_for_once(index: Index) -> None:
    """Every verdict is in the outcome and in the manifest once, every document and point is counted once."""
    with Resources(load(index.config)) as r, holding(r, "run", executor=Twice()) as run:
        found = nightly.reindex(r, run)
        kept = r.releases.get(found.release or "")
    assert [verdict.gate for verdict in found.verdicts] == ["reconciliation", "retrieval", "leaks"]
    assert [verdict["gate"] for verdict in kept.verdicts] == ["reconciliation", "retrieval", "leaks"]
    assert (found.counts["stage"].kept, kept.documents, kept.chunks) == (found.chunks, 12, 12)


def test_index_does_not_call_a_rejected_release_staged(index: Index) -> None:
    """Under changed gates a rejected release may be offered again; until somebody does, it is held and says so."""
    gate = {"type": "retrieval", "golden": "golden.jsonl", "k": 3, "min_recall": 0.8, "max_drop": 1.0, "max_stale": 1.0}
    index.run()
    index.write("people/0.md", "# People note 0\n\nRemember that we changed parental leave.\n")
    index.configure(gates=[{**gate, "max_stale": 0.0}])
    rejected = index.run("rejected")["release"]
    index.configure(gates=[{**gate, "min_recall": 0.5}])
    answer = index("index")
    assert (answer.code, answer.out["outcome"]) == (0, "unchanged")
    assert answer.out["held"]["release"] == rejected
    assert index.run()["release"] == rejected


def test_a_dry_run_of_gc_lists_what_gc_removes_and_gc_leaves_nothing_to_remove(index: Index) -> None:
    """Releases beyond retention, what only they needed, bytes of deleted documents, and vectors of texts that nobody has."""
    index.configure(retention={"keep": 5})
    for edition in range(4):
        index.write("people/0.md", f"# People note 0\n\nEdition {edition}: parental leave lasts sixteen weeks.\n")
        index.run()
    (index.corpus / "people" / "1.md").unlink()
    index.run()
    index.configure(retention={"keep": 1})
    with Resources(load(index.config)) as r, holding(r, "gc") as run:
        r.stores.qdrant.create("small__lost", dimension=2, sparse=False)
        before = r.stores.vectors.hashes()
        said = would_collect(r).removed
        assert r.stores.vectors.hashes() == before
        done = collect_garbage(r, run).removed
        again = would_collect(r).removed
        live = r.releases.live()
        assert live is not None
        held = {point.payload["text_hash"] for point in r.stores.qdrant.scan(live.collection, ["text_hash"])}
        assert held <= r.stores.vectors.hashes() < before
    assert said == done
    assert {kind: len(names) for kind, names in again.items()} == dict.fromkeys(again, 0)
    assert len(done["collections"]) == 4
    assert all(done.values())
    assert index.run("unchanged")["embedded"] == 0


def test_a_dry_run_of_gc_is_in_no_runs_way_and_no_run_in_its(index: Index) -> None:
    """It changes nothing, so it holds nothing: it answers while a run is on, and says so; gc itself has to wait."""
    index.run()
    with Resources(load(index.config)) as r:
        r.stores.qdrant.create("small__lost", dimension=2, sparse=False)
    alone = index("gc", "--dry-run")
    assert (alone.code, alone.out["names"]["collections"], alone.out["warnings"]) == (0, ["small__lost"], [])
    with Resources(load(index.config)) as r, r.stores.lease.acquire("run"):
        beside = index("gc", "--dry-run")
        assert (beside.code, beside.out["names"]) == (0, alone.out["names"])
        assert "being changed by process" in beside.out["warnings"][0]
        assert "being changed by process" in index.shown("gc", "--dry-run")[1]
        assert index("gc").code == 4
    assert index("gc").out["removed"]["collections"] == 1


def test_gc_cuts_nothing_that_was_cut(index: Index) -> None:
    """What a document's chunks are is known without its text: the vectors of its chunks stay, release or none."""
    index.run()
    with Resources(load(index.config)) as r:
        live, states = r.releases.live(), r.stores.documents.read()
        assert live is not None
        held = {point.payload["text_hash"] for point in r.stores.qdrant.scan(live.collection, ["text_hash"])}
        r.stores.vectors.put("m", {"f" * 64: np.zeros(4, np.float32)})
        r.stores.versions.delete(list(r.stores.versions.ids()))
        unused = unused_vectors(r, [], states)
        assert held <= r.stores.vectors.hashes()
        assert unused == {"f" * 64}
        r.stores.cuts.erase([state.key for state in states])
        assert held <= unused_vectors(r, [], states)


def test_gc_keeps_the_vectors_of_the_last_experiments_only(index: Index) -> None:
    """`retention.experiments`: by the time in a record's name, whatever the experiments are called; no record goes."""
    index.run()
    folder = index.folder / "state" / "experiments"
    for name, tokens in (("zebra-20261101T000000Z", 8), ("apple-20261102T000000Z", 9)):
        chunking = {**index.settings["chunking"], "max_tokens": tokens}
        (folder / name).mkdir(parents=True)
        made = {"variants": {"v": {"chunking": chunking, "embedding": index.settings["embedding"]}}}
        (folder / name / "experiment.json").write_text(json.dumps(made), encoding="utf-8")
    for last, kept in ((2, 2), (1, 1), (0, 0)):
        index.configure(retention={"keep": 3, "experiments": last})
        with Resources(load(index.config)) as r, holding(r, "gc") as run:
            present = [version_id(s.key, s.version, s.parse_fingerprint) for s in r.stores.documents.read()]
            documents = list(r.stores.versions.get(present).values())
            of = [{text_hash(text) for text in embedded_texts(r, documents, ways(r, n))} for n in range(3)]
            assert of[0] < of[1] < of[2]
            r.stores.vectors.put("m", {text: np.zeros(4, np.float32) for text in of[2]})
            collect_garbage(r, run)
            assert r.stores.vectors.hashes() & of[2] == of[kept]
    assert len(list(folder.iterdir())) == 2


class Flaky:
    """A source one of whose items cannot be had."""

    def __init__(self, source: Source, uri: str) -> None:
        self.name, self._source, self._uri = source.name, source, uri

    def scan(self, known: Any) -> Any:
        return self._source.scan(known)

    def fetch(self, ref: ItemRef) -> RawItem:
        if ref.uri == self._uri:
            raise DocumentError("unreadable", f"{ref.uri}: cannot be read")
        return self._source.fetch(ref)


def test_an_item_that_cannot_be_had_costs_that_item_of_an_access_sync(index: Index) -> None:
    """The revocations of every other item of the source hold at once; the one is named in a warning."""
    rows = [{"id": name, "body": f"The lift {name} is slow.", "tags": ["people", "security"]} for name in "abc"]
    source = {"name": "rows", "type": "records", "path": "rows.jsonl", "key": ["id"], "text": "body", "tags": "tags"}
    index.configure(
        sources=[*index.settings["sources"], source],
        access={"rules": [{"match": "**", "source": "rows", "tags": ["people", "security"]}, *index.settings["access"]["rules"]]},
    )
    _rows(index, rows)
    index.run()
    _rows(index, [{**row, "tags": ["people"]} for row in rows])
    with Resources(load(index.config)) as r:
        uris = sorted(state.uri for state in r.stores.documents.read(source="rows"))

    class One(Resources):
        @cached_property
        def sources(self) -> dict[str, Source]:
            return {n: Flaky(s, uris[0]) if n == "rows" else s for n, s in super().sources.items()}

    with One(load(index.config)) as r, holding(r, "access sync") as run:
        found = syncing.sync_access(r, run)
        tags = {state.uri: set(state.tags) for state in r.stores.documents.read(source="rows")}
    assert found.access_changed == 2
    assert tags == {uris[0]: {"people", "security"}, uris[1]: {"people"}, uris[2]: {"people"}}
    assert [w for w in found.warnings if "1 of 3 changed items of source 'rows'" in w and uris[0] in w], found.warnings


def _rows(index: Index, rows: Sequence[dict[str, Any]]) -> None:
    (index.folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


class Silenced:
    """An outbox that answers until it is switched off."""

    def __init__(self, outbox: Any) -> None:
        self._outbox, self.off = outbox, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._outbox, name)

    def open(self) -> Any:
        if self.off:
            raise StoreUnavailable("the events cannot be read")
        return self._outbox.open()


def test_a_promotion_that_could_not_be_told_is_in_the_record_with_what_failed(index: Index) -> None:
    """The outbox fails when the release is live: the outcome is promoted, with a warning, and so is the row."""
    with Resources(load(index.config)) as r:
        outbox = Silenced(r.stores.outbox)
        r.stores.outbox = outbox  # type: ignore[assignment]

        def off(_r: Resources, _release: Any) -> None:
            outbox.off = True

        with holding(r, "run", executor=Tampering(off)) as run:
            found = nightly.reindex(r, run)
        row = r.stores.runs.get(run.id)
    assert (found.outcome, len(found.warnings)) == ("promoted", 1)
    assert row is not None
    assert (row["outcome"], row["release"], row["warnings"]) == ("promoted", found.release, list(found.warnings))


def test_what_fails_after_a_promotion_does_not_hide_it_from_the_record(index: Index) -> None:
    """The page cannot be written: the command fails, and its row says that the release is live and what failed."""
    (index.folder / "state").mkdir(exist_ok=True)
    (index.folder / "state" / "releases").write_text("in the way")
    with Resources(load(index.config)) as r:
        with holding(r, "run") as run, pytest.raises(OSError):
            nightly.reindex(r, run)
        live, row = r.releases.live(), r.stores.runs.get(run.id)
    assert live is not None
    assert row is not None
    assert (row["outcome"], row["promoted"], row["release"]) == ("failed", True, live.id)
    assert "FileExistsError" in row["error"]


def test_everything_that_changes_an_index_is_in_the_record(index: Index) -> None:
    """Also what needs no flow: gc, pinning, a rollback, an erasure; with who did it, and under which parameters."""
    first = index.run()["release"]
    index.write("people/0.md", "# People note 0\n\nRemember that we changed parental leave.\n")
    index.run()
    for command in (("releases", "pin", first), ("gc",), ("gc", "--dry-run"), ("rollback",), ("forget", "security/0.md")):
        assert index(*command).code == 0
    with Resources(load(index.config)) as r:
        rows = r.stores.runs.read()
    assert [row["command"] for row in reversed(rows)] == ["run", "run", "releases pin", "gc", "rollback", "forget"]
    assert all(row["outcome"] not in ("running", "failed") and "finished" in row and " by " in row["actor"] for row in rows)


def test_the_parts_of_a_run_share_no_id(index: Index) -> None:
    """One operation, one run: two of them one after the other are two rows, and a nested one is the outer one."""
    with Resources(load(index.config)) as r:
        with holding(r, "ingest") as run:
            first = parts.ingest(r, run)
            with holding(r, "anything") as nested:
                assert nested.id == run.id
        with holding(r, "index") as run:
            second = parts.index(r, run)
        assert (first.run != second.run, {row["run"] for row in r.stores.runs.read()}) == (True, {first.run, second.run})


def test_a_small_run_never_imports_prefect(index: Index) -> None:
    """Twelve documents, first and changed: without a configured server no Prefect is started, nor imported."""
    told = "import sys\nfrom cli.main import main\ntry:\n    main(sys.argv[1:])\nfinally:\n    print('prefect' in sys.modules)"
    command = [sys.executable, "-c", told, "--config", str(index.config), "run"]
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "False"
        index.write("people/0.md", "# People note 0\n\nRemember that we changed parental leave.\n")


def test_a_run_of_several_partitions_is_done_alone_where_it_may_be(index: Index) -> None:
    """On threads of the command, without a flow; in the record as any other run, and the answers are the same."""
    for i in range(150):
        index.write(f"people/more-{i}.md", f"# More {i}\n\nNumber {i} of many.\n")
    answer = index("run")
    assert answer.out["outcome"] == "promoted"
    assert answer.out["counts"]["stage"]["failed"] == {}
    assert "Prefect" not in answer.err
    with Resources(load(index.config)) as r:
        assert [row["outcome"] for row in r.stores.runs.read()] == ["promoted"]
    assert index.find(TOPICS["people"][0], *DEPARTMENTS)[0] == "people/0.md"


def test_a_large_run_is_a_flow_that_goes_on_with_the_command_s_run(index: Index) -> None:
    """More than `runner.alone`: one run in the record, one look at the sources, counts that add up, the same answers.

    It is fetched and parsed while Prefect starts, which has one run of it, too.
    """
    index.configure(runner={"alone": 100})
    for i in range(120):
        index.write(f"people/more-{i}.md", f"# More {i}\n\nNumber {i} of many.\n")
    answer = index("run")
    result = answer.out
    assert result["outcome"] == "promoted"
    assert answer.err.index("Prefect starts meanwhile") < answer.err.index("fetch and parse")
    with closing(sqlite3.connect(Path(os.environ["PREFECT_HOME"]) / "prefect.db")) as prefect:
        runs = prefect.execute("select flow.name, state_type from flow_run join flow on flow.id = flow_id").fetchall()
    assert runs[-1:] == [("run", "COMPLETED")]
    assert result["counts"]["crawl"] == {"seen": 132, "kept": 132, "unchanged": 0, "dropped": {}, "failed": {}}
    assert [v["gate"] for v in result["verdicts"]] == ["reconciliation", "retrieval", "leaks"]
    assert "prefect" in sys.modules
    with Resources(load(index.config)) as r:
        assert [row["outcome"] for row in r.stores.runs.read()] == ["promoted"]
    assert index.find(TOPICS["people"][0], *DEPARTMENTS)[0] == "people/0.md"
