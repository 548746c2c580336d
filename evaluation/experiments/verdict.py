"""Which variant is best, and whether these queries can tell: one family of intervals over every pair of variants.

The same draws of queries score every variant, so differences stay paired. Each difference is measured in its own standard
errors (`evaluation.statistics`, as a gate's is: two variants have the interval that a gate would give), and the largest of all
pairs in a draw gives one critical value for all (max-T: Westfall and Young, "Resampling-Based Multiple Testing", 1993).
All pairs, because the winner is chosen after looking: intervals of the winner against the others alone would rule out
too much. With no true difference, anything at all is ruled out in at most 1 - level of experiments; and no pair is told
apart at less than PAIR_LEVEL of its own, which binds when there is only one (or its twins): two are settled in half as many.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.statistics import FEWEST, PAIR_LEVEL, RESAMPLES, SEED, Floats, around, draws, studentized

LEVEL = 0.90
POWER = 0.8
REALISTIC = 5_000
"""Queries that somebody might still write and judge; beyond, no number is named."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The winner's mean less this variant's, with its simultaneous interval; `queries` is how many more would tell them
    apart, None when no realistic number would, 0 when they are told apart."""

    variant: str
    mean: float
    low: float
    high: float
    queries: int | None

    @property
    def apart(self) -> bool:
        return self.low > 0 or self.high < 0

    def as_json(self) -> dict[str, Any]:
        return {
            "variant": self.variant,
            "mean": round(self.mean, 6),
            "low": round(self.low, 6),
            "high": round(self.high, 6),
            "queries_needed": self.queries,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """What the queries say. `leader` has the highest mean (the first of equals); it is the winner only when `settled`.

    `level` is that of the differences' intervals taken together, over every pair of variants.
    """

    measure: str
    level: float
    queries: int
    leader: str
    differences: tuple[Difference, ...]
    probability_best: Mapping[str, float]

    @property
    def settled(self) -> bool:
        """Whether the leader is told apart from every other variant."""
        return bool(self.differences) and all(difference.apart for difference in self.differences)

    @property
    def winner(self) -> str | None:
        return self.leader if self.settled else None

    @property
    def ruled_out(self) -> tuple[str, ...]:
        return tuple(difference.variant for difference in self.differences if difference.apart)

    @property
    def queries_needed(self) -> int | None:
        """How many more queries would settle the rest; 0 when settled, None when no realistic number would."""
        rest = [difference.queries for difference in self.differences]
        return None if not rest or None in rest else max(number for number in rest if number is not None)

    def as_json(self) -> dict[str, Any]:
        return {
            "measure": self.measure,
            "level": self.level,
            "queries": self.queries,
            "leader": self.leader,
            "settled": self.settled,
            "winner": self.winner,
            "queries_needed": self.queries_needed,
            "ruled_out": list(self.ruled_out),
            "differences": [difference.as_json() for difference in self.differences],
            "probability_best": dict(self.probability_best),
        }


def decide(
    names: Sequence[str],
    values: Floats,
    *,
    measure: str,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Decision:
    """The verdict over `values`, shape (queries, variants), each in [0, 1], columns as `names`; ValueError without queries.

    Deterministic for a seed. Two equal columns are never told apart. A single variant is neither settled nor compared.
    """
    queries, variants = values.shape
    if queries == 0 or variants != len(names):
        raise ValueError(f"values of shape {values.shape} for {len(names)} variants")
    means = values.mean(axis=0)
    leader = int(np.argmax(means))
    first, second = np.triu_indices(variants, 1)
    level = max(level, PAIR_LEVEL) if variants == 2 else level  # one pair: the family is that pair
    tail = min(1 - PAIR_LEVEL, (1 - level) / max(len(first), 1)) / 2
    resampled, critical = _resample(values, first, second, level, resamples, seed)
    differences = tuple(
        _difference(names[other], values[:, leader] - values[:, other], critical, tail)
        for other in range(variants)
        if other != leader
    )
    best = np.isclose(resampled, resampled.max(axis=1, keepdims=True), rtol=0, atol=1e-12)
    share = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    probabilities = {name: round(float(p), 4) for name, p in zip(names, share, strict=True)}
    return Decision(measure, level, queries, names[leader], differences, probabilities)


def _resample(
    values: Floats, first: NDArray[np.intp], second: NDArray[np.intp], level: float, resamples: int, seed: int
) -> tuple[Floats, float]:
    """Means of each draw, shape (resamples, variants), and the critical value: the `level` quantile of the largest |t|,
    and no less than any pair's own at PAIR_LEVEL."""
    apart = values[:, first] - values[:, second]
    apart = apart[:, np.ptp(apart, axis=0) > 1e-12]
    means, shifts = [], []
    for weights in draws(len(values), resamples=resamples, seed=seed, wide=apart.shape[1]):
        means.append(weights @ values)
        if apart.shape[1]:
            shifts.append(studentized(weights, apart))
    if not shifts:
        return np.concatenate(means), math.inf
    found = np.concatenate(shifts)
    family = np.quantile(found.max(axis=1), level, method="higher")
    return np.concatenate(means), float(max(family, np.quantile(found, PAIR_LEVEL, axis=0, method="higher").max()))


def _difference(name: str, apart: Floats, critical: float, tail: float) -> Difference:
    """The interval of one difference; measures lie in [0, 1], so no difference is beyond ±1."""
    queries, (mean, low, high) = len(apart), around(apart, critical, tail)
    if low > 0 or high < 0:
        return Difference(name, mean, low, high, 0)
    spread = float(apart.std(ddof=1)) if queries > 1 else math.inf
    return Difference(name, mean, low, high, _more(mean, spread, critical, queries))


def _more(effect: float, spread: float, critical: float, queries: int) -> int | None:
    """Queries to add until a true difference of `effect` would be told apart with POWER; None beyond REALISTIC in all."""
    if effect <= 0 or not math.isfinite(spread):
        return None
    z = (critical if math.isfinite(critical) else NormalDist().inv_cdf((1 + PAIR_LEVEL) / 2)) + NormalDist().inv_cdf(POWER)
    needed = max(math.ceil((z * spread / effect) ** 2), FEWEST)
    return max(needed - queries, 1) if needed <= REALISTIC else None
