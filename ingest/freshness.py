"""When a document is too old to be served, and how old the documents are. Pure: the present is handed in.

A document's own `expires` (front matter) counts before any rule. Otherwise its time to live runs from its last change:
what the source says of it, but never later than when its bytes were fetched. An HTTP `Expires` header is no time to
live: it says how long to cache an answer, not how long it is true.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import nsmallest
from statistics import median
from typing import Any

from sluice.globs import matches
from sluice.records import DocumentState
from sluice.settings import SourceSettings

AGES = ((7, "up to 7 days"), (30, "8 to 30 days"), (90, "31 to 90 days"), (365, "91 to 365 days"))
_OLDER = "more than 365 days"


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long the documents of each source live: source → (glob, time to live) in order, the first match wins."""

    rules: Mapping[str, Sequence[tuple[str, timedelta]]] = field(default_factory=dict)

    @classmethod
    def of(cls, sources: Iterable[SourceSettings]) -> Lifetimes:
        """As the sources' `ttl_rules` and `ttl` say."""
        return cls(
            {
                source.name: (
                    *((rule.match, rule.ttl) for rule in source.ttl_rules),
                    *([("**", source.ttl)] if source.ttl is not None else []),
                )
                for source in sources
            }
        )

    def until(self, state: DocumentState) -> datetime | None:
        """When a document's time is up; None for one that lives for ever."""
        if state.expires is not None:
            return state.expires
        ttl = next((ttl for glob, ttl in self.rules.get(state.source, ()) if matches(state.uri, glob)), None)
        changed = last_change(state)
        try:
            return changed + ttl if ttl is not None and changed is not None else None
        except OverflowError:
            return None

    def endings(self, states: Iterable[DocumentState], most: int) -> list[tuple[datetime, str]]:
        """When the time of those of these that somebody may read is up, and their keys: the next so many, in order."""
        mortal = (s for s in states if s.tags and (s.expires is not None or self.rules.get(s.source)))
        return nsmallest(most, ((until, s.key) for s in mortal if (until := self.until(s)) is not None))

    def over(self, state: DocumentState, now: datetime) -> bool:
        """Whether a document's time is up."""
        until = self.until(state)
        return until is not None and until <= now

    def aged(self, state: DocumentState, now: datetime) -> DocumentState:
        """The state as it is by now: an active one may have expired, an expired one may live by new rules."""
        if state.status == "active" and self.over(state, now):
            return replace(state, status="expired")
        if state.status == "expired" and not self.over(state, now):
            return replace(state, status="active")
        return state


NO_RULES = Lifetimes()
"""Documents live for ever, or as long as they say themselves."""


def last_change(state: DocumentState) -> datetime | None:
    """When a document changed last, as far as can be known; a time in the future does not make it younger than new."""
    times = [time for time in (state.modified, state.fetched) if time is not None]
    return min(times, default=None)


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the documents of an index are. Ages are in days since the last change."""

    documents: int
    ages: Mapping[str, int]
    median_days: float | None
    oldest: Sequence[Mapping[str, Any]]
    never_refreshed: int
    """Documents whose bytes are the first that were ever fetched, for longer than the horizon."""
    expired: Sequence[Mapping[str, Any]]
    expiring: Sequence[Mapping[str, Any]]
    """Documents that expire within the horizon, the next first."""
    sources: Mapping[str, Mapping[str, Any]]


def freshness(
    states: Iterable[DocumentState],
    now: datetime,
    lifetimes: Lifetimes = NO_RULES,
    *,
    horizon: timedelta = timedelta(days=30),
    most: int = 20,
) -> Freshness:
    """What is in a release built now, by age: the distribution, the `most` oldest, what has expired and what will within the
    horizon."""
    states = sorted((lifetimes.aged(s, now) for s in states), key=lambda s: (s.source, s.uri))
    served = [s for s in states if s.in_release]
    expired = [s for s in states if s.status == "expired"]
    until = {s.key: end for s in served if (end := lifetimes.until(s)) is not None}
    expiring = sorted((s for s in served if s.key in until and until[s.key] <= now + horizon), key=lambda s: until[s.key])
    dated = sorted((s for s in served if last_change(s) is not None), key=lambda s: _days(s, now), reverse=True)
    still = [s for s in served if _never_refreshed(s) and s.first_seen is not None and s.first_seen <= now - horizon]
    ages = dict.fromkeys((*(name for _, name in AGES), _OLDER), 0)
    for state in dated:
        ages[next((name for limit, name in AGES if _days(state, now) <= limit), _OLDER)] += 1
    return Freshness(
        documents=len(served),
        ages=ages,
        median_days=_median(dated, now),
        oldest=[_line(s, now) for s in dated[:most]],
        never_refreshed=len(still),
        expired=[_line(s, now, lifetimes.until(s)) for s in expired],
        expiring=[_line(s, now, until[s.key]) for s in expiring],
        sources={
            name: {
                "documents": sum(s.source == name for s in served),
                "median_days": _median([s for s in dated if s.source == name], now),
                "oldest_days": max((_days(s, now) for s in dated if s.source == name), default=None),
                "never_refreshed": sum(s.source == name for s in still),
                "expired": sum(s.source == name for s in expired),
                "expiring": sum(s.source == name for s in expiring),
            }
            for name in dict.fromkeys(s.source for s in (*served, *expired))
        },
    )


def _never_refreshed(state: DocumentState) -> bool:
    return state.first_seen is not None and state.fetched is not None and state.fetched <= state.first_seen


def _days(state: DocumentState, now: datetime) -> int:
    changed = last_change(state)
    return max((now - changed).days, 0) if changed is not None else 0


def _median(states: Sequence[DocumentState], now: datetime) -> float | None:
    return float(median(_days(s, now) for s in states)) if states else None


def _line(state: DocumentState, now: datetime, until: datetime | None = None) -> dict[str, Any]:
    line: dict[str, Any] = {"source": state.source, "uri": state.uri, "days": _days(state, now), "changed": last_change(state)}
    return line | ({"expires": until} if until is not None else {})
