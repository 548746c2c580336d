"""A golden set drafted from a real index, and one mended after an edit, through the command line."""

from __future__ import annotations

import json

import pytest

from tests.flows.conftest import Index

pytestmark = pytest.mark.slow


def test_drafted_questions_are_added_once_and_measured_apart(index: Index) -> None:
    """With a live release their ranks are known; asked again, nothing is drafted twice."""
    index.write(
        "people/faq.md", "# Leave\n\n## How long is parental leave for everybody?\n\nIt is sixteen weeks for everybody here.\n"
    )
    index.run()
    made = index("golden", "draft", "--count", "10", "--to", str(index.folder / "drafted.jsonl")).out
    assert made["added"] == len(made["questions"]) > 0
    assert made["found_first"] + made["found_later"] + made["not_found"] == made["added"]
    lines = [json.loads(line) for line in (index.folder / "drafted.jsonl").read_text(encoding="utf-8").splitlines()]
    assert all(line["synthetic"] for line in lines)
    assert "How long is parental leave for everybody?" in {line["query"] for line in lines}
    measured = index("evaluate", "--golden", str(index.folder / "drafted.jsonl")).out
    assert measured["synthetic"]["queries"] == made["added"]
    assert index("golden", "draft", "--count", "10", "--to", str(index.folder / "drafted.jsonl")).out["added"] == 0


def test_an_edited_quote_is_proposed_anew_and_taken_when_told(index: Index) -> None:
    """Stale after the edit; listed with its new words; in the file only after --accept."""
    index.run()
    old = json.loads((index.folder / "golden.jsonl").read_text(encoding="utf-8").splitlines()[0])
    [label] = old["relevant"]
    words = label["quote"].split()
    edited = " ".join([*words[:-1], "differently", "now"])
    index.write(label["uri"], f"# Note\n\nRemember that we {edited}.\n")
    index("ingest")
    before = (index.folder / "golden.jsonl").read_bytes()
    found = index("golden", "repair").out
    [proposal] = found["proposals"]
    assert (proposal["id"], proposal["kind"]) == (old["id"], "reworded")
    assert (index.folder / "golden.jsonl").read_bytes() == before
    assert index("golden", "repair", "--accept", old["id"]).out["accepted"] == 1
    assert index("golden", "repair").out["proposals"] == []
    assert index("golden", "repair", "--accept", "nobody").code == 2
