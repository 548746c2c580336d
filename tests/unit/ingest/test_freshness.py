"""Time to live: whose word counts, from when it runs, and what the report says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from ingest.freshness import Lifetimes, freshness, last_change
from ingest.planning import expired
from sluice.records import DocumentState
from sluice.settings import SourceSettings

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def days(count: float) -> datetime:
    return NOW - timedelta(days=count)


def state(uri: str, modified: float | None = None, fetched: float = 0, **more: object) -> DocumentState:
    times = {"modified": None if modified is None else days(modified), "fetched": days(fetched), "first_seen": days(fetched)}
    return DocumentState(**{"key": uri, "source": "s", "uri": uri, "version": "v", **times, **more})  # type: ignore[arg-type]


def lifetimes(**keys: object) -> Lifetimes:
    return Lifetimes.of([SourceSettings.model_validate({"name": "s", "type": "files", **keys}, context={"base": Path()})])


@pytest.mark.parametrize(
    ("written", "meant"),
    [(30, 30), (0.5, 0.5), ("30d", 30), ("2w", 14), ("12h", 0.5), ("P30D", 30), ("PT36H", 1.5)],
)
def test_a_time_to_live_is_written_in_days_or_as_people_do(written: object, meant: float) -> None:
    """A number is days; letters and ISO 8601 say their unit."""
    assert lifetimes(ttl=written).rules["s"] == (("**", timedelta(days=meant)),)


@pytest.mark.parametrize("written", [0, -3, "soon", "30", True, "1y"])
def test_what_is_no_time_to_live_is_refused(written: object) -> None:
    """A mistyped time to live must not mean `for ever`, nor `at once`."""
    with pytest.raises(ValidationError):
        lifetimes(ttl=written)


def test_the_document_counts_before_the_rule_and_the_rule_before_the_source() -> None:
    """Front matter, then the first rule that matches, then the source's ttl, else for ever."""
    rules = lifetimes(ttl=365, ttl_rules=[{"match": "news/**", "ttl": "7d"}, {"match": "**/*.md", "ttl": 30}])
    assert rules.until(state("news/a.md", 1, expires=days(-100))) == days(-100)
    assert rules.until(state("news/a.md", 1)) == days(1 - 7)
    assert rules.until(state("a.md", 1)) == days(1 - 30)
    assert rules.until(state("a.txt", 1)) == days(1 - 365)
    assert Lifetimes().until(state("a.txt", 1)) is None
    assert rules.until(state("a.txt", 1, source="other")) is None


def test_it_runs_from_the_last_change_and_never_from_the_future() -> None:
    """The source's time of change; where it has none, or one to come, the time of the last fetch."""
    assert last_change(state("a", 9, fetched=2)) == days(9)
    assert last_change(state("a", None, fetched=2)) == days(2)
    assert last_change(state("a", -500, fetched=2)) == days(2)
    far = DocumentState("a", "s", "a", fetched=datetime.max.replace(tzinfo=UTC))
    assert lifetimes(ttl=30).until(far) is None


def test_a_document_expires_to_the_moment_and_lives_again_by_a_longer_rule() -> None:
    """At its end it is over; a raised ttl brings it back without its source; deleted ones stay deleted."""
    a, b = state("a", 30), state("b", 29.99)
    assert expired([a, b], NOW, lifetimes(ttl=30)) == [a]
    dead = lifetimes(ttl=30).aged(a, NOW)
    assert dead.status == "expired"
    assert lifetimes(ttl=60).aged(dead, NOW).status == "active"
    assert lifetimes(ttl=30).aged(dead, NOW) is dead
    gone = state("c", 1, status="deleted")
    assert lifetimes(ttl=60).aged(gone, NOW) is gone


def test_the_report_counts_what_is_served_and_names_what_dies() -> None:
    """Ages, median, oldest, never refreshed, expired, expiring: by hand; what no release holds is counted nowhere."""
    states = [
        state("new", 1),
        state("week", 7),
        state("month", 20, fetched=20),
        state("old", 400, fetched=100),
        state("refreshed", 50, fetched=50, first_seen=days(90)),
        state("dead", 90, expires=days(1)),
        state("gone", 3, status="deleted"),
        state("soon", 5, expires=days(-10)),
        state("unparsed", 1, version=""),
        state("excluded", 1, unasked=True),
        state("empty", 1, dropped="empty"),
    ]
    found = freshness(states, NOW, most=2)
    assert found.documents == 6
    assert found.ages == {
        "up to 7 days": 3,
        "8 to 30 days": 1,
        "31 to 90 days": 1,
        "91 to 365 days": 0,
        "more than 365 days": 1,
    }
    assert found.median_days == 13.5
    assert [(line["uri"], line["days"]) for line in found.oldest] == [("old", 400), ("refreshed", 50)]
    assert found.never_refreshed == 1
    assert [line["uri"] for line in found.expired] == ["dead"]
    assert [(line["uri"], line["expires"]) for line in found.expiring] == [("soon", days(-10))]
    assert found.sources["s"] == {
        "documents": 6,
        "median_days": 13.5,
        "oldest_days": 400,
        "never_refreshed": 1,
        "expired": 1,
        "expiring": 1,
    }
    assert freshness([], NOW).median_days is None
