"""A finished experiment: its variants' results, the verdict, and the summary that programs read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.experiments.running import OMEGA, VariantResult
from evaluation.experiments.verdict import Decision, Difference, decide
from evaluation.golden import GoldenQuery
from evaluation.labels import ResolvedSet
from evaluation.measures import mean
from evaluation.statistics import METHOD, PAIR_LEVEL, intervals_of_means
from sluice.display import counted
from sluice.errors import ConfigurationError

ENOUGH, NOTHING = 100, 0.03
"""So many queries without a difference say that there is none to speak of; what may be left unseen of fewer is more than that."""
MANY = 6
"""Names in a sentence that are too many to read."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The best variant of one seeded half of the queries, against the baseline on the other half, at PAIR_LEVEL."""

    baseline: str
    selected: str
    measure: str
    selected_on: int
    confirmed_on: int
    selected_mean: float
    baseline_mean: float
    difference: Difference | None

    @property
    def confirmed(self) -> bool:
        """Whether the other half shows it better than the baseline."""
        return self.difference is not None and self.difference.low > 0 and self.selected_mean > self.baseline_mean

    def as_json(self) -> dict[str, Any]:
        shown = self.difference
        return {
            "baseline": self.baseline,
            "selected": self.selected,
            "measure": self.measure,
            "selected_on": self.selected_on,
            "confirmed_on": self.confirmed_on,
            "selected_mean": round(self.selected_mean, 6),
            "baseline_mean": round(self.baseline_mean, 6),
            "difference": None if shown is None else {"mean": shown.mean, "low": shown.low, "high": shown.high},
            "level": PAIR_LEVEL,
            "confirmed": self.confirmed,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """Results by variant, in the experiment's order, on the same queries."""

    queries: tuple[GoldenQuery, ...]
    results: Mapping[str, VariantResult]
    decision: Decision
    confirmation: Confirmation | None

    def intervals(self, name: str) -> dict[str, list[float]]:
        """The 95% interval of each of a variant's means by itself; none of a measure that a query lacks."""
        result = self.results[name]
        whole = [m for m in result.measures if all(m in record.measures for record in result.queries)]
        if not whole:
            return {}
        found = intervals_of_means(np.array([result.values(measure) for measure in whole], dtype=np.float64).T)
        return {measure: list(interval) for measure, interval in zip(whole, found, strict=True)}

    def slices(self, name: str) -> dict[str, dict[str, float]]:
        """Measures of each slice of queries, with `queries`."""
        groups: dict[str, list[Mapping[str, float]]] = {}
        for query, record in zip(self.queries, self.results[name].queries, strict=True):
            for slice in query.slices:
                groups.setdefault(slice, []).append(record.measures)
        return {slice: {"queries": len(values)} | mean(values) for slice, values in sorted(groups.items())}

    def as_json(self) -> dict[str, Any]:
        """The verdict and each variant: the JSON of `sluice compare` but for where the experiment lies."""
        decision = self.decision
        apart = {difference.variant: difference for difference in decision.differences}
        return {
            "measure": decision.measure,
            "queries": decision.queries,
            "variants": [
                {
                    "name": name,
                    "k": result.k,
                    "measures": result.measures,
                    "intervals": self.intervals(name),
                    "slices": self.slices(name),
                    "cost": dict(result.cost),
                    "probability_best": decision.probability_best[name],
                    "ruled_out": name in decision.ruled_out,
                    "questions": self._beside_leader(name),
                    "behind_leader": apart[name].as_json() if name in apart else None,
                }
                for name, result in self.results.items()
            ],
            "level": decision.level,
            "method": METHOD,
            "leader": decision.leader,
            "settled": decision.settled,
            "winner": decision.winner,
            "queries_needed": decision.queries_needed,
            "confirmation": self.confirmation.as_json() if self.confirmation else None,
            "conclusion": self.conclusion(),
        }

    def _beside_leader(self, name: str) -> dict[str, int]:
        """How many questions it answers worse than the leader, as well, better: a mean hides who pays for it."""
        pairs = zip(self._decisive(name), self._decisive(self.decision.leader), strict=True)
        apart = [round(own - leading, 9) for own, leading in pairs]
        return {"worse": sum(a < 0 for a in apart), "same": sum(a == 0 for a in apart), "better": sum(a > 0 for a in apart)}

    def _decisive(self, name: str) -> list[float]:
        return self.results[name].values(self.decision.measure)

    def conclusion(self) -> list[str]:
        """The verdict in sentences: what is settled, what is not, and what the choice costs."""
        decision = self.decision
        if not decision.differences:
            return ["There is one variant: nothing to compare."]
        if decision.settled:
            return [
                f"Settled: {decision.leader} is best by {decision.measure} on {counted(decision.queries, 'query')}; "
                f"{'every other variant' if len(decision.differences) > 1 else 'the other'} is ruled out ({self._certainty()})."
            ]
        open_ = [decision.leader, *(d.variant for d in decision.differences if not d.apart)]
        lines = [
            f"Not settled: {counted(decision.queries, 'query does', 'queries do')} not tell "
            f"{self._those(open_)} apart by {decision.measure} "
            f"({self._certainty()})."
        ]
        if decision.ruled_out:
            lines.append(f"Ruled out: {_listed(decision.ruled_out)}.")
        needed = decision.queries_needed
        lines.append(f"About {needed} more queries like these would settle it." if needed is not None else self._no_number())
        embed = min(open_, key=lambda name: self.results[name].cost["tokens"])
        read = min(open_, key=lambda name: self.results[name].cost["tokens_per_answer"])
        lines.append(
            f"Of these, {embed} is the cheapest to embed ({self.results[embed].cost['tokens']:,} tokens)"
            f"{' and' if embed == read else f', {read} the cheapest'} to read "
            f"({self.results[read].cost['tokens_per_answer']:,.0f} tokens an answer)."
        )
        return lines

    def _no_number(self) -> str:
        """Why no number of queries is named: there is no difference to find, or too few were asked to say that there is none."""
        decision = self.decision
        room = max(max(-d.low, d.high) for d in decision.differences if not d.apart)
        if decision.queries < ENOUGH and room > NOTHING:
            asked = counted(decision.queries, "query that shows", "queries that show")
            is_ = "is" if decision.queries == 1 else "are"
            return (
                f"{asked} no difference {is_} no proof that there is none: it may be up to {room:.3f}. "
                "Ask more, or harder ones; until then choose by cost."
            )
        return "No realistic number of queries would settle it: choose by cost."

    def _certainty(self) -> str:
        return f"at {self.decision.level:.0%}" + (", over all pairs" if len(self.decision.differences) > 1 else "")

    @staticmethod
    def _those(names: Sequence[str]) -> str:
        """All names where they are few; else the leader, which comes first, and a number."""
        return _listed(names) if len(names) <= MANY else f"{names[0]}, which leads, and {len(names) - 1} others"


def conclude(
    resolved: ResolvedSet, results: Mapping[str, VariantResult], *, measure: str, seed: int, baseline: str | None
) -> Outcome:
    """The verdict over finished variants; raises ConfigurationError when a query lacks the measure, or none is scored."""
    check(resolved, measure)
    queries = tuple(labels.query for labels in resolved.scored)
    names, values = list(results), _values(results, measure)
    decision = decide(names, values, measure=measure, seed=seed)
    confirmation = _confirm(names, values, baseline, measure, seed) if baseline is not None and len(queries) > 1 else None
    return Outcome(queries, results, decision, confirmation)


def check(resolved: ResolvedSet, measure: str) -> None:
    """Raise ConfigurationError when these queries can never decide by this measure: said before hours of work, not after."""
    if not resolved.scored:
        raise ConfigurationError("the golden set has no query that can be scored", hint="sluice golden check says why")
    if measure.startswith("Token") or measure == OMEGA:
        without = [q.query.id for q in resolved.scored if not all(label.label.is_passage for label in q.counted)]
        if without:
            raise ConfigurationError(
                f"measure: '{measure}' needs a quote or offsets on every label; {len(without)} of {len(resolved.scored)} queries "
                f"have a label without ({', '.join(without[:5])})",
                hint="add quotes to these, or decide by a measure of documents, such as nDCG@10",
            )


def _values(results: Mapping[str, VariantResult], measure: str) -> NDArray[np.float64]:
    columns = []
    for name, result in results.items():
        try:
            columns.append(result.values(measure))
        except KeyError:
            known = sorted(set.intersection(*(set(query.measures) for query in result.queries)))
            raise ConfigurationError(
                f"measure: '{measure}' is not known of every query of variant '{name}'",
                hint=f"these are: {', '.join(known)} (write @k for each variant's own k)",
            ) from None
    return np.array(columns, dtype=np.float64).T


def _confirm(names: Sequence[str], values: NDArray[np.float64], baseline: str, measure: str, seed: int) -> Confirmation:
    order = np.random.default_rng(seed).permutation(len(values))
    half = len(values) // 2
    chosen, held_back = values[np.sort(order[:half])], values[np.sort(order[half:])]
    selected = names[int(np.argmax(chosen.mean(axis=0)))]
    pair = held_back[:, [names.index(selected), names.index(baseline)]]
    means = pair.mean(axis=0)
    against = decide(["selected", "baseline"], pair, measure=measure, seed=seed).differences[0] if selected != baseline else None
    if against is not None and means[0] < means[1]:  # decide() reports the leader's lead: turn it round
        against = Difference(baseline, -against.mean, -against.high, -against.low, against.queries)
    return Confirmation(baseline, selected, measure, half, len(values) - half, float(means[0]), float(means[1]), against)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else "".join(names)
