"""Blocks of evidence as Markdown: the one place where text becomes Markdown, for the flow's artifact and for terminals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from evaluation.reports.blocks import cell as shown
from evaluation.reports.markup import clean
from sluice.evidence import Answer, Block, Cell, Figures, Hits, Intervals, Notes, Plot, Table

_MARKS = re.compile(r"[\\`*\[\]|~]|\b_|_\b|^[#>+-](?= |$)")


def cell(value: object) -> str:
    """Text that stays text, on one line: queries and uris are other people's."""
    flat = " ".join(clean(str(value)).split())
    return _MARKS.sub(lambda mark: "\\" + mark[0], flat.replace("&", "&amp;").replace("<", "&lt;"))


def markdown_of(block: Block) -> str:
    """A block under its title; empty where it holds nothing."""
    match block:
        case Figures():
            body = "; ".join(f"{cell(name)} {cell(shown(value))}" for name, value in block.values.items())
        case Table():
            body = table(block.head, block.rows)
        case Intervals():
            rows = [(name, f"{r.mean:+.3f}", f"{r.low:+.3f} to {r.high:+.3f}") for name, r in block.rows.items()]
            body = table(("", "difference", "interval"), rows)
        case Hits():
            lines = [f"- {cell(note)}" for note in block.notes]
            body = "\n".join([*lines, *(f"- {cell(name)}: {_answers(hits)}" for name, hits in block.lists.items())])
        case Plot():
            rows_of = [(label, *(values[i] for values in block.series.values())) for i, label in enumerate(block.labels)]
            body = table(("", *(f"{name}{block.unit and f' ({block.unit.strip()})'}" for name in block.series)), rows_of)
        case Notes():
            body = "\n".join(f"- {cell(line)}" for line in block.lines)
    return (f"### {cell(block.title)}\n\n" if block.title else "") + body if body else ""


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A table; empty without rows."""
    lines = ["| " + " | ".join(cell(shown(value)) for value in row) + " |" for row in rows]
    top = ["| " + " | ".join(cell(name) for name in head) + " |", "|" + " --- |" * len(head)]
    return "\n".join([*top, *lines]) if lines else ""


def _answers(hits: Sequence[Answer]) -> str:
    return ", ".join(f"{cell(hit.uri)} ({hit.score:.3f})" + (" ✓" if hit.right else "") for hit in hits) or "nothing"
