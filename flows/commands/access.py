"""Commands about who may read what."""

from __future__ import annotations

from pathlib import Path

import click

from flows import operations
from flows.cli import with_json
from flows.commands.launch import opened
from flows.console import show


@click.group()
def access() -> None:
    """Who may read what."""


@access.command("sync")
@with_json
@click.pass_obj
def sync(config: Path, as_json: bool) -> None:
    """Apply the present access rules to every existing release at once: nothing is cut or embedded again."""
    with opened(config, "access sync") as w, w.lease("access sync"):
        result = operations.sync_access(w)
    show(
        result,
        as_json,
        lambda console: console.print(f"{result['access_changed']} documents changed readers in {result['seconds']:.2f} s"),
    )
