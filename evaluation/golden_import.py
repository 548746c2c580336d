"""Golden sets that others made, as ours: BEIR folders, TREC qrels, and CSV tables of questions with passages.

Each reader gives lines of a golden set (docs/gates.md) and says where a line cannot be read. A document's uri is made
from the id that the set gives it: `{id}.md` says that it lies in a file of that name.
"""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from evaluation.golden import object_of
from sluice.errors import ConfigurationError
from sluice.jsons import bounded
from sluice.tables import named_rows_of

Line = dict[str, Any]
Uri = Callable[[str], str]


def uri_template(template: str) -> Uri:
    """`{id}` in a template as the document's id; raises ConfigurationError for a template without it."""
    if "{id}" not in template:
        raise ConfigurationError(f"--uri '{template}' has no {{id}}", hint="write where a document lies: --uri '{id}.md'")
    return lambda id: template.replace("{id}", id)


def read_beir(folder: Path, uri: Uri, *, split: str = "test") -> list[Line]:
    """`queries.jsonl` and `qrels/{split}.tsv` of a BEIR folder; queries without a positive judgement are left out.

    Thakur et al., "BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation of Information Retrieval Models", 2021.
    """
    queries: dict[str, str] = {}
    for number, row in _json_lines(folder / "queries.jsonl", ("_id", "text")):
        _add(folder / "queries.jsonl", number, queries, str(row["_id"]), row["text"])
    path = folder / "qrels" / f"{split}.tsv"
    judged = []
    for number, fields in _fields(path, "\t"):
        if fields[0].casefold() in ("query-id", "query_id"):
            continue  # a heading
        if len(fields) != 3:
            raise _wrong(path, number, f"3 fields are expected (query, document, score), there are {len(fields)}")
        judged.append((number, fields[0], fields[1], fields[2]))
    return _judged(path, judged, queries, uri)


def read_trec(qrels: Path, topics: Path, uri: Uri) -> list[Line]:
    """TREC judgements (`query 0 document relevance`) and topics (`query<TAB>text` a line); as `read_beir`."""
    queries: dict[str, str] = {}
    for number, fields in _fields(topics, "\t"):
        if len(fields) != 2:
            raise _wrong(topics, number, f"a query's id, a tab and its text are expected, there are {len(fields)} fields")
        _add(topics, number, queries, fields[0], fields[1])
    judged = []
    for number, fields in _fields(qrels, None):
        if len(fields) != 4:
            raise _wrong(qrels, number, f"4 fields are expected (query, iteration, document, relevance), there are {len(fields)}")
        judged.append((number, fields[0], fields[2], fields[3]))
    return _judged(qrels, judged, queries, uri)


def read_csv(path: Path, uri: Uri) -> list[Line]:
    """A table with a header, in one of two forms.

    `question, references, corpus_id`: `references` is JSON, a list of `content`, `start_index` and `end_index` (characters)
    in the document `corpus_id` (Chroma's chunking_evaluation). Or a row for each label: `query` and `document`, and where
    they are known `id`, `quote`, `start`, `end`, `slice` (separated by ;), `kind`; rows of one id or query are one query.
    Where the heading has no comma, semicolons or tabs part the columns: what a spreadsheet writes depends on its country.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            heading = file.readline()
            file.seek(0)
            parted = next((mark for mark in ",;\t" if mark in heading), ",")
            reader = named_rows_of(file, strict=True, delimiter=parted)
            reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
            rows, named = list(reader), list(reader.fieldnames)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}", hint="a table in UTF-8 with a header is expected") from None
    for number, row in enumerate(rows, 1):
        if None in row or None in row.values():  # cut off, or shifted: what it says would be taken for something else
            raise _wrong(path, number, "the row has more or fewer fields than the heading")
    if twice := [name for name, times in Counter(named).items() if times > 1]:
        raise ConfigurationError(f"{path}: several columns are named {', '.join(twice)}", hint="name each once")
    columns = set(named)
    if {"question", "references", "corpus_id"} <= columns:
        return [_spans(path, number, row, uri) for number, row in enumerate(rows, 1)]
    if {"query", "document"} <= columns:
        return _labels(path, rows, uri)
    raise ConfigurationError(
        f"{path}: the columns are {', '.join(sorted(map(str, columns))) or 'none'}",
        hint="name them query and document (and id, quote, start, end, slice, kind), or question, references and corpus_id; "
        "questions without their documents are for golden add --log, one a line",
    )


def _spans(path: Path, number: int, row: Mapping[str, str], uri: Uri) -> Line:
    corpus = row["corpus_id"]
    try:
        references = bounded(row["references"])
        labels = [
            {"uri": uri(corpus), "quote": str(r["content"]), "start": int(r["start_index"]), "end": int(r["end_index"])}
            for r in references
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise _wrong(path, number, f"references are not as expected: {error!r}") from None
    return {"id": f"{corpus}-{number:04}", "query": row["question"], "relevant": labels, "slice": [corpus]}


def _labels(path: Path, rows: Iterable[Mapping[str, str]], uri: Uri) -> list[Line]:
    lines: dict[str, Line] = {}
    for number, row in enumerate(rows, 1):
        query = row["query"]
        if not query.strip():
            raise _wrong(path, number, "the query is empty")
        line = lines.setdefault(
            row.get("id") or query,
            {
                "id": row.get("id") or f"q{len(lines) + 1:04}",
                "query": query,
                "relevant": [],
                "slice": [],
                "kind": row.get("kind") or "",
            },
        )
        if line["query"] != query:
            raise _wrong(path, number, f"the query '{row['id']}' is given twice, with different texts")
        line["slice"] = list(dict.fromkeys([*line["slice"], *filter(None, map(str.strip, (row.get("slice") or "").split(";")))]))
        label: Line = {"uri": uri(row["document"])} if row["document"] else {}
        if row.get("quote"):
            label["quote"] = row["quote"]
        try:
            if row.get("start"):
                label |= {"start": int(row["start"]), "end": int(row["end"])}
        except (ValueError, KeyError, TypeError):
            raise _wrong(path, number, "start and end are numbers of characters") from None
        if label:
            line["relevant"].append(label)
    return list(lines.values())


def _judged(path: Path, judged: Iterable[tuple[int, str, str, str]], queries: Mapping[str, str], uri: Uri) -> list[Line]:
    """Lines for the queries with a positive judgement, in the order of the judgements."""
    relevant: dict[str, list[str]] = {}
    for number, query, document, score in judged:
        if query not in queries:
            raise _wrong(path, number, f"the query '{query}' is not among the queries")
        try:
            relevance = float(score)
        except ValueError:
            relevance = math.nan
        if not math.isfinite(relevance):
            raise _wrong(path, number, f"'{score}' is not a relevance")
        if relevance > 0:
            relevant.setdefault(query, []).append(document)
    if not relevant:
        raise ConfigurationError(f"{path}: no query has a positive judgement", hint="is it the right file and split?")
    return [
        {"id": query, "query": queries[query], "relevant": [{"uri": uri(document)} for document in dict.fromkeys(documents)]}
        for query, documents in relevant.items()
    ]


def _add(path: Path, number: int, queries: dict[str, str], ident: str, text: Any) -> None:
    """Note a query's text; raises ConfigurationError for what is no text, and for a second one."""
    if not isinstance(text, str) or not text.strip():
        raise _wrong(path, number, f"the query '{ident}' has no text")
    if queries.setdefault(ident, text) != text:
        raise _wrong(path, number, f"the query '{ident}' is given twice, with different texts")


def _fields(path: Path, separator: str | None) -> Iterator[tuple[int, list[str]]]:
    """Number and fields of each line that is not blank."""
    for number, line in enumerate(_text(path).split("\n"), 1):
        if line.strip():
            yield number, [field.strip() for field in line.split(separator)]


def _json_lines(path: Path, keys: tuple[str, ...]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Number and object of each line that is not blank."""
    for number, line in enumerate(_text(path).split("\n"), 1):
        if line.strip():
            row = object_of(line, f"{path}:{number}")
            if missing := [key for key in keys if key not in row]:
                raise _wrong(path, number, f"no {' and no '.join(missing)}")
            yield number, row


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}", hint="is it the right folder and format?") from None


def _wrong(path: Path, number: int, what: str) -> ConfigurationError:
    return ConfigurationError(f"{path}:{number}: {what}", hint="correct the line, or choose another --format")
