"""What commands print: one JSON object for programs, tables for people."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from cli.answers import as_json as answer
from cli.safe_console import SafeConsole
from pipeline.outcomes import Report
from sluice.display import json_text, terminal
from sluice.plain import plain

REJECTED = 3
_COLOURED = re.compile(r"\[(green|red|yellow|bold|dim)\][\w -]{1,20}\[/\1\]")


def show(result: Mapping[str, Any], as_json: bool, people: Callable[[SafeConsole], None]) -> None:
    """Print a result in the form that was asked for; exits 3 when its outcome is a rejection."""
    if as_json:
        click.echo(json_text(json.dumps(plain(result), ensure_ascii=False, indent=2)))
    else:
        people(for_people())
    sys.stdout.flush()
    if result.get("outcome") == "rejected":
        raise click.exceptions.Exit(REJECTED)


def for_people(*, stderr: bool = False) -> SafeConsole:
    """A console: as wide as the terminal, and wide enough for tables where there is none."""
    console = SafeConsole(stderr=stderr, highlight=False)
    return console if console.is_terminal else SafeConsole(stderr=stderr, highlight=False, width=120)


WHOLE = ("release", "run", "document", "uri", "variant", "at (UTC)")
"""Columns that are copied from, and never broken."""


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> RenderableType:
    """A plain table; columns whose name starts with '#' are figures, aligned to the right; ids and uris stay whole.

    A cell is text, whatever is in it; only one word in one of our own colours (`[red]FAIL[/red]`) is markup. Where what is
    whole leaves no room for the rest, each row becomes two: what is whole, and below it the others by their names.
    """
    names = [column.lstrip("#") for column in columns]
    cells = [[cell if isinstance(cell, Text) else _cell("" if cell is None else str(cell)) for cell in row] for row in rows]
    said = Text(terminal(title), style="bold") if title else None
    made = Table(title=said, title_justify="left", header_style="bold", show_edge=False, pad_edge=False)
    for column, name in zip(columns, names, strict=True):
        made.add_column(name, justify="right" if column.startswith("#") else "left", overflow="fold", no_wrap=name in WHOLE)
    for row in cells:
        made.add_row(*row)
    return Fitting(made, names, cells) if any(name in WHOLE for name in names) else made


@dataclass(frozen=True, slots=True)
class Fitting:
    """A table, or its rows one below the other where the terminal is too narrow for it."""

    table: Table
    names: Sequence[str]
    rows: Sequence[Sequence[str | Text]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._needs() <= options.max_width:
            yield self.table
            return
        if self.table.title:
            yield self.table.title
        for row in self.rows:
            held = [(name, _text(cell)) for name, cell in zip(self.names, row, strict=True) if _text(cell).plain]
            whole = [text for name, text in held if name in WHOLE]
            if sum(cell_len(text.plain) + 2 for text in whole) <= options.max_width:
                whole = [Text("  ").join(whole)]
            for text in whole:
                yield from _at_separators(text, options.max_width)
            rest = [Text(f"{name}: " if name else "").append_text(text) for name, text in held if name not in WHOLE]
            if rest:
                yield from (Text("    ") + line for line in _filled(Text(" · ").join(rest), options.max_width - 4))

    def _needs(self) -> int:
        """Columns of the terminal with which nothing that is whole is broken, and the others have room to breathe."""
        widths = [
            max((cell_len(_text(cell).plain) for cell in column), default=0)
            for column in zip(*[self.names, *self.rows], strict=True)
        ]
        roomy = [width if name in WHOLE else min(width, 14) for name, width in zip(self.names, widths, strict=True)]
        return sum(roomy) + 3 * (len(roomy) - 1)


def _at_separators(text: Text, width: int) -> Iterator[Text]:
    """Lines of at most this width, broken after a `/` where there is one."""
    while cell_len(text.plain) > width:
        cut = text.plain.rfind("/", 0, width) + 1 or width
        yield text[:cut]
        text = text[cut:]
    yield text


def _filled(text: Text, width: int) -> Iterator[Text]:
    """Lines of at most this width, broken between words, and a word that is longer after a `/`."""
    line = Text()
    for word in text.split(" "):
        if line.plain and cell_len(line.plain) + 1 + cell_len(word.plain) > width:
            yield line
            line = Text()
        *whole, line = _at_separators(line + Text(" ") + word if line.plain else word, width)
        yield from whole
    yield line


def _text(cell: str | Text) -> Text:
    return cell if isinstance(cell, Text) else Text.from_markup(cell)


def _cell(text: str) -> str | Text:
    return text if _COLOURED.fullmatch(text) else Text(terminal(text))


def when(value: Any) -> str:
    """A time for people."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else str(value or "")


def reasons(counts: Mapping[str, int]) -> str:
    """`{"empty": 3}` as `3 empty`."""
    return ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))


def report(outcome: Report, as_json: bool) -> None:
    """Print what a run, or a part of one, did."""
    result = answer(outcome)
    show(result, as_json, run_report(result))


def run_report(result: Mapping[str, Any]) -> Callable[[SafeConsole], None]:
    """What a run did, for people."""
    from cli.evidence import show_evidence, show_what_to_do  # which prints with this module's tables

    def people(console: SafeConsole) -> None:
        colour = {"promoted": "green", "rejected": "red"}.get(result["outcome"], "yellow")
        console.print(f"[bold {colour}]{result['outcome']}[/bold {colour}]  release {result['release'] or '(none)'}")
        if result.get("left"):
            console.print(f"left {result['left']}: held, a run will not offer it again by itself")
        rows = [
            (stage, c["seen"], c["kept"], c["unchanged"], reasons(c["dropped"]), reasons(c["failed"]))
            for stage, c in result["counts"].items()
        ]
        if rows:
            console.print(table("", ["stage", "#seen", "#kept", "#unchanged", "dropped", "failed"], rows))
        extras = {
            "deleted": result["documents_deleted"],
            "expired": result["documents_expired"],
            "access changed": result["access_changed"],
            "embedded": result["embedded"],
            "cached": result["cached"],
            "tokens embedded": result["tokens"],
            "cost": result["cost"],
        }
        line = " · ".join(f"{name} {count}" for name, count in extras.items() if count)
        if line:
            console.print(line)
        for verdict in result["verdicts"]:
            mark, colour = ("pass  ", "green") if verdict["passed"] else ("FAIL  ", "red")
            console.prose(f"{verdict['gate']}: {verdict['reason']}", mark, colour)
            for warning in verdict.get("warnings", ()):
                if warning not in result["warnings"]:  # what is said of the whole run is said once
                    noted(console, warning, "      ")
        show_evidence(console, result["verdicts"])
        for warning in result["warnings"]:
            noted(console, warning)
        seconds = " · ".join(f"{stage} {value:.1f} s" for stage, value in result["seconds"].items())
        if seconds:
            console.print(f"[dim]{seconds}[/dim]")
        show_what_to_do(console, result)

    return people


def noted(console: SafeConsole, warning: str, indent: str = "") -> None:
    """A warning, in a paragraph of its own."""
    console.prose(warning, "note  ", "yellow", indent)


def measures_table(
    measures: Mapping[str, float], slices: Mapping[str, Any], live: Mapping[str, float] | None = None, *, passages: bool = False
) -> RenderableType:
    """Measures in columns, a row overall, one for the live release, one per slice; passage measures where asked for."""
    names = [name for name in measures if not name.startswith("Token")]
    if passages:
        names += [name for name in measures if name.startswith("Token")]
    rows: list[list[Any]] = [["overall", *(_figure(measures.get(n)) for n in names)]]
    if live:
        rows.append(["live release", *(_figure(live.get(n)) for n in names)])
    for name, part in sorted(slices.items()):
        held = part.get("measures", part)
        rows.append([f"{name} ({part['queries']})" if "queries" in part else name, *(_figure(held.get(n)) for n in names)])
    return table("", ["slice", *(f"#{n}" for n in names)], rows)


def _figure(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "–"
