"""Is a difference between two releases more than chance? Paired over the queries, seeded, free of assumptions on shape.

Paired bootstrap: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), percentile interval; Sakai, "Evaluating
evaluation metrics based on the bootstrap" (SIGIR 2006) for retrieval. Holm: "A simple sequentially rejective multiple
test procedure" (1979).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

SEED = 20_241_121
RESAMPLES = 10_000
_BLOCK = 2_000_000
"""Indices drawn at once (16 MB): memory stays level however many queries there are."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The mean of a paired difference and its percentile interval at `level`; `p_drop` is how often a resample is >= 0."""

    mean: float
    low: float
    high: float
    level: float
    queries: int
    p_drop: float

    def as_json(self) -> dict[str, float]:
        return {
            "mean": round(self.mean, 6),
            "low": round(self.low, 6),
            "high": round(self.high, 6),
            "level": self.level,
            "queries": self.queries,
        }


def resampled_means(values: NDArray[np.float64], *, resamples: int = RESAMPLES, seed: int = SEED) -> NDArray[np.float64]:
    """Means of `resamples` draws with replacement of the rows of `values`, shape (n,) or (n, m); raises ValueError when n is 0.

    The columns of one draw share their rows, so differences between them stay paired.
    """
    n = len(values)
    if n == 0:
        raise ValueError("nothing to resample")
    random = np.random.default_rng(seed)
    block = max(1, _BLOCK // n)
    parts = []
    for first in range(0, resamples, block):
        drawn = random.integers(0, n, size=(min(block, resamples - first), n))
        parts.append(values[drawn].mean(axis=1))
    return np.concatenate(parts)


def paired_bootstrap(
    candidate: Sequence[float], live: Sequence[float], *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = SEED
) -> Interval:
    """The interval of the mean of candidate - live over the same queries in the same order; raises ValueError otherwise.

    Where no query differs from another, a resample cannot either, and that is no certainty: the interval is then as wide as
    the share of queries that may behave otherwise and did not come up (Clopper and Pearson, 1934; the "rule of three").
    """
    differences = np.asarray(candidate, dtype=np.float64) - np.asarray(live, dtype=np.float64)
    means = resampled_means(differences, resamples=resamples, seed=seed)
    tail = 100 * (1 - level) / 2
    low, high = (float(end) for end in np.percentile(means, [tail, 100 - tail]))
    p_drop = (float(np.count_nonzero(means >= 0)) + 1) / (resamples + 1)
    mean = float(differences.mean())
    if np.ptp(differences) <= 1e-12:  # queries that all agree say nothing of those that were not asked
        room = unseen(len(differences), tail / 100)
        low, high = max(mean - room, -1.0), min(mean + room, 1.0)
        p_drop = max(p_drop, 0.5 ** len(differences)) if mean < 0 else 1.0
    return Interval(mean, low, high, level, len(differences), p_drop)


def unseen(queries: int, tail: float) -> float:
    """The share of questions that may behave otherwise although none of so many did: likelier than `tail` not to come up."""
    return float(1 - tail ** (1 / queries))


def bootstrap_interval(
    values: Sequence[float], *, level: float = 0.95, resamples: int = 2_000, seed: int = SEED
) -> tuple[float, float]:
    """The percentile interval of a mean; raises ValueError without values."""
    means = resampled_means(np.asarray(values, dtype=np.float64), resamples=resamples, seed=seed)
    low, high = np.percentile(means, [50 * (1 - level), 50 * (1 + level)])
    return float(low), float(high)


def queries_needed(differences: Sequence[float], effect: float, *, level: float = 0.95, power: float = 0.8) -> int | None:
    """Queries after which a true mean difference of `effect` would be seen; None for no effect.

    Where these differences do not vary: after which a share of `effect` that behaves otherwise would have come up. Normal
    approximation: ((z(level) + z(power)) · sd / effect)², with the sample's standard deviation.
    """
    spread = float(np.std(np.asarray(differences, dtype=np.float64), ddof=1)) if len(differences) > 1 else 0.0
    if effect <= 0:
        return None
    if spread == 0.0:
        return math.ceil(math.log((1 - level) / 2) / math.log(1 - effect)) if 0 < effect < 1 else None
    z = NormalDist().inv_cdf((1 + level) / 2) + NormalDist().inv_cdf(power)
    return math.ceil((z * spread / effect) ** 2)


def holm(p_values: Sequence[float], *, alpha: float = 0.05) -> list[bool]:
    """Which hypotheses are rejected, in the order given, with the chance of any false rejection held at `alpha`."""
    rejected = [False] * len(p_values)
    for rank, position in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[position] > alpha / (len(p_values) - rank):
            break
        rejected[position] = True
    return rejected
