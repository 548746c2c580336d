"""Slices, and limits on more than recall."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluation.gates.retrieval import RetrievalGate
from evaluation.gates.retrieval_options import RetrievalOptions
from sluice.errors import ConfigurationError
from sluice.records import Verdict
from tests.unit.evaluation.fakes import Doc, Release, context, write_lines

DOCS = [Doc(f"d{i}.md", f"word{i} is explained here") for i in range(60)]
LINES: list[dict[str, Any]] = [
    {
        "id": f"q{i}",
        "query": f"word{i}",
        "relevant": [{"uri": f"d{i}.md", "quote": f"word{i} is"}],
        "slice": ["a" if i < 30 else "b"],
    }
    for i in range(60)
]
WORSE_IN_A = [replace(doc, text="nothing", raw=doc.text) if i < 12 else doc for i, doc in enumerate(DOCS)]


def judged(tmp_path: Path, docs: list[Doc], live: list[Doc] | None = None, **options: Any) -> Verdict:
    golden = write_lines(tmp_path / "golden.jsonl", *LINES)
    gate = RetrievalGate(RetrievalOptions(golden=golden, k=2, min_recall=0.1, **options))
    gate.load()
    return gate.judge(context(Release(docs), live=Release(live).view("live") if live else None))


def test_a_floor_of_a_slice_rejects_though_the_whole_is_above_its_own(tmp_path: Path) -> None:
    """18 of 30 found is below 0.7 for that slice, and 48 of 60 is not."""
    verdict = judged(tmp_path, WORSE_IN_A, slices={"a": {"min_recall": 0.7}}, min_slice_recall=0.5)
    assert verdict.reason == "Recall@2 of slice 'a' 0.600 is below the floor 0.700"
    assert not judged(tmp_path, WORSE_IN_A, min_slice_recall=0.7).passed
    assert judged(tmp_path, WORSE_IN_A, min_slice_recall=0.7, slice_queries=31).passed


def test_a_slice_that_got_worse_beyond_chance_rejects_and_the_other_does_not(tmp_path: Path) -> None:
    """12 of 30 lost in one slice, none in the other; both intervals are shown."""
    verdict = judged(tmp_path, WORSE_IN_A, DOCS, max_drop=0.9)
    assert "Recall@2 of slice 'a' changed by -0.400, more than chance over 2 slices (Holm)" in verdict.reason
    assert "slice 'b'" not in verdict.reason
    assert verdict.evidence["slice_comparison"]["b"]["Recall@2"]["mean"] == 0.0


def test_slices_of_too_few_queries_are_not_compared_and_their_floors_come_with_a_warning(tmp_path: Path) -> None:
    """One query more or less would decide."""
    verdict = judged(tmp_path, DOCS, DOCS, slice_queries=31, slices={"a": {"min_recall": 0.5}})
    assert verdict.passed
    assert verdict.evidence["slice_comparison"] == {}
    assert verdict.warnings == ("floors on slices of fewer than 31 queries: a 30",)


def test_a_floor_on_a_slice_that_no_query_is_of_fails_before_anything_is_built(tmp_path: Path) -> None:
    """A misspelt slice is not a slice without a floor."""
    with pytest.raises(ConfigurationError, match="no query is of slice 'aa'"):
        judged(tmp_path, DOCS, slices={"aa": {"min_recall": 0.5}})


@pytest.mark.parametrize("limit", ["max_drop_ndcg", "max_drop_success", "max_drop_token_recall", "max_drop_token_iou"])
def test_a_limit_on_another_measure_is_asked_only_where_it_is_stated(tmp_path: Path, limit: str) -> None:
    """Two queries of sixty lost: within recall's limit, beyond the other's."""
    lost = [replace(doc, text="nothing", raw=doc.text) if i < 2 else doc for i, doc in enumerate(DOCS)]
    assert judged(tmp_path, lost, DOCS, max_drop=0.1).passed
    verdict = judged(tmp_path, lost, DOCS, max_drop=0.1, **{limit: 0.01})
    assert not verdict.passed
    assert "a drop beyond max_drop 0.010" in verdict.reason


def test_a_token_limit_without_passages_in_the_golden_set_is_no_evidence(tmp_path: Path) -> None:
    """Whole documents as labels say nothing about passages."""
    golden = write_lines(
        tmp_path / "whole.jsonl", *({**line, "relevant": [{"uri": line["relevant"][0]["uri"]}]} for line in LINES)
    )
    gate = RetrievalGate(RetrievalOptions(golden=golden, k=2, min_recall=0.1, max_drop_token_recall=0.1))
    verdict = gate.judge(context(Release(DOCS), live=Release(DOCS).view("live")))
    assert "TokenRecall@2 has a limit and no query whose labels allow it" in verdict.reason
