"""Candidate against live on the same queries and labels: overall for each measure with a limit, and slice by slice.

A drop of the mean beyond its limit rejects, and so does a smaller one whose 95% interval (paired bootstrap-t over the
queries) lies below zero. Of slices only the latter is asked, with Holm's correction, for one of ten slices always looks
bad by chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evaluation.scoring import Evaluation, QueryResult
from evaluation.statistics import holm, paired_bootstrap, queries_needed
from sluice.display import counted

ROUNDING = 1e-9
FEW = 20
"""Queries that are too few even where all of them agree."""
ALPHA = 0.025
"""One-sided: what a two-sided 95% interval below zero stands for."""


@dataclass(slots=True)
class Comparison:
    """Intervals by measure and by slice; what rejects; what the golden set is too small to tell."""

    measures: dict[str, Any] = field(default_factory=dict)
    slices: dict[str, Any] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def compare(
    candidate: Evaluation, live: Evaluation, *, limits: Mapping[str, float], shown: Sequence[str], slice_queries: int
) -> Comparison:
    """Compare two evaluations of one golden set.

    `limits` are the greatest drops by measure; the first of them is decisive and is also compared in every slice of at
    least `slice_queries` queries. `shown` are measures that are only reported.
    """
    found = Comparison()
    for name in dict.fromkeys((*limits, *shown)):
        pairs = _paired(candidate.counted, live.results, name)
        if pairs:
            _overall(found, name, pairs, limits.get(name))
        elif name in limits:
            found.failures.append(f"{name} has a limit and no query whose labels allow it: no evidence is not a pass")
    decisive = next(iter(limits))
    _by_slice(found, candidate, live, decisive, slice_queries)
    return found


def _overall(found: Comparison, name: str, pairs: list[tuple[float, float]], limit: float | None) -> None:
    mine, theirs = zip(*pairs, strict=True)
    interval = paired_bootstrap(mine, theirs)
    found.measures[name] = interval.as_json()
    if limit is None:
        return
    seen = f"{name} {sum(mine) / len(mine):.3f} against {sum(theirs) / len(theirs):.3f} live"
    bounds = f"95% interval {interval.low:+.3f} to {interval.high:+.3f}"
    if -interval.mean > limit + ROUNDING:
        found.failures.append(f"{seen}: a drop beyond max_drop {limit:.3f} ({bounds})")
    elif interval.high < 0:
        found.failures.append(f"{seen}: within max_drop {limit:.3f}, yet more than chance ({bounds})")
    elif (interval.high - interval.low) / 2 > limit and (interval.queries < FEW or any(a != b for a, b in pairs)):
        # That none of many queries is answered otherwise is no reason for a warning every night: the interval says it.
        needed = queries_needed([a - b for a, b in pairs], limit)
        enough = f"; a golden set of about {needed:,} queries would" if needed else ""
        found.doubts.append(
            f"{counted(interval.queries, 'query')} cannot show a drop of {limit:.3f} in {name} ({bounds}){enough}"
        )


def _by_slice(found: Comparison, candidate: Evaluation, live: Evaluation, name: str, slice_queries: int) -> None:
    chances: dict[str, float] = {}
    for group in candidate.by_slice():
        pairs = _paired(_of_slice(candidate.counted, group), live.results, name)
        if len(pairs) < slice_queries:
            continue
        interval = paired_bootstrap(*zip(*pairs, strict=True))
        found.slices[group] = {name: interval.as_json()}
        chances[group] = interval.p_drop
    for group, worse in zip(chances, holm(list(chances.values()), alpha=ALPHA), strict=True):
        if worse:
            found.slices[group]["worse"] = True
            change = found.slices[group][name]["mean"]
            found.failures.append(
                f"{name} of slice '{group}' changed by {change:+.3f}, more than chance over {len(chances)} slices (Holm)"
            )


def _of_slice(results: Sequence[QueryResult], group: str) -> list[QueryResult]:
    return [result for result in results if group in result.query.slices]


def _paired(mine: Sequence[QueryResult], theirs: Sequence[QueryResult], name: str) -> list[tuple[float, float]]:
    """(candidate, live) of every query that has the measure in both releases, in the golden set's order."""
    live = {result.query.id: result.measures.get(name) for result in theirs}
    pairs = ((result.measures.get(name), live.get(result.query.id)) for result in mine)
    return [(a, b) for a, b in pairs if a is not None and b is not None]
