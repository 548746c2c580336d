"""`sluice documents`: what there is, who may read it, and why something is not found."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from cli.console import show
from cli.launch import opened
from cli.main import with_json
from cli.safe_console import SafeConsole
from cli.tables import table
from pipeline.reading import inventory
from sluice.plain import plain


@click.command()
@click.argument("asked", metavar="[URI|GLOB]", required=False)
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Only documents of this source (repeatable).")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(inventory.STANDINGS),
    help="Only documents that are this (repeatable); deleted and forgotten ones (by key and date) are listed only so, or by uri.",
)
@click.option("-n", "limit", default=50, show_default=True, type=click.IntRange(1), help="How many to print; --json has all.")
@with_json
@click.pass_obj
def documents(
    config: Path, asked: str | None, sources: tuple[str, ...], statuses: tuple[str, ...], limit: int, as_json: bool
) -> None:
    """List the documents: status, readers, chunks in the live release, and why one is empty, dropped, stale or unreadable.

    Asked for one URI, it also says what became of a document that is not known: excluded, forgotten, or never seen.
    """
    with opened(config) as r:
        found = inventory.documents(r, asked, sources=sources, statuses=statuses)
        wider = inventory.wider(r, asked) if asked and not found and "*" in asked else None
    none = "no document is like that" if asked or sources or statuses else "no document is known: sluice run takes them in"
    tally = Counter(document.status for document in found)

    def people(console: SafeConsole) -> None:
        rows = [
            (d.uri or f"(key {d.document_key[:12]})", d.source, d.status, ", ".join(d.tags) or "nobody", d.chunks, d.why)
            for d in (found if len(found) <= limit else _telling_first(found)[:limit])
        ]
        if rows:
            console.print(table("", ["document", "source", "status", "readers", "#chunks", "why"], rows))
        console.print(", ".join(f"{n} {status}" for status, n in sorted(tally.items())) or none)
        if "forgotten" in statuses and (sources or (asked and not found)):
            console.prose("of forgotten documents only the keys are kept: without GLOB and --source they are listed", "note  ")
        if wider is not None:
            console.print(f"* stops at /: sluice documents '{wider}'", markup=False, soft_wrap=True)
        if len(found) > limit:
            console.print(f"{limit} of {len(found)} shown: narrow it down, or -n {len(found)}")

    show({"documents": plain(found), "statuses": dict(tally)}, as_json, people)


def _telling_first(found: list[inventory.Listed]) -> list[inventory.Listed]:
    """Those of which something is to be said before those that are as they should be."""
    return sorted(found, key=lambda document: document.status == "served")
