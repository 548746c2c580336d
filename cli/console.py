"""What commands print: one JSON object for programs, tables for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import RenderableType

from cli.answers import as_json as answer
from cli.safe_console import SafeConsole
from cli.tables import table
from pipeline.outcomes import Report
from sluice.display import json_text
from sluice.plain import plain
from sluice.releases import held_until

REJECTED = 3
WHOLE_LINES = 10_000
"""Letters of a line where nobody says how many there is room for."""


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
    """A console: as wide as the terminal, or as COLUMNS says; elsewhere every line is whole, for a file or grep."""
    console = SafeConsole(stderr=stderr, highlight=False)
    return console if console.wraps else SafeConsole(stderr=stderr, highlight=False, width=WHOLE_LINES)


def when(value: Any) -> str:
    """A time for people."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else str(value or "")


def reasons(counts: Mapping[str, int]) -> str:
    """`{"empty": 3}` as `3 empty`."""
    return ", ".join(f"{count:,} {IN_WORDS.get(reason, reason)}" for reason, count in sorted(counts.items()))


IN_WORDS = {"not_asked_for": "left out by the configuration"}
"""What a reason of the contract is called where people read it, when its name does not say it."""


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
            console.prose(f"{result['left']}, held: {held_until(result['left'], rejected=False)}", "left ")
        rows = [
            (stage, c["seen"], c["kept"], c["unchanged"], reasons(c["dropped"]), reasons(c["failed"]))
            for stage, c in result["counts"].items()
        ]
        if rows:
            console.print(table("", ["stage", "#seen", "#kept", "#unchanged", "dropped", "failed"], rows))
        if any(c["failed"] for c in result["counts"].values()):
            console.prose("sluice quarantine", "which failed, and why: ")
        extras = {
            "deleted": result["documents_deleted"],
            "expired": result["documents_expired"],
            "access changed": result["access_changed"],
            "embedded": result["embedded"],
            "cached": result["cached"],
            "tokens embedded": result["tokens"],
            "cost": result["cost"],
        }
        console.parts(f"{name} {count}" for name, count in extras.items() if count)
        for verdict in result["verdicts"]:
            mark, colour = ("pass  ", "green") if verdict["passed"] else ("FAIL  ", "red")
            console.prose(f"{verdict['gate']}: {verdict['reason']}", mark, colour)
            for warning in verdict.get("warnings", ()):
                if warning not in result["warnings"]:  # what is said of the whole run is said once
                    noted(console, warning, "      ")
        show_evidence(console, result["verdicts"])
        for warning in result["warnings"]:
            noted(console, warning)
        console.parts((f"{stage} {value:.1f} s" for stage, value in result["seconds"].items()), "dim")
        show_what_to_do(console, result)

    return people


NEWEST = 20
"""Lines that a list of what happened shows to people who do not say how many."""


def how_many(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option `-n` of a list of what happened: people are shown the newest few, programs all, unless one says how many."""
    said = f"How many, newest first; without it {NEWEST} are printed, and --json has all."
    return click.option("-n", "limit", type=click.IntRange(1), help=said)(command)


def print_newest(console: SafeConsole, columns: Sequence[str], rows: Sequence[Sequence[Any]], limit: int | None) -> None:
    """A table of the newest lines, and how many it leaves out."""
    shown = rows[: limit or NEWEST]
    console.print(table("", columns, shown))
    if len(shown) < len(rows):
        console.print(f"{len(shown)} of {len(rows):,} shown, the newest: -n {len(rows)} shows all", markup=False)


def noted(console: SafeConsole, warning: str, indent: str = "") -> None:
    """A warning, in a paragraph of its own."""
    console.prose(warning, "note  ", "yellow", indent)


def measures_table(
    measures: Mapping[str, float],
    slices: Mapping[str, Any],
    live: Mapping[str, float] | None = None,
    *,
    passages: bool = False,
    by: str = "slice",
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
    return table("", [by, *(f"#{n}" for n in names)], rows)


def _figure(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "–"
