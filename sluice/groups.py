"""A stream of things in groups that fit into one request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def by_size(items: Iterable[T], size: Callable[[T], int], *, most: int, most_bytes: int) -> Iterator[list[T]]:
    """Consecutive groups, in order, none empty: each of at most `most` items, and ended by the one that fills `most_bytes`."""
    group: list[T] = []
    held = 0
    for item in items:
        group.append(item)
        held += size(item)
        if len(group) == most or held >= most_bytes:
            yield group
            group, held = [], 0
    if group:
        yield group


def groups(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """A stream in consecutive groups of `size`; the last may be smaller."""
    following = iter(items)
    while group := list(islice(following, size)):
        yield group


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Consecutive slices of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
