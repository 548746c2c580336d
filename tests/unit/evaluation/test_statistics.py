from __future__ import annotations

import numpy as np
import pytest

from evaluation.statistics import holm, paired_bootstrap, queries_needed, resampled_means


def test_the_interval_is_seeded_and_paired() -> None:
    """The same figures give the same interval; a constant difference is as wide as what 40 queries may have missed."""
    live = [0.0, 1.0, 0.3, 0.9] * 10
    first = paired_bootstrap([value - 0.1 for value in live], live)
    assert first == paired_bootstrap([value - 0.1 for value in live], live)
    unseen = 1 - 0.025 ** (1 / 40)
    assert (first.mean, first.low, first.high) == pytest.approx((-0.1, -0.1 - unseen, -0.1 + unseen))
    assert first.p_drop < 0.001


def test_the_interval_is_that_of_the_normal_approximation_where_it_holds() -> None:
    """With 400 differences the percentile interval is mean ± 1.96 standard errors, to a tenth."""
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


def test_columns_of_one_draw_share_their_queries() -> None:
    """Variants resampled together stay comparable: equal columns have equal means in every draw."""
    values = np.random.default_rng(3).random(50)
    means = resampled_means(np.stack([values, values], axis=1), resamples=100)
    assert means.shape == (100, 2)
    assert (means[:, 0] == means[:, 1]).all()
    with pytest.raises(ValueError, match="nothing to resample"):
        resampled_means(np.empty(0))


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
