"""Searches written down for replay."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from indexing.query_log import JsonLinesLog
from sluice.access import Principal
from sluice.records import Hit

HIT = Hit("c1", "d1", "a.md", "s", "A", 0.51234567, 0, 4, "secret text", (), None, "en", ("hr",), {"by": "me"}, "r1")


def noon() -> datetime:
    return datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_a_search_is_one_line_of_ids_and_scores_and_never_a_text(tmp_path: Path) -> None:
    """Query and tags are kept, to ask again; what was found is kept by id alone; the file is its owner's."""
    log = JsonLinesLog(tmp_path / "logs" / "searches.jsonl", noon)
    log.record("pay\nof \ud800 whom", Principal.of(["hr", "all"], id="anna"), [HIT])
    log.record("nothing", Principal.of([]), [])
    first, second = log.path.read_text(encoding="utf-8").splitlines()
    assert json.loads(first) == {
        "at": "2026-11-21T12:00:00.000Z",
        "release": "r1",
        "query": "pay\nof \ud800 whom",
        "tags": ["all", "hr"],
        "hits": ["c1"],
        "scores": [0.512346],
    }
    assert json.loads(second)["hits"] == []
    assert "secret" not in first
    assert log.path.stat().st_mode & 0o077 == 0


def test_a_log_that_cannot_be_written_fails_no_search(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is a warning in the process's own log."""
    (tmp_path / "file").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        JsonLinesLog(tmp_path / "file" / "searches.jsonl", noon).record("query", Principal.of(["hr"]), [HIT])
    assert "could not be logged" in caplog.text
