"""`sluice status`: one page about an index, in the terminal and as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cli.console import show, when
from cli.launch import opened
from cli.main import with_json
from cli.safe_console import SafeConsole
from cli.tables import table
from cli.writing import put, writing
from evaluation.reports import plain_cell
from pipeline.reading import overview
from sluice.display import counted
from sluice.plain import plain

BLOCKS = "▁▂▃▄▅▆▇█"


@click.command()
@click.option("--html", "file", type=click.Path(path_type=Path, dir_okay=False), help="Also write it as one HTML file.")
@with_json
@click.pass_obj
def status(config: Path, file: Path | None, as_json: bool) -> None:
    """One page: what is live, the last runs, gates over time, freshness, quarantine, cost, and what needs a person.

    The HTML file needs no network and no script, and is readable on a phone.
    """
    with writing(file):
        with opened(config) as r:
            found = overview.status(r)
        if file is not None:
            put(file, overview.page(found))
    told: dict[str, Any] = plain(found)

    def people(console: SafeConsole) -> None:
        live = (
            f"[bold green]{found.live}[/bold green] live since {when(found.live_since)} UTC"
            if found.live
            else "[bold red]nothing is live[/bold red]"
        )
        console.print(f"{found.index}: {live} · {counted(found.documents, 'document')} · {counted(found.chunks, 'chunk')}")
        if found.canary:
            console.print(f"canary: {found.canary}")
        if found.running:
            console.print(f"being changed by {found.running}", markup=False)
        for line in found.attention or ("nothing needs a person",):
            console.prose(line, "! " if found.attention else "", "yellow")
        runs = [
            (p.command, when(p.started), "" if p.seconds is None else f"{p.seconds:.0f}", p.outcome, p.release or p.error)
            for p in found.runs[:5]
        ]
        console.print(table("last runs", ["command", "started (UTC)", "#seconds", "outcome", "release or error"], runs))
        for name, entry in found.margins.items():
            known = [value for value in entry["values"] if value is not None]
            floor = f", floor {entry['floor']:g}" if entry["floor"] is not None else ""
            console.print(f"{name}  {spark(entry['values'])}  {known[-1]:.3f}{floor}", markup=False)
        if found.margins:
            legend = (
                "the last releases that were judged, oldest first: ▁ the least of these values, █ the largest, · not measured"
            )
            console.prose(legend, "  ", "dim")
        if found.asked is not None:
            covered = (
                f"{found.asked.covered:.0%} of {counted(found.asked.asked, 'search is', 'searches are')} like a golden question"
            )
            console.print(f"{covered}; asked most of the others:" if found.asked.clusters else covered, markup=False)
            for each in found.asked.clusters[:3]:
                console.print(plain_cell(f"  {each.asked:,} × {each.query}"), markup=False, soft_wrap=True)
        rows = [(name, row["documents"], row["median_days"], row["expired"]) for name, row in told["freshness"].items()]
        console.print(table("sources", ["source", "#documents", "#median days", "#expired"], rows))
        if found.quarantine:
            console.print("quarantine: " + ", ".join(f"{n} {what}" for what, n in found.quarantine.items()), markup=False)
        console.print(
            f"{counted(found.duplicates, 'duplicate')} · {counted(found.tokens, 'token')} embedded in 30 days"
            f" · cost {found.cost:g}"
        )
        if file is not None:
            console.print(f"written to {file}", markup=False)

    show(told, as_json, people)


def spark(values: list[float | None]) -> str:
    """Values as a line of blocks between their least and their largest; a dot where there is none."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, span = min(known), max(known) - min(known)
    return "".join("·" if v is None else BLOCKS[round((v - low) / span * 7) if span else 4] for v in values)
