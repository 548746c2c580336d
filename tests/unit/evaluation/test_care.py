from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from evaluation.care import check
from evaluation.golden import load_golden
from tests.unit.evaluation.fakes import Doc, Release, write_lines

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


def test_a_sound_golden_set_is_healthy(tmp_path: Path) -> None:
    """Every label found, every question asked once: the same words as another principal are another question."""
    lines = [
        {"id": "a", "query": "Sick leave?", "relevant": [{"uri": "hr/leave/sick.md"}]},
        {"id": "b", "query": "Sick leave?", "relevant": [{"uri": "hr/leave/sick.md"}], "principal": ["hr"]},
    ]
    assert check(load_golden(write_lines(tmp_path / "g.jsonl", *lines)), Release(DOCS)).healthy
