"""What an experiment recommends is what is served: every setting of a search reaches readers and gates through the recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

import evaluation
from evaluation.experiments import load_experiment
from indexing.models.reranker import CrossEncoderReranker
from pipeline.experiments.variants import Laboratory
from pipeline.operations import nightly
from pipeline.outcomes import Report
from pipeline.reading import evaluating, searching
from pipeline.resources import Resources
from pipeline.runs import holding
from sluice.access import Principal
from sluice.recipe import Recipe
from sluice.settings import SearchSettings, load
from tests.flows.conftest import DEPARTMENTS, TOPICS, Index

EVERYONE = Principal.of(DEPARTMENTS)


class ByLength(CrossEncoderReranker):
    """The longer text is the better answer."""

    fingerprint = "by length"

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        return [float(len(text)) for text in texts]


class Rereading(Resources):
    """Knows a cross-encoder of its own."""

    def reranker_of(self, search: SearchSettings) -> CrossEncoderReranker | None:
        return None if search.rerank is None else ByLength(search.rerank)


def published(index: Index, outcome: str = "promoted", **search: Any) -> Report:
    index.configure(search=search)
    with Rereading(load(index.config)) as w, holding(w, "run") as by:
        result = nightly.reindex(w, by)
    assert result.outcome == outcome, result
    return result


def found(index: Index, query: str, release: str | None = None) -> list[str]:
    with Rereading(load(index.config)) as w:
        return [hit.uri for hit in searching.search(w, query, EVERYONE, 12, release)]


def experiment(index: Index, *searches: dict[str, Any]) -> Path:
    file = index.folder / "experiment.yaml"
    variants = [{"name": str(n), "search": search} for n, search in enumerate(searches)]
    file.write_text(yaml.safe_dump({"name": "x", "base": "sluice.yaml", "golden": "golden.jsonl", "k": 3, "variants": variants}))
    return file


def test_a_weighted_hybrid_release_measures_what_its_experiment_measured(index: Index) -> None:
    """The weight reaches the release's manifest, its gates and its readers: the same measures, and those of no other weight."""
    searches: list[dict[str, Any]] = [{"mode": "hybrid", "dense_weight": weight} for weight in (0.9, 0.5, 0.3)]
    for i, text in enumerate(("deploy deploy deploy", "rotate the gateway on Tuesdays", "Tuesdays")):
        index.write(f"people/more-{i}.md", text)
    settings = load_experiment(experiment(index, *searches))
    promoted = published(index, **searches[0]).release
    assert promoted is not None
    with Rereading(load(index.config)) as w:
        lab = Laboratory(w, settings)
        measured = [lab.run(variant.name) for variant in settings.variants]
        live = w.releases.get(promoted)
        assert Recipe.of_release(live).search.dense_weight == w.searcher(live).how.dense_weight == 0.9
        served = evaluation.evaluate(w.searcher(live), lab.resolved, k=3, everyone=lab.everyone)
        assert evaluating.evaluate(w, settings.golden, None, 3).evaluation.measures == served.measures
    documents = {name: value for name, value in served.measures.items() if not name.startswith("Token")}
    assert {name: measured[0].measures[name] for name in documents} == pytest.approx(documents, abs=5e-4)
    # The best hits: further down the hashing encoder has equals, which stores order as they like.
    scores = [[query.documents[0].score for query in result.queries] for result in measured]
    assert scores[0] == pytest.approx([query.documents[0].score for query in served.results], abs=1e-5)
    assert all(scores[0] != pytest.approx(other, abs=1e-3) for other in scores[1:])


def test_how_a_release_is_searched_is_judged_and_costs_no_embedding(index: Index) -> None:
    """Another weight, another kind of the same points, or a cross-encoder (a bad one): a new release with its verdicts,
    and the one before answers as it always did."""
    first = published(index, mode="hybrid")
    before = found(index, TOPICS["people"][0])
    reread = {"mode": "hybrid", "rerank": "by-length"}
    for outcome, search in (
        ("promoted", {"mode": "hybrid", "dense_weight": 0.8}),
        ("promoted", {"mode": "sparse"}),
        ("rejected", reread),
    ):
        result = published(index, outcome, **search)
        assert result.release != first.release
        assert (result.embedded, result.counts["embed"].kept) == (0, 0)
        assert {verdict.gate for verdict in result.verdicts} == {"reconciliation", "retrieval", "leaks"}
        published(index, "unchanged", **search)
    assert found(index, TOPICS["people"][0], first.release) == before
    lengths = [len((index.corpus / uri).read_text()) for uri in found(index, TOPICS["people"][0], result.release)]
    assert lengths == sorted(lengths, reverse=True)


def test_variants_that_differ_only_in_what_reads_again_have_results_of_their_own(index: Index) -> None:
    """Another result for each, and the cross-encoder has read in the one that names it."""
    settings = load_experiment(experiment(index, {"mode": "dense"}, {"mode": "dense", "rerank": "by-length"}))
    published(index)
    with Rereading(load(index.config)) as w:
        lab = Laboratory(w, settings)
        plain_one, again = (lab.run(variant.name) for variant in settings.variants)
        assert plain_one.fingerprint != again.fingerprint
        assert plain_one != again
        assert lab.pending() == []


def test_a_release_of_the_day_before_recipes_still_answers(index: Index) -> None:
    """Its manifest says mode and model; a run replaces it without embedding anything."""
    old = published(index, mode="hybrid").release
    assert old is not None
    before = found(index, TOPICS["people"][0])
    with Resources(load(index.config)) as w:
        kept = w.releases.get(old)
        configuration = {**kept.configuration, "search": {"mode": "hybrid"}}
        w.stores.ledger.update(old, {"recipe": {}, "configuration": configuration})
    assert found(index, TOPICS["people"][0]) == before


def test_what_a_strategy_takes_from_the_environment_stays_a_name(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the recipe that a release keeps, as in its configuration."""
    monkeypatch.setenv("KEY", "s3cret")
    index.configure(chunking={"strategy": f"{__name__}:Keyed", "max_tokens": 100, "key": "${KEY}"})
    with Resources(load(index.config)) as w:
        assert w.kept_recipe()["chunking"]["key"] == "${KEY}"
        assert "s3cret" not in str(w.kept_recipe()) + str(w.configuration())


class Keyed:
    """A strategy with a secret."""

    class Options(BaseModel):
        key: str

    def __init__(self, given: Any) -> None:
        self.fingerprint = given.fingerprint("keyed", 1)

    def split(self, document: Any) -> list[tuple[int, int]]:
        return [(0, len(document.text))]


def test_a_secret_that_stands_in_the_configuration_is_in_no_manifest(index: Index) -> None:
    """Who writes a password into the file does not find it in a release, an export or an experiment."""
    source = {**index.settings["sources"][0], "exclude": ["x?token=Tr0ub4dor3xYq/**"]}
    index.configure(sources=[source])
    with Resources(load(index.config)) as w:
        assert "Tr0ub4dor" not in str(w.configuration())
