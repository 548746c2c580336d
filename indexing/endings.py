"""Documents whose time is up between two runs: no search gives them from that moment on.

A run, or `access sync`, takes an expired document's readers away in every collection. Until one comes, searches leave it out by
its date, of which points know nothing: each settling keeps who ends when, a reader looks at that once in a while and goes by its
clock in between. Nearly always nobody's time is up, and a search is the one that it is without this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Lock, Thread
from typing import Protocol

Endings = Sequence[tuple[datetime, str]]
"""When the time of documents is up, and their keys; the next one first."""

MOST = 20_000
"""So many of the next endings are kept: 2 MB. More at once before a run or a sync comes by hold when one does."""
LOOK = timedelta(minutes=1)


class KeptEndings(Protocol):
    """Who ends when, as of the last settling."""

    def read(self, known: str = "") -> tuple[str, Endings]:
        """A name of what is kept, and that; what is kept under the known name is not read: nothing then."""


def _on_a_thread(look: Callable[[], None]) -> None:
    Thread(target=look, name="endings", daemon=True).start()


class Over:
    """Whose time is up by now: the keys of these documents. Threads may share it.

    No search waits for a look but the first: a store that is gone is not asked again before its minute, and what is known holds
    meanwhile, by the clock. `later` has a look done beside what is under way.
    """

    def __init__(
        self,
        kept: KeptEndings,
        now: Callable[[], datetime],
        later: Callable[[Callable[[], None]], None] = _on_a_thread,
    ) -> None:
        self._kept, self._now, self._later, self._lock = kept, now, later, Lock()
        self._looked: datetime | None = None
        self._known, self._waiting, self._over = "", list[tuple[datetime, str]](), frozenset[str]()

    def __call__(self) -> frozenset[str]:
        now = self._now()
        if self._looked is None:
            self._look()
        elif now - self._looked >= LOOK:
            self._looked = now
            self._later(self._look_once_more)
        with self._lock:
            if self._waiting and self._waiting[-1][0] <= now:
                ended = set[str]()
                while self._waiting and self._waiting[-1][0] <= now:
                    ended.add(self._waiting.pop()[1])
                self._over |= ended
            return self._over

    def look_again(self) -> None:
        """Others are kept now."""
        self._looked = None

    def _look(self) -> None:
        at, known = self._now(), self._known
        name, endings = self._kept.read(known)
        with self._lock:
            if name != known:
                self._known, self._waiting, self._over = name, list(reversed(endings)), frozenset()
            self._looked = at

    def _look_once_more(self) -> None:
        with suppress(Exception):  # whoever needs the store more will say so
            self._look()
