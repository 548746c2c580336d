"""A golden set that grows: one line at a time, checked against the documents; and the queries that people ask."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from evaluation.golden import GoldenSet, load_golden
from evaluation.labels import ResolvedSet, resolve_queries
from evaluation.protocols import LabelledDocuments
from evaluation.quotes import plain
from evaluation.readable import barred
from sluice.access import AccessTags
from sluice.errors import ConfigurationError
from sluice.jsons import bounded
from sluice.replacing import replacing

Line = dict[str, Any]


def add(
    path: Path,
    lines: Sequence[Line],
    documents: LabelledDocuments | None = None,
    *,
    nearly: bool = True,
    replace: bool = False,
) -> int:
    """Append lines to a golden set, which is made where there is none; how many. With `replace` they take the place of its own.

    All or none: raises ConfigurationError, and leaves the file as it was, for a line that is not one of a golden set, an id
    that is taken, and, with `documents`, a label that is not found in them or that the
    question's reader may not read; unless `nearly`, also one whose quote is not there
    word for word.
    """
    before = path.read_bytes().decode("utf-8-sig") if path.exists() and not replace else ""  # line ends stay as they are
    added = "".join(json.dumps(_tidy(line), ensure_ascii=False) + "\n" for line in lines)
    joined = before + ("\n" if before and not before.endswith("\n") else "") + added

    def true(golden: GoldenSet) -> None:
        if documents is None:
            return
        new = {line["id"] for line in lines}
        resolved = resolve_queries([q for q in golden.queries if q.id in new], documents, where=str(path))
        for state in ("missing", "stale"):
            for id, label in resolved.with_state(state):
                raise ConfigurationError(
                    f"{path}: '{id}': the label on '{label.label.uri}' is {state}: {label.reason}",
                    hint="copy the uri from a search, and the quote from the document's own words",
                )
        for id, _, reason in barred((*resolved.scored, *resolved.unscored), documents):
            raise ConfigurationError(
                f"{path}: '{id}' would be a miss for ever: {reason}",
                hint="say who asks and may read it (--as TAG,…), or mend access.rules; what they must not find is a leak case",
            )
        if not nearly:
            _word_for_word(path, resolved, documents)

    _replace(path, joined, true)
    return len(lines)


def _word_for_word(path: Path, resolved: ResolvedSet, documents: LabelledDocuments) -> None:
    """Refuse the first quote that was only aligned, and show what stands there."""
    for query in (*resolved.scored, *resolved.unscored):
        for label in query.labels:
            found = documents.find(label.label.uri, label.label.source)
            text = documents.text(found[0]) if label.label.quote and label.span and found else None
            if text is None or label.span is None or label.label.quote is None:
                continue
            there = text[label.span[0] : label.span[1]]
            if plain(label.label.quote).text not in plain(text[max(0, label.span[0] - 50) : label.span[1] + 50]).text:
                where = f"{path}: '{query.query.id}'"
                raise ConfigurationError(
                    f"{where}: the quote is only nearly in '{label.label.uri}': there it reads “{there[:300]}”",
                    hint="quote it as it stands there, or say --nearly",
                )


def remove(path: Path, id: str) -> None:
    """Take the line of this id out of a golden set; every other line stays as it is, byte for byte."""
    lines = path.read_bytes().decode("utf-8-sig").split("\n")
    kept = [line for line in lines if not line.strip() or json.loads(line)["id"] != id]
    _replace(path, "\n".join(kept), lambda golden: None)


def rewrite(path: Path, change: Callable[[Line], Line | None]) -> None:
    """Put what `change` makes of each line in its place; lines for which it gives None stay as they are, byte for byte."""
    lines = path.read_bytes().decode("utf-8-sig").split("\n")
    made = []
    for line in lines:
        changed = change(json.loads(line)) if line.strip() else None
        made.append(line if changed is None else json.dumps(changed, ensure_ascii=False))
    _replace(path, "\n".join(made), lambda golden: None)


def _replace(path: Path, text: str, check: Callable[[GoldenSet], None]) -> None:
    """Write a golden set whole or not at all: it must load, and `check` must not raise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as made:  # for its owner alone where it is new: it quotes documents
        made.write_text(text, encoding="utf-8", newline="")
        try:
            check(load_golden(made))
        except ConfigurationError as error:
            raise ConfigurationError(error.message.replace(str(made), str(path)), hint=error.hint) from None
        if path.exists():
            made.chmod(path.stat().st_mode & 0o777)


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
            counts[asked.setdefault(same_query(query), query)] += 1
    return counts.most_common()


def same_query(query: str) -> str:
    """What two queries share that differ in case, spacing and markup only."""
    return plain(query).text.casefold()


def asked_already(path: Path, query: str, principal: Sequence[str] | None) -> str | None:
    """The id of the line that asks this as the same principal; None where none does, or there is no golden set yet."""
    asks = None if principal is None else AccessTags(principal)
    known = load_golden(path).queries if path.exists() else ()
    return next((q.id for q in known if q.principal == asks and same_query(q.query) == same_query(query)), None)


def _tidy(line: Line) -> Line:
    """A line without its empty fields, `relevant` kept: an empty one says that nothing answers."""
    return {key: value for key, value in line.items() if value not in (None, "", []) or key == "relevant"}


def _query(line: str) -> str:
    if not line.lstrip().startswith("{"):
        return line
    try:
        found = bounded(line)
        return str(found.get("query") or "") if isinstance(found, dict) else line
    except ValueError:
        return line
