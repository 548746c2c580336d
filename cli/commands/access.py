"""Commands about who may read what."""

from __future__ import annotations

from pathlib import Path

import click

from cli.answers import as_json as answer
from cli.console import how_many, noted, print_newest, show, when
from cli.launch import changing, opened
from cli.main import WholeGroup, with_json
from cli.safe_console import SafeConsole
from pipeline.operations import syncing
from sluice.display import counted


@click.group(cls=WholeGroup)
def access() -> None:
    """Who may read what."""


@access.command("sync")
@with_json
@click.pass_obj
def sync(config: Path, as_json: bool) -> None:
    """Apply the present access rules to every existing release at once: nothing is cut or embedded again."""
    with changing(config, "access sync") as (r, run):
        result = answer(syncing.sync_access(r, run))

    def people(console: SafeConsole) -> None:
        lag = result["revocation_lag_s"]
        held = f"; revocations held after {lag:.3f} s" if lag is not None else ""
        console.print(f"{counted(result['access_changed'], 'document')} changed readers{held}")
        for warning in result["warnings"]:
            noted(console, warning)

    show(result, as_json, people)


@access.command("audit")
@how_many
@with_json
@click.pass_obj
def audit(config: Path, limit: int | None, as_json: bool) -> None:
    """Whose readers changed, from what to what, when and by whom."""
    with opened(config) as r:
        uris = {state.key: state.uri for state in r.stores.documents.read()}
        lines = [{"uri": uris.get(line["document_key"]), **line} for line in reversed(r.stores.audit.read())]
    rows = [
        (when(e["at"]), e["uri"] or e["document_key"][:12], _readers(e["before"]), _readers(e["after"]), e["actor"])
        for e in lines
    ]
    columns = ["at (UTC)", "document", "before", "after", "by"]

    def people(console: SafeConsole) -> None:
        if rows:
            print_newest(console, columns, rows, limit)
        else:
            console.print("nobody's readers changed")

    show({"entries": lines[:limit]}, as_json, people)


def _readers(tags: list[str]) -> str:
    return ", ".join(tags) or "nobody"
