"""Drafted questions before a person, one at a time: taken, mended or thrown away; what they say is in the file at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from evaluation.golden import load_golden
from evaluation.growing import Line, remove, rewrite

REVIEWED = "reviewed"
"""The field of a line that somebody has read; it stays `synthetic`: nobody has asked it."""


@dataclass(frozen=True, slots=True)
class Drafted:
    """A drafted question with its answer, and which of how many it is in this sitting."""

    id: str
    query: str
    uri: str
    quote: str
    number: int
    of: int


@dataclass(frozen=True, slots=True)
class Review:
    """What a person said: `take` it (with other words, where they gave some), `drop` it, `skip` it for now, or `stop`."""

    say: Literal["take", "drop", "skip", "stop"]
    query: str = ""


class Reviewer(Protocol):
    """A person who reads the question and the words that answer it."""

    def ask(self, question: Drafted) -> Review:
        """Show it and return what they say."""


def waiting(path: Path) -> list[Mapping[str, Any]]:
    """The lines of drafted questions that nobody has read yet, in order; ConfigurationError for what is no golden set."""
    load_golden(path)
    lines = (json.loads(line) for line in path.read_text(encoding="utf-8-sig").split("\n") if line.strip())
    return [line for line in lines if line.get("synthetic") and not line.get(REVIEWED)]


def review(path: Path, reviewer: Reviewer) -> dict[str, int]:
    """Ask about each waiting question; gives how many were `taken`, `mended`, `dropped`, and are `left`."""
    counts = {"taken": 0, "mended": 0, "dropped": 0}
    lines = waiting(path)
    for number, line in enumerate(lines, 1):
        label = line["relevant"][0] if line["relevant"] else {}
        shown = Drafted(line["id"], line["query"], label.get("uri", ""), label.get("quote") or "", number, len(lines))
        said = reviewer.ask(shown)
        if said.say == "stop":
            break
        if said.say == "drop":
            remove(path, shown.id)
            counts["dropped"] += 1
        elif said.say == "take":
            _keep(path, shown.id, said.query.strip())
            counts["mended" if said.query.strip() else "taken"] += 1
    return counts | {"left": len(waiting(path))}


def _keep(path: Path, id: str, query: str) -> None:
    def changed(line: Line) -> Line | None:
        if line["id"] != id:
            return None
        return {**line, **({"query": query} if query else {}), REVIEWED: True}

    rewrite(path, changed)
