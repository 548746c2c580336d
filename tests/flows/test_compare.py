"""Experiments through the command line: measured, recorded, decided; nothing live touched."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.main import main
from pipeline.executors import Inline
from pipeline.experiments import adopting, comparing
from pipeline.experiments.variants import laboratory
from sluice.records import Document
from tests.flows.conftest import TOPICS, Index
from tests.unit.ingest.pdf_files import made, table


class Blind:
    """A strategy that is worse by construction: a document is cut into its letters."""

    def __init__(self, given: Any) -> None:
        self.fingerprint = given.fingerprint("blind", 1)

    def split(self, document: Document) -> list[tuple[int, int]]:
        return [(i, i + 1) for i, character in enumerate(document.text) if not character.isspace()]


RECURSIVE = {"strategy": "recursive", "max_tokens": 100}
BLIND = {"strategy": f"{__name__}:Blind", "max_tokens": 8}
VARIANTS = ({"name": "whole", "chunking": RECURSIVE}, {"name": "blind", "chunking": BLIND})


def experiment(index: Index, *variants: dict[str, Any], **keys: Any) -> Path:
    file = index.folder / "experiment.yaml"
    given = {"name": "trial", "base": "sluice.yaml", "golden": "golden.jsonl", "k": 3, "variants": list(variants), **keys}
    file.write_text(yaml.safe_dump(given), encoding="utf-8")
    return file


def results(index: Index) -> set[str]:
    return {file.name for file in (index.folder / "state" / "experiments" / "results").glob("*.json")}


@pytest.mark.slow
def test_an_experiment_from_nothing_to_a_verdict_that_is_never_computed_twice(index: Index) -> None:
    """A base that was never ingested is ingested, not indexed; the second time everything comes from the record."""
    file = experiment(index, *sorted(VARIANTS, key=lambda variant: variant["name"] != "blind"))
    first = index("compare", str(file))
    assert first.code == 0, first.err
    out = first.out
    with pytest.raises(SystemExit):
        main(["--config", str(index.config), "compare", str(file)])
    told = index.capture.readouterr().out
    assert told.index("whole") < told.index("blind"), "the best comes first, whatever the file's order"
    assert (out["settled"], out["winner"], out["queries_needed"]) == (True, "whole", 0)
    named = {variant["name"]: variant for variant in out["variants"]}
    assert (named["whole"]["ruled_out"], named["blind"]["ruled_out"]) == (False, True)
    assert named["whole"]["probability_best"] > 0.95
    assert {"Recall@3", "MRR@10", "nDCG@10", "TokenRecall@3", "TokenIoU@3", "PrecisionOmega"} <= set(named["whole"]["measures"])
    cost = named["whole"]["cost"]
    assert (cost["chunks"], cost["embedded"], cost["vector_bytes"]) == (12, 12, 12 * 256 * 4)
    folder = Path(out["experiment"])
    written = {"experiment.json", "summary.json", "passages.json", "queries.parquet", "hits.parquet", "report.html", "cuts.html"}
    assert {path.name for path in folder.iterdir()} == written
    assert json.loads((folder / "experiment.json").read_text())["fingerprints"]["corpus"]
    assert index("releases").out["releases"] == []

    before = results(index)
    again = index("compare", str(file))
    assert "from the record" in again.err
    assert again.out["experiment"] != out["experiment"]
    assert [v["measures"] for v in again.out["variants"]] == [v["measures"] for v in out["variants"]]
    assert results(index) == before

    adopted = index("compare", str(file), "--adopt", "whole").out["adopt"]
    assert adopted["chunking"] | RECURSIVE == adopted["chunking"]
    assert adopted["search"]["mode"] == "dense"

    # Asked on a terminal it prints YAML and nothing else, in short lines, and leaves no folder of an experiment behind.
    folders = set((index.folder / "state" / "experiments").iterdir())
    code, printed, told = index.shown("compare", str(file), "--adopt", "whole")
    assert code == 0
    assert yaml.safe_load(printed) == {name: adopted[name] for name in ("chunking", "embedding", "search")}
    assert max(len(line) for line in printed.splitlines() if line.startswith("#")) < 80
    assert set((index.folder / "state" / "experiments").iterdir()) == folders
    assert f"report: {again.out['experiment']}/report.html" in told

    # What Prefect is shown of it, with a baseline too (its confirmation once took the result's name).
    with laboratory(str(experiment(index, *VARIANTS, baseline="whole"))) as lab:
        shown = comparing.markdown(comparing.compare(lab, Inline()))
    assert "measured on the other: the baseline, whole, is itself the best." in shown
    assert "Record and report: `" in shown

    # What can never decide is said before a variant is measured, not after hours of embedding.
    lines = [{"id": "q", "query": "leave?", "relevant": [{"uri": "people/0.md"}]}]
    for asked, says in ((lines, "measure: 'TokenIoU@k' needs a quote"), ([], "no query that can be scored")):
        (index.folder / "golden.jsonl").write_text("".join(json.dumps(line) + "\n" for line in asked), encoding="utf-8")
        answer = index("compare", str(experiment(index, {"name": "new", "k": 2}, measure="TokenIoU@k")))
        assert (answer.code, says in answer.out["error"]["message"]) == (2, True), answer.out
        assert "experiment.yaml" in answer.out["error"]["message"]
        assert "Traceback" not in answer.err
    assert results(index) == before


def test_what_is_adopted_can_be_pasted_without_loss(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base's own log and a key's name stay, as they are written; what a search makes no use of is not said."""
    monkeypatch.setenv("MODEL_KEY", "a secret")
    endpoint = {"url": "http://127.0.0.1:1/v1", "dimensions": 8, "api_key": "${MODEL_KEY}"}
    index.configure(embedding={"model": "openai:m", "endpoint": endpoint}, search={"log": "logs/searches.jsonl", "rerank": "r"})
    variants = [
        {"name": "base", "chunking": RECURSIVE},
        {"name": "hybrid", "chunking": RECURSIVE, "search": {"mode": "hybrid"}},
        {"name": "again", "chunking": RECURSIVE, "search": {"rerank": "r", "rerank_k": 20}},
    ]
    with laboratory(str(experiment(index, *variants))) as lab:
        found = {name: adopting.sections(lab, name) for name in ("base", "hybrid", "again")}
    log = {"log": "logs/searches.jsonl"}
    assert found["base"]["search"] == {"mode": "dense", "rerank": "r", "rerank_k": 50, **log}
    assert found["hybrid"]["search"] == {"mode": "hybrid", "dense_weight": 0.5, **log}
    assert found["again"]["search"] == {"mode": "dense", "rerank": "r", "rerank_k": 20, **log}
    assert found["base"]["embedding"]["endpoint"]["api_key"] == "${MODEL_KEY}"
    assert "a secret" not in str(found)


@pytest.mark.slow
def test_a_variant_that_fails_costs_only_itself(index: Index) -> None:
    """The others are recorded; a live index answers as before, and is not a byte different."""
    release = index.run()["release"]
    found = index.find(TOPICS["people"][0], "people")
    broken = {"strategy": f"{__name__}:Broken", "max_tokens": 50}
    variants = [{"name": "one", "chunking": RECURSIVE}, {"name": "broken", "chunking": broken}]
    variants += [{"name": "two", "chunking": RECURSIVE, "search": {"mode": "hybrid"}}, {"name": "same", "chunking": RECURSIVE}]
    failed = index("compare", str(experiment(index, *variants)))
    assert failed.code == 1
    assert len(results(index)) == 2
    mended = index("compare", str(experiment(index, *(v for v in variants if v["name"] != "broken"))))
    assert "from the record" in mended.err
    assert mended.out["settled"] is False
    assert mended.out["winner"] is None
    assert all(variant["cost"]["embedded"] == 0 for variant in mended.out["variants"])  # the release had embedded every text
    assert index.find(TOPICS["people"][0], "people") == found
    assert index.run("unchanged")["release"] == release


def test_parsing_is_an_axis_that_touches_nothing_live(index: Index) -> None:
    """Bytes are parsed again into the experiment's own folder; rows of tables tell the better parser; `forget` clears it."""
    goods = [
        ["Juicy", "apples"],
        ["Ripe", "pears"],
        ["Sweet", "plums"],
        ["Sour", "limes"],
        ["Green", "figs"],
        ["Blood", "oranges"],
    ]
    rows = [(name, [f"{n}.99", "a unit"], [str(700 + n)]) for n, name in enumerate(goods)]
    (index.corpus / "people").mkdir(exist_ok=True)
    shaded = re.sub(r"([\d. ]+ re) S ", r"0.9 g \1 f 0 g ", table(72, 700, (60, 60, 50), rows))  # boxes without lines
    (index.corpus / "people/prices.pdf").write_bytes(made(shaded))
    index.configure(
        sources=[{**index.settings["sources"][0], "include": ["**/*.md", "**/*.pdf"], "limits": {"sandbox": False}}], gates=[]
    )
    lines = [
        {
            "id": f"p{n}",
            "query": " ".join(name),
            "relevant": [{"uri": "people/prices.pdf", "quote": f"{' '.join(name)} | {n}.99 a unit"}],
        }
        for n, name in enumerate(goods)
    ]
    (index.folder / "golden.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    release = index.run()["release"]
    cut = {"strategy": "table", "max_tokens": 60}
    file = experiment(
        index,
        {"name": "fast", "chunking": cut},
        {"name": "ruled", "chunking": cut, "parsing": {"pdf_tables": "pdfplumber"}},
        {"name": "cleaned", "chunking": cut, "parsing": {"clean": ["unicode"]}},
        measure="TokenRecall@k",
    )
    out = index("compare", str(file), "--adopt", "ruled").out
    named = {variant["name"]: variant for variant in out["variants"]}
    assert [named[name]["measures"]["TokenRecall@3"] for name in ("fast", "ruled", "cleaned")] == [0, 1, 0]
    assert (out["winner"], out["adopt"]["parsing"]) == ("ruled", {"pdf_tables": "pdfplumber"})
    assert named["ruled"]["cost"]["parsing"] == {"documents": 13, "as_in_base": 0, "failed": {}}
    assert "parsing" not in named["fast"]["cost"]
    assert "from the record" in index("compare", str(file)).err
    assert index.run("unchanged")["release"] == release

    viewed = index("cuts", str(file)).out
    assert [document["uri"] for document in viewed["documents"]] == ["people/prices.pdf"] * 2  # one for each text
    page = Path(viewed["page"])
    assert "Juicy apples | 0.99 a unit" in page.read_text()
    assert page.stat().st_mode & 0o077 == 0

    parsed = index.folder / "state" / "experiments" / "parsed"
    words = [path for path in parsed.glob("*/*.json") if "Juicy apples" in path.read_text()]
    assert len(words) == 1
    (index.corpus / "people/prices.pdf").unlink()
    assert index("forget", "people/prices.pdf").code == 0
    assert not [path for path in parsed.glob("*/*.json") if "Juicy" in path.read_text()]
    assert not page.exists()


class Broken(Blind):
    """Fails on its first document."""

    def split(self, document: Document) -> list[tuple[int, int]]:
        raise OSError("the disk is on fire")


def test_what_is_wrong_is_said_before_anything_is_done(index: Index) -> None:
    """Exit 2 with the variant and the key; no document is fetched for it."""
    wrong = (
        ({"name": "a", "chunking": {"strategy": "recursive", "max_tokens": 100, "sentences": 3}}, "variant 'a'"),
        ({"name": "a", "chunking": {"strategy": "recursive", "max_tokens": 9000}}, "chunking.max_tokens"),
        ({"name": "a", "chunk": {}}, "variants.a.chunk"),
    )
    for variant, says in wrong:
        answer = index("compare", str(experiment(index, variant)))
        assert (answer.code, says in answer.out["error"]["message"]) == (2, True), answer.out
    for changes, says in (
        ({"golden": "nowhere.jsonl"}, "experiment.yaml: golden: "),
        ({"base": "nowhere.yaml"}, "experiment.yaml: base: "),
        ({"variants": []}, "variants: there is none"),
        ({"variants": [{"name": "a", "embedding": {"model": "no/such-model"}}]}, "experiment.yaml: variant 'a': embedding.model"),
    ):
        answer = index("compare", str(experiment(index, {"name": "a"}, **changes)))
        assert (answer.code, says in answer.out["error"]["message"]) == (2, True), answer.out
        assert answer.out["error"]["hint"]
    unknown = index("compare", str(experiment(index, {"name": "a"})), "--adopt", "b")
    assert (unknown.code, unknown.out["error"]["hint"]) == (2, "the variants are: a")
    none = index("compare", str(index.folder / "none.yaml"))
    assert (none.code, "no such experiment" in none.out["error"]["message"]) == (2, True)


def test_a_golden_set_is_imported_and_grows(index: Index) -> None:
    """`golden import` writes one that `golden add` extends, checked against the documents."""
    table = index.folder / "questions.csv"
    table.write_text("query,document,quote\nbadges?,security/1,badges expire\n", encoding="utf-8")
    made = str(index.folder / "made.jsonl")
    brought = index("golden", "import", str(table), "--format", "csv", "--uri", "{id}.md", "--to", made)
    assert (brought.code, brought.out["queries"]) == (0, 1)
    assert index("golden", "import", str(table), "--format", "csv", "--to", made).code == 2
    before = Path(made).read_text(encoding="utf-8")
    for wrong in ("query,document\n,security/1\n", "query,document\n", "query,document,start\nq,security/1,four\n"):
        table.write_text(wrong, encoding="utf-8")
        refused = index("golden", "import", str(table), "--format", "csv", "--to", made, "--replace")
        assert (refused.code, Path(made).read_text(encoding="utf-8")) == (2, before), "what was there is lost"
    table.write_text("query,document\nbadges of whom?,security/1\n", encoding="utf-8")
    assert index("golden", "import", str(table), "--format", "csv", "--to", made, "--replace").code == 0
    assert "badges of whom?" in Path(made).read_text(encoding="utf-8")
    again = index("golden", "add", "--golden", made, "--query", "Badges of  whom?", "--uri", "security/1.md")
    assert (again.code, "asks that already" in again.out["error"]["message"]) == (2, True)
    assert index("golden", "add", "--golden", made, "--query", " ").out["error"]["message"] == "--query is empty"
    (index.folder / "bad.jsonl").write_text("no golden set\n", encoding="utf-8")
    reviewed = index("golden", "review", str(index.folder / "bad.jsonl"))
    assert (reviewed.code, reviewed.out["error"]["type"]) == (2, "ConfigurationError")
    unknown = index("golden", "add", "--golden", made, "--query", "leave?", "--uri", "people/0.md")
    assert (unknown.code, unknown.out["error"]["type"]) == (2, "ConfigurationError")  # nothing was ingested yet
    nothing = index("golden", "add", "--golden", made, "--query", "What is the moon made of?", "--slice", "none")
    assert (nothing.code, nothing.out["added"]) == (0, 1)


@pytest.mark.slow
def test_a_race_stops_what_has_lost_and_says_so(index: Index) -> None:
    """Of three variants the blind one is out early, and in no result; two are measured whole. Drafts decide nothing."""
    lines = [json.loads(line) for line in (index.folder / "golden.jsonl").read_text().splitlines()]
    many = [line | {"id": f"{line['id']}-{n}"} for n in range(4) for line in lines]
    many.append(lines[0] | {"id": "drafted", "synthetic": True})
    (index.folder / "golden.jsonl").write_text("".join(json.dumps(line) + "\n" for line in many))
    variants = [{"name": "whole", "chunking": RECURSIVE}, {"name": "half", "chunking": {**RECURSIVE, "max_tokens": 50}}]
    out = index("compare", str(experiment(index, *variants, {"name": "blind", "chunking": BLIND}, racing=True))).out
    assert [stop["variant"] for stop in out["stopped"]] == ["blind"]
    assert 5 <= out["stopped"][0]["at_query"] <= 24
    assert [variant["name"] for variant in out["variants"]] == ["whole", "half"]
    assert any(line.startswith("Stopped early: blind (at query ") for line in out["conclusion"])
    assert len(results(index)) == 2
    assert (out["queries"], out["drafted"]) == (4 * len(lines), 0)
    assert all(variant["unjudged"] > 0 for variant in out["variants"])


@pytest.mark.slow
def test_a_sample_is_measured_and_named_as_one(index: Index) -> None:
    """Judged documents are in every sample; the result says on how many, and is another result than that on all."""
    for n in range(60):
        index.write(f"people/other-{n}.md", f"# Other {n}\n\nNothing of the {n}th kind matters.\n")
    variants = [{"name": "whole", "chunking": RECURSIVE}, {"name": "half", "chunking": {**RECURSIVE, "max_tokens": 50}}]
    part = index("compare", str(experiment(index, *variants, sample=0.1))).out
    assert 12 <= part["sampled"]["documents"] < part["sampled"]["of"] == 72
    assert part["variants"][0]["cost"]["documents"] == part["sampled"]["documents"]
    assert any("of 72 documents" in line for line in part["conclusion"])
    whole = index("compare", str(experiment(index, *variants))).out
    assert (whole["sampled"], whole["variants"][0]["cost"]["documents"]) == (None, 72)
    for one, all_ in zip(part["variants"], whole["variants"], strict=True):
        assert one["measures"]["nDCG@10"] >= all_["measures"]["nDCG@10"]
        assert one["on_all"]["low"] <= all_["measures"]["nDCG@10"] <= one["on_all"]["high"]
        assert "on_all" not in all_


@pytest.mark.slow
def test_vectors_kept_otherwise_are_an_axis_with_their_answers_per_set_of_tags(index: Index) -> None:
    """int8 and 64 dimensions in signs beside whole vectors: bytes, and the recall of exact answers for each set of tags.

    What a server can keep is adopted together with the gate that compares its answers with exact ones.
    """
    chunk = {"chunking": RECURSIVE}
    variants = [
        {"name": "whole", **chunk},
        {"name": "int8", **chunk, "vectors": {"storage": "int8", "rescore": 4}},
        {"name": "signs", **chunk, "vectors": {"storage": "binary", "dimensions": 64}},
    ]
    file = experiment(index, *variants)
    answer = index("compare", str(file))
    assert answer.code == 0, answer
    named = {variant["name"]: variant for variant in answer.out["variants"]}
    assert [named[n]["cost"]["vector_bytes"] for n in ("whole", "int8", "signs")] == [12 * 1024, 12 * 256, 12 * 8]
    assert "exact_overlap" not in named["whole"]["cost"]
    tags = [one["tags"] for one in named["int8"]["cost"]["exact_overlap"]]
    assert sorted(tags) == [["engineering"], ["engineering", "people", "security"], ["people"], ["security"]]
    assert min(one["recall"] for one in named["int8"]["cost"]["exact_overlap"]) == 1
    assert named["signs"]["cost"]["exact_overlap"][0]["recall"] < 1
    assert named["signs"]["vectors"] == {"dimensions": 64, "storage": "binary", "rescore": 0}
    assert index("compare", str(file), "--adopt", "signs").code == 2
    longer = index("compare", str(experiment(index, {"name": "longer", **chunk, "vectors": {"dimensions": 257}})))
    assert (longer.code, "'longer': vectors.dimensions: 257, and the model gives 256" in longer.out["error"]["message"]) == (
        2,
        True,
    )
    file = experiment(index, *variants)
    index.configure(stores={"mongodb": {"uri": "embedded"}, "qdrant": {"url": "embedded"}})
    adopted = index("compare", str(file), "--adopt", "int8").out["adopt"]
    assert adopted["stores"] == {"mongodb": {"uri": "embedded"}, "qdrant": {"url": "embedded", "quantization": "int8"}}
    assert adopted["gates"] == [{"type": "exact", "golden": str(index.folder / "golden.jsonl"), "k": 3}]
    assert "stores" not in index("compare", str(file), "--adopt", "whole").out["adopt"]
