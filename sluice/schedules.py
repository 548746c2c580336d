"""When something runs by itself, as a configuration writes it: cron expressions, time zones, ends of a night.

Prefect reads them when it serves, much later than somebody wrote them; a wrong one is to be found by whatever reads the
configuration, without Prefect. What is accepted here Prefect accepts (tests/unit/flows/test_cron.py holds the two against each
other); what it accepts beyond that are random expressions, which it means to refuse, zeros for days in expressions of six
fields, and days that never come (30 February).
"""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sluice.display import counted

SHORTHANDS = ("@midnight", "@hourly", "@daily", "@weekly", "@monthly", "@yearly", "@annually")
_MONTHS = {
    name: n for n, name in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1)
}
_DAYS = {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}


class _Field(NamedTuple):
    name: str
    least: int
    most: int
    names: Mapping[str, int] = {}


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 6, _DAYS),
    _Field("second", 0, 59),
    _Field("year", 1970, 2099),
)
_DAY, _WEEKDAY = _FIELDS[2], _FIELDS[4]
_LENGTHS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""Days of each month, in a leap year."""

_NTH = re.compile(r"(?:(?:[a-z]{3}-)?[a-z]{3}|\d)#[1-5]|l[0-7]")
"""The second Tuesday (`tue#2`, `2#2`), the last Friday (`l5`)."""


def cron(value: str) -> str:
    """A cron expression as it was written; ValueError says which of its fields is wrong, and what there may be."""
    fields = value.lower().split()
    if value.lower() in SHORTHANDS:
        return value
    if len(fields) not in (5, 6, 7):
        raise ValueError(
            f"'{value}' is no cron expression: it has {counted(len(fields), 'field')}, and needs 5 "
            "(minute, hour, day of the month, month, day of the week), e.g. '0 2 * * *' for 02:00 every night"
        )
    for field, written in zip(_FIELDS, fields, strict=False):
        if (wrong := _wrong(field, written, sunday_is_seven=len(fields) == 5)) is not None:
            names = f" or {', '.join(field.names)}" if field.names else ""
            raise ValueError(
                f"'{value}' is no cron expression: its {field.name} is '{written}', in which {wrong}; "
                f"it takes {field.least} to {field.most}{names}, *, lists (1,2), ranges (1-5) and steps (*/5)"
            )
    if _never(fields[2], fields[3], fields[6] if len(fields) == 7 else "*"):
        raise ValueError(f"'{value}' never comes: no month '{fields[3]}' has a day '{fields[2]}'")
    return value


def _never(day: str, month: str, year: str) -> bool:
    """Whether a day of the month stands in none of the months.

    A day of the week beside it, by which cron would come nonetheless, does not help: Prefect finds no time at all for it then.
    """
    if day in ("*", "?") or "l" in day:
        return False
    leap = any(isleap(number) for item in year.split(",") for number in _numbers(item, _FIELDS[6]))
    lengths = (*_LENGTHS[:2], 29 if leap else 28, *_LENGTHS[3:])
    longest = max(lengths[number] for item in month.split(",") for number in _numbers(item, _FIELDS[3]))
    return all(number > longest for item in day.split(",") for number in _numbers(item, _DAY))


def _numbers(item: str, field: _Field) -> list[int]:
    """The numbers that an item of a field stands for: `*`, `5`, `5/2`, `9-17/2`, `nov-feb`."""
    span, _, step = item.partition("/")
    low, ranged, high = span.partition("-")
    if span == "*":
        return list(range(field.least, field.most + 1, int(step or 1)))
    first = field.names.get(low) or int(low)
    last = (field.names.get(high) or int(high)) if ranged else field.most if step else first
    size = field.most - field.least + 1
    return [
        (number - field.least) % size + field.least
        for number in range(first, last + (size if last < first else 0) + 1, int(step or 1))
    ]


def _wrong(field: _Field, written: str, *, sunday_is_seven: bool) -> str | None:
    """What of a field is not to be understood; None where all of it is."""
    if written == "?" and field in (_DAY, _WEEKDAY):
        return None
    items = written.split(",")
    nth = [item for item in items if field is _WEEKDAY and _NTH.fullmatch(item)]
    if nth and len(nth) < len(items):
        return f"'{nth[0]}' stands beside plain days"
    for item in items:
        if item in nth:
            named = re.findall(r"[a-z]{3}", item)
            if any(name not in field.names for name in named) or (item[0].isdigit() and int(item[0]) > 6 + sunday_is_seven):
                return f"'{item}' is no day"
            if item == "l7" and not sunday_is_seven:
                return f"'{item}' is no day"
            continue
        if field is _DAY and item == "l":
            continue
        span, stepped, step = item.partition("/")
        if stepped and not (re.fullmatch(r"[0-9]+", step) and int(step) > 0):
            return f"the step '{step}' is not a whole number from 1"
        if span == "*":
            continue
        low, ranged, high = span.partition("-")
        for bound in [low, high] if ranged else [low]:
            if field is _DAY and ranged and bound is high and bound == "l":
                continue
            if re.fullmatch(r"[0-9]+", bound):
                most = field.most + (field is _WEEKDAY and sunday_is_seven)
                if not field.least <= int(bound) <= most:
                    return f"{bound} is out of range"
            elif bound not in field.names:
                return f"'{bound}' is not known"
    return None


def time_zone(name: str) -> str:
    """The name of a time zone; ValueError when there is none of that name."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError; a folder of the database an OSError
        raise ValueError(f"'{name}' is not a time zone; e.g. Europe/Berlin, or UTC") from None
    return name


def moment(until: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The moment that `06:00` (the next time that it is) or an ISO 8601 time means; ValueError for anything else."""
    if clock := re.fullmatch(r"(\d{1,2}):(\d{2})", until.strip()):
        here, hour, minute = now.astimezone(zone), int(clock.group(1)), int(clock.group(2))
        end = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return end if end > here else end + timedelta(days=1)
    found = datetime.fromisoformat(until)
    return found if found.tzinfo else found.replace(tzinfo=zone)
