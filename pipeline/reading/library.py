"""What `sluice.open` gives: an index opened for reading, as `sluice/library.py` declares it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol, Self

from pipeline.naming import named
from pipeline.reading.searching import known_sources
from pipeline.resources import Resources
from sluice.access import Principal
from sluice.errors import ConfigurationError
from sluice.library import Index, Searcher
from sluice.once import once
from sluice.points import Filters
from sluice.records import Hit
from sluice.settings import load


def open_index(config: str) -> Index:
    """Open the index of a configuration file; nothing is connected or loaded before it is used."""
    return OpenIndex(Resources(load(Path(config))))


class OpenIndex:
    """Implements `sluice.library.Index` on Resources of its own."""

    def __init__(self, resources: Resources) -> None:
        self._r = resources

    @property
    def name(self) -> str:
        return self._r.settings.index

    def searcher(self, release: str | None = None) -> Searcher:
        _open(self._r)
        return OpenSearcher(self._r, release)

    def close(self) -> None:
        self._r.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Found(Protocol):
    def search(self, query: str, principal: Principal, k: int, filters: Filters) -> list[Hit]: ...


class OpenSearcher:
    """Implements `sluice.library.Searcher`: in whatever is live, or in one release."""

    def __init__(self, resources: Resources, release: str | None) -> None:
        self._r, self._release, self.lock = resources, release, resources.lock

    @once
    def _searcher(self) -> _Found:
        if self._release is None:
            return self._r.live_searcher(log=self._r.query_log)
        return self._r.searcher(named(self._r, self._release), log=self._r.query_log)

    def search(
        self,
        query: str,
        principal: Principal,
        k: int = 5,
        *,
        sources: Sequence[str] = (),
        languages: Sequence[str] = (),
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Hit]:
        _open(self._r)
        _check(principal, sources, languages, since, until)
        known_sources(self._r, sources, principal)
        return self._searcher.search(query, principal, k, Filters(tuple(sources), tuple(languages), since, until))

    async def asearch(
        self,
        query: str,
        principal: Principal,
        k: int = 5,
        *,
        sources: Sequence[str] = (),
        languages: Sequence[str] = (),
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Hit]:
        return await asyncio.to_thread(
            partial(self.search, query, principal, k, sources=sources, languages=languages, since=since, until=until)
        )


def _open(r: Resources) -> None:
    """Raise ConfigurationError once the index is closed: what it held open meanwhile would answer by chance, or not."""
    if r.closed:
        raise ConfigurationError(
            f"index '{r.settings.index}' is closed: it can be searched no more",
            hint="search before close(), or within `with sluice.open(…)`; to go on, open it again",
        )


def _check(principal: object, sources: object, languages: object, since: object, until: object) -> None:
    """Raise ConfigurationError for what a program that is not type-checked easily hands in."""
    if not isinstance(principal, Principal):
        raise ConfigurationError(f"a search is made as a principal, not as {principal!r}", hint="sluice.Principal.of(['staff'])")
    for name, value in (("sources", sources), ("languages", languages)):
        if isinstance(value, str):
            raise ConfigurationError(f"{name} is a list, and {value!r} is a text", hint=f"write [{value!r}]")
    for name, value in (("since", since), ("until", until)):
        if value is not None and not isinstance(value, datetime):
            raise ConfigurationError(f"{name} is a datetime, not {value!r}", hint="datetime.fromisoformat(…), with a time zone")
