"""A race stops what has lost, and a best variant in at most one race of ten, however often one looks."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.experiments.racing import Race


def race(scores: np.ndarray) -> Race:
    """A race over all of these queries, shape (queries, variants)."""
    found = Race([f"v{i}" for i in range(scores.shape[1])])
    for row in scores:
        found.see({name: row[int(name[1:])] for name in found.running})
    return found


def graded(random: np.random.Generator, means: np.ndarray, queries: int) -> np.ndarray:
    """Scores that share the query's difficulty."""
    common = 0.4 * (random.random((queries, 1)) - 0.5)
    return np.clip(means + common + 0.5 * (random.random((queries, len(means))) - 0.5), 0, 1)


def all_or_nothing(random: np.random.Generator, means: np.ndarray, queries: int) -> np.ndarray:
    """Success or not, independent."""
    return (random.random((queries, len(means))) < means).astype(float)


@pytest.mark.parametrize("scores", [graded, all_or_nothing])
@pytest.mark.parametrize("means", [[0.5] * 6, [0.52, 0.5, 0.5, 0.5, 0.5, 0.5], [0.55, 0.54, 0.4, 0.3]], ids=str)
def test_a_best_variant_is_stopped_in_at_most_one_race_of_ten(scores, means: list[float]) -> None:  # type: ignore[no-untyped-def]
    """200 races of 150 queries looked at after each: the first, which none beats, is out in at most 10% of them."""
    random = np.random.default_rng(20_241_121)
    out = sum("v0" not in race(scores(random, np.array(means), 150)).running for _ in range(200))
    assert out <= 20


def test_what_is_far_behind_is_stopped_early() -> None:
    """Of five variants, three are 0.25 behind: they are stopped within half of 100 queries in nearly all races."""
    random = np.random.default_rng(7)
    means, early = np.array([0.7, 0.69, 0.45, 0.45, 0.45]), 0
    for _ in range(50):
        found = race(graded(random, means, 100))
        early += sum(s.at_query <= 50 and s.variant in ("v2", "v3", "v4") for s in found.stopped)
        assert all(s.behind > 0 and s.odds >= 40 for s in found.stopped)
    assert early >= 140


def test_two_are_never_stopped_and_equal_ones_never() -> None:
    """Two remain to be compared whatever happens; variants that always agree are not told apart."""
    assert race(np.tile([1.0, 0.0], (100, 1))).running == ("v0", "v1")
    assert race(np.tile([1.0, 0.0, 0.0, 0.0], (100, 1))).queries == 100
    assert len(race(np.tile([1.0, 0.0, 0.0, 0.0], (100, 1))).running) == 2
    assert race(np.full((100, 4), 0.3)).stopped == []


def test_scores_of_other_variants_or_out_of_range_are_refused() -> None:
    """A race that is told of a variant that does not run, or of a score beyond 1, raises ValueError."""
    for scores in ({"a": 0.1}, {"a": 0.1, "b": 0.2, "c": 0.3}, {"a": 0.1, "b": 1.2}):
        with pytest.raises(ValueError, match="are needed"):
            Race(["a", "b"]).see(scores)
