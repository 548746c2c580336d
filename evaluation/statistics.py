"""Is a difference more than chance? One way to say so, for gates and experiments: paired over the queries, seeded.

Queries are drawn again with replacement (paired bootstrap: Sakai, "Evaluating evaluation metrics based on the bootstrap", SIGIR
2006), and each draw's difference is measured in its own standard errors (bootstrap-t: Efron and Tibshirani, "An Introduction to
the Bootstrap", 1993, chapter 12.5): of few queries, and of measures that are mostly 0 or 1, percentiles of the draws are too
narrow. Holm: "A simple sequentially rejective multiple test procedure" (1979).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

SEED = 20_241_121
RESAMPLES = 10_000
PAIR_LEVEL = 0.95
"""Of the interval of one difference by itself."""
METHOD = f"paired bootstrap-t, {RESAMPLES:,} draws, seed {SEED}"
"""How an interval was come by, for whoever reads one."""
FEWEST = 5
"""Queries below which nothing is told apart: four that agree are 1 in 8 by chance, five are 1 in 16 (sign test, two sides)."""
_BLOCK = 4_000_000
"""Counts held at once (32 MB): memory stays level however many queries there are."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """The mean of a paired difference and its interval at `level`; `p_drop` is the chance of such a drop without a true one."""

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


def draws(queries: int, *, resamples: int = RESAMPLES, seed: int = SEED, wide: int = 1) -> Iterator[Floats]:
    """Draws of so many queries with replacement, as the weight of each query: blocks of (some, queries), `resamples` in all.

    What is scored with one draw stays paired. `wide`: how many figures are made of each draw. ValueError without queries.
    """
    if queries == 0:
        raise ValueError("nothing to resample")
    random = np.random.default_rng(seed)
    block = max(1, _BLOCK // max(queries, wide))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = random.integers(0, queries, size=(size, queries)) + np.arange(size)[:, None] * queries
        yield np.bincount(drawn.ravel(), minlength=size * queries).reshape(size, queries) / queries


def studentized(weights: Floats, apart: Floats) -> Floats:
    """How far each draw's mean of each column of `apart` (queries, columns) is from the true one, in the draw's standard errors.

    Infinite where a draw shows no variation: it says nothing of how far the truth is.
    """
    queries, mean = len(apart), weights @ apart
    shift = mean - apart.mean(axis=0)
    error = np.sqrt(np.maximum(weights @ (apart * apart) - mean * mean, 0.0) / max(queries - 1, 1))
    flat = error < 1e-9
    return np.where(flat, np.where(np.abs(shift) < 1e-12, 0.0, np.inf), np.abs(shift) / np.where(flat, 1.0, error))


def around(apart: Floats, critical: float, tail: float, most: float = 1.0) -> tuple[float, float, float]:
    """The mean of differences, and its interval of `critical` standard errors to each side, within ±`most`.

    Where no query differs from another, a draw cannot either, and that is no certainty: the interval is then as wide as the
    share of queries that may behave otherwise and did not come up (Clopper and Pearson, 1934; the "rule of three").
    """
    queries, mean = len(apart), float(apart.mean())
    if np.ptp(apart) <= 1e-12:  # equal everywhere, or different by the same on every query
        half = unseen(queries, tail) if queries >= FEWEST or mean == 0 else math.inf
    else:
        half = critical * float(apart.std(ddof=1)) / math.sqrt(queries) if queries >= FEWEST else math.inf
    return mean, max(mean - half, -most), min(mean + half, most)


def paired_bootstrap(
    candidate: Sequence[float], live: Sequence[float], *, level: float = PAIR_LEVEL, resamples: int = RESAMPLES, seed: int = SEED
) -> Interval:
    """The interval of the mean of candidate - live over the same queries in the same order; raises ValueError otherwise.

    Both are measures in [0, 1]. Fewer than FEWEST queries tell nothing apart.
    """
    apart = np.asarray(candidate, dtype=np.float64) - np.asarray(live, dtype=np.float64)
    weighed = draws(len(apart), resamples=resamples, seed=seed)
    found = np.concatenate([studentized(weights, apart[:, None]) for weights in weighed])[:, 0]
    critical = float(np.quantile(found, level, method="higher"))
    mean, low, high = around(apart, critical, (1 - level) / 2)
    return Interval(mean, low, high, level, len(apart), _chance_of_drop(apart, found))


def _chance_of_drop(apart: Floats, found: Floats) -> float:
    """One-sided: of the draws that lie as far from the truth as this mean from zero, half."""
    queries, mean = len(apart), float(apart.mean())
    if mean >= 0 or queries < FEWEST:
        return 1.0
    if np.ptp(apart) <= 1e-12:
        return max(1 / (len(found) + 1), 0.5**queries)
    lies = -mean * math.sqrt(queries) / float(apart.std(ddof=1))
    return (float(np.count_nonzero(found >= lies)) + 1) / (len(found) + 1) / 2


def unseen(queries: int, tail: float) -> float:
    """The share of questions that may behave otherwise although none of so many did: likelier than `tail` not to come up."""
    return float(1 - tail ** (1 / queries))


def intervals_of_means(values: Floats) -> list[tuple[float, float]]:
    """The interval of the mean of each column of measures in [0, 1], shape (queries, columns), by itself, come by likewise."""
    found = np.concatenate([studentized(weights, values) for weights in draws(len(values), wide=values.shape[1])])
    critical = np.quantile(found, PAIR_LEVEL, axis=0, method="higher")
    each = (around(values[:, n], float(critical[n]), (1 - PAIR_LEVEL) / 2) for n in range(values.shape[1]))
    return [(max(low, 0.0), high) for _, low, high in each]


def queries_needed(differences: Sequence[float], effect: float, *, level: float = PAIR_LEVEL, power: float = 0.8) -> int | None:
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
