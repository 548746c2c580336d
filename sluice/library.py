"""Sluice from Python: what `sluice.open` gives, as Protocols.

The vocabulary knows nobody above it, and a reader should import nothing but it. So the shapes are declared here, and what
has them (`pipeline/reading/library.py`) is looked up by name when a program asks: the one door in this direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from os import PathLike
from types import TracebackType
from typing import Protocol, Self, cast

from sluice.access import Principal
from sluice.records import Hit

IMPLEMENTATION = "pipeline.reading.library"
"""The module whose `open_index` opens a configuration."""


class Searcher(Protocol):
    """The read side of an index. Threads and tasks may share one."""

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
        """The `k` chunks that answer best of those that this principal may read, best first; narrowed where asked for.

        Without a named release the one that is live when the search begins answers, so a nightly run changes what is
        found without anything to be opened again. Raises ReleaseError when nothing is live, StoreUnavailable when a
        store does not answer, ConfigurationError for what cannot be asked, and once the index is closed.
        """

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
        """The same, without holding up the event loop: it is done on a thread."""


class Index(Protocol):
    """One index, opened for reading: no lease is taken, and no run waits for it. Close it, or use it as a context manager."""

    @property
    def name(self) -> str:
        """The name of the index."""

    def searcher(self, release: str | None = None) -> Searcher:
        """Searches whatever is live, or always in one release; nothing is loaded before the first search."""

    def close(self) -> None:
        """Let go of stores and model: its searchers refuse from then on. Safe to call again."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


class _Implementation(Protocol):
    def open_index(self, config: str) -> Index: ...


def open_index(config: str | PathLike[str]) -> Index:
    """Open the index of a configuration file for reading; raises ConfigurationError, as every command does."""
    return cast(_Implementation, import_module(IMPLEMENTATION)).open_index(str(config))
