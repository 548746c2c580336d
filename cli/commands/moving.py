"""`sluice export` and `sluice import`: a release as Parquet."""

from __future__ import annotations

from pathlib import Path

import click

from cli.completing import release_ids
from cli.console import for_people, report, show
from cli.launch import changing, opened
from cli.main import with_json
from cli.writing import writing
from pipeline.operations import moving
from sluice.display import counted
from sluice.plain import plain


@click.command("export")
@click.argument("release", shell_complete=release_ids)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@with_json
@click.pass_obj
def export(config: Path, release: str, folder: Path, as_json: bool) -> None:
    """Write a release into a folder: its points as Parquet, its manifest, and the documents that it was made of.

    Access tags are in it, and so are texts that only some may read: keep the folder as you keep the index.
    """
    with writing(folder, makes_folders=True), opened(config) as r:
        found = moving.export(r, release, folder)
    told = {key: value for key, value in plain(found).items() if key not in ("run", "warnings")}
    held = f"{counted(found.documents, 'document')} and {counted(found.chunks, 'chunk')}"
    said = f"{held} in {found.folder} ({found.bytes / 1e6:.1f} MB)"
    show(told, as_json, lambda console: console.print(said, markup=False))


@click.command("import")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@with_json
@click.pass_obj
def import_(config: Path, folder: Path, as_json: bool) -> None:
    """Take an exported release into this index, checked against its fingerprint; it is staged, and `promote` makes it live.

    The index must be empty. Nothing is fetched, parsed or embedded.
    What comes of it must have the fingerprint and the chunks that were exported.
    """
    with changing(config, "import") as (r, run):
        result = moving.import_(r, run, folder)
    report(result, as_json)
    if not as_json and result.release:
        was = moving.exported_id(folder)
        for_people().prose(f"was {was}, is {result.release}; next: sluice promote {result.release}")
