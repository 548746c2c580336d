"""Commands about versions: what there is, what one is made of, how two differ, what can go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console

from cli.console import measured, plain, reasons, show, table, when
from cli.launch import opened
from cli.main import with_json
from indexing.releases import manifest


@click.group(invoke_without_command=True)
@with_json
@click.pass_context
def releases(ctx: click.Context, as_json: bool) -> None:
    """List the releases of an index; `show` and `diff` look closer."""
    if ctx.invoked_subcommand is not None:
        return
    with opened(ctx.obj, "releases") as w:
        found, live = w.releases.all(), w.releases.live()
    listed = [{**manifest(r), "live": live is not None and r.id == live.id} for r in reversed(found)]
    rows = [
        (r["id"], "live" if r["live"] else r["state"], r["documents"], r["chunks"], when(r["created"]), r["held"] or "")
        for r in listed
    ]
    short = ("id", "state", "live", "fingerprint", "access_root", "documents", "chunks", "created", "held", "removed", "pinned")
    show(
        {"releases": [{key: r[key] for key in short} for r in listed]},
        as_json,
        lambda console: console.print(
            table("", ["release", "state", "#documents", "#chunks", "created (UTC)", "held"], rows)
            if rows
            else "no release yet: sluice run makes the first"
        ),
    )


@releases.command("show")
@click.argument("release")
@with_json
@click.pass_obj
def show_release(config: Path, release: str, as_json: bool) -> None:
    """The manifest of RELEASE: fingerprints, counts, verdicts, states with times and actors; and where its page lies."""
    from pipeline import steps

    with opened(config, "releases") as w:
        held, live = w.releases.get(release), w.releases.live()
        page = steps.report_path(w, held)
        report = str(page) if page.exists() else None
        found = manifest(held) | {"live": live is not None and live.id == held.id, "report": report}

    def people(console: Console) -> None:
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
            "report",
        )
        console.print(table("", ["", ""], [(key, found[key]) for key in keys if found[key] not in ("", None)]))
        rows = [
            (stage, c["seen"], c["kept"], c["unchanged"], reasons(c["dropped"]), reasons(c["failed"]))
            for stage, c in found["counts"].items()
        ]
        console.print(table("counts", ["stage", "#seen", "#kept", "#unchanged", "dropped", "failed"], rows))
        console.print(
            table("history", ["state", "at (UTC)", "by"], [(t["state"], when(t["at"]), t["actor"]) for t in found["history"]])
        )
        judged = [(v["gate"], "pass" if v["passed"] else "FAIL", v["reason"]) for v in found["verdicts"]]
        console.print(table("verdicts", ["gate", "", "reason"], judged))
        measured(console, found["verdicts"])

    show(found, as_json, people)


@releases.command("pin")
@click.argument("release")
@with_json
@click.pass_obj
def pin(config: Path, release: str, as_json: bool) -> None:
    """Keep RELEASE for good: neither retention nor a newer build removes it."""
    _pin(config, release, True, as_json)


@releases.command("unpin")
@click.argument("release")
@with_json
@click.pass_obj
def unpin(config: Path, release: str, as_json: bool) -> None:
    """Let retention decide about RELEASE again."""
    _pin(config, release, False, as_json)


def _pin(config: Path, release: str, pinned: bool, as_json: bool) -> None:
    with opened(config, "releases pin") as w, w.lease("releases pin"):
        found = w.releases.pin(release, pinned=pinned)
    says = "is kept for good" if pinned else "is subject to retention again"
    show({"release": found.id, "pinned": found.pinned}, as_json, lambda console: console.print(f"release {found.id} {says}"))


@releases.command("diff")
@click.argument("a")
@click.argument("b")
@with_json
@click.pass_obj
def diff(config: Path, a: str, b: str, as_json: bool) -> None:
    """What changed from release A to release B: documents added, changed, removed; counts; configuration."""
    with opened(config, "releases") as w:
        old, new = w.releases.get(a), w.releases.get(b)
        held = [
            {
                p.payload["document_key"]: p.payload
                for p in w.stores.qdrant.scan(r.collection, ["document_key", "version", "uri", "source"])
            }
            for r in (old, new)
        ]
    before, after = held
    changes = {
        "added": sorted(after[k]["uri"] for k in after.keys() - before.keys()),
        "removed": sorted(before[k]["uri"] for k in before.keys() - after.keys()),
        "changed": sorted(after[k]["uri"] for k in after.keys() & before.keys() if after[k]["version"] != before[k]["version"]),
    }
    result: dict[str, Any] = {
        "a": a,
        "b": b,
        **changes,
        "counts": {name: [getattr(old, name), getattr(new, name)] for name in ("documents", "chunks", "tokens")},
        "configuration": _differences(plain(old.configuration), plain(new.configuration)),
    }

    def people(console: Console) -> None:
        rows = [(kind, uri) for kind in ("added", "changed", "removed") for uri in changes[kind]]
        console.print(table(f"{a} → {b}", ["", "document"], rows) if rows else "the same documents")
        console.print(table("", ["", "#a", "#b"], [(name, *pair) for name, pair in result["counts"].items()]))
        if result["configuration"]:
            console.print(table("configuration", ["key", "a", "b"], [(k, *pair) for k, pair in result["configuration"].items()]))

    show(result, as_json, people)


def _differences(a: Any, b: Any, path: str = "") -> dict[str, list[Any]]:
    if isinstance(a, dict) and isinstance(b, dict):
        found: dict[str, list[Any]] = {}
        for key in sorted({*a, *b}):
            found |= _differences(a.get(key), b.get(key), f"{path}.{key}" if path else key)
        return found
    return {} if a == b else {path: [a, b]}


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would go and change nothing.")
@with_json
@click.pass_obj
def gc(config: Path, dry_run: bool, as_json: bool) -> None:
    """Remove what no release needs: collections beyond retention, orphans, old versions, bytes and vectors."""
    from pipeline import steps

    with opened(config, "gc") as w, w.lease("gc"):
        removed = steps.collect_garbage(w, dry_run=dry_run)
    rows = [(kind, len(names), ", ".join(names[:3]) + ("…" if len(names) > 3 else "")) for kind, names in removed.items()]
    show(
        {"dry_run": dry_run, "removed": {kind: len(names) for kind, names in removed.items()}},
        as_json,
        lambda console: console.print(table("would remove" if dry_run else "removed", ["kind", "#count", "which"], rows)),
    )
