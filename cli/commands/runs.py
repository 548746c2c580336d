"""`sluice runs`: what was done to this index, and the log of each run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console

from cli.console import how_many, print_newest, show, when
from cli.launch import opened
from cli.main import WholeGroup, with_json
from cli.safe_console import SafeConsole
from cli.tables import table
from pipeline.reading import history
from sluice.plain import plain


@click.group(cls=WholeGroup, invoke_without_command=True)
@how_many
@with_json
@click.pass_context
def runs(ctx: click.Context, limit: int | None, as_json: bool) -> None:
    """List what was done to this index, newest first, and how each ended; `show` prints the log of one."""
    if ctx.invoked_subcommand is not None:
        return
    with opened(ctx.obj) as r:
        found = history.past_runs(r)
    rows = [
        (p.run, p.command, when(p.started), "" if p.seconds is None else f"{p.seconds:.1f}", p.outcome, p.release or p.error)
        for p in found
    ]

    def people(console: SafeConsole) -> None:
        if rows:
            print_newest(console, ["run", "command", "started (UTC)", "#seconds", "outcome", "release or error"], rows, limit)
        else:
            console.print("nothing was done yet")

    show({"runs": plain(found[:limit])}, as_json, people)


@runs.command("show")
@click.argument("run")
@with_json
@click.pass_obj
def show_run(config: Path, run: str, as_json: bool) -> None:
    """What RUN was asked for, how it ended, and its log."""
    with opened(config) as r:
        found = history.past_run(r, run)
    told: dict[str, Any] = plain(found)
    log = found.log.read_text(encoding="utf-8") if found.log is not None else ""

    def people(console: Console) -> None:
        keys = (
            "run", "command", "outcome", "release", "actor", "started", "finished", "seconds", "embedded", "tokens", "cost",
            "error", "log",
        )  # fmt: skip
        console.print(table("", ["", ""], [(key, told[key]) for key in keys if told[key] not in ("", None, 0)]))
        console.print(log or "no log of it is kept", markup=False, soft_wrap=True, end="")

    show({**told, "lines": log.splitlines()}, as_json, people)
