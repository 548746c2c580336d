"""Documents whose time is up between two runs: no search gives them from that moment on.

A run, or `access sync`, takes an expired document's readers away in every collection. Until one comes, searches leave it out by
its date, of which points know nothing: each settling keeps who ends when, a reader looks at that once in a while and goes by its
clock in between. Nearly always nobody's time is up, and a search is the one that it is without this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Lock
from typing import Protocol

from sluice.errors import Retryable

Endings = Sequence[tuple[datetime, str]]
"""When the time of documents is up, and their keys; the next one first."""

MOST = 20_000
"""So many of the next endings are kept: 2 MB. More at once before a run or a sync comes by hold when one does."""
LOOK = timedelta(minutes=1)


class KeptEndings(Protocol):
    """Who ends when, as of the last settling."""

    def read(self, known: str = "") -> tuple[str, Endings]:
        """A name of what is kept, and that; what is kept under the known name is not read: nothing then."""


class Over:
    """Whose time is up by now: the keys of these documents. Threads may share it."""

    def __init__(self, kept: KeptEndings, now: Callable[[], datetime]) -> None:
        self._kept, self._now, self._lock = kept, now, Lock()
        self._looked: datetime | None = None
        self._known, self._waiting, self._over = "", list[tuple[datetime, str]](), frozenset[str]()

    def __call__(self) -> frozenset[str]:
        now = self._now()
        with self._lock:
            if self._looked is None:
                self._look(now)
            elif now - self._looked >= LOOK:
                with suppress(Retryable):  # what is known holds meanwhile
                    self._look(now)
            if self._waiting and self._waiting[-1][0] <= now:
                ended = set[str]()
                while self._waiting and self._waiting[-1][0] <= now:
                    ended.add(self._waiting.pop()[1])
                self._over |= ended
            return self._over

    def look_again(self) -> None:
        """Others are kept now."""
        with self._lock:
            self._looked = None

    def _look(self, now: datetime) -> None:
        name, endings = self._kept.read(self._known)
        if name != self._known:
            self._known, self._waiting, self._over = name, list(reversed(endings)), frozenset()
        self._looked = now
