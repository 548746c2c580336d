"""Searching as a principal, by command: apart from what else is read, so that an answer waits for nothing that measures."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from indexing.search import ANYWHERE
from pipeline.resources import Resources
from sluice.access import Principal
from sluice.errors import ConfigurationError, ReleaseError
from sluice.points import Filters
from sluice.records import Hit
from sluice.releases import Release


def released(r: Resources, release: str | None) -> Release:
    """The release that was named, or the live one; ReleaseError when there is none."""
    if release is not None:
        return r.releases.get(release).there()
    live = r.releases.live()
    if live is None:
        raise ReleaseError(f"index '{r.settings.index}' has no live release yet", hint="sluice run publishes one")
    return live


def narrowed(
    sources: Collection[str] = (), languages: Collection[str] = (), since: str | None = None, until: str | None = None
) -> Filters:
    """What a search is narrowed to, in the words of its command; ConfigurationError for what is no date."""
    return Filters(tuple(sources), tuple(languages), day("--since", since), day("--until", until))


def search(r: Resources, query: str, principal: Principal, k: int, release: str | None, filters: Filters = ANYWHERE) -> list[Hit]:
    """Search one release as a principal: by default the one that answers them, live or canary."""
    if release is None:
        return r.live_searcher(log=r.query_log).search(query, principal, k, filters)
    return r.searcher(released(r, release), log=r.query_log).search(query, principal, k, filters)


def day(option: str, value: str | None) -> datetime | None:
    """The moment that an option of a command names, UTC unless it says otherwise; ConfigurationError for what is no date."""
    if value is None:
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise ConfigurationError(
            f"{option} '{value}' is not a date", hint="use ISO 8601: 2026-11-21 or 2026-11-21T02:00:00Z"
        ) from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
