"""Golden sets of others become ours, and ours grow by one checked line at a time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evaluation.golden import load_golden
from evaluation.golden_import import read_beir, read_csv, read_trec, uri_template
from evaluation.growing import add, next_id, read_log, remove
from sluice.errors import ConfigurationError
from tests.unit.evaluation.fakes import Doc, Release

URI = uri_template("{id}.md")
DOCS = [Doc("tea.md", "Tea is served at four.\n\nMilk goes in last."), Doc("ferry.md", "The ferry leaves at nine.")]


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_beir_folder(tmp_path: Path) -> None:
    """Positive judgements become labels; queries without one are left out."""
    written(tmp_path / "queries.jsonl", '{"_id": "1", "text": "tea?"}\n{"_id": "2", "text": "ferry?"}\n')
    written(tmp_path / "qrels" / "test.tsv", "query-id\tcorpus-id\tscore\n1\ttea\t1\n1\tferry\t0\n2\tferry\t0\n")
    assert read_beir(tmp_path, URI) == [{"id": "1", "query": "tea?", "relevant": [{"uri": "tea.md"}]}]


def test_trec_judgements(tmp_path: Path) -> None:
    """Four fields of any white space; graded relevance above 0 counts."""
    qrels = written(tmp_path / "qrels", "1 0 tea 2\n1 0\tferry 0\n")
    topics = written(tmp_path / "topics", "1\ttea?\n")
    assert read_trec(qrels, topics, URI) == [{"id": "1", "query": "tea?", "relevant": [{"uri": "tea.md"}]}]


def test_a_table_of_questions_with_character_spans(tmp_path: Path) -> None:
    """Chroma's form: JSON references with offsets; what is imported loads and says where the answer is."""
    table = 'question,references,corpus_id\nWhen?,"[{""content"": ""at four"", ""start_index"": 14, ""end_index"": 21}]",tea\n'
    lines = read_csv(written(tmp_path / "q.csv", table), URI)
    add(tmp_path / "golden.jsonl", lines, Release(DOCS))
    (query,) = load_golden(tmp_path / "golden.jsonl").queries
    assert (query.id, query.slices, query.relevant[0].start, query.relevant[0].quote) == ("tea-0001", ("tea",), 14, "at four")


def test_a_table_with_a_row_for_each_label(tmp_path: Path) -> None:
    """Rows of one query are one line; a row without a document is a question without an answer."""
    table = "query,document,quote,slice,kind\nWhen?,tea,at four,a;b,fact\nWhen?,ferry,,b,fact\nWhy?,,,,\n"
    first, second = read_csv(written(tmp_path / "q.csv", table), URI)
    for mark in ";\t":  # as spreadsheets of other countries write it
        other = f"Query{mark} Document\nwhere?{mark}tea\n"
        assert (
            read_csv(written(tmp_path / "q.csv", other), URI)[0]["relevant"]
            == read_csv(written(tmp_path / "q.csv", "query,document\nwhere?,tea\n"), URI)[0]["relevant"]
        )
    assert first["relevant"] == [{"uri": "tea.md", "quote": "at four"}, {"uri": "ferry.md"}]
    assert (first["slice"], first["kind"], second["relevant"]) == (["a", "b"], "fact", [])


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("q.csv", "who,what\n1,2\n", "the columns are what, who"),
        ("q.csv", "question,references,corpus_id\nq,not json,tea\n", "q.csv:1: references"),
        ("q.csv", "query,document,start\nq,tea,four\n", "q.csv:1: start and end"),
        ("q.csv", "query,document,quote\nq,tea\n", "q.csv:1: the row has more or fewer fields"),
        ("q.csv", "query,document\nq,tea,ferry\n", "q.csv:1: the row has more or fewer fields"),
        ("q.csv", "query,document,query\nq,tea,p\n", "several columns are named query"),
        ("q.csv", "", "the columns are none"),
        ("q.csv", "query,document\n ,tea\n", "q.csv:1: the query is empty"),
        ("q.csv", "query,document,id\na,tea,1\nb,ferry,1\n", "q.csv:2: the query '1' is given twice, with different texts"),
        ("queries.jsonl", '{"_id": "1", "text": " "}\n', "queries.jsonl:1: the query '1' has no text"),
        ("qrels/test.tsv", "1\ttea\tnan\n", "test.tsv:1: 'nan' is not a relevance"),
        ("qrels/test.tsv", "1\ttea\t0\n", "test.tsv: no query has a positive judgement"),
        ("queries.jsonl", '{"_id": "1", "text": null}\n', "queries.jsonl:1: the query '1' has no text"),
        (
            "queries.jsonl",
            '{"_id": "1", "text": "a", "text": "b"}\n',
            "queries.jsonl:1: not valid JSON: the key 'text' is given twice",
        ),
        (
            "queries.jsonl",
            '{"_id": "1", "text": "a"}\n{"_id": "1", "text": "b"}\n',
            "queries.jsonl:2: the query '1' is given twice",
        ),
        (
            "queries.jsonl",
            '{"_id": "1", "text": ' + "[" * 99999 + "]" * 99999 + "}",
            "queries.jsonl:1: not valid JSON: it is nested",
        ),
        ("qrels/test.tsv", "9\ttea\t1\n", "test.tsv:1: the query '9'"),
        ("qrels/test.tsv", "1\ttea\n", "test.tsv:1: 3 fields"),
    ],
)
def test_what_cannot_be_read_is_named_by_file_and_line(tmp_path: Path, name: str, text: str, says: str) -> None:
    """Nothing is imported in part."""
    written(tmp_path / "queries.jsonl", '{"_id": "1", "text": "tea?"}\n')
    file = written(tmp_path / name, text)
    with pytest.raises(ConfigurationError, match=says):
        read_csv(file, URI) if name.endswith("csv") else read_beir(tmp_path, URI)
    with pytest.raises(ConfigurationError, match=re.escape("no {id}")):
        uri_template("x.md")


def test_a_line_is_added_only_when_its_label_is_true(tmp_path: Path) -> None:
    """A wrong quote, an unknown document or a taken id leaves the file as it was, byte for byte."""
    path = tmp_path / "golden.jsonl"
    path.write_text('{"id": "a-001", "query": "tea?", "relevant": [{"uri": "tea.md"}], "note": "kept"}')
    add(
        path,
        [{"id": "a-002", "query": "milk?", "relevant": [{"uri": "tea.md", "quote": "goes in last"}], "slice": []}],
        Release(DOCS),
    )
    before = path.read_bytes()
    assert b'"note": "kept"' in before
    wrong = (
        ({"id": "x", "query": "q", "relevant": [{"uri": "tea.md", "quote": "goes in first"}]}, "missing|stale"),
        ({"id": "x", "query": "q", "relevant": [{"uri": "coffee.md"}]}, "unknown uri"),
        ({"id": "a-001", "query": "q", "relevant": []}, "already used"),
    )
    for line, says in wrong:
        with pytest.raises(ConfigurationError, match=says):
            add(path, [line], Release(DOCS))
        assert path.read_bytes() == before
    assert [query.id for query in load_golden(path).queries] == ["a-001", "a-002"]
    assert next_id(path, "a") == "a-003"
    assert [file.name for file in tmp_path.iterdir()] == ["golden.jsonl"]


def test_a_line_is_taken_out_and_the_others_stay_as_they_were(tmp_path: Path) -> None:
    """Byte for byte: notes, Windows line ends, and a separator that Python takes for a line end."""
    path = tmp_path / "golden.jsonl"
    lines = '{"id": "a", "query": "tea\u2028time?", "relevant": [], "note": 1}\r\n{"id": "b", "query": "q", "relevant": []}\r\n'
    others = lines.encode()
    path.write_bytes(others)
    add(path, [{"id": "c", "query": "milk?", "relevant": [{"uri": "tea.md"}]}], Release(DOCS))
    assert path.read_bytes().startswith(others)
    remove(path, "c")
    assert path.read_bytes() == others


def test_a_log_is_its_distinct_queries(tmp_path: Path) -> None:
    """Plain lines and JSON Lines; most asked first, then as they came."""
    log = written(tmp_path / "log", 'ferry when?\n{"query": "tea when?"}\nTea  WHEN?\n{"other": 1}\n\nmoon?\n')
    assert read_log(log) == [("tea when?", 2), ("ferry when?", 1), ("moon?", 1)]
