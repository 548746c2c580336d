"""Commands about versions: what there is, what one is made of, how two differ, what can go.

A command imports what it alone needs itself: the list, which is asked for most, waits for none of it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import yaml

from cli.answers import as_json as answer
from cli.completing import release_ids
from cli.console import noted, reasons, show, when
from cli.launch import changing, opened
from cli.main import WholeGroup, with_json
from cli.safe_console import SafeConsole
from cli.tables import table
from indexing.releases import manifest
from sluice.plain import plain
from sluice.releases import held_until


@click.group(cls=WholeGroup, invoke_without_command=True)
@with_json
@click.pass_context
def releases(ctx: click.Context, as_json: bool) -> None:
    """List the releases of an index; `show` and `diff` look closer."""
    if ctx.invoked_subcommand is not None:
        return
    with opened(ctx.obj) as r:
        found, live = r.releases.all(), r.releases.live()
    listed = [
        {**manifest(one), "live": live is not None and one.id == live.id, "forced": list(one.judged.get("overruled") or ())}
        for one in reversed(found)
    ]
    rows = [(r["id"], _state(r), r["documents"], r["chunks"], when(r["created"])) for r in listed]
    short = (
        "id",
        "state",
        "live",
        "fingerprint",
        "access_root",
        "documents",
        "chunks",
        "created",
        "held",
        "removed",
        "pinned",
        "forced",
    )

    def people(console: SafeConsole) -> None:
        if not rows:
            console.print("no release yet: sluice run makes the first")
            return
        console.print(table("", ["release", "state", "#documents", "#chunks", "created (UTC)"], rows))
        if held := next((r for r in listed if r["held"]), None):
            console.prose(held_until(held["id"], rejected=held["state"] == "rejected"), "held: ")

    show({"releases": [{key: r[key] for key in short} for r in listed]}, as_json, people)


def _state(release: dict[str, Any]) -> str:
    """What a release is, and what happened to it: pinned ones stay, of removed ones only the manifest is left, some were
    forced over a gate."""
    state = "live" if release["live"] else release["state"]
    marks = [mark for mark in ("held", "pinned", "removed") if release[mark]]
    marks += [f"forced over {', '.join(release['forced'])}"] if release["forced"] else []
    return ", ".join([state, *marks])


@releases.command("show")
@click.argument("release", shell_complete=release_ids)
@with_json
@click.pass_obj
def show_release(config: Path, release: str, as_json: bool) -> None:
    """The manifest of RELEASE: fingerprints, counts, verdicts, states with times and actors; and where its page lies."""
    from cli.evidence import show_evidence
    from pipeline.naming import named
    from pipeline.steps.judgement import report_path

    with opened(config) as r:
        held, live = named(r, release), r.releases.live()
        page = report_path(r, held)
        report = str(page) if page.exists() else None
        found = manifest(held) | {"live": live is not None and live.id == held.id, "report": report}

    def people(console: SafeConsole) -> None:
        keys = (
            "id",
            "state",
            "collection",
            "fingerprint",
            "access_root",
            "documents",
            "chunks",
            "tokens",
            "embedded",
            "cached",
            "held",
        )
        told = found | {"state": "live"} if found["live"] else found
        console.print(table("", ["", ""], [(key.replace("_", " "), told[key]) for key in keys if told[key] not in ("", None)]))
        if found["held"]:
            console.prose(held.held_until, "held: ")
        if report is not None:
            console.prose(report, "report  ", "bold")
        rows = [
            (stage, c["seen"], c["kept"], c["unchanged"], reasons(c["dropped"]), reasons(c["failed"]))
            for stage, c in found["counts"].items()
        ]
        console.print(table("counts", ["stage", "#seen", "#kept", "#unchanged", "dropped", "failed"], rows))
        console.print(
            table("history", ["state", "at (UTC)", "by"], [(t["state"], when(t["at"]), t["actor"]) for t in found["history"]])
        )
        if overruled := found["judged"].get("overruled"):
            console.prose(
                f"over {', '.join(overruled)} by {found['judged']['actor']} at {when(found['judged']['at'])} UTC", "forced: "
            )
        judged = [(v["gate"], "pass" if v["passed"] else "FAIL", v["reason"]) for v in found["verdicts"]]
        console.print(table("verdicts", ["gate", "", "reason"], judged))
        show_evidence(console, found["verdicts"])

    show(found, as_json, people)


@releases.command("pin")
@click.argument("release", shell_complete=release_ids)
@with_json
@click.pass_obj
def pin(config: Path, release: str, as_json: bool) -> None:
    """Keep RELEASE for good: neither retention nor a newer build removes it."""
    _pin(config, release, True, as_json)


@releases.command("unpin")
@click.argument("release", shell_complete=release_ids)
@with_json
@click.pass_obj
def unpin(config: Path, release: str, as_json: bool) -> None:
    """Let retention decide about RELEASE again."""
    _pin(config, release, False, as_json)


def _pin(config: Path, release: str, pinned: bool, as_json: bool) -> None:
    from pipeline.operations import going_live

    with changing(config, "releases pin") as (r, run):
        found = going_live.pin(r, run, release, pinned=pinned)
    says = "is kept for good" if pinned else "is subject to retention again"
    show(answer(found), as_json, lambda console: console.print(f"release {found.release} {says}"))


@releases.command("diff")
@click.argument("a", shell_complete=release_ids)
@click.argument("b", shell_complete=release_ids)
@with_json
@click.pass_obj
def diff(config: Path, a: str, b: str, as_json: bool) -> None:
    """What changed from release A to release B: documents added, changed, removed; counts; configuration."""
    from pipeline.reading.differing import difference

    with opened(config) as r:
        result: dict[str, Any] = plain(difference(r, a, b))

    def people(console: SafeConsole) -> None:
        rows = [(kind, uri) for kind in ("added", "changed", "removed") for uri in result[kind]]
        console.print(table(f"{result['a']} → {result['b']}", ["", "document"], rows) if rows else "the same documents")
        console.print(table("", ["", "#a", "#b"], [(name, *pair) for name, pair in result["counts"].items()]))
        if result["configuration"]:
            console.print(
                table(
                    "configuration", ["key", "a", "b"], [(k, *map(_written, pair)) for k, pair in result["configuration"].items()]
                )
            )

    show(result, as_json, people)


def _written(value: Any) -> str:
    """A value of the configuration as its file would say it; empty where the key is not there."""
    if value is None or isinstance(value, str | int | float):
        return "" if value is None else str(value)
    return str(yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True)).strip()


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would go and change nothing.")
@with_json
@click.pass_obj
def gc(config: Path, dry_run: bool, as_json: bool) -> None:
    """Remove what no release needs: collections beyond retention, orphans, old versions, bytes and vectors."""
    from pipeline.operations.collecting import collect_garbage, would_collect

    if dry_run:
        with opened(config) as r:
            found = would_collect(r)
    else:
        with changing(config, "gc") as (r, run):
            found = collect_garbage(r, run)
    rows = [
        (kind, len(names), ", ".join(map(_short, names[:3])) + (" …" if len(names) > 3 else ""))
        for kind, names in found.removed.items()
    ]

    def people(console: SafeConsole) -> None:
        console.print(table("would remove" if dry_run else "removed", ["kind", "#count", "which"], rows))
        for warning in found.warnings:
            noted(console, warning)

    show(answer(found), as_json, people)


def _short(name: str) -> str:
    """A hash by its first letters; a name as it is. `releases` and `--json` have them whole."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{20,}\b", r"\1", name)
