"""Reading one step ahead of who works on what was read."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_END = object()


def read_ahead(parts: Iterator[T]) -> Generator[T, None, None]:
    """What these are, in order: the next is read on a thread of its own while this one is worked on.

    What reading raises is raised where its part would come. Who stops early waits for the part that is being read.
    """
    with ThreadPoolExecutor(1, "read ahead") as thread:
        coming = thread.submit(next, parts, _END)
        while (part := coming.result()) is not _END:
            coming = thread.submit(next, parts, _END)
            yield part  # type: ignore[misc]  # the end is no part
