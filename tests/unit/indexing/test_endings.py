"""From the moment at which a document's time is up no search gives it, whoever runs next and when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.endings import LOOK, Endings, Over
from sluice.errors import StoreUnavailable

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


class Kept:
    """Endings at hand; how often they were read whole; and a store that may not answer."""

    def __init__(self, *endings: tuple[int, str]) -> None:
        self.set(*endings)
        self.reads, self.gone = 0, False

    def set(self, *endings: tuple[int, str]) -> None:
        self.endings = sorted((NOON + timedelta(seconds=at), key) for at, key in endings)

    def read(self, known: str = "") -> tuple[str, Endings]:
        if self.gone:
            raise StoreUnavailable("it does not answer")
        if (name := repr(self.endings) if self.endings else "") == known:
            return name, []
        self.reads += 1
        return name, self.endings


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def over_of(kept: Kept, clock: Clock) -> Over:
    """Looks are done at once."""
    return Over(kept, clock, lambda look: look())


@given(st.lists(st.tuples(st.integers(-5, 300), st.sampled_from("abcdef"))), st.lists(st.integers(0, 90)))
def test_whose_time_is_up_is_over_at_every_moment(endings: list[tuple[int, str]], steps: list[int]) -> None:
    """By the clock, however often it is looked at; what is kept is read whole once."""
    kept, clock = Kept(*endings), Clock()
    over = over_of(kept, clock)
    for step in (0, *steps):
        clock.on(step)
        assert over() == {key for at, key in kept.endings if at <= clock.now}
    assert kept.reads <= 1


def test_what_is_kept_anew_counts_after_a_minute_or_at_once_for_who_kept_it() -> None:
    """Also that somebody was given more time."""
    kept, clock = Kept((1, "a"), (400, "b")), Clock()
    over = over_of(kept, clock)
    clock.on(2)
    assert over() == {"a"}
    kept.set((900, "a"), (3, "c"))
    clock.on(5)
    assert over() == {"a"}
    clock.on(LOOK.total_seconds())
    assert over() == {"c"}
    kept.set()
    assert over() == {"c"}
    over.look_again()
    assert over() == frozenset()


def test_a_store_that_goes_away_takes_no_ending_with_it() -> None:
    """What was read holds, by the clock; who never read it cannot tell, and says so."""
    kept, clock = Kept((100, "a")), Clock()
    over, later = over_of(kept, clock), over_of(kept, clock)
    assert over() == frozenset()
    kept.gone = True
    clock.on(101)
    assert over() == {"a"}
    with pytest.raises(StoreUnavailable):
        later()


def test_no_search_waits_for_a_store_that_does_not_answer() -> None:
    """One look a minute, beside the searches: what is under way goes by what is known."""
    kept, clock, looks = Kept((100, "a")), Clock(), list[Callable[[], None]]()
    over = Over(kept, clock, looks.append)
    assert over() == frozenset()
    kept.set((50, "b"))
    for seconds, known in ((90, set[str]()), (20, {"a"}), (10, {"a"})):
        clock.on(seconds)
        assert over() == known
    (look,) = looks
    look()
    assert over() == {"b"}
