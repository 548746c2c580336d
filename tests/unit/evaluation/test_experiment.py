"""An experiment's file, its variants on a golden set, its record and its report."""

from __future__ import annotations

import json
import random
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from evaluation.experiments import Outcome, VariantResult, conclude, load_experiment, run_variant
from evaluation.experiments.disagreements import disagreements
from evaluation.experiments.record import Results, environment, erase, folder_for, write
from evaluation.golden import load_golden
from evaluation.labels import ResolvedSet, resolve
from evaluation.measures import passage_measures, precision_omega
from sluice.access import Principal
from sluice.errors import ConfigurationError
from sluice.records import Hit
from tests.unit.evaluation.fakes import PUBLIC, Doc, Release, write_lines

WORDS = (
    "anchor",
    "barge",
    "canal",
    "delta",
    "estuary",
    "ferry",
    "gravel",
    "harbour",
    "inlet",
    "jetty",
    "kelp",
    "lagoon",
    "marsh",
)
DOCS = [Doc(f"{word}.md", f"About the {word}.\n\nThe {word} opens at dawn.\n\nNobody counts what passes.") for word in WORDS]


@dataclass
class Shuffled:
    """Search that returns the right passages under the wrong documents: chunks shuffled between documents."""

    inner: Release

    def _moved(self, hits: Sequence[Hit]) -> list[Hit]:
        keys = [doc.state.key for doc in self.inner.docs]
        return [replace(hit, document_key=keys[(keys.index(hit.document_key) + 3) % len(keys)]) for hit in hits]

    def search(self, query: str, principal: Principal, k: int) -> list[Hit]:
        return self._moved(self.inner.search(query, principal, k))

    def search_documents(self, query: str, principal: Principal, k: int) -> list[Hit]:
        return self._moved(self.inner.search_documents(query, principal, k))

    def search_both(self, query: str, principal: Principal, documents: int, chunks: int) -> tuple[list[Hit], list[Hit]]:
        return self.search_documents(query, principal, documents), self.search(query, principal, chunks)


@dataclass
class Variant:
    """A prepared variant over a release in memory."""

    release: Release
    searcher: Any

    def by_chance(self, chunk_id: str) -> bool:
        return False

    def spans(self, document_key: str) -> Sequence[tuple[int, int]]:
        doc = next(doc for doc in self.release.docs if doc.state.key == document_key)
        return [(chunk.start, chunk.end) for chunk in self.release.cut(doc)]

    def cost(self) -> Mapping[str, Any]:
        seconds = {"chunk": 0.1, "embed": 0.2}
        return {
            "chunks": 39,
            "texts": 39,
            "tokens": 300,
            "embedded": 39,
            "vector_bytes": 4096,
            "contexts_cut": 0,
            "seconds": seconds,
        }


@dataclass
class Words:
    release: Release

    def passage(self, document_key: str, start: int, end: int) -> str:
        return next((doc.text or "" for doc in self.release.docs if doc.state.key == document_key), "")[start:end]

    def tokens(self, texts: Sequence[str]) -> Sequence[int]:
        return [len(text.split()) for text in texts]


@pytest.fixture
def release() -> Release:
    return Release(DOCS)


@pytest.fixture
def resolved(tmp_path: Path, release: Release) -> ResolvedSet:
    lines = [
        {
            "id": f"q-{w}",
            "query": f"When does the {w} open?",
            "relevant": [{"uri": f"{w}.md", "quote": f"The {w} opens at dawn."}],
        }
        | {"slice": ["early" if w < "f" else "late"]}
        for w in WORDS
    ]
    return resolve(load_golden(write_lines(tmp_path / "golden.jsonl", *lines)), release)


def ran(release: Release, resolved: ResolvedSet, searcher: Any, fingerprint: str = "f", k: int = 2) -> VariantResult:
    variant = Variant(release, searcher)
    return run_variant(variant, Words(release), resolved, fingerprint=fingerprint, k=k, everyone=PUBLIC)


def test_a_variant_is_measured_query_by_query(release: Release, resolved: ResolvedSet) -> None:
    """Document and passage measures, precision-omega, and the tokens that a reader is handed."""
    result = ran(release, resolved, release)
    first = result.queries[0]
    assert first.measures["Recall@2"] == first.measures["nDCG@10"] == 1.0
    assert first.measures["TokenRecall@2"] == 1.0
    assert first.measures["PrecisionOmega"] == 1.0  # the sentence is a chunk of its own
    assert first.tokens == sum(len(Words(release).passage(c.document_key, c.start, c.end).split()) for c in first.chunks)
    assert result.cost["tokens_per_answer"] > 0
    assert set(result.cost["seconds"]) == {"chunk", "embed", "search"}


def test_a_strategy_that_is_worse_by_construction_is_ruled_out(release: Release, resolved: ResolvedSet) -> None:
    """Its chunks lie in the wrong documents: ruled out, and the honest one wins."""
    results = {"shuffled": ran(release, resolved, Shuffled(release)), "honest": ran(release, resolved, release)}
    outcome = conclude(resolved, results, measure="nDCG@10", seed=1, baseline="shuffled")
    assert (outcome.decision.winner, outcome.decision.ruled_out) == ("honest", ("shuffled",))
    assert outcome.confirmation is not None
    assert (outcome.confirmation.selected, outcome.confirmation.confirmed) == ("honest", True)
    assert outcome.conclusion()[0].startswith("Settled: honest")
    assert outcome.conclusion()[0].endswith("the other is ruled out (at 95%).")
    assert outcome.as_json()["confirmation"]["level"] == outcome.as_json()["level"] == 0.95


def test_the_same_strategy_under_two_names_is_never_settled(release: Release, resolved: ResolvedSet) -> None:
    """It says that nothing is settled, and what the choice costs instead."""
    same = ran(release, resolved, release)
    outcome = conclude(resolved, {"a": same, "b": same}, measure="TokenIoU@k", seed=1, baseline="a")
    assert (outcome.as_json()["settled"], outcome.as_json()["winner"], outcome.as_json()["queries_needed"]) == (False, None, None)
    assert [v["ruled_out"] for v in outcome.as_json()["variants"]] == [False, False]
    said = " ".join(outcome.conclusion())
    assert "Not settled" in said
    assert "no difference are no proof that there is none: it may be up to 0." in said
    assert "a is the cheapest to embed (300 tokens) and to read (" in said
    assert outcome.confirmation is not None
    assert not outcome.confirmation.confirmed


def test_a_measure_that_not_every_query_has_is_refused(tmp_path: Path, release: Release) -> None:
    """Deciding by passages needs passages: ConfigurationError names what there is."""
    golden = load_golden(write_lines(tmp_path / "g.jsonl", {"id": "q", "query": "canal", "relevant": [{"uri": "canal.md"}]}))
    result = ran(release, resolve(golden, release), release)
    with pytest.raises(ConfigurationError, match="TokenIoU@k"):
        conclude(resolve(golden, release), {"a": result}, measure="TokenIoU@k", seed=1, baseline=None)


def test_a_result_comes_back_as_it_was_recorded(tmp_path: Path, release: Release, resolved: ResolvedSet) -> None:
    """By fingerprint; a file that was torn, or written by another version, is no result."""
    results, result = Results(tmp_path / "results"), ran(release, resolved, release, "abc")
    assert results.get("abc") is None
    results.put(result)
    assert results.get("abc") == result
    file = tmp_path / "results" / "abc.json"
    whole = file.read_text()
    file.write_text(whole[: len(whole) // 2])
    assert results.get("abc") is None
    file.write_text(json.dumps(json.loads(whole) | {"version": 0}))
    assert results.get("abc") is None
    assert [path.name for path in file.parent.iterdir()] == ["abc.json"]


def recorded(folder: Path, release: Release, outcome: Outcome) -> Path:
    summary: dict[str, Any] = {
        "name": "trial",
        "finished": "2026-11-21T12:00:00Z",
        "base": "b.yaml",
        "golden": "g.jsonl",
        "documents": 13,
    }
    summary |= {"labels": {"all": 13, "stale": 1, "missing": 0, "unscored": 0}, "fingerprints": {"corpus": "c" * 64}}
    summary |= outcome.as_json()
    for variant in summary["variants"]:
        variant |= {"chunking": {"strategy": "<script>alert(1)</script>"}, "search": {"mode": "dense"}}
    made = folder_for(folder, "trial", datetime(2026, 11, 21, 12, tzinfo=UTC))
    write(
        made,
        outcome,
        experiment=environment(),
        summary=summary,
        passages=disagreements(outcome, dict.fromkeys(outcome.results, Words(release))),
    )
    return made


def test_an_experiment_is_a_folder(tmp_path: Path, release: Release, resolved: ResolvedSet) -> None:
    """Configuration, per-query results, hits, summary and a page that needs nothing else; names do not collide."""
    results = {"honest": ran(release, resolved, release), "<b>shuffled": ran(release, resolved, Shuffled(release), k=3)}
    outcome = conclude(resolved, results, measure="Recall@k", seed=1, baseline=None)
    made = recorded(tmp_path / "experiments", release, outcome)
    queries, hits = pd.read_parquet(made / "queries.parquet"), pd.read_parquet(made / "hits.parquet")
    assert len(queries) == 2 * len(WORDS)
    assert queries.groupby("variant")["nDCG@10"].mean()["honest"] == pytest.approx(results["honest"].measures["nDCG@10"])
    assert set(hits["kind"]) == {"document", "chunk"}
    assert json.loads((made / "summary.json").read_text())["leader"] == "honest"
    assert json.loads((made / "experiment.json").read_text())["packages"]["sluice"]
    page = (made / "report.html").read_text()
    assert "<script" not in page
    assert "&lt;b&gt;shuffled" in page
    assert not re.search(r"""(src|href)=|url\(|@import|https?://""", page)
    assert 'name="viewport"' in page
    charts = re.findall(r"<svg.*?</svg>", page, re.S)
    assert len(charts) == 1
    assert len(ElementTree.fromstring(charts[0]).findall(".//circle")) == 2
    assert page.count('class="shade" style=') == 4  # two slices, two variants
    assert "The anchor opens at dawn." in page
    assert recorded(tmp_path / "experiments", release, outcome).name == f"{made.name}-2"
    assert made.stat().st_mode & 0o077 == 0  # passages are not for everybody


def test_a_document_can_be_taken_out_of_every_record(tmp_path: Path, release: Release, resolved: ResolvedSet) -> None:
    """Its words, its hits and the results that name it are gone; doing it again changes nothing."""
    results = {"honest": ran(release, resolved, release, "h"), "shuffled": ran(release, resolved, Shuffled(release), "s")}
    experiments = tmp_path / "experiments"
    Results(experiments / "results").put(results["honest"])
    made = recorded(experiments, release, conclude(resolved, results, measure="nDCG@10", seed=1, baseline=None))
    anchor = DOCS[0].state.key
    assert "anchor opens at dawn" in (made / "report.html").read_text()
    assert erase(experiments, anchor) == 4
    for file in experiments.rglob("*.*"):
        assert b"anchor opens at dawn" not in file.read_bytes()
    assert anchor not in set(pd.read_parquet(made / "hits.parquet")["document_key"])
    assert not list((experiments / "results").iterdir())
    assert "canal opens at dawn" in (made / "report.html").read_text()
    assert erase(experiments, anchor) == 0


def test_precision_omega_is_that_of_a_perfect_search_by_a_second_implementation() -> None:
    """Character by character, on random passages and overlapping chunks, with a gap that no chunk holds."""
    randomly = random.Random(7)
    for _ in range(200):
        chunks = [
            ("d", a, a + randomly.randint(1, 30)) for a in range(0, 200, randomly.randint(5, 25)) if randomly.random() < 0.9
        ]
        passages = [("d", a, a + randomly.randint(1, 40)) for a in sorted(randomly.sample(range(180), randomly.randint(1, 3)))]
        wanted = {i for _, a, b in passages for i in range(a, b)}
        touching = [set(range(a, b)) for _, a, b in chunks if wanted & set(range(a, b))]
        held = set().union(*touching)
        expected = len(wanted & held) / len(wanted | held) if held else 0.0
        assert precision_omega(passages, [*chunks, ("other", 0, 500)]) == pytest.approx(expected)
        assert passage_measures(passages, chunks).recall <= 1.0


def experiment(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "e.yaml"
    file.write_text("name: e\nbase: b.yaml\ngolden: g.jsonl\n" + text)
    return file


def test_a_grid_is_every_combination_under_names_of_its_own(tmp_path: Path) -> None:
    """Beside the variants that are listed; paths are relative to the file."""
    grid = """
variants: [{name: mine, k: 3}]
grid:
  chunking:
    - {strategy: recursive, max_tokens: 200, overlap_tokens: 20}
    - {strategy: hierarchical, max_tokens: 50, parent_tokens: 400}
  context: [none, headings]
  search: [{mode: dense}, {mode: hybrid}]
  k: [5, 10]
"""
    loaded = load_experiment(experiment(tmp_path, grid))
    names = [variant.name for variant in loaded.variants]
    assert len(set(names)) == len(names) == 17
    assert "recursive 200+20 headings hybrid k10" in names
    assert loaded.variant("hierarchical 50 parent_tokens 400 dense k5").k == 5
    assert (loaded.base, loaded.golden) == (tmp_path / "b.yaml", tmp_path / "g.jsonl")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("variants: [{name: a, chunks: 3}]", "unknown key 'variants.a.chunks'"),
        ("variants: [{name: a}, {name: a}]", "two variants are named 'a'"),
        ("variants: [{name: a}]\nbaseline: b", "no variant is named 'b'"),
        ("variants: [{name: a}]\nmeasure: accuracy", "measure"),
        ("variants: [{name: a, chunking: {max_tokens: 3}}]", "variants.a.chunking.max_tokens"),
        ("grid: {chunking: [{strategy: fixed}], sizes: [1]}", "unknown key 'grid.sizes'"),
        ("k: 5", "variants"),
    ],
)
def test_a_wrong_key_is_named_by_its_path(tmp_path: Path, text: str, says: str) -> None:
    """And the file, before anything is done."""
    with pytest.raises(ConfigurationError, match=re.escape(says)):
        load_experiment(experiment(tmp_path, text))
