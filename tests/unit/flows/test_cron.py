"""What the configuration calls a cron expression, against what Prefect will read when it serves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sluice.schedules import SHORTHANDS, cron, time_zone

WORDS = [
    *["*", "*/5", "*/0", "0", "1", "5", "7", "12", "23", "24", "31", "32", "59", "60", "1-5", "5-1", "9-17/2", "1,15", "10/5"],
    *["mon", "MON-FRI", "tue#2", "2#2", "tue#6", "l5", "L", "?", "jan", "jan-mar", "xyz", "-1", "1-", "a-b", "1.5", "", "1,,2"],
    *["sat-sun", "fri-mon/2", "mon,tue#2", "l", "1-l", "1/2/3", "mon-fri#2", "dec-jan", "2026", "2026-2030"],
]


def prefects(expression: str, timezone: str = "UTC") -> str | None:
    """The time zone of Prefect's schedule, which is imported when first asked: collecting tests is to cost nobody Prefect."""
    from prefect.server.schemas.schedules import CronSchedule

    return CronSchedule(cron=expression, timezone=timezone).timezone


def prefect_takes(expression: str) -> bool:
    try:
        prefects(expression)
    except ValidationError:
        return False
    return True


def prefect_comes(expression: str) -> bool:
    """Whether Prefect finds a time for it."""
    from prefect.server.schemas.schedules import CronSchedule

    try:
        return bool(asyncio.run(CronSchedule(cron=expression).get_dates(1, start=datetime(2026, 11, 1, tzinfo=UTC))))
    except Exception:  # its cron library's own
        return False


def taken(expression: str) -> bool:
    try:
        return cron(expression) == expression
    except ValueError:
        return False


def said_of(expression: str) -> str:
    try:
        return cron(expression)
    except ValueError as error:
        return str(error)


@settings(deadline=None)  # the first example imports Prefect
@given(st.lists(st.sampled_from(WORDS), min_size=3, max_size=8).map(" ".join))
def test_what_is_taken_prefect_takes_and_what_is_refused_it_refuses(expression: str) -> None:
    """Of expressions of five fields; in longer ones a zero stands for the first day, to Prefect alone."""
    if taken(expression):
        assert prefect_takes(expression)
    elif len(expression.split()) == 5:
        assert not prefect_takes(expression) or "never comes" in said_of(expression)


@settings(deadline=None)
@given(st.integers(0, 4), st.sampled_from(WORDS))
def test_each_field_alone_is_taken_as_prefect_takes_it(number: int, word: str) -> None:
    """Every word in every field, the others free."""
    expression = " ".join(word if each == number else "*" for each in range(5))
    assert taken(expression) == prefect_takes(expression)


def test_the_shorthands_are_prefect_s() -> None:
    """Each is taken by both; random and hashed expressions by neither."""
    assert all(taken(word) and prefect_takes(word) for word in SHORTHANDS)
    assert not any(taken(word) or prefect_takes(word) for word in ("@reboot", "R * * * *", "H * * * *"))


def test_a_time_zone_is_one_that_prefect_knows() -> None:
    """By the names of the IANA database."""
    for name in ("Europe/Berlin", "UTC", "America/New_York"):
        assert prefects("* * * * *", time_zone(name)) == name


@pytest.mark.parametrize(
    "never",
    [
        "0 0 30 2 *",
        "0 0 31 4,6,9,nov *",
        "0 0 31 feb ?",
        "0 0 30,31 2 *",
        "0 0 31/2 2 *",
        "0 0 30 2 * 0",
        "0 0 30 2 1",
        "0 0 30 2 mon-sun",
        "0 0 31 4 */2",
        "0 0 29 2 * 0 2027",
    ],
)
def test_a_day_that_no_month_has_is_refused(never: str) -> None:
    """Nobody would wait for it: the message names the day and the month. Prefect finds no time for any of them either, whatever
    the day of the week says."""
    assert "never comes: no month" in said_of(never)
    assert "31/2" in never or not prefect_comes(never)  # its library takes a step from the last day for every day


@pytest.mark.parametrize(
    "some",
    ["0 0 29 2 *", "0 0 29 2 1", "0 0 l 2 *", "0 0 31 * *", "0 0 31 4,5 *", "0 0 31 nov-jan *", "0 0 */30 2 *", "0 0 31 */2 *"],
)
def test_a_day_that_some_month_has_is_taken(some: str) -> None:
    """Leap years too."""
    assert taken(some)
    assert prefect_comes(some)
