from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluation import quotes
from evaluation.gates.leaks import LeaksGate, LeaksOptions
from evaluation.golden import GoldenSet, load_golden
from evaluation.judged import found_before, judged
from evaluation.labels import GONE, NEVER, NOT_READ, ResolvedLabel, resolve, resolve_like, resolve_together
from evaluation.scoring import evaluate
from sluice.access import AccessTags
from sluice.errors import ConfigurationError
from sluice.records import DocumentState
from tests.unit.evaluation.fakes import Doc, Release, context, write_lines

TEXT = "Intro.\n\nLaptops are replaced after 36 months of use."
QUOTE = "replaced after 36 months"


def golden(tmp_path: Path, *relevant: dict[str, Any], principal: list[str] | None = None) -> GoldenSet:
    line = {"id": "q1", "query": "when are laptops replaced?", "relevant": list(relevant), "principal": principal}
    return load_golden(write_lines(tmp_path / "golden.jsonl", line))


def only_label(tmp_path: Path, label: dict[str, Any], *docs: Doc) -> ResolvedLabel:
    resolved = resolve(golden(tmp_path, label), Release(docs))
    [query] = (*resolved.scored, *resolved.unscored)
    return query.labels[0]


def test_a_quote_in_the_text_is_found_with_its_offsets(tmp_path: Path) -> None:
    """The span is in the characters of the release's text."""
    label = only_label(tmp_path, {"uri": "a.md", "quote": QUOTE}, Doc("a.md", TEXT))
    assert label.state == "found"
    assert label.span is not None
    assert TEXT[slice(*label.span)] == QUOTE


def test_a_label_without_a_passage_is_satisfied_by_its_document(tmp_path: Path) -> None:
    """A whole document is the label."""
    label = only_label(tmp_path, {"uri": "a.md"}, Doc("a.md", "anything"))
    assert (label.state, label.span) == ("found", None)


@pytest.mark.parametrize(
    ("doc", "state", "reason"),
    [
        (Doc("a.md", TEXT, status="deleted"), "stale", "the source deleted the document"),
        (Doc("a.md", "New words.", raw="New words.", earlier=("Old.", TEXT)), "stale", "the source no longer holds the passage"),
        (Doc("a.md", "New words.", raw="New words.", earlier=("Old.",)), "stale", NEVER),
        (Doc("a.md", "Intro.", raw=TEXT), "missing", "the passage is in the source, not in the release's text"),
        (Doc("a.md", None, raw=TEXT, status="quarantined"), "missing", "the release holds no text of the document: quarantined"),
        (Doc("a.md", None, raw="New words.", status="quarantined", earlier=(TEXT,)), "stale", GONE),
        (Doc("b.md", TEXT), "missing", "unknown uri"),
    ],
)
def test_stale_is_only_what_the_source_took_away(tmp_path: Path, doc: Doc, state: str, reason: str) -> None:
    """Deleted or rewritten at the source is stale; everything else that is absent is a miss."""
    label = only_label(tmp_path, {"uri": "a.md", "quote": QUOTE}, doc)
    assert (label.state, label.reason) == (state, reason)


def test_bytes_that_cannot_be_read_as_text_prove_nothing(tmp_path: Path) -> None:
    """A PDF whose text lost the passage is a miss: nobody has shown that the source changed."""

    class Unreadable(Release):
        def raw_text(self, state: object) -> None:
            return None

    resolved = resolve(golden(tmp_path, {"uri": "a.pdf", "quote": QUOTE}), Unreadable([Doc("a.pdf", "Intro.")]))
    assert [label.reason for _, label in resolved.with_state("missing")] == [NOT_READ]


def test_offsets_are_used_as_they_are_while_they_hold(tmp_path: Path) -> None:
    """Spans of an evaluation corpus need no search; out of range is a miss; a quote that moved is found again."""
    doc = Doc("a.md", TEXT)
    assert only_label(tmp_path, {"uri": "a.md", "start": 2, "end": 9}, doc).span == (2, 9)
    assert only_label(tmp_path, {"uri": "a.md", "start": 2, "end": 999}, doc).state == "missing"
    moved = only_label(tmp_path, {"uri": "a.md", "start": 0, "end": 5, "quote": QUOTE}, doc)
    assert moved.span is not None
    assert TEXT[slice(*moved.span)] == QUOTE


def test_a_uri_in_two_sources_must_name_its_source(tmp_path: Path) -> None:
    """The message names the file, the query and the uri; with the source named, that document is meant."""
    docs = [Doc("a.md", TEXT, source="s"), Doc("a.md", "Other.", source="t")]
    with pytest.raises(ConfigurationError) as caught:
        only_label(tmp_path, {"uri": "a.md", "quote": QUOTE}, *docs)
    assert "golden.jsonl: query 'q1': the uri 'a.md' is ambiguous" in caught.value.message
    assert "source" in caught.value.hint
    assert only_label(tmp_path, {"uri": "a.md", "source": "s", "quote": QUOTE}, *docs).state == "found"


def test_the_set_sorts_queries_and_counts_stale_labels(tmp_path: Path) -> None:
    """Queries that lost all their labels are unscored, those without labels unanswerable; the share counts labels."""
    lines: list[dict[str, Any]] = [
        {"id": "both", "query": "x", "relevant": [{"uri": "a.md", "quote": QUOTE}, {"uri": "gone.md"}]},
        {"id": "lost", "query": "x", "relevant": [{"uri": "gone.md"}]},
        {"id": "none", "query": "x", "relevant": []},
    ]
    resolved = resolve(
        load_golden(write_lines(tmp_path / "g.jsonl", *lines)),
        Release([Doc("a.md", TEXT), Doc("gone.md", "x", status="deleted")]),
    )
    assert [q.query.id for q in resolved.scored] == ["both"]
    assert [q.query.id for q in resolved.unscored] == ["lost"]
    assert [q.id for q in resolved.unanswerable] == ["none"]
    assert (resolved.labels, resolved.stale) == (3, 2)
    assert resolved.stale_share == pytest.approx(2 / 3)


def test_an_older_release_is_scored_on_the_labels_of_the_newer(tmp_path: Path) -> None:
    """What is stale for the candidate is stale for live, though live still holds the old text; and nothing else is."""
    lines = [
        {"id": "rewritten", "query": "x", "relevant": [{"uri": "a.md", "quote": QUOTE}]},
        {"id": "new", "query": "x", "relevant": [{"uri": "b.md", "quote": "brand new words here"}]},
    ]
    labels = load_golden(write_lines(tmp_path / "g.jsonl", *lines))
    candidate = resolve(labels, Release([Doc("a.md", "New."), Doc("b.md", "There are brand new words here.")]))
    live_documents = Release([Doc("a.md", TEXT, raw="New."), Doc("b.md", "Old.", raw="Old.")])
    live = resolve_like(labels, live_documents, candidate)
    assert [q.query.id for q in live.unscored] == ["rewritten"]
    assert [(id, label.reason) for id, label in live.with_state("missing")] == [("new", "this release does not hold the passage")]


class Counting(Release):
    """Counts what it is asked for texts."""

    requests: int = 0

    def text(self, state: DocumentState) -> str | None:
        raise AssertionError("one document at a time")

    def texts(self, states: Sequence[DocumentState]) -> dict[str, str]:
        self.requests += 1
        return {state.key: text for state in states if (text := super(Counting, self).text(state)) is not None}


def test_the_texts_of_all_labels_are_asked_for_at_once(tmp_path: Path) -> None:
    """One request for twenty labels and for four hundred: a slow server is waited for once."""
    for count in (20, 400):
        docs = [Doc(f"d{i}.md", TEXT) for i in range(count)]
        lines = [
            {"id": f"q{i}", "query": "x", "relevant": [{"uri": f"d{i}.md", "quote": QUOTE}, {"uri": f"d{i // 2}.md"}]}
            for i in range(count)
        ]
        documents = Counting(docs)
        resolved = resolve(load_golden(write_lines(tmp_path / "g.jsonl", *lines)), documents)
        assert len(resolved.with_state("found")) == 2 * count
        assert documents.requests == 1


def test_what_was_found_in_the_same_text_is_not_looked_for_again(tmp_path: Path) -> None:
    """A record gives exactly what looking gives, and only the texts of documents that changed, or whose label was not found, are
    read; a record of other rules gives nothing."""
    labels = [{"uri": f"{name}.md", "quote": QUOTE} for name in ("same", "moved", "lost", "gone", "new", "missed")]
    asked = golden(tmp_path, *labels, {"uri": "same.md"})
    before = [Doc(f"{name}.md", TEXT) for name in ("same", "moved", "lost", "gone")] + [Doc("missed.md", "No.", raw=TEXT)]
    after = [Doc("same.md", TEXT), Doc("moved.md", f"Longer. {TEXT}"), Doc("lost.md", "No."), Doc("new.md", TEXT), before[-1]]
    after.append(replace(before[3], status="deleted"))
    then = Release(before)
    record = judged("r1", evaluate(then, resolve(asked, then), k=2, everyone=then.tags), golden="g", fingerprint="f", access="a")

    class Reading(Release):
        def texts(self, states: Sequence[DocumentState]) -> dict[str, str]:
            read.append({state.uri for state in states})
            return super().texts(states)

    read: list[set[str]] = []
    now = Reading(after)
    assert resolve(asked, now, found_before(record, then, now)) == resolve(asked, Release(after))
    assert read == [{"moved.md", "lost.md", "new.md", "missed.md"}]
    resolve(asked, now, found_before(replace(record, quotes=quotes.VERSION - 1), then, now))
    assert "same.md" in read[-1]


def test_the_documents_of_all_leak_cases_are_asked_for_at_once(tmp_path: Path) -> None:
    """As labels are."""
    docs = [Doc(f"d{i}.md", f"word{i}", tags=AccessTags({"hr"})) for i in range(300)]
    cases = [{"id": f"l{i}", "query": f"word{i}", "principal": ["x"], "forbidden_uri": f"d{i}.md"} for i in range(300)]
    documents = Counting(docs)
    gate = LeaksGate(LeaksOptions(cases=write_lines(tmp_path / "l.jsonl", *cases), audit=False, own_words=0))
    assert gate.judge(context(documents)).evidence["cases"] == 300
    assert documents.requests == 1


def test_readings_of_the_same_documents_are_compared_on_the_same_labels(tmp_path: Path) -> None:
    """What one parser finds is stale for none, though the raw bytes as the index reads them do not show it; it is lost."""
    labels = {"uri": "a.pdf", "quote": "Apples | 1.99"}, {"uri": "b.md", "quote": "gone everywhere"}
    others = Doc("b.md", "New words.", raw="New words.")
    fast = Release([Doc("a.pdf", "Apples Pears\n1.99 2.50", raw="Apples Pears\n1.99 2.50"), others])
    ruled = Release([Doc("a.pdf", "Apples | 1.99\nPears | 2.50", raw="Apples Pears\n1.99 2.50"), others])
    [alone], both = resolve(golden(tmp_path, *labels), fast).unscored, resolve_together(golden(tmp_path, *labels), [fast, ruled])
    assert [label.state for label in alone.labels] == ["stale", "stale"]
    assert [[label.state for label in one.scored[0].labels] for one in both] == [["missing", "stale"], ["found", "stale"]]
