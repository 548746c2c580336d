"""`sluice trace`: where a chunk or a document comes from, and where it stands."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from cli.completing import release_ids
from cli.console import show, when
from cli.launch import opened
from cli.main import with_json
from cli.safe_console import SafeConsole
from cli.tables import table
from pipeline.reading import tracing
from sluice.display import counted
from sluice.plain import plain
from sluice.recipe import in_use


@click.command()
@click.argument("asked", metavar="CHUNK|URI")
@click.option("--release", metavar="ID", shell_complete=release_ids, help="In this release; default: the live one.")
@click.option("--source", metavar="NAME", help="For a uri that two sources have.")
@with_json
@click.pass_obj
def trace(config: Path, asked: str, release: str | None, source: str | None, as_json: bool) -> None:
    """From a chunk or a document to the bytes it came from, its run, release and recipe; its state in every stage.

    A chunk by its id, a document by its uri. The first line says where the document stands in every stage, and who may read it.
    """
    with opened(config) as r:
        found = tracing.trace(r, asked, release_id=release, source=source)

    def people(console: SafeConsole) -> None:
        console.prose(found.line)
        if found.status.why:
            console.prose(found.status.why, "why: ")
        rows: list[tuple[str, object]] = []
        if found.chunk is not None:
            c = found.chunk
            holds = {True: "as it stands in the version", False: "NOT what stands in the version", None: "version not kept"}
            rows += [("chunk", c.chunk), ("offsets", f"{c.start}–{c.end}, {holds[c.offsets_hold]}")]
            rows += [("page", c.page)] if c.page is not None else []
            rows += [("under", " › ".join(c.heading_path))] if c.heading_path else []
        rows += [
            (
                "version",
                f"{(found.served_version or found.version)[:12] or '–'}, parsed by {found.parse_fingerprint[:12] or '–'}",
            ),
            ("bytes", f"{found.content_hash[:12] or '–'}, {_size(found.bytes_kept)}"),
            ("source", f"{found.source}, fetched {when(found.fetched)} UTC"),
            *([("run", found.run), ("release", f"{found.release}, {_went_live(found.went_live)}")] if found.release else []),
            ("readers", ", ".join(found.access_tags) or "nobody"),
        ]
        for name in ("chunking", "embedding", "search"):
            if name in found.recipe:
                made = in_use(found.recipe[name]) if name == "search" else found.recipe[name]
                rows.append((name, " · ".join(f"{k.replace('_', ' ')} {v}" for k, v in made.items() if v not in (None, "", 0))))
        rows += [
            ("quarantine", f"{e['stage']}: {e['reason']}: {e['error']} ({counted(e['attempts'], 'time')})")
            for e in found.quarantine
        ]
        console.print(table("", ["", ""], rows))

    show(plain(found), as_json, people)


def _went_live(at: datetime | None) -> str:
    return f"went live {when(at)} UTC" if at is not None else "never live"


def _size(kept: int | None) -> str:
    return "not kept" if kept is None else counted(kept, "byte")
