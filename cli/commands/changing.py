"""Commands that change an index: run, its parts, and backfill."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from cli.completing import release_ids
from cli.console import report, show
from cli.launch import changing, launch, opened
from cli.main import with_json
from cli.tables import table
from pipeline.operations import backfilling, going_live, nightly, parts
from pipeline.operations.estimating import estimate
from sluice.plain import plain

allow_deletions_option = click.option(
    "--allow-deletions",
    multiple=True,
    metavar="SOURCE",
    help="Accept that this source lost most of its documents (repeatable); without it such a run stops.",
)
now_option = click.option(
    "--now",
    is_flag=True,
    help="What the configuration no longer asks for (exclude, a source taken out) leaves live search at once, before the gates.",
)
source_option = click.option("--source", metavar="NAME", help="Only this source; the others stay as they are.")


@click.command()
@source_option
@allow_deletions_option
@now_option
@click.option("--until", metavar="TIME", help="Begin no work after this time (06:00, or ISO 8601); the next run goes on.")
@with_json
@click.pass_obj
def run(config: Path, source: str | None, allow_deletions: tuple[str, ...], now: bool, until: str | None, as_json: bool) -> None:
    """Ingest what changed, build what changed, gate it, and go live: what the nightly flow does.

    Nothing to do costs a scan of the sources. A rejected candidate leaves the live release alone and exits 3.
    """
    parameters: dict[str, Any] = {"source": source, "allow_deletions": list(allow_deletions), "now": now, "until": until}
    result = launch(config, "run", lambda r, run: nightly.reindex(r, run, **parameters), parameters, builds=True)
    report(result, as_json)


@click.command()
@source_option
@allow_deletions_option
@now_option
@with_json
@click.pass_obj
def ingest(config: Path, source: str | None, allow_deletions: tuple[str, ...], now: bool, as_json: bool) -> None:
    """Fetch and parse what changed; deletions and access changes apply at once, nothing is built."""
    parameters: dict[str, Any] = {"source": source, "allow_deletions": list(allow_deletions), "now": now}
    result = launch(config, "ingest", lambda r, run: parts.ingest(r, run, **parameters), parameters)
    report(result, as_json)


@click.command()
@with_json
@click.pass_obj
def index(config: Path, as_json: bool) -> None:
    """Build and stage a release from what was ingested; `promote` puts it before the gates."""
    result = launch(config, "index", parts.index, {})
    report(result, as_json)


@click.command()
@click.argument("release", shell_complete=release_ids)
@click.option("--force", is_flag=True, help="Overrule the gates (never reconciliation); recorded with your name.")
@click.option(
    "--canary",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="Serve this share of the readers (0.1 = a tenth) beside the live release, until `promote` or `rollback`.",
)
@with_json
@click.pass_obj
def promote(config: Path, release: str, force: bool, canary: float | None, as_json: bool) -> None:
    """Offer RELEASE to the gates and make it live when they pass, also one that was rejected or rolled back."""
    parameters: dict[str, Any] = {"force": force, "canary": canary}
    result = launch(
        config,
        "promote",
        lambda r, run: going_live.promote(r, run, release, **parameters),
        {"release": release, **parameters},
    )
    report(result, as_json)


@click.command()
@click.option(
    "--to", metavar="RELEASE", shell_complete=release_ids, help="The release to return to; default: the one that was live before."
)
@with_json
@click.pass_obj
def rollback(config: Path, to: str | None, as_json: bool) -> None:
    """Return to an earlier release in one atomic step, with today's access rules.

    The release that is left is held: no run offers it again by itself. While a canary serves, it is the canary that ends.
    """
    with changing(config, "rollback") as (r, run):
        result = going_live.rollback(r, run, to)
    report(result, as_json)


@click.command()
@source_option
@click.option("--match", metavar="GLOB", help="Only documents whose uri matches, e.g. 'content/security/**'.")
@click.option("--since", metavar="DATE", help="Only documents modified at or after this date (ISO 8601).")
@click.option(
    "--until",
    metavar="DATE",
    help="Only documents modified before this date (ISO 8601); a time of day (06:00) says when to stop, as --stop-at does.",
)
@click.option(
    "--from", "stage", type=click.Choice(["fetch", "parse", "chunk"]), required=True, help="The first stage to do again."
)
@click.option(
    "--order",
    type=click.Choice(["key", "value"]),
    default="key",
    help="value: the documents that were searched most come first (by search.log); default: as they are stored.",
)
@click.option("--stop-at", metavar="TIME", help="Begin no work after this time (06:00, or ISO 8601); the next run goes on.")
@click.option("--dry-run", is_flag=True, help="Say what it would cost and change nothing.")
@allow_deletions_option
@with_json
@click.pass_obj
def backfill(
    config: Path,
    source: str | None,
    match: str | None,
    since: str | None,
    until: str | None,
    stage: str,
    order: backfilling.Order,
    stop_at: str | None,
    dry_run: bool,
    allow_deletions: tuple[str, ...],
    as_json: bool,
) -> None:
    """Redo a slice of the documents on purpose, from a stage on; a release is published when its content differs."""
    until, stop_at = backfilling.told_apart(until, stop_at)
    which = backfilling.Selection(source, match, since, until, stage)
    if dry_run:
        with opened(config) as r:
            cost: dict[str, Any] = plain(estimate(r, which.of(r), stage))
        rows = [(name.replace("_", " "), value if isinstance(value, int) else f"{value:.1f}") for name, value in cost.items()]
        show(cost, as_json, lambda console: console.print(table("what it would cost", ["", "#"], rows)))
        return
    how: dict[str, Any] = {"allow_deletions": list(allow_deletions), "order": order, "stop_at": stop_at}
    parameters = {**asdict(which), **how}
    result = launch(config, "backfill", lambda r, run: backfilling.backfill(r, run, which, **how), parameters, builds=True)
    report(result, as_json)
