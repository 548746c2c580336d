"""Every gate on a real index, and the page that a release leaves; the steps of the flow, without Prefect."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import evaluation
from cli.main import main
from evaluation.judged import decode
from pipeline.operations import nightly
from pipeline.outcomes import Report
from pipeline.resources import Resources
from pipeline.runs import holding
from sluice.settings import load
from tests.flows.conftest import TOPICS, Index

pytestmark = pytest.mark.slow


def published(index: Index, outcome: str = "promoted") -> Report:
    with Resources(load(index.config)) as w, holding(w, "run") as by:
        result = nightly.reindex(w, by)
    assert result.outcome == outcome, result.verdicts
    return result


def test_every_gate_judges_the_next_release_and_its_evidence_is_one_page(index: Index) -> None:
    """What readers asked is logged without a text, replayed against the candidate, and shown with all the rest."""
    more = [
        {"type": "data_quality", "data_docs": True},
        {"type": "inference"},
        {"type": "exact", "golden": "golden.jsonl"},
        {"type": "drift"},
        {"type": "latency", "golden": "golden.jsonl", "repeats": 1},
        {"type": "replay", "log": "searches.jsonl"},
    ]
    index.configure(gates=[*index.settings["gates"], *more], search={"mode": "dense", "log": "searches.jsonl"})
    first = published(index)
    assert {v.gate: v.evidence.get("comparison") for v in first.verdicts}["drift"] == "not_applicable"
    index.find(TOPICS["people"][1], "people")
    logged = (index.folder / "searches.jsonl").read_text(encoding="utf-8")
    assert json.loads(logged)["tags"] == ["people"]
    assert "Remember" not in logged
    index.write("people/0.md", "# People note 0\n\nRemember that we say parental leave lasts sixteen weeks.\n")
    second = published(index)
    verdicts = {v.gate: v for v in second.verdicts}
    named = ["reconciliation", "retrieval", "leaks", "data_quality", "inference", "exact", "drift", "latency", "replay"]
    assert list(verdicts) == named
    assert all(v.passed for v in verdicts.values())
    assert verdicts["inference"].evidence["pairs"] > 20
    assert {row["recall"] for row in verdicts["exact"].evidence["readers"]} == {1.0}
    assert len(verdicts["exact"].evidence["readers"]) == 4
    assert 1 <= verdicts["reconciliation"].evidence["documents_compared"] < second.verdicts[0].evidence["documents_stored"] == 12
    assert verdicts["reconciliation"].evidence["vectors_compared"] >= 1
    assert verdicts["replay"].evidence["searches"] == 1
    assert verdicts["drift"].evidence["similarity"]["mean"] == 1.0
    assert Path(verdicts["data_quality"].evidence["data_docs"]).is_file()
    page = second.report
    assert page == index.folder / "state" / "releases" / f"{second.release}.html"
    assert f"held against {first.release}" in page.read_text(encoding="utf-8")


def test_every_judgement_leaves_a_page_and_a_manifest_that_says_who_overruled_what(index: Index) -> None:
    """Rejected, then forced by somebody; and the live release judged again by gates that changed: each has its page anew."""
    first = published(index)
    for number in range(1, 4):
        index.write(f"people/{number}.md", f"# People note {number}\n\nNothing is said here any more.\n")
    second = published(index, "rejected")
    id, page = second.release, second.report
    assert id is not None
    assert page is not None
    assert "overruled" not in page.read_text(encoding="utf-8")
    page.unlink()
    forced = index("promote", id, "--force").out
    assert (forced["outcome"], forced["report"]) == ("promoted", str(page))
    words = page.read_text(encoding="utf-8")
    assert f"held against {first.release}" in words
    assert "promoted: retrieval" in words
    shown = index("releases", "show", id).out
    assert (shown["live"], shown["report"]) == (True, str(page))
    judged = shown["judged"]
    assert (judged["against"], judged["overruled"]) == (first.release, ["retrieval"])
    assert judged["actor"].startswith("sluice promote by ")
    assert judged["actor"] in words
    assert judged["at"].endswith("Z")
    assert judged["seconds"] > 0
    [said] = index("status").out["attention"]
    assert re.match(
        r"live was forced over retrieval by sluice promote by .* at \d{4}-\d\d-\d\d \d\d:\d\d UTC \(refused: 3 of 12 labels ",
        said,
    )
    assert [each["forced"] for each in index("releases").out["releases"]] == [["retrieval"], []]
    index.capture.readouterr()
    for command in (["releases"], ["releases", "show", id]):
        with pytest.raises(SystemExit):
            main(["--config", str(index.config), *command])
        assert re.search(r"forced(: | )over retrieval", " ".join(index.capture.readouterr().out.split()))
    index.configure(gates=[index.settings["gates"][1], {"type": "data_quality"}])
    page.unlink()
    again = index.run("unchanged")
    assert [v["gate"] for v in again["verdicts"]] == ["reconciliation", "leaks", "data_quality"]
    assert again["report"] == str(page)
    words = page.read_text(encoding="utf-8")
    assert "no other release to hold it against" in words
    assert index("status").out["attention"] == []
    assert "Data quality" in words
    assert index("releases", "show", id).out["judged"]["against"] is None


def test_a_lost_question_says_at_which_stage_its_document_was_lost(index: Index) -> None:
    """In the evidence, the advice and the page of a rejected release: left out by the configuration; outranked by others."""
    published(index)
    [source] = index.settings["sources"]
    index.configure(sources=[{**source, "exclude": ["people/*.md"]}])
    second = published(index, "rejected")
    [retrieval] = [verdict for verdict in second.verdicts if verdict.gate == "retrieval"]
    assert {each["reason"] for query in retrieval.evidence["worst"] for each in query["lost"]} == {"excluded"}
    assert any("was lost as excluded: the configuration of source 'notes'" in line for line in retrieval.advice)
    assert second.report is not None
    page = second.report.read_text(encoding="utf-8")
    assert "was lost as excluded" in page
    quote = TOPICS["people"][0]
    assert f"<mark>{quote}</mark>" in page  # what live answers with, and in it what the golden set asks for
    shown = json.dumps([dict(v.evidence) for v in second.verdicts] + [evaluation.verdict_json(v) for v in second.verdicts])
    assert "Remember that we say" not in shown

    index.configure(sources=[source])
    for department, topics in TOPICS.items():
        for number, text in enumerate(topics[:2]):
            for other in range(4):
                index.write(f"{department}/{number}-{other}.md", f"{text}: {text}, {' '.join([text] * (other + 2))}.\n")
    third = published(index, "rejected")
    [retrieval] = [verdict for verdict in third.verdicts if verdict.gate == "retrieval"]
    lost = [each for query in retrieval.evidence["worst"] for each in query["lost"]]
    assert lost
    assert {each["reason"] for each in lost} <= {"outranked", "outranked_by_copies"}
    assert all("its best chunk has rank" in each["says"] for each in lost)
    index("forget", "people/0.md")
    assert f"<mark>{quote}</mark>" not in second.report.read_text(encoding="utf-8")


def test_what_a_release_was_judged_by_is_all_in_its_manifest(index: Index) -> None:
    """`releases show` has verdicts, measures per slice with intervals against live, worst queries, timings, tokens, roots."""
    lines = (index.folder / "golden.jsonl").read_text(encoding="utf-8").splitlines()
    more = [json.dumps(json.loads(line) | {"id": f"{number}", "slice": ["all"]}) for number, line in enumerate(lines * 2)]
    (index.folder / "golden.jsonl").write_text("\n".join([*lines, *more]) + "\n", encoding="utf-8")
    gates = [*index.settings["gates"], {"type": "data_quality"}, {"type": "drift", "max_chunks": 0.9}]
    index.configure(gates=[*gates, {"type": "latency", "golden": "golden.jsonl", "repeats": 1}])
    published(index)
    index.write("people/9.md", "# Leave\n\nParental leave lasts sixteen weeks.\n")
    second = published(index)
    assert second.release is not None
    shown = index("releases", "show", second.release).out
    found = {verdict["gate"]: verdict["evidence"] for verdict in shown["verdicts"]}
    retrieval = found["retrieval"]
    assert set(retrieval["slices"]) == {"all", "engineering", "people", "security"}
    assert {"mean", "low", "high"} <= set(retrieval["slice_comparison"]["all"]["Recall@3"])
    assert {"mean", "low", "high"} <= set(retrieval["comparison"]["Recall@3"])
    assert retrieval["worst"][0]["candidate"]
    assert retrieval["worst"][0]["live"]
    assert found["data_quality"]["expectations"]
    assert found["drift"]["similarity"]
    assert found["latency"]["ratio"]
    assert {"chunk (work)", "embed (work)", "stage (work)"} <= set(shown["seconds"])
    assert (shown["embedded"], shown["cached"], shown["documents"]) == (1, 0, 13)  # a delta looks at what changed only
    assert 0 < shown["tokens_embedded"] < shown["tokens"]
    assert shown["contexts_cut"] == 0
    assert len(shown["fingerprint"]) == len(shown["access_root"]) == 64
    page = Path(shown["report"]).read_text(encoding="utf-8")
    with Resources(load(index.config)) as w:
        text = evaluation.report(w.releases.get(second.release))
    for heading in ("Data quality", "Drift", "Latency"):
        assert f"<h2>{heading}</h2>" in page
        assert f"## {heading}" in text
    assert "95% interval of the change" in text
    assert "tokens embedded" in page


def test_small_losses_night_after_night_stop_at_the_anchor(index: Index) -> None:
    """Each within max_drop of the night before; the best release of the last months is asked too, from what was kept of it."""
    retrieval = {"type": "retrieval", "golden": "golden.jsonl", "k": 3, "min_recall": 0.1, "max_drop": 0.3, "max_stale": 1.0}
    index.configure(gates=[retrieval])
    first = published(index)
    lines = [json.loads(line) for line in (index.folder / "golden.jsonl").read_text(encoding="utf-8").splitlines()]
    uris = [line["relevant"][0]["uri"] for line in lines]
    assert len(lines) > 6
    # The words of two more answers each night are said by other documents, and no more by their own.
    for line in lines:
        del line["relevant"][0]["quote"]
    (index.folder / "golden.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    published(index, "unchanged")
    outcomes, lost = [], max(1, int(0.29 * len(lines)))
    for night in range(1, 3):
        for uri in uris[(night - 1) * lost : night * lost]:
            index.write(uri, "# Elsewhere\n\nZebra.\n")
        with Resources(load(index.config)) as w, holding(w, "run") as by:
            result = nightly.reindex(w, by)
            outcomes.append(result.outcome)
            live = w.releases.live()
    assert outcomes == ["promoted", "rejected"]
    [failed] = [v for v in result.verdicts if not v.passed]
    assert f"of {first.release}, the best of the last 90 days: a drop beyond max_drop" in failed.reason
    assert live is not None
    assert live.id != result.release
    index("forget", uris[0])
    with Resources(load(index.config)) as w:
        kept = w.stores.judgements.read([release.id for release in w.releases.all()])
    records = [decode(content) for contents in kept.values() for content in contents]
    assert records
    assert all(uris[0] not in str(record) for record in records)


@pytest.mark.parametrize("mode", ["sparse", "hybrid"])
def test_nothing_hidden_shows_through_on_a_real_store(index: Index, mode: str) -> None:
    """Hits, order and scores of each reader are those of an index that holds nothing else."""
    index.configure(gates=[{"type": "inference", "golden": "golden.jsonl"}], search={"mode": mode})
    [verdict] = [v for v in published(index).verdicts if v.gate == "inference"]
    assert verdict.passed, verdict
    assert verdict.evidence["pairs"] >= 30
    assert verdict.evidence["differences"] == 0
