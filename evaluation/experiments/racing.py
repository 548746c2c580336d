"""Which variants have lost already, by a bound that holds whenever one looks.

Queries come one after the other, in an order drawn by a seed. For each ordered pair of variants a bet is kept that the second is
no worse than the first: its capital is multiplied by 1 + stake × difference with each query, the stake fixed before the query
is seen. If the second is truly no worse, the capital ever exceeds 1/a with probability a at most (Ville's inequality;
Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS B, 2023). With a = ERROR / (variants - 1)
a best variant is stopped in at most ERROR of all races, however often one looks: at most that many bets are against it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ERROR = 0.10
LARGEST_STAKE = 0.75
"""Of the capital on one query: less than all, so that a single query that goes the other way does not end a bet."""
FIRST_GUESS = 0.25
"""The spread of a difference before any is seen."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stopped:
    """A variant that had lost: after how many queries, against which, by how much on those queries, and the odds against it."""

    variant: str
    at_query: int
    against: str
    behind: float
    odds: float


class Race:
    """Variants still in the running, over queries as they come; `keep` of them are never stopped, nor is `spare`."""

    def __init__(self, names: Sequence[str], *, error: float = ERROR, keep: int = 2, spare: str | None = None) -> None:
        self.names = tuple(names)
        self.stopped: list[Stopped] = []
        self.queries = 0
        self._running = list(range(len(self.names)))
        self._limit = float(np.log(max(len(self.names) - 1, 1) / error))
        self._keep = keep
        self._spared = [i for i, name in enumerate(self.names) if name == spare]
        shape = (len(self.names), len(self.names))
        self._capital, self._sum, self._squares = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        """Of the bet that the column's variant is no worse than the row's: the logarithm of its capital; differences so far."""

    @property
    def running(self) -> tuple[str, ...]:
        """The variants that have not been stopped, in the order given."""
        return tuple(self.names[i] for i in self._running)

    def see(self, scores: Mapping[str, float]) -> None:
        """One query's score, in [0, 1], of every variant that runs; stops those that have lost by it; ValueError otherwise."""
        if set(scores) != set(self.running) or not all(0 <= score <= 1 for score in scores.values()):
            raise ValueError(f"scores in [0, 1] of {', '.join(self.running)} are needed, not {dict(scores)}")
        here = np.array(self._running)
        values = np.array([scores[self.names[i]] for i in self._running])
        apart, block = values[:, None] - values[None, :], np.ix_(here, here)
        mean = self._sum[block] / (self.queries + 1)
        spread = (FIRST_GUESS**2 + self._squares[block]) / (self.queries + 1)
        stake = np.clip(mean / np.maximum(spread, 1e-12), 0, LARGEST_STAKE)
        self._capital[block] += np.log1p(stake * apart)
        self._sum[block] += apart
        self._squares[block] += apart * apart
        self.queries += 1
        self._stop()

    def _stop(self) -> None:
        """The most certain loser first; a bet of a variant that is out itself counts no more."""
        while len(self._running) > self._keep:
            against = self._capital[np.ix_(self._running, self._running)]
            against[:, np.isin(self._running, self._spared)] = -np.inf
            by, lost = np.unravel_index(int(np.argmax(against)), against.shape)
            if against[by, lost] < self._limit:
                return
            winner, loser = self._running[int(by)], self._running[int(lost)]
            behind = float(self._sum[winner, loser] / self.queries)
            odds = float(np.exp(min(against[by, lost], 50.0)))
            self.stopped.append(Stopped(self.names[loser], self.queries, self.names[winner], round(behind, 6), round(odds, 1)))
            self._running.remove(loser)
