"""Queries of a log put before a person, one at a time: what they say is checked at once, kept at once, and can be undone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from evaluation.golden import GoldenQuery, Label, load_golden
from evaluation.growing import add, next_id, remove, same_query
from evaluation.labels import resolve_queries
from evaluation.protocols import LabelledDocuments
from evaluation.quotes import plain
from evaluation.readable import barred
from sluice.access import AccessTags
from sluice.errors import ConfigurationError
from sluice.records import Hit
from sluice.replacing import replacing

_BETWEEN = re.compile(r"\s*(?:\.\.\.|…)\s*")


@dataclass(frozen=True, slots=True)
class Question:
    """A query of the log: how often it was asked, what is found for it now, and which of how many it is in this sitting."""

    query: str
    asked: int
    hits: tuple[Hit, ...]
    number: int = 1
    of: int = 1


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person said: `keep` these labels (none: no document answers it), `skip` it, go `back` to the last, or `stop`."""

    say: Literal["keep", "skip", "back", "stop"]
    labels: tuple[Label, ...] = ()
    slices: tuple[str, ...] = ()


class Judge(Protocol):
    """A person who has read the passages; nothing here decides what answers a question."""

    def ask(self, question: Question) -> Judgement:
        """Show a question and return what they say."""

    def finish(self) -> bool:
        """After the last one: whether they are done; False takes that judgement back."""


@dataclass(frozen=True, slots=True)
class Places:
    """Turns what a person types into labels that are true of the documents."""

    documents: LabelledDocuments
    principal: AccessTags | None = None
    """Who asks; without, somebody who may read everything."""

    def label(self, uri: str, source: str | None = None, words: str = "", *, near: tuple[int, int] | None = None) -> Label:
        """The label of a document, or of these words in it; raises ConfigurationError saying why it would not hold.

        Long passages need not be typed: `first words … last words` is everything between, sought in the characters
        `near` first.
        """
        whole = Label(uri, source)
        if reason := self._wrong(whole):
            raise ConfigurationError(f"{uri}: {reason}", hint="copy the uri from a search")
        if not words:
            return whole
        passage = Label(uri, source, _unfolded(words, self.documents.text(self.documents.find(uri, source)[0]) or "", near))
        if self._wrong(passage):
            raise ConfigurationError(f"{uri}: these words are not in it", hint="copy them from the passage")
        return passage

    def _wrong(self, label: Label) -> str:
        """Why a label does not hold; empty when it does."""
        query = GoldenQuery("this", "this", (label,), principal=self.principal)
        resolved = resolve_queries([query], self.documents, where="this label")
        lost = [held.reason for state in ("missing", "stale") for _, held in resolved.with_state(state)]
        return next(iter((*lost, *(reason for _, _, reason in barred(resolved.scored, self.documents)))), "")


@dataclass(slots=True)
class Skipped:
    """Queries that a person passed over, in a file of their own, so that the next sitting begins where this one ended."""

    path: Path
    queries: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        lines = self.path.read_text(encoding="utf-8").split("\n") if self.path.exists() else []
        self.queries = {same_query(query): query for query in map(json.loads, filter(str.strip, lines))}

    def __contains__(self, query: str) -> bool:
        return same_query(query) in self.queries

    def add(self, query: str) -> None:
        self.queries[same_query(query)] = query
        self._write()

    def discard(self, query: str) -> None:
        if self.queries.pop(same_query(query), None) is not None:
            self._write()

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.path) as made:
            made.write_text("".join(json.dumps(q, ensure_ascii=False) + "\n" for q in self.queries.values()), encoding="utf-8")


def unasked(
    path: Path, log: Iterable[tuple[str, int]], skipped: Iterable[str], *, principal: Sequence[str] | None = None
) -> tuple[list[tuple[str, int]], int]:
    """The queries of a log that a golden set does not ask yet as this principal, without `skipped`; and how many it asks."""
    held = load_golden(path).queries if path.exists() else ()
    asker = None if principal is None else AccessTags(principal)
    asked = {same_query(query.query) for query in held if query.principal == asker}
    rest = [(query, times) for query, times in log if same_query(query) not in asked]
    passed_over = {same_query(query) for query in skipped}
    return [entry for entry in rest if same_query(entry[0]) not in passed_over], sum(same_query(q) in asked for q, _ in log)


def judge_all(
    path: Path,
    questions: Sequence[Question],
    judge: Judge,
    documents: LabelledDocuments,
    skipped: Skipped,
    *,
    principal: Sequence[str] | None = None,
) -> dict[str, int]:
    """Ask each question; a judgement is in the golden set, or the query among `skipped`, before the next one is asked.

    `back` takes the last judgement of this sitting out again and asks that question anew. Gives how many were `added` and
    `skipped`, and how many are `left`.
    """
    done: list[str | None] = []  # for each question answered, in order: the id of its line; None: skipped

    def take_back() -> None:
        last = done.pop()
        if last is None:
            skipped.discard(questions[len(done)].query)
        else:
            remove(path, last)

    while questions:
        if len(done) == len(questions):
            if judge.finish():
                break
            take_back()
        question = questions[len(done)]
        said = judge.ask(question)
        match said.say:
            case "stop":
                break
            case "skip":
                skipped.add(question.query)
                done.append(None)
            case "back" if done:
                take_back()
            case "keep":
                name = next_id(path, "log")
                labels = [{"uri": label.uri, "source": label.source, "quote": label.quote} for label in said.labels]
                line = {
                    "id": name,
                    "query": question.query,
                    "relevant": [{key: value for key, value in label.items() if value is not None} for label in labels],
                    "slice": list(said.slices),
                    "principal": principal,
                }
                add(path, [line], documents)
                skipped.discard(question.query)
                done.append(name)
    added = sum(name is not None for name in done)
    return {"added": added, "skipped": len(done) - added, "left": len(questions) - len(done)}


def _unfolded(words: str, text: str, near: tuple[int, int] | None) -> str:
    """`first … last` as the passage from the one to the other, where the text has them in this order; else as it is."""
    parts = _BETWEEN.split(words)
    if len(parts) != 2 or not all(parts) or plain(text).find(words) is not None:
        return words
    for begin, end in ((near,) if near else ()) + ((0, len(text)),):
        head = plain(text[begin:end]).find(parts[0])
        if head is not None and (tail := plain(text[begin + head[1] : end]).find(parts[1])) is not None:
            return text[begin + head[0] : begin + head[1] + tail[1]]
    return words
