from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.golden import Label, load_golden, load_leaks
from sluice.access import AccessTags
from sluice.errors import ConfigurationError
from tests.unit.evaluation.fakes import write_lines

QUERY = {"id": "q1", "query": "how long?", "relevant": [{"uri": "a.md", "quote": "30 days"}]}
CASE = {"id": "l1", "query": "what pay?", "principal": ["public"], "forbidden_uri": "pay.md"}


def test_a_line_becomes_a_query_with_all_its_fields(tmp_path: Path) -> None:
    """Every field of the contract arrives; fields nobody reads are left alone."""
    line = QUERY | {"slice": ["hr", "hr"], "kind": "fact", "principal": ["hr", "hr"], "note": "why"}
    [query] = load_golden(write_lines(tmp_path / "g.jsonl", line, "")).queries
    assert (query.id, query.slices, query.kind, query.principal) == ("q1", ("hr",), "fact", AccessTags({"hr"}))
    assert query.relevant == (Label("a.md", quote="30 days"),)
    assert query.answerable


def test_a_query_without_relevant_documents_says_that_it_has_no_answer(tmp_path: Path) -> None:
    """`relevant: []` is a statement, not a mistake."""
    [query] = load_golden(write_lines(tmp_path / "g.jsonl", QUERY | {"relevant": []})).queries
    assert not query.answerable


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{not json", "not valid JSON"),
        ("[1]", "a JSON object is expected"),
        ({"id": "q2", "query": "x"}, "the key 'relevant' is missing"),
        (QUERY | {"id": "q2", "query": "  "}, "query: must not be blank"),
        (QUERY | {"id": "q2", "relevant": [{"quote": "x"}]}, "the key 'relevant.1.uri' is missing"),
        (QUERY | {"id": "q2", "relevant": [{"uri": "a", "start": 3}]}, "'start' and 'end' come together"),
        (QUERY | {"id": "q2", "relevant": [{"uri": "a", "start": 3, "end": 3}]}, "must be larger than 'start'"),
        (QUERY | {"id": "q2", "slice": "hr"}, "slice:"),
        (QUERY | {"id": "q2", "principal": "hr"}, "principal:"),
        (QUERY, "'q1' is already used on line 1"),
        ('{"id": "q2", "query": "x", "relevant": [{"uri": "a"}], "relevant": []}', "the key 'relevant' is given twice"),
        ('{"id": "q2", "query": "x", "relevant": [{"uri": "a", "uri": "b"}]}', "the key 'uri' is given twice"),
        ('{"id": "q2", "query": "x \\ud800", "relevant": []}', "half of a character"),
        ('{"id": "q2", "query": "x", "relevant": [], "note": ' + "9" * 5000 + "}", "not valid JSON: Exceeds the limit"),
        ('{"id": "q2", "query": "x", "relevant": [], "note": ' + "[" * 9999 + "]" * 9999 + "}", "nested more than 200 deep"),
        ('{"id": "q2", "query": "x", "relevant": [], "note": ' + "[" * 201 + "]" * 201 + "}", "nested more than 200 deep"),
        (QUERY | {"id": "q2", "principals": ["hr"]}, "unknown key 'principals'; did you mean 'principal'?"),
        (
            QUERY | {"id": "q2", "relevant": [{"uri": "a", "qoute": "x"}]},
            "relevant.1: unknown key 'qoute'; did you mean 'quote'?",
        ),
        (QUERY | {"id": "q2", "principal": ["hr "]}, "principal.1: a tag is a word"),
        (QUERY | {"id": "q2", "principal": ["hr,legal"]}, "principal.1: a tag is a word"),
        (QUERY | {"id": "q2", "relevant": ["a.md"]}, "relevant.1: must hold keys and values"),
    ],
)
def test_a_malformed_line_is_named_with_file_line_and_field(tmp_path: Path, line: object, said: str) -> None:
    """Whoever wrote the line finds it without searching."""
    path = write_lines(tmp_path / "g.jsonl", QUERY, line)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError) as caught:
        load_golden(path)
    assert f"{path}:2" in caught.value.message
    assert said in caught.value.message


def test_a_missing_file_is_a_configuration_error(tmp_path: Path) -> None:
    """A golden set that is not there is never an empty golden set."""
    with pytest.raises(ConfigurationError, match="no such file"):
        load_golden(tmp_path / "none.jsonl")


def test_bytes_that_are_not_utf8_are_a_configuration_error(tmp_path: Path) -> None:
    """An unreadable file is refused with its name."""
    (tmp_path / "g.jsonl").write_bytes(b"\xff\xfe{")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_golden(tmp_path / "g.jsonl")


def test_the_fingerprint_covers_meaning_and_nothing_else(tmp_path: Path) -> None:
    """Order, spacing and notes change nothing; a changed quote does."""
    other = QUERY | {"id": "q2"}
    first = load_golden(write_lines(tmp_path / "a.jsonl", QUERY, other)).fingerprint
    assert load_golden(write_lines(tmp_path / "b.jsonl", other, "", QUERY | {"note": "n"})).fingerprint == first
    changed = QUERY | {"relevant": [{"uri": "a.md", "quote": "31 days"}]}
    assert load_golden(write_lines(tmp_path / "c.jsonl", changed, other)).fingerprint != first


def test_leak_cases_are_read_and_checked_the_same_way(tmp_path: Path) -> None:
    """A case has a principal, also an empty one; without the key the line is wrong."""
    [case] = load_leaks(write_lines(tmp_path / "l.jsonl", CASE | {"principal": []})).cases
    assert (case.forbidden_uri, case.principal) == ("pay.md", AccessTags())
    without = {key: value for key, value in CASE.items() if key != "principal"}
    with pytest.raises(ConfigurationError, match=r"l\.jsonl:1: the key 'principal' is missing"):
        load_leaks(write_lines(tmp_path / "l.jsonl", without))
