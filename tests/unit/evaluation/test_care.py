from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluation.care import check
from evaluation.gates.leaks import LeaksGate, LeaksOptions
from evaluation.golden import load_golden, load_leaks
from evaluation.growing import add
from evaluation.judging import Places
from sluice.access import AccessTags
from sluice.errors import ConfigurationError
from tests.unit.evaluation.fakes import Doc, Release, context, write_lines

DOCS = [
    Doc("hr/leave/sick.md", "Sick leave is paid for six weeks."),
    Doc("hr/leave/old.md", "Old.", status="deleted"),
    Doc("same.md", "One.", source="s"),
    Doc("same.md", "Two.", source="t"),
]


def test_everything_that_ails_a_golden_set_is_found(tmp_path: Path) -> None:
    """Stale, missing, ambiguous, asked twice, unanswerable, unscored, small: each once."""
    lines: list[dict[str, Any]] = [
        {"id": "ok", "query": "Sick leave?", "relevant": [{"uri": "hr/leave/sick.md", "quote": "six weeks"}], "slice": ["hr"]},
        {"id": "twice", "query": "sick  *leave*?", "relevant": [{"uri": "hr/leave/sick.md"}], "kind": "fact"},
        {"id": "stale", "query": "old?", "relevant": [{"uri": "hr/leave/old.md"}]},
        {"id": "missing", "query": "never?", "relevant": [{"uri": "never.md"}]},
        {"id": "ambiguous", "query": "which?", "relevant": [{"uri": "same.md"}]},
        {"id": "none", "query": "nothing?", "relevant": []},
    ]
    care = check(load_golden(write_lines(tmp_path / "g.jsonl", *lines)), Release(DOCS))
    assert not care.healthy
    assert [label["id"] for label in care.stale] == ["stale"]
    assert [(label["id"], label["reason"]) for label in care.missing] == [("missing", "unknown uri")]
    assert [label["id"] for label in care.ambiguous] == ["ambiguous"]
    assert care.duplicates == (("ok", "twice"),)
    assert (care.unanswerable, care.unscored) == (("none",), ("stale",))
    assert care.small_slices == ("hr",)
    assert care.coverage == {"?": {".": 2}, "s": {"hr/leave": 3}}
    json.dumps(care.as_json())


def test_what_its_reader_may_not_read_is_no_answer(tmp_path: Path) -> None:
    """By whom, and who may; of one who holds every tag only what nobody may read is kept; leak cases the other way round."""
    docs = [
        Doc("pay.md", "Pay is secret.", AccessTags({"payroll"})),
        Doc("shut.md", "Shut.", AccessTags()),
        Doc("gone.md", None, status="deleted"),
    ]
    lines: list[dict[str, Any]] = [
        {"id": "hr", "query": "pay?", "relevant": [{"uri": "pay.md", "quote": "Pay is secret"}], "principal": ["hr"]},
        {"id": "payroll", "query": "pay?", "relevant": [{"uri": "pay.md"}], "principal": ["payroll", "hr"]},
        {"id": "all", "query": "what pay?", "relevant": [{"uri": "pay.md"}]},
        {"id": "shut", "query": "shut?", "relevant": [{"uri": "shut.md"}]},
        {"id": "nobody", "query": "who?", "relevant": [{"uri": "shut.md"}], "principal": ["hr"]},
    ]
    cases = [
        {"id": "good", "query": "q", "principal": ["hr"], "forbidden_uri": "pay.md"},
        {"id": "may", "query": "q", "principal": ["hr", "payroll"], "forbidden_uri": "pay.md"},
        {"id": "typo", "query": "q", "principal": ["hrr"], "forbidden_uri": "pay.md"},
        {"id": "gone", "query": "q", "principal": ["hr"], "forbidden_uri": "gone.md"},
    ]
    leaks = load_leaks(write_lines(tmp_path / "l.jsonl", *cases)).cases
    known = AccessTags({"hr", "payroll"})
    care = check(load_golden(write_lines(tmp_path / "g.jsonl", *lines)), Release(docs), leaks, known)
    assert not care.healthy
    assert {label["id"]: label["reason"] for label in care.unreadable} == {
        "hr": "hr may not read pay.md (payroll may)",
        "shut": "nobody may read shut.md",
        "nobody": "nobody may read shut.md",
    }
    assert {case["id"]: case["reason"] for case in care.leak_cases} == {
        "may": "it can never pass: payroll may read pay.md",
        "typo": "it can hardly fail: no document and no rule has a tag of its reader's (hrr; there are hr, payroll)",
        "gone": "it can never fail: gone.md is deleted",
    }
    with pytest.raises(ConfigurationError, match=r"'x' would be a miss for ever: hr may not read pay.md \(payroll may\)"):
        add(tmp_path / "g.jsonl", [lines[0] | {"id": "x"}], Release(docs))
    with pytest.raises(ConfigurationError, match="hr may not read"):
        Places(Release(docs), AccessTags({"hr"})).label("pay.md")
    gate = LeaksGate(LeaksOptions(cases=tmp_path / "l.jsonl", own_words=0))
    verdict = gate.judge(replace(context(Release(docs)), known_tags=known))
    assert [case["id"] for case in verdict.evidence["wrong"]] == ["may", "typo"]
    assert any("it can never pass: payroll may read pay.md" in warning for warning in verdict.warnings)


def test_a_sound_golden_set_is_healthy(tmp_path: Path) -> None:
    """Every label found, every question asked once: the same words as another principal are another question."""
    lines = [
        {"id": "a", "query": "Sick leave?", "relevant": [{"uri": "hr/leave/sick.md"}]},
        {"id": "b", "query": "Sick leave?", "relevant": [{"uri": "hr/leave/sick.md"}], "principal": ["public", "hr"]},
    ]
    assert check(load_golden(write_lines(tmp_path / "g.jsonl", *lines)), Release(DOCS)).healthy
