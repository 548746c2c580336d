"""Reading ahead changes nothing but when."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from sluice.ahead import read_ahead


def test_the_next_part_is_read_while_one_is_worked_on() -> None:
    """In order, complete, and one ahead: the second part is there before the first was given back."""
    second = threading.Event()

    def parts() -> Iterator[int]:
        yield 1
        second.set()
        yield 2
        yield 3

    given = []
    for part in read_ahead(parts()):
        assert second.wait(10), "read meanwhile"
        given.append(part)
    assert given == [1, 2, 3]
    assert list(read_ahead(iter(()))) == []


def test_what_reading_raises_comes_in_its_place() -> None:
    """After the parts before it, and as it was raised; who stops early leaves no thread behind."""

    def parts() -> Iterator[int]:
        yield 1
        raise KeyError("lost")

    reading = read_ahead(parts())
    assert next(reading) == 1
    with pytest.raises(KeyError, match="lost"):
        next(reading)
    stopped = read_ahead(iter(range(10)))
    assert next(stopped) == 0
    stopped.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read ahead")]
