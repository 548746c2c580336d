"""The command that erases a document."""

from __future__ import annotations

from pathlib import Path

import click

from cli.answers import as_json as answer
from cli.console import show
from cli.launch import changing
from cli.main import with_json
from cli.safe_console import SafeConsole
from cli.tables import table
from pipeline.erasure import forgetting
from sluice.display import counted


@click.command()
@click.argument("uri")
@click.option("--source", metavar="NAME", help="Which source's document, where several have one of this uri.")
@click.option("--undo", is_flag=True, help="Let a forgotten document come back with the next run.")
@with_json
@click.pass_obj
def forget(config: Path, uri: str, source: str | None, undo: bool, as_json: bool) -> None:
    """Erase the document URI: bytes, versions, vectors, every collection, every experiment; and prove it.

    It stays away while its source still lists it: only its key, a hash, is remembered. The source itself is not touched.
    """
    with changing(config, "forget") as (r, run):
        done = forgetting.allow_again(r, run, uri, source) if undo else forgetting.forget(r, run, uri, source)
    result = answer(done)

    def people(console: SafeConsole) -> None:
        if undo:
            console.print(f"{uri} may come back: the next run takes it in if its source lists it", markup=False)
            return
        rows = [(what, sum(n.values()) if isinstance(n, dict) else n) for what, n in result["erased"].items()]
        console.print(table(f"{uri} is erased", ["what", "#count"], rows))
        proof = result["proof"]
        console.print(
            f"nothing of it is left: {counted(proof['collections'], 'collection')} scanned, "
            f"{counted(proof['searches'], 'search')} made"
        )
        for told in result["elsewhere"]:
            console.prose(f"{told} (may hold its name, and is not erased from here)", "elsewhere: ")
        if result["shared"]:
            console.print(f"{counted(result['shared'], 'content is', 'contents are')} also in other documents, and stay")

    show(result, as_json, people)
