"""Commands about golden sets: are the labels still true?"""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from flows import operations
from flows.cli import with_json
from flows.commands.launch import opened
from flows.console import show, table


@click.group()
def golden() -> None:
    """Take care of the golden sets that gates measure with."""


@golden.command("check")
@click.option(
    "--golden",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Default: the golden set of the first retrieval gate.",
)
@with_json
@click.pass_obj
def check(config: Path, path: Path | None, as_json: bool) -> None:
    """Are the labels still true: stale, missing, ambiguous, duplicate; which slices are too small to say anything."""
    with opened(config, "golden check") as w:
        result = operations.check_golden(w, path)

    def people(console: Console) -> None:
        console.print(f"{result['golden']}: {result['queries']} queries, {result['labels']} labels")
        for kind in ("stale", "missing", "ambiguous"):
            if result[kind]:
                rows = [(label.get("id"), label.get("uri"), label.get("reason")) for label in result[kind]]
                console.print(table(kind, ["query", "document", "why"], rows))
        if result["duplicates"]:
            console.print(table("asked twice", ["queries"], [(", ".join(ids),) for ids in result["duplicates"]]))
        console.print(table("slices", ["slice", "#queries"], sorted(result["slices"].items())))
        console.print("[green]healthy[/green]" if result["healthy"] else "[yellow]needs care[/yellow]")

    show(result, as_json, people)
