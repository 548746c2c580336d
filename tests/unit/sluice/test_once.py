"""What is made once is made once, on every Python."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import RLock, Semaphore
from types import TracebackType

import pytest

from indexing.models.model import Model
from indexing.models.reranker import CrossEncoderReranker
from ingest.sources.http import Http
from sluice.once import once


class Watched:
    """A lock that says who comes to it."""

    def __init__(self) -> None:
        self.came = Semaphore(0)
        self._lock = RLock()

    def __enter__(self) -> None:
        self.came.release()
        self._lock.acquire()

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None) -> None:
        self._lock.release()


class Owner:
    def __init__(self) -> None:
        self.lock = Watched()
        self.made = 0

    @once
    def part(self) -> object:
        """Made only when both threads have come for it."""
        for _ in range(2):
            assert self.lock.came.acquire(timeout=60)
        self.made += 1
        return object()


def test_threads_that_ask_at_once_are_given_the_same() -> None:
    """The second waits for what the first makes."""
    owner = Owner()
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: owner.part, range(2))
    assert (first is second, owner.made) == (True, 1)


@pytest.mark.parametrize(("kind", "name"), [(Model, "tokenizer"), (CrossEncoderReranker, "_encoder"), (Http, "_client")])
def test_what_threads_share_is_made_so(kind: type, name: str) -> None:
    """`functools.cached_property` makes one for each thread from Python 3.12 on: of a model, of a pool of connections."""
    assert isinstance(vars(kind)[name], once)
