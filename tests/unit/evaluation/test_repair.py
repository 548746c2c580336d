"""Labels that lost their place are proposed a new one; nothing is moved before somebody says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluation.golden import load_golden
from evaluation.labels import resolve
from evaluation.repair import Proposal, accept, proposals
from sluice.errors import ConfigurationError
from tests.unit.evaluation.fakes import Doc, Release, write_lines

MOVED = "Whoever travels gets the money back within two weeks."
OLD = "Laptops are replaced after 36 months of use."
LINES = [
    {
        "id": "moved",
        "query": "a",
        "relevant": [{"uri": "old.md", "quote": MOVED}],
    },
    {"id": "edited", "query": "b", "relevant": [{"uri": "it.md", "quote": OLD}], "note": "kept"},
    {"id": "gone", "query": "c", "relevant": [{"uri": "it.md", "quote": "Zebras graze upon the quiet northern meadow at dawn."}]},
    {"id": "fine", "query": "d", "relevant": [{"uri": "it.md", "quote": "Ask the service desk"}]},
]
DOCS = [
    Doc("old.md", None, status="deleted"),
    Doc("new.md", "# Money\n\nWhoever travels gets the money **back** within two weeks. More words."),
    Doc("it.md", "Intro. Laptops are replaced after 48 months of normal use. Ask the service desk."),
]


def found(tmp_path: Path) -> tuple[Path, dict[str, Proposal]]:
    path = write_lines(tmp_path / "golden.jsonl", *LINES)
    release = Release(DOCS)
    return path, {each.id: each for each in proposals(load_golden(path), release, [doc.state for doc in DOCS])}


def test_what_moved_and_what_was_reworded_is_proposed(tmp_path: Path) -> None:
    """The other document's uri; the new words as they stand; and nothing for what nothing is like."""
    _, proposed = found(tmp_path)
    assert set(proposed) == {"moved", "edited", "gone"}
    assert proposed["moved"].kind == "moved"
    assert proposed["moved"].new is not None
    assert proposed["moved"].new.uri == "new.md"
    assert proposed["edited"].kind == "reworded"
    assert proposed["edited"].new is not None
    assert proposed["edited"].new.quote == "Laptops are replaced after 48 months of normal use."
    assert (proposed["gone"].kind, proposed["gone"].new) == ("gone", None)
    assert {id for id, each in proposed.items() if each.guess} == {"edited"}


def test_nothing_changes_before_somebody_accepts_and_then_only_that(tmp_path: Path) -> None:
    """Other lines stay byte for byte; what was accepted is found; notes are kept."""
    path, proposed = found(tmp_path)
    before = path.read_text(encoding="utf-8").split("\n")
    assert accept(path, [proposed["moved"], proposed["edited"]]) == 2
    after = path.read_text(encoding="utf-8").split("\n")
    assert (after[2], after[3]) == (before[2], before[3])
    assert json.loads(after[1])["note"] == "kept"
    resolved = resolve(load_golden(path), Release(DOCS))
    assert [id for id, _ in resolved.with_state("stale")] == ["gone"]


def test_what_cannot_be_accepted_changes_nothing(tmp_path: Path) -> None:
    """No proposal, no change."""
    path, proposed = found(tmp_path)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="nothing is proposed"):
        accept(path, [proposed["moved"], proposed["gone"]])
    assert path.read_bytes() == before


def test_a_quote_that_stands_in_several_documents_belongs_to_none(tmp_path: Path) -> None:
    """Which one is meant is for a person to say."""
    docs = [*DOCS, Doc("copy.md", "Whoever travels gets the money back within two weeks.")]
    path = write_lines(tmp_path / "golden.jsonl", LINES[0])
    [proposal] = proposals(load_golden(path), Release(docs), [doc.state for doc in docs])
    assert proposal.kind == "gone"
