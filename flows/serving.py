"""The schedules of one configuration, run on this machine by Prefect."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.deployments.flow_runs import arun_deployment
from prefect.flows import Flow
from prefect.runner import Runner
from prefect.schedules import Cron
from prefect.server.schemas.schedules import CronSchedule
from rich.console import Console

from flows import deployed, telling
from pipeline.resources import shared, utc_now
from sluice import interrupts
from sluice.settings import Settings


def serve(settings: Settings) -> None:
    """Serve every flow of the configuration, on its cron or on demand, until interrupted; a night that was missed first."""
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
            signal.signal(signal.SIGINT, interrupts.at_once)
            serving.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await serving


async def _register_and_poll(settings: Settings) -> None:
    schedule, missed = settings.schedule, await _missed(settings)
    runner = _Runner(name=f"sluice serve {settings.index}", pause_on_shutdown=True)
    for flow, name, cron, parameters in _deployments(settings):
        deployment: Any = await flow.ato_deployment(
            name=f"{name}-{settings.index}",
            parameters=parameters,
            schedule=Cron(cron, timezone=schedule.timezone) if cron else None,
            concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=_STRATEGY[name]) if name in _STRATEGY else None,
        )
        await runner.aadd_deployment(deployment)
        Console(stderr=True).print(f"serving {deployment.full_name}: {f'{cron} ({schedule.timezone})' if cron else 'on demand'}")
        if name == "nightly-reindex" and missed is not None:
            Console(stderr=True).print(f"the run of {missed:%Y-%m-%d %H:%M %Z} was missed: it begins now")
            await arun_deployment(deployment.full_name, timeout=0, as_subflow=False)
    await runner.start()


def _deployments(settings: Settings) -> Iterator[tuple[Flow[..., Any], str, str | None, dict[str, Any]]]:
    """Each flow that is served: its deployment's name, its cron, its parameters."""
    config, schedule = {"config": str(settings.path)}, settings.schedule
    yield deployed.run, "nightly-reindex", schedule.cron, {**config, "until": schedule.until}
    yield deployed.access_sync, "access-sync", schedule.access_cron, config
    yield deployed.backfill, "backfill", None, config
    yield deployed.gc, "gc", schedule.gc_cron, config
    yield deployed.golden_check, "golden-check", schedule.golden_cron, config
    yield deployed.compare, "compare", None, {}


_STRATEGY: dict[str, Any] = {"nightly-reindex": "CANCEL_NEW", "access-sync": "CANCEL_NEW", "backfill": "ENQUEUE", "gc": "ENQUEUE"}
"""What becomes of a run while one of the same kind is on: tonight's is enough of a reindex; no backfill is lost."""


async def _missed(settings: Settings) -> datetime | None:
    """The last time that the nightly run was due, when no run began since; None where none ever ran."""
    if not settings.schedule.catch_up:
        return None
    with shared(str(settings.path)) as r:
        began = [run["started"] for run in r.stores.runs.read() if run.get("command") == "run"]
    if not began:
        return None
    cron, now = CronSchedule(cron=settings.schedule.cron, timezone=settings.schedule.timezone), utc_now()
    due = await cron.get_dates(start=now - timedelta(days=32), end=now)
    return due[-1] if due and due[-1] > datetime.fromisoformat(max(began)) else None


class _Runner(Runner):
    """Prefect's runner, which leaves SIGTERM to `_until_interrupted`: the loop hears of a signal whatever its handler does."""

    def handle_sigterm(self, *args: Any, **kwargs: Any) -> None:
        pass
