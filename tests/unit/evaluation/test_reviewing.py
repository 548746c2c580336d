"""Drafted questions are read by a person; each word of theirs is kept at once, and none is asked twice."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from evaluation.golden import load_golden
from evaluation.reviewing import Drafted, Review, review
from tests.unit.evaluation.fakes import write_lines


@dataclass
class Says:
    """A person with their answers ready."""

    answers: list[Review]
    asked: list[Drafted] = field(default_factory=list)

    def ask(self, question: Drafted) -> Review:
        self.asked.append(question)
        return self.answers.pop(0)


def drafted(path: Path, count: int) -> Path:
    made = [
        {"id": f"d{i}", "query": f"question {i}?", "relevant": [{"uri": "a.md", "quote": f"words {i}"}], "synthetic": True}
        for i in range(count)
    ]
    return write_lines(path, {"id": "real", "query": "asked", "relevant": [{"uri": "a.md"}]}, *made)


def test_questions_are_taken_mended_and_thrown_away(tmp_path: Path) -> None:
    """What is taken stays synthetic, for nobody asked it; a real question is not shown."""
    path = drafted(tmp_path / "g.jsonl", 4)
    person = Says([Review("take"), Review("take", "better words?"), Review("drop"), Review("skip")])
    assert review(path, person) == {"taken": 1, "mended": 1, "dropped": 1, "left": 1}
    assert person.asked[0] == Drafted("d0", "question 0?", "a.md", "words 0", 1, 4)
    queries = {query.id: query for query in load_golden(path).queries}
    assert set(queries) == {"real", "d0", "d1", "d3"}
    assert queries["d1"].query == "better words?"
    assert queries["d1"].synthetic


def test_a_sitting_goes_on_where_it_ended(tmp_path: Path) -> None:
    """Stopped after one: it is in the file, and is not asked again."""
    path = drafted(tmp_path / "g.jsonl", 3)
    assert review(path, Says([Review("take"), Review("stop")])) == {"taken": 1, "mended": 0, "dropped": 0, "left": 2}
    again = Says([Review("stop")])
    review(path, again)
    assert [each.id for each in again.asked] == ["d1"]
    assert json.loads(path.read_text(encoding="utf-8").splitlines()[1])["reviewed"] is True
