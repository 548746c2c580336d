"""What a gate can show of its evidence: a small vocabulary that every report renders without knowing the gate.

A Verdict carries `evidence`, figures for programs, and `shown`, these blocks for people. Terminal, Markdown and HTML
know the blocks and no gate, so a gate of a user's own has its section in each. All are plain values: a manifest keeps
them, and the report of any release that ever was can be made again. Text in them is other people's; whoever renders it
escapes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

PlotKind = Literal["bars", "line", "spread"]

Cell = str | int | float | None
"""Integers are counts, floats are measures (three decimals), None is a dash."""


@dataclass(frozen=True, slots=True)
class Figures:
    """A few named values, on one line where they fit."""

    values: Mapping[str, Cell]
    title: str = ""
    block: str = field(default="figures", init=False)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head, all of one length; `marked` are the positions of rows to stand out; `words`: cells hold sentences.

    `folded`: a sentence that stands for the whole table until somebody unfolds it.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    marked: tuple[int, ...] = ()
    words: bool = False
    folded: str = ""
    block: str = field(default="table", init=False)


@dataclass(frozen=True, slots=True)
class Range:
    """A mean and the interval around it."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Intervals:
    """Named differences with their intervals around zero; `limits` are the greatest drops allowed, by name."""

    rows: Mapping[str, Range]
    limits: Mapping[str, float] = field(default_factory=dict)
    title: str = ""
    block: str = field(default="intervals", init=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A hit in a list: where it is from, its score, and whether it is a right one.

    Where a report may show its words: [start, end) of its document, and the places there that answer. Never the words
    themselves: a manifest keeps none.
    """

    uri: str
    score: float
    right: bool = False
    document_key: str = ""
    start: int = 0
    end: int = 0
    quotes: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Hits:
    """What a question was answered with: lists of hits side by side, by name (`candidate`, `live`), and notes on them."""

    lists: Mapping[str, tuple[Answer, ...]]
    title: str = ""
    notes: tuple[str, ...] = ()
    block: str = field(default="hits", init=False)


@dataclass(frozen=True, slots=True)
class Plot:
    """Named series over `labels`: bars, each label on a scale of its own; one line, with `limit` across it; or a spread, how many
    of something each label has, on one scale."""

    labels: tuple[str, ...]
    series: Mapping[str, tuple[float | None, ...]]
    title: str = ""
    kind: PlotKind = "bars"
    unit: str = ""
    limit: float | None = None
    block: str = field(default="plot", init=False)


@dataclass(frozen=True, slots=True)
class Notes:
    """Sentences, one a line."""

    lines: tuple[str, ...]
    title: str = ""
    block: str = field(default="notes", init=False)


Block = Figures | Table | Intervals | Hits | Plot | Notes


def block_json(block: Block) -> dict[str, Any]:
    """A block as a manifest keeps it: its fields, with `block`, the name of its kind."""
    return asdict(block)


def blocks_of(kept: Sequence[Mapping[str, Any]]) -> list[Block]:
    """The blocks of a manifest; what this version does not know, or cannot read, is left out."""
    made: list[Block] = []
    for each in kept:
        reader = _READERS.get(str(each.get("block")))
        if reader is not None:
            try:
                made.append(reader(each))
            except (KeyError, TypeError, ValueError, AttributeError):
                continue
    return made


def _table(kept: Mapping[str, Any]) -> Table:
    rows = tuple(tuple(row) for row in kept["rows"])
    marked, words, folded = tuple(kept.get("marked", ())), bool(kept.get("words")), str(kept.get("folded") or "")
    return Table(tuple(kept["head"]), rows, kept.get("title", ""), marked, words, folded)


def _intervals(kept: Mapping[str, Any]) -> Intervals:
    rows = {name: Range(float(row["mean"]), float(row["low"]), float(row["high"])) for name, row in kept["rows"].items()}
    return Intervals(rows, dict(kept.get("limits") or {}), kept.get("title", ""))


def _hits(kept: Mapping[str, Any]) -> Hits:
    lists = {name: tuple(_answer(hit) for hit in hits) for name, hits in kept["lists"].items()}
    return Hits(lists, kept.get("title", ""), tuple(kept.get("notes", ())))


def _answer(kept: Mapping[str, Any]) -> Answer:
    place = str(kept.get("document_key") or ""), int(kept.get("start") or 0), int(kept.get("end") or 0)
    quotes = tuple((int(start), int(end)) for start, end in kept.get("quotes") or ())
    return Answer(str(kept["uri"]), float(kept["score"]), bool(kept.get("right")), *place, quotes)


def _plot(kept: Mapping[str, Any]) -> Plot:
    series = {name: tuple(values) for name, values in kept["series"].items()}
    kinds: Mapping[str, PlotKind] = {"line": "line", "spread": "spread"}
    kind = kinds.get(str(kept.get("kind")), "bars")
    return Plot(tuple(kept["labels"]), series, kept.get("title", ""), kind, kept.get("unit", ""), kept.get("limit"))


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Block]] = {
    "figures": lambda kept: Figures(dict(kept["values"]), kept.get("title", "")),
    "table": _table,
    "intervals": _intervals,
    "hits": _hits,
    "plot": _plot,
    "notes": lambda kept: Notes(tuple(kept["lines"]), kept.get("title", "")),
}
