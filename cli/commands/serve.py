"""`sluice serve`: the schedules, on this machine, with no server to install."""

from __future__ import annotations

from pathlib import Path

import click

from flows import answering, own_server
from pipeline import prefect_environment
from sluice.errors import IndexBusy
from sluice.settings import Settings, load
from stores.locks import FileLock


@click.command()
@click.pass_obj
def serve(config: Path) -> None:
    """Run the schedules of this configuration on this machine until interrupted: the nightly run, and backfills on demand.

    Starts a Prefect server of its own unless PREFECT_API_URL names one.
    """
    settings = load(config)
    with FileLock(settings.state_dir / "serve.lock") as alone:
        if not alone.acquire():
            raise IndexBusy(
                f"another `sluice serve` runs the schedules of index '{settings.index}' on this machine",
                hint="stop that one first: of two, the one that ends pauses the schedules of both",
            )
        _serve(settings)


def _serve(settings: Settings) -> None:
    prefect_environment.prepare(settings.state_dir)
    answering.reach()
    with own_server.running(settings.state_dir):
        from flows import serving  # only now: see own_server

        serving.serve(settings)
