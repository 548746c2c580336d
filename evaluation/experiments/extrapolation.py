"""What a measure on a sample of documents says of all of them, for the same questions: an interval.

Judged documents and the passages that compete with them are in the sample for certain, each document, whole, with the probability
`share`. The more there is, the lower a relevant one may stand: what the sample says is the upper end. The lower end counts each
sampled document above a relevant one as 1 / share of them (Horvitz and Thompson, 1952), each costing as much as the first, which
is the dearest: less what sampling may have hidden, as the score interval of a Poisson count has it (1.96² / 2 more of an average
influence, and 1.96 standard errors from each document's own, squared, times 1 - share): none seen is not none there.
Words weigh otherwise in another corpus, and ranks fuse otherwise: for sparse and hybrid search, where a value may also be lower
on the sample than on all, the same standard errors are added to the upper end.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from evaluation.experiments.running import VariantResult
from evaluation.labels import ResolvedSet
from evaluation.scoring import credited_rankings

Z95 = 1.959964


@dataclass(frozen=True, slots=True)
class OnAll:
    """Between what a mean lies on all documents, by the sampling of documents alone."""

    low: float
    high: float


def on_all(result: VariantResult, resolved: ResolvedSet, share: float, measure: str, *, words: bool = False) -> OnAll | None:
    """The interval of a measure of documents; None for one of passages. `words`: whether search is sparse or hybrid."""
    name, _, depth = measure.partition("@")
    if name not in ("nDCG", "MRR", "Recall", "Success") or not result.queries:
        return None
    cut = result.k if depth == "k" else int(depth)
    judged, ranked = credited_rankings(resolved, {record.id: record.documents for record in result.queries})
    count, without, one_more = len(result.queries), 0.0, 0.0
    influence: dict[str, float] = defaultdict(float)
    for record in result.queries:
        relevant, ranking = judged[record.id], ranked[record.id]
        by_chance = {key for key in ranking if key in record.by_chance and key not in relevant}
        bare = _value(name, [key for key in ranking if key not in by_chance], relevant, cut)
        for key in by_chance:
            with_it = _value(name, [k for k in ranking if k == key or k not in by_chance], relevant, cut)
            influence[key] += (bare - with_it) / share / count
        without += bare / count
        one_more += (bare - _value(name, ["", *ranking], relevant, cut)) / count
    seen, one = sum(result.values(measure)) / count, one_more / share / count
    spread = sum(each * each for each in influence.values()) + (Z95 / 2 * one) ** 2
    error = Z95 * math.sqrt((1 - share) * spread)
    low = without - sum(influence.values()) - (1 - share) * Z95**2 / 2 * one - error
    high = min(1.0, seen + error) if words else seen
    return OnAll(max(0.0, min(low, seen)), high)


def _value(name: str, ranking: Sequence[str], relevant: Collection[str], cut: int) -> float:
    """The measure of one question."""
    places = [place for place, key in enumerate(ranking, 1) if key in relevant and place <= cut]
    match name:
        case "nDCG":
            ideal = sum(1 / math.log2(n + 2) for n in range(min(len(relevant), cut)))
            return sum(1 / math.log2(place + 1) for place in places) / ideal
        case "MRR":
            return 1 / places[0] if places else 0.0
        case "Recall":
            return len(places) / len(relevant)
        case _:
            return float(bool(places))
