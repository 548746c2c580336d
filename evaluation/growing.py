"""A golden set that grows: one line added at a time, checked against the documents, and queries from a log to judge.

A judgement is made by a person who has read the passages; nothing here decides what answers a question.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.golden import load_golden
from evaluation.labels import resolve_queries
from evaluation.protocols import LabelledDocuments
from evaluation.quotes import plain
from sluice.errors import ConfigurationError
from sluice.records import Hit

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person said of a query: which of the hits answer it (from 1), the words that do, or that nothing does."""

    hits: tuple[int, ...] = ()
    quote: str = ""
    slices: tuple[str, ...] = ()
    skip: bool = False
    stop: bool = False


Judge = Callable[[str, int, Sequence[Hit]], Judgement]
"""Shows a query (how often it was asked, what is found for it now) to a person and returns what they said."""


def add(path: Path, lines: Sequence[Line], documents: LabelledDocuments | None = None) -> int:
    """Append lines to a golden set, which is made where there is none; how many.

    All or none: raises ConfigurationError, and leaves the file as it was, for a line that is not one of a golden set, an id
    that is taken, and, with `documents`, a label that is not found in them.
    """
    before = path.read_text(encoding="utf-8-sig") if path.exists() else ""
    added = "".join(json.dumps(_tidy(line), ensure_ascii=False) + "\n" for line in lines)
    joined = before + ("\n" if before and not before.endswith("\n") else "") + added
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".golden-", suffix=".jsonl", dir=path.parent)
    made = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(joined)
        golden = load_golden(made)
        if documents is not None:
            new = {line["id"] for line in lines}
            resolved = resolve_queries([q for q in golden.queries if q.id in new], documents, where=str(path))
            for state in ("missing", "stale"):
                for id, label in resolved.with_state(state):
                    raise ConfigurationError(
                        f"{path}: '{id}': the label on '{label.label.uri}' is {state}: {label.reason}",
                        hint="copy the uri from a search, and the quote from the document's own words",
                    )
        made.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(made, path)
    except ConfigurationError as error:
        raise ConfigurationError(error.message.replace(str(made), str(path)), hint=error.hint) from None
    finally:
        made.unlink(missing_ok=True)
    return len(lines)


def next_id(path: Path, prefix: str) -> str:
    """An id that no line of the golden set has: the prefix and a number."""
    taken = {query.id for query in load_golden(path).queries} if path.exists() else set()
    return next(f"{prefix}-{n:03}" for n in range(len(taken) + 1, 2 * len(taken) + 2) if f"{prefix}-{n:03}" not in taken)


def read_log(path: Path) -> list[tuple[str, int]]:
    """Distinct queries of a log and how often each was asked, most often first, then as they came.

    A line is a query, or a JSON object with the key `query`. Queries that differ in case, spacing and markup only are one.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}", hint="one query a line, in UTF-8") from None
    asked: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for line in filter(str.strip, lines):
        query = _query(line).strip()
        if query:
            counts[asked.setdefault(_same(query), query)] += 1
    return counts.most_common()


def grow(
    path: Path,
    log: Iterable[tuple[str, int]],
    search: Callable[[str], Sequence[Hit]],
    judge: Judge,
    documents: LabelledDocuments,
    *,
    principal: Sequence[str] | None = None,
) -> dict[str, int]:
    """Put each query of a log that the golden set does not ask yet before a person; what they judge is kept at once.

    Gives how many were `added`, `skipped` and `known`.
    """
    known = {_same(query.query) for query in load_golden(path).queries} if path.exists() else set()
    counts = {"added": 0, "skipped": 0, "known": 0}
    for query, asked in log:
        if _same(query) in known:
            counts["known"] += 1
            continue
        hits = search(query)
        said = judge(query, asked, hits)
        if said.stop:
            break
        if said.skip:
            counts["skipped"] += 1
            continue
        labels = [{"uri": hit.uri, "source": hit.source} for hit in _chosen(hits, said.hits)]
        if said.quote and labels:
            labels[0]["quote"] = said.quote
        line = {
            "id": next_id(path, "log"),
            "query": query,
            "relevant": labels,
            "slice": list(said.slices),
            "principal": principal,
        }
        counts["added"] += add(path, [line], documents)
        known.add(_same(query))
    return counts


def _chosen(hits: Sequence[Hit], numbers: Iterable[int]) -> list[Hit]:
    """The hits of these numbers, one for each document."""
    return list({hit.document_key: hit for hit in (hits[number - 1] for number in numbers)}.values())


def _tidy(line: Line) -> Line:
    """A line without its empty fields, `relevant` kept: an empty one says that nothing answers."""
    return {key: value for key, value in line.items() if value not in (None, "", []) or key == "relevant"}


def _query(line: str) -> str:
    if not line.lstrip().startswith("{"):
        return line
    try:
        found = json.loads(line)
        return str(found.get("query") or "") if isinstance(found, dict) else line
    except ValueError:
        return line


def _same(query: str) -> str:
    return plain(query).text.casefold()
