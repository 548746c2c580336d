"""The command that shows how strategies cut a document."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from cli.console import show
from cli.launch import opened
from cli.main import with_json
from cli.tables import table
from cli.writing import writing
from evaluation.experiments import load_experiment
from pipeline.experiments import comparing, overlaying
from pipeline.experiments.variants import laboratory
from sluice.errors import ConfigurationError


@click.command()
@click.argument("experiment", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.argument("uris", metavar="[URI]...", nargs=-1)
@click.option(
    "--to", "file", type=click.Path(path_type=Path, dir_okay=False), help="The page; default: beside the experiments' records."
)
@with_json
def cuts(experiment: Path, uris: tuple[str, ...], file: Path | None, as_json: bool) -> None:
    """Show on one page how the strategies of EXPERIMENT cut documents: tokens, contexts, and golden quotes they break.

    Without a URI, the three documents whose quotes most strategies break. Nothing live is touched. The page holds words of
    the documents: it is its owner's alone.
    """
    settings = load_experiment(experiment)
    with writing(file, makes_folders=True), opened(settings.base), laboratory(str(settings.path)) as lab:
        lab.check()
        if not comparing.ingested(lab):
            raise ConfigurationError(
                f"{settings.base}: no document is ingested yet", hint=f"sluice --config {settings.base} ingest"
            )
        found = overlaying.overlays(lab, uris)
        page = overlaying.write(lab, file or lab.folder / f"{settings.name}-cuts.html", found)
        result = {"page": str(page), "documents": [each.as_json() for each in found]}

    def people(console: Console) -> None:
        for each in found:
            shown = each.as_json()
            rows = [
                (
                    s["name"],
                    s["chunks"],
                    s["tokens"].get("median", 0),
                    s["tokens"].get("max", 0),
                    ", ".join(s["broken"]) or "none",
                )
                for s in shown["strategies"]
            ]
            head = ["strategy", "#chunks", "#median tokens", "#most", "quotes broken"]
            console.print(table(f"{each.uri}: golden quotes: {shown['quotes']}", head, rows))
        console.print(f"page: {page}", markup=False, soft_wrap=True)

    show(result, as_json, people)
