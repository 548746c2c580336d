"""`sluice token`: read access for a service, without Sluice's process."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from cli.console import show
from cli.launch import opened
from cli.main import with_json
from pipeline.reading import access_tokens


@click.command()
@click.argument("index")
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 3650), help="How long it is good for.")
@with_json
@click.pass_obj
def token(config: Path, index: str, days: int, as_json: bool) -> None:
    """Make a token with which a service reads INDEX from the Qdrant server: what is live, and no more.

    It knows no documents and no people: whoever holds it reads all of the index. So it is for a service that puts the
    reader's tags into the filter of each search (docs/servers.md), never for a person, and one service has one.
    """
    with opened(config) as r:
        made = access_tokens.make(r, index, timedelta(days=days))
    show(
        {"token": made.token, "index": index, "url": made.url, "expires": made.expires},
        as_json,
        lambda console: console.print(made.token, markup=False, soft_wrap=True, highlight=False),
    )
