"""`sluice freshness`: how old the documents are, and which ones die."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from cli.console import show, when
from cli.launch import opened
from cli.main import with_json
from cli.tables import table
from ingest.freshness import freshness as measured
from pipeline.resources import utc_now
from sluice.plain import plain


@click.command()
@click.option("--within", default=30, show_default=True, type=click.IntRange(1, 36500), help="The horizon, in days.")
@click.option("--most", default=20, show_default=True, type=click.IntRange(0), help="How many of the oldest to list.")
@with_json
@click.pass_obj
def freshness(config: Path, within: int, most: int, as_json: bool) -> None:
    """How old the documents are: age distribution, the oldest, the expired, and those that expire soon.

    A document's age runs from its last change. Changes nothing: what has expired is found no more, and leaves with the next run.
    """
    with opened(config) as r:
        found = measured(r.stores.documents.read(), utc_now(), r.lifetimes, horizon=timedelta(days=within), most=most)

    def people(console: Console) -> None:
        columns = [
            "source",
            "#documents",
            "#median days",
            "#oldest days",
            "#never refreshed",
            "#expired",
            f"#within {within} days",
        ]
        console.print(table("", columns, [(name, *row.values()) for name, row in found.sources.items()]))
        console.print(table("age", ["", "#documents"], list(found.ages.items())))
        old = [line for line in found.oldest if line["days"] >= 1]
        if found.oldest and not old:
            console.print("no document is older than a day")
        for title, lines in (
            ("oldest", old),
            ("expired", found.expired),
            (f"expire within {within} days", found.expiring),
        ):
            if lines:
                rows = [_row(line) for line in lines[: max(most, 1)]]
                console.print(table(title, ["document", "source", "#days", "last change (UTC)", "expires (UTC)"], rows))
                if len(lines) > len(rows):
                    console.print(f"and {len(lines) - len(rows)} more: --json lists them all")

    show(plain(found), as_json, people)


def _row(line: Any) -> tuple[Any, ...]:
    return line["uri"], line["source"], line["days"], when(line["changed"]), when(line.get("expires"))
