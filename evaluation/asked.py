"""What people ask beside what the golden set asks: which questions no label covers, and which to judge next.

Questions are compared by their words, weighted by how rare a word is among all of them (TF-IDF, cosine): no model is needed,
and what is asked in other words counts as not covered, which errs to the side of asking a person.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COVERED = 0.3
"""A question is covered by a golden one that is at least so like it (cosine); below, it shares a common word by chance."""
SAMPLES = 10
MOST = 2_000
"""Questions that are looked at, those asked most: their words are held as one table (2,000 questions: about 80 MB)."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Cluster:
    """Questions of a log that are like each other and like none of the golden set: the one asked most, and how often all were."""

    query: str
    asked: int
    questions: int


@dataclass(frozen=True, slots=True)
class Drift:
    """How much of what is asked the golden set covers: `covered` is the share of searches, `clusters` what it does not."""

    questions: int
    asked: int
    covered: float
    clusters: tuple[Cluster, ...]


def drift(log: Sequence[tuple[str, int]], golden: Sequence[str]) -> Drift | None:
    """The questions of a log (each with how often it was asked, most often first) against a golden set's; None for none."""
    log = log[:MOST]
    if not log:
        return None
    near = nearest(log, golden)
    total = sum(count for _, count in log)
    covered = sum(count for (_, count), likeness in zip(log, near, strict=True) if likeness >= COVERED)
    rest = [pair for pair, likeness in zip(log, near, strict=True) if likeness < COVERED]
    return Drift(len(log), total, round(covered / total, 4), clusters(rest)[:SAMPLES])


def next_best(log: Sequence[tuple[str, int]], golden: Sequence[str], limit: int) -> list[tuple[str, int]]:
    """The questions of a log, the first `limit` in the order in which to judge them.

    First come those that many searches ask and no label covers; the others follow as they came.

    One after the other, for a judged question covers those like it: each is worth how often it and those like it are asked,
    as far as neither the golden set nor one before it covers them. Equals stay as they came.
    """
    if not log:
        return []
    late, log = list(log[MOST:]), log[:MOST]
    mine = _vectors([query for query, _ in log], ())
    counts = np.array([count for _, count in log], dtype=np.float64)
    uncovered = np.where((near := nearest(log, golden)) >= COVERED, 0.0, 1 - near)
    likeness = np.where((alike := mine @ mine.T) >= COVERED, alike, 0.0)
    np.fill_diagonal(likeness, 1.0)
    order: list[int] = []
    left = set(range(len(log)))
    while left and len(order) < limit:
        gains = likeness @ (counts * np.clip(uncovered, 0, 1))
        best = max(sorted(left), key=lambda i: (round(float(gains[i]), 9), counts[i]))
        order.append(best)
        left.remove(best)
        uncovered = np.minimum(uncovered, 1 - likeness[best])
    return [log[i] for i in (*order, *sorted(left))] + late


def nearest(log: Sequence[tuple[str, int]], golden: Sequence[str]) -> NDArray[np.float64]:
    """How like each question of the log is to the golden question that is most like it: 0 to 1, shape (questions,)."""
    if not golden:
        return np.zeros(len(log))
    vectors = _vectors([query for query, _ in log], golden)
    found: NDArray[np.float64] = (vectors[: len(log)] @ vectors[len(log) :].T).max(axis=1)
    return found


def clusters(log: Sequence[tuple[str, int]]) -> tuple[Cluster, ...]:
    """Questions grouped around those asked most, the largest group first (leader clustering: one pass, no number to choose)."""
    if not log:
        return ()
    ordered = sorted(log, key=lambda pair: -pair[1])
    vectors = _vectors([query for query, _ in ordered], ())
    leaders: list[int] = []
    asked: Counter[int] = Counter()
    members: Counter[int] = Counter()
    for i, (_, count) in enumerate(ordered):
        like = vectors[leaders] @ vectors[i] if leaders else np.zeros(0)
        leader = leaders[int(np.argmax(like))] if len(like) and like.max() >= COVERED else i
        if leader == i:
            leaders.append(i)
        asked[leader] += count
        members[leader] += 1
    found = [Cluster(ordered[i][0], asked[i], members[i]) for i in leaders]
    return tuple(sorted(found, key=lambda cluster: -cluster.asked))


def _vectors(questions: Sequence[str], others: Sequence[str]) -> NDArray[np.float64]:
    """Unit vectors of words, one row a question; of a question without words, zeros."""
    words = [Counter(_WORD.findall(text.casefold())) for text in (*questions, *others)]
    held = Counter(word for one in words for word in one)
    place = {word: i for i, word in enumerate(sorted(held))}
    found = np.zeros((len(words), max(len(place), 1)))
    for row, counted in enumerate(words):
        for word in counted:
            found[row, place[word]] = np.log(1 + len(words) / held[word])
    length = np.linalg.norm(found, axis=1, keepdims=True)
    return found / np.where(length > 0, length, 1)
