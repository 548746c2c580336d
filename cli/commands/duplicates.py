"""`sluice duplicates`: which documents say the same, or nearly, and whether the same people may read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from cli.console import show
from cli.launch import opened
from cli.main import with_json
from cli.tables import table
from ingest.duplicates import ALIKE, report
from pipeline.reading.parsed_texts import texts
from sluice.display import counted
from sluice.plain import plain


@click.command()
@click.option(
    "--similarity",
    default=ALIKE,
    show_default=True,
    type=click.FloatRange(0.5, 1),
    help="From which share of common three-word sequences on two texts are similar.",
)
@click.option("--most", default=20, show_default=True, type=click.IntRange(0), help="How many groups of each kind to list.")
@with_json
@click.pass_obj
def duplicates(config: Path, similarity: float, most: int, as_json: bool) -> None:
    """Which documents say the same, or nearly, and whether the same people may read all copies.

    Groups whose copies have different access tags come first. Changes nothing: each copy keeps its own tags, a search gives
    one of equal texts.
    """
    with opened(config) as r:
        found = report(r.stores.documents.read(), lambda states: texts(r, states), alike=similarity)

    def people(console: Console) -> None:
        console.print(
            f"{counted(found.documents, 'document')}: {counted(found.duplicates, 'repeats', 'repeat')} another's text, "
            f"{found.near_duplicates} nearly; "
            f"groups that not the same people may read: {found.tags_differ}"
        )
        for title, groups in (("equal", found.equal), ("similar", found.similar)):
            if groups[:most]:
                rows = [row for number, group in enumerate(groups[:most], 1) for row in _rows(number, group)]
                console.print(table(title, ["#group", "document", "source", "access tags", "#similarity"], rows))
                if len(groups) > most:
                    console.print(f"and {counted(len(groups) - most, 'more group')}: --json lists them all")

    show(plain(found), as_json, people)


def _rows(number: int, group: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    for place, line in enumerate(group["documents"]):
        tags = ", ".join(line["access_tags"]) or "nobody"
        mark = " ≠" if group["tags_differ"] else ""
        yield number if place == 0 else "", line["uri"], line["source"], tags + mark, line.get("similarity")
