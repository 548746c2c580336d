"""A person judges the queries of a log: what they say is kept at once, checked, and can be taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evaluation.golden import Label
from evaluation.judging import Judgement, Places, Question, Skipped, judge_all, unasked
from sluice.access import Principal
from sluice.errors import ConfigurationError
from tests.unit.evaluation.fakes import PUBLIC, Doc, Release, write_lines

DOCS = [
    Doc("tea.md", "Tea is served at four.\n\nMilk goes in last.\n\nTea is drunk at five."),
    Doc("ferry.md", "It leaves at nine."),
]
SKIP, BACK, STOP, NOTHING = Judgement("skip"), Judgement("back"), Judgement("stop"), Judgement("keep")


class Says:
    """Says what it is told to, one after another, and remembers what it was asked."""

    def __init__(self, *answers: Judgement, done: tuple[bool, ...] = (True,)) -> None:
        self._answers: Iterator[Judgement] = iter(answers)
        self._done = iter(done)
        self.asked: list[str] = []

    def ask(self, question: Question) -> Judgement:
        self.asked.append(question.query)
        return next(self._answers)

    def finish(self) -> bool:
        return next(self._done)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "golden.jsonl", {"id": "a", "query": "Moon?", "relevant": []})


@pytest.fixture
def skipped(tmp_path: Path) -> Skipped:
    return Skipped(tmp_path / "state" / "skipped.jsonl")


def questions(*queries: str) -> list[Question]:
    return [Question(query, 1, (), number, len(queries)) for number, query in enumerate(queries, 1)]


def held(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()][1:]


def test_what_is_said_is_kept(path: Path, skipped: Skipped) -> None:
    """Labels with their words, slices, and that nothing answers; what was skipped is remembered elsewhere."""
    tea = Judgement("keep", (Label("tea.md", "s", "at four"), Label("ferry.md")), ("drinks",))
    counts = judge_all(path, questions("tea?", "ferry?", "sun?", "late?"), Says(tea, SKIP, NOTHING, STOP), Release(DOCS), skipped)
    assert counts == {"added": 2, "skipped": 1, "left": 1}
    first, second = held(path)
    assert first["relevant"] == [{"uri": "tea.md", "source": "s", "quote": "at four"}, {"uri": "ferry.md"}]
    assert (first["id"], first["slice"], second["query"], second["relevant"]) == ("log-002", ["drinks"], "sun?", [])
    assert Skipped(skipped.path).queries == {"ferry?": "ferry?"}


def test_a_judgement_is_in_the_file_before_the_next_question(path: Path, skipped: Skipped) -> None:
    """Killed while the second question is on the screen: the first is there."""

    class Dies(Says):
        def ask(self, question: Question) -> Judgement:
            if question.number == 2:
                raise KeyboardInterrupt
            return super().ask(question)

    with pytest.raises(KeyboardInterrupt):
        judge_all(path, questions("tea?", "sun?"), Dies(NOTHING), Release(DOCS), skipped)
    assert [line["query"] for line in held(path)] == ["tea?"]


def test_back_takes_the_last_judgement_out(path: Path, skipped: Skipped) -> None:
    """Kept or skipped, as often as one likes, also after the last question; at the first there is nothing to take back."""
    judge = Says(BACK, SKIP, BACK, NOTHING, BACK, NOTHING, SKIP, NOTHING, done=(False, True))
    counts = judge_all(path, questions("tea?", "sun?"), judge, Release(DOCS), skipped)
    assert judge.asked == ["tea?", "tea?", "sun?", "tea?", "sun?", "tea?", "sun?", "sun?"]
    assert counts == {"added": 2, "skipped": 0, "left": 0}
    assert [(line["query"], line["id"]) for line in held(path)] == [("tea?", "log-002"), ("sun?", "log-003")]
    assert Skipped(skipped.path).queries == {}


def test_what_was_judged_or_skipped_is_not_asked_again(path: Path, skipped: Skipped) -> None:
    """Whatever its case and spacing; as another principal it is another question."""
    skipped.add("Ferry?")
    log = [("moon?", 3), ("ferry?", 2), ("tea?", 1)]
    assert unasked(path, log, skipped.queries.values()) == ([("tea?", 1)], 1)
    assert unasked(path, log, (), principal=["hr"]) == (log, 0)
    assert unasked(path.with_name("none.jsonl"), log, ()) == (log, 0)


def test_words_are_checked_against_the_document_at_once() -> None:
    """First and last words stand for all between, near the passage that was shown; what is not there is refused."""
    places = Places(Release(DOCS))
    text = DOCS[0].text or ""
    assert places.label("tea.md", "s", "Tea … four.").quote == "Tea is served at four."
    later = (text.index("Milk"), len(text))
    assert places.label("tea.md", "s", "Tea ... five", near=later).quote == "Tea is drunk at five"
    assert places.label("tea.md") == Label("tea.md")
    for uri, words, says in (
        ("tea.md", "milk goes in first", "these words are not in it"),
        ("tea.md", "five … four", "these words are not in it"),
        ("coffee.md", "", "unknown uri"),
    ):
        with pytest.raises(ConfigurationError, match=says):
            places.label(uri, None, words)


def test_hits_of_a_real_search_can_be_judged() -> None:
    """A question holds what the searcher found."""
    hits = Release(DOCS).search("milk", Principal(PUBLIC), 1)
    found = Question("milk?", 1, tuple(hits)).hits[0]
    assert (
        Places(Release(DOCS)).label(found.uri, found.source, "Milk … last", near=(found.start, found.end)).quote
        == "Milk goes in last"
    )
