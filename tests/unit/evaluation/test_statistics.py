from __future__ import annotations

import numpy as np
import pytest

from evaluation.statistics import holm, intervals_of_means, paired_bootstrap, queries_needed


def test_the_interval_is_seeded_and_paired() -> None:
    """The same figures give the same interval; a constant difference is as wide as what 40 queries may have missed."""
    live = [0.0, 1.0, 0.3, 0.9] * 10
    first = paired_bootstrap([value - 0.1 for value in live], live)
    assert first == paired_bootstrap([value - 0.1 for value in live], live)
    unseen = 1 - 0.025 ** (1 / 40)
    assert (first.mean, first.low, first.high) == pytest.approx((-0.1, -0.1 - unseen, -0.1 + unseen))
    assert first.p_drop < 0.001


def test_the_interval_is_that_of_the_normal_approximation_where_it_holds() -> None:
    """With 400 differences the interval is mean ± 1.96 standard errors, to a tenth."""
    differences = np.random.default_rng(1).normal(0.05, 0.2, size=400)
    interval = paired_bootstrap(differences.tolist(), [0.0] * 400)
    error = 1.96 * float(differences.std()) / 20
    assert interval.low == pytest.approx(float(differences.mean()) - error, abs=0.1 * error)
    assert interval.high == pytest.approx(float(differences.mean()) + error, abs=0.1 * error)


def test_two_equal_releases_rarely_differ() -> None:
    """Of 200 pairs without a true difference, the 95% interval leaves zero out in at most 10%."""
    random = np.random.default_rng(7)
    wrong = 0
    for trial in range(200):
        interval = paired_bootstrap(random.random(60).tolist(), random.random(60).tolist(), resamples=500, seed=trial)
        wrong += interval.low > 0 or interval.high < 0
    assert wrong <= 20


def test_few_queries_that_fall_either_way_are_no_difference() -> None:
    """Four of twenty lost and none won: one time in eight by chance (sign test). Percentiles of draws would tell them apart."""
    lost = [1.0] * 4 + [0.0] * 16
    found = paired_bootstrap([0.0] * 20, lost)
    assert found.low < 0 < found.high
    assert 0.025 < found.p_drop < 0.125
    assert paired_bootstrap([0.0] * 4, [1.0] * 4).high == 1.0, "fewer than five tell nothing apart"
    assert paired_bootstrap([0.0] * 20, [1.0, 0.9] * 10).high < 0


def test_the_chance_of_a_drop_is_that_of_the_interval() -> None:
    """Below 2.5%, one-sided, exactly where the 95% interval lies below zero."""
    random = np.random.default_rng(11)
    told = set[bool]()
    for _ in range(60):
        found = paired_bootstrap(
            np.clip(random.normal(0.4, 0.3, 30), 0, 1).tolist(), np.clip(random.normal(0.55, 0.3, 30), 0, 1).tolist()
        )
        assert (found.p_drop <= 0.025) == (found.high < 0)
        told.add(found.high < 0)
    assert told == {True, False}


def test_means_by_themselves_are_no_certainty_either() -> None:
    """Within [0, 1]; ten questions that are all answered may have missed one that is not."""
    [same, spread] = intervals_of_means(np.array([[1.0] * 10, [0.0, 1.0] * 5]).T)
    assert same == pytest.approx((1 - (1 - 0.025**0.1), 1.0))
    assert 0 < spread[0] < 0.5 < spread[1] < 1
    with pytest.raises(ValueError, match="nothing to resample"):
        paired_bootstrap([], [])


def test_queries_needed_grow_with_the_square_of_precision() -> None:
    """Half the effect takes four times the queries; where none varies, a share of them must come up."""
    differences = [0.0, 0.5, -0.5, 0.0] * 10
    few, many = queries_needed(differences, 0.1), queries_needed(differences, 0.05)
    assert few is not None
    assert many is not None
    assert many == pytest.approx(4 * few, abs=4)
    assert queries_needed([0.0] * 10, 0.05) == 72  # 0.95 ** 72 < 0.025
    assert queries_needed([0.0] * 10, 0.0) is None


def test_holm_by_hand() -> None:
    """0.01 ≤ 0.05/3 and 0.02 ≤ 0.05/2 are rejected, 0.06 is not; a failure stops all that are larger."""
    assert holm([0.06, 0.01, 0.02]) == [False, True, True]
    assert holm([0.03, 0.04, 0.03]) == [False, False, False]
    assert holm([]) == []
