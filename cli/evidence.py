"""What gates show, in a terminal: every block of evidence, without knowing the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from cli.safe_console import SafeConsole
from cli.tables import table
from evaluation import next_steps
from evaluation.reports import plain_cell
from sluice.evidence import Block, Figures, Hits, Intervals, Notes, Plot, Table, blocks_of


def show_evidence(console: SafeConsole, verdicts: Sequence[Mapping[str, Any]]) -> None:
    """All that a rejecting gate shows but its plots; of one that passed, the table that it begins with."""
    for verdict in verdicts:
        blocks = blocks_of(verdict.get("shown") or ())
        if verdict["passed"]:
            blocks = [block for block in blocks[:1] if isinstance(block, Table)]
        for block in blocks:
            show_block(console, block)


def show_what_to_do(console: SafeConsole, result: Mapping[str, Any]) -> None:
    """After a rejection: what was lost and by what, where the report lies, the next commands."""
    failed = [verdict for verdict in result["verdicts"] if not verdict["passed"]]
    if not failed or not result.get("release"):
        return
    console.print("[bold]what to do[/bold]")
    serves = result.get("outcome") != "rejected"  # somebody overruled them, or the gates of what is live changed
    for line in next_steps(failed, result["release"], result.get("against"), overruled=serves):
        console.prose(plain_cell(line), "  ")
    if result.get("report"):
        console.prose(str(result["report"]), "  report: ")


def show_block(console: SafeConsole, block: Block) -> None:
    """One block under its title; nothing where it holds nothing, and no plot."""
    match block:
        case Figures() if block.values:
            console.prose(" · ".join(f"{plain_cell(n)} {plain_cell(v)}" for n, v in block.values.items()))
        case Table() if block.rows and block.folded:
            console.prose(plain_cell(block.folded))
        case Table() if block.rows:
            figures = [all(isinstance(row[i], int | float | None) for row in block.rows) for i in range(len(block.head))]
            columns = [f"#{name}" if figure else name for name, figure in zip(block.head, figures, strict=True)]
            _title(console, block.title)
            console.print(table("", columns, [[Text(plain_cell(value)) for value in row] for row in block.rows]))
        case Intervals() if block.rows:
            rows = [(n, f"{r.mean:+.3f}", f"{r.low:+.3f} to {r.high:+.3f}") for n, r in block.rows.items()]
            _title(console, block.title)
            console.print(table("", ["", "#difference", "#interval"], [[Text(plain_cell(c)) for c in row] for row in rows]))
        case Hits():
            _title(console, block.title)
            for note in block.notes:
                console.prose(plain_cell(note), "  ")
            for name, hits in block.lists.items():
                found = ", ".join(f"{hit.uri} ({hit.score:.3f})" for hit in hits) or "nothing"
                console.prose(plain_cell(found), f"  {plain_cell(name)}: ")
        case Notes():
            _title(console, block.title)
            for line in block.lines:
                console.prose(plain_cell(line), "  ")
        case Plot():
            return


def _title(console: SafeConsole, title: str) -> None:
    if title:
        console.print(Text(plain_cell(title), style="bold"))
