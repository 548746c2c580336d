"""The schedules of one configuration, run on this machine by Prefect."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import Any

from prefect.runner import Runner
from prefect.schedules import Cron
from rich.console import Console

from flows import deployed, telling
from sluice.settings import Settings


def serve(settings: Settings) -> None:
    """Serve `nightly-reindex` and `access-sync` (on their crons) and `backfill` (on demand) until interrupted."""
    os.environ[telling.SERVED_BY] = str(os.getpid())  # runs are our children, and end with us
    with suppress(KeyboardInterrupt):
        asyncio.run(_until_interrupted(settings))


async def _until_interrupted(settings: Settings) -> None:
    """Register and poll. SIGINT or SIGTERM, whenever it comes, ends this in good order; a second SIGINT does at once.

    Prefect's own handlers begin only when it polls, and a signal that comes while it registers is lost to them.
    """
    loop, serving = asyncio.get_running_loop(), asyncio.create_task(_register_and_poll(settings))

    def stop() -> None:
        if not serving.cancelling():
            loop.remove_signal_handler(signal.SIGINT)
            serving.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await serving


async def _register_and_poll(settings: Settings) -> None:
    config, schedule = str(settings.path), settings.schedule
    runner = _Runner(name=f"sluice serve {settings.index}", pause_on_shutdown=True)
    for flow, name, cron in (
        (deployed.run, "nightly-reindex", schedule.cron),
        (deployed.access_sync, "access-sync", schedule.access_cron),
        (deployed.backfill, "backfill", None),
    ):
        deployment: Any = await flow.ato_deployment(
            name=f"{name}-{settings.index}",
            parameters={"config": config},
            schedule=Cron(cron, timezone=schedule.timezone) if cron else None,
        )
        await runner.aadd_deployment(deployment)
        Console(stderr=True).print(f"serving {deployment.full_name}: {f'{cron} ({schedule.timezone})' if cron else 'on demand'}")
    await runner.start()


class _Runner(Runner):
    """Prefect's runner, which leaves SIGTERM to `_until_interrupted`: the loop hears of a signal whatever its handler does."""

    def handle_sigterm(self, *args: Any, **kwargs: Any) -> None:
        pass
