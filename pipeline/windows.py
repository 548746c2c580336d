"""Until when a run may begin work, and what it may spend: it stops at a partition's end, keeps what it has, and says so.

What was fetched, parsed and embedded stays, so the next run goes on from there and embeds nothing twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Generic, NamedTuple
from zoneinfo import ZoneInfo

from pipeline.executors import P, R
from pipeline.resources import Resources
from sluice.errors import ConfigurationError
from sluice.schedules import moment, time_zone

if TYPE_CHECKING:
    from pipeline.runs import Run


class Stopped(Exception):
    """A run stops here, on purpose, and keeps what it has; `reason` says why, and what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def end_of(until: str | None, now: datetime, timezone: str, *, said: str = "--until") -> datetime | None:
    """The moment that `06:00` (the next time that it is) or an ISO 8601 time means. ConfigurationError for anything else."""
    if until is None:
        return None
    try:
        time_zone(timezone)
    except ValueError as error:
        raise ConfigurationError(f"schedule.timezone: {error}", hint="name one of the IANA database") from None
    try:
        return moment(until, now, ZoneInfo(timezone))
    except ValueError:
        raise ConfigurationError(f"{said} '{until}' is not a time", hint="write 06:00, or 2026-11-26T06:00") from None


@dataclass(frozen=True, slots=True)
class Within(Generic[P, R]):
    """A function over partitions that is not begun any more once the time is over. Pickles."""

    function: Callable[[Resources, P], R]
    until: float

    @property
    def __name__(self) -> str:
        name: str = self.function.__name__
        return name

    def __call__(self, r: Resources, part: P) -> R | NotBegun[P]:
        return self.function(r, part) if time.time() < self.until else NotBegun(part)


@dataclass(frozen=True, slots=True)
class NotBegun(Generic[P]):
    """What is there in the place of an answer when the time was over."""

    part: P


class Mapped(NamedTuple, Generic[P, R]):
    """What the function gave for the partitions that were done; those that were not begun, and why."""

    done: list[R]
    left: list[P]
    stopped: str | None


def mapped(r: Resources, run: Run, function: Callable[[Resources, P], R], parts: Sequence[P]) -> Mapped[P, R]:
    """Do the partitions in their order, as many as there is time for."""
    if run.until is None:
        return Mapped(list(run.executor.map(function, parts, r)), [], None)
    within: Callable[[Resources, P], R | NotBegun[P]] = Within(function, run.until.timestamp())
    done, left = list[R](), list[P]()
    for answer in run.executor.map(within, parts, r):
        if isinstance(answer, NotBegun):
            left.append(answer.part)
        else:
            done.append(answer)
    return Mapped(done, left, over(run) if left else None)


def over(run: Run) -> str:
    """What is said of a run whose time is over."""
    return f"its time was over at {run.until:%Y-%m-%d %H:%M %Z}; what it did is kept, and the next run goes on from there"


def still_time(r: Resources, run: Run) -> None:
    """Raise Stopped when the run's time is over."""
    if run.until is not None and time.time() >= run.until.timestamp():
        raise Stopped(over(run))
