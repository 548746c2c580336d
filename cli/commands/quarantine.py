"""Commands about what failed, and why."""

from __future__ import annotations

from pathlib import Path

import click

from cli.console import report, show, when
from cli.launch import launch, opened
from cli.main import WholeGroup, with_json
from cli.safe_console import SafeConsole
from cli.tables import table
from pipeline.operations import backfilling

MOST_HINTS = 10
"""Kinds of failures of which it is said what to do."""


@click.group(cls=WholeGroup, invoke_without_command=True)
@with_json
@click.pass_context
def quarantine(ctx: click.Context, as_json: bool) -> None:
    """List the documents that could not be processed, with stage, reason and error; `retry` tries them again."""
    if ctx.invoked_subcommand is not None:
        return
    with opened(ctx.obj) as r:
        entries = r.stores.quarantine.entries()
    rows = [(e.uri, e.stage, e.reason, e.error, e.attempts, when(e.last_seen), "yes" if e.retryable else "no") for e in entries]
    columns = ["document", "stage", "reason", "error", "#attempts", "last seen (UTC)", "retried by itself"]
    next_ = dict.fromkeys((e.reason, e.hint) for e in entries if e.hint)

    def people(console: SafeConsole) -> None:
        console.print(table("", columns, rows) if rows else "nothing is in quarantine")
        for reason, hint in list(next_)[:MOST_HINTS]:
            console.prose(hint, f"{reason}: ", "bold")

    show({"entries": entries}, as_json, people)


@quarantine.command("retry")
@with_json
@click.pass_obj
def retry(config: Path, as_json: bool) -> None:
    """Try every quarantined document again, also the permanently failed ones, then index what came of it."""
    report(launch(config, "retry", backfilling.retry, {}), as_json)
