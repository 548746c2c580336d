"""The command that says why a document is not found."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from cli.completing import release_ids
from cli.console import show
from cli.launch import opened
from cli.main import tags_of, with_json
from cli.tables import table
from pipeline.reading import explaining
from sluice.access import Principal
from sluice.plain import plain


@click.command()
@click.argument("query")
@click.argument("uri")
@click.option("--as", "principal", required=True, metavar="TAG,…", help="The tags of whoever missed it.")
@click.option("-k", default=5, show_default=True, type=click.IntRange(1, 1000), help="How many chunks were looked at.")
@click.option("--source", metavar="NAME", help="Which source's document, where several have one of this uri.")
@click.option("--release", metavar="ID", shell_complete=release_ids, help="Look at this release instead of the live one.")
@with_json
@click.pass_obj
def why(
    config: Path, query: str, uri: str, principal: str, k: int, source: str | None, release: str | None, as_json: bool
) -> None:
    """Say why the document URI is not among the hits of QUERY for a principal, and at which stage it was lost.

    This tells what the index knows, also of documents that the principal may not read: it is for whoever looks after the index.
    Behind a door that readers use, `access: {why: reader}` makes it say "not found" of all that they may not read.
    """
    with opened(config) as r:
        found = explaining.why(r, query, uri, Principal.of(tags_of(principal)), k, source=source, release=release)

    def people(console: Console) -> None:
        console.print(f"{found.uri}: {found.reason.replace('_', ' ')}", style="bold", markup=False)
        console.print(found.says, markup=False)
        if found.hint:
            console.print(found.hint, style="dim", markup=False)
        if found.chunk is not None:
            console.print(f"its best chunk, characters {found.chunk.start} to {found.chunk.end}:", markup=False)
            console.print(found.chunk.text, style="italic", markup=False)
        if found.outranked_by:
            rows = [
                (o.rank, o.uri, f"{o.score:.3f}", ", ".join((*o.copies, *(f"nearly hit {n}" for n in o.near))))
                for o in found.outranked_by
            ]
            console.print(table("above it", ["#rank", "document", "#score", "the same text"], rows))

    show(plain(found), as_json, people)
