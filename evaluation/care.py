"""Is a golden set still worth believing: labels that went stale, questions asked twice, slices too small to say anything."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from evaluation.golden import GoldenQuery, GoldenSet, LeakCase
from evaluation.labels import ResolvedLabel, resolve_queries
from evaluation.protocols import LabelledDocuments
from evaluation.quotes import plain
from evaluation.readable import barred, wrong_case
from sluice.access import NOBODY, AccessTags

FEW = 20
"""Queries below which a slice's mean is not held against a release."""


@dataclass(frozen=True, slots=True)
class Care:
    """What a check of a golden set found; `healthy` when it asks something, and nothing in it misleads."""

    queries: int
    labels: int
    stale: tuple[Mapping[str, str], ...]
    missing: tuple[Mapping[str, str], ...]
    ambiguous: tuple[Mapping[str, str], ...]
    unreadable: tuple[Mapping[str, str], ...]
    """Labels on documents that who asks may not read: misses for ever."""
    duplicates: tuple[tuple[str, ...], ...]
    unanswerable: tuple[str, ...]
    unscored: tuple[str, ...]
    slices: Mapping[str, int]
    kinds: Mapping[str, int]
    coverage: Mapping[str, Mapping[str, int]]
    leak_cases: tuple[Mapping[str, str], ...] = ()
    """Those that can never fail, or never pass."""

    @property
    def healthy(self) -> bool:
        return self.queries > 0 and not (
            self.stale or self.missing or self.ambiguous or self.unreadable or self.duplicates or self.leak_cases
        )

    @property
    def small_slices(self) -> tuple[str, ...]:
        return tuple(name for name, queries in self.slices.items() if queries < FEW)

    def as_json(self) -> dict[str, Any]:
        return {
            "healthy": self.healthy,
            "queries": self.queries,
            "labels": self.labels,
            "stale": [dict(label) for label in self.stale],
            "missing": [dict(label) for label in self.missing],
            "ambiguous": [dict(label) for label in self.ambiguous],
            "unreadable": [dict(label) for label in self.unreadable],
            "leak_cases": [dict(case) for case in self.leak_cases],
            "duplicates": [list(ids) for ids in self.duplicates],
            "unanswerable": list(self.unanswerable),
            "unscored": list(self.unscored),
            "slices": dict(self.slices),
            "small_slices": list(self.small_slices),
            "kinds": dict(self.kinds),
            "coverage": {source: dict(folders) for source, folders in self.coverage.items()},
        }


def check(
    golden: GoldenSet, documents: LabelledDocuments, cases: Iterable[LeakCase] = (), known_tags: AccessTags = NOBODY
) -> Care:
    """Every label against the documents, every query against the others; every leak case against access as it is.

    `coverage` counts labels by source and by the uri's folders (two at most). An ambiguous uri is reported here, where
    elsewhere it is an error.
    """
    ambiguous: list[dict[str, str]] = []
    clear: list[GoldenQuery] = []
    for query in golden.queries:
        shared = [label.uri for label in query.relevant if len(documents.find(label.uri, label.source)) > 1]
        ambiguous += [{"id": query.id, "uri": uri, "reason": "the uri occurs in two sources"} for uri in shared]
        if not shared:
            clear.append(query)
    resolved = resolve_queries(clear, documents, where=str(golden.path))
    return Care(
        queries=len(golden.queries),
        labels=sum(len(query.relevant) for query in golden.queries),
        stale=_named(resolved.with_state("stale")),
        missing=_named(resolved.with_state("missing")),
        ambiguous=tuple(ambiguous),
        unreadable=tuple(
            {"id": id, "uri": label.label.uri, "reason": reason}
            for id, label, reason in barred((*resolved.scored, *resolved.unscored), documents)
        ),
        duplicates=_duplicates(golden.queries),
        unanswerable=tuple(query.id for query in golden.queries if not query.answerable),
        unscored=tuple(query.query.id for query in resolved.unscored),
        slices=_counted(name for query in golden.queries for name in query.slices),
        kinds=_counted(query.kind for query in golden.queries if query.kind),
        coverage=_coverage(golden, documents),
        leak_cases=tuple(
            {"id": case.id, "uri": case.forbidden_uri, "reason": reason}
            for case in cases
            if (reason := wrong_case(case, documents, known_tags))
        ),
    )


def _named(labels: Iterable[tuple[str, ResolvedLabel]]) -> tuple[dict[str, str], ...]:
    return tuple({"id": id, "uri": label.label.uri, "reason": label.reason} for id, label in labels)


def _duplicates(queries: Iterable[GoldenQuery]) -> tuple[tuple[str, ...], ...]:
    """Ids of queries that ask the same words as the same principal, whatever their case, spacing and markup."""
    same: defaultdict[tuple[str, Any], list[str]] = defaultdict(list)
    for query in queries:
        same[plain(query.query).text.casefold(), query.principal].append(query.id)
    return tuple(tuple(ids) for ids in same.values() if len(ids) > 1)


def _coverage(golden: GoldenSet, documents: LabelledDocuments) -> dict[str, dict[str, int]]:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for query in golden.queries:
        for label in query.relevant:
            states = documents.find(label.uri, label.source)
            source = states[0].source if len(states) == 1 else "?"
            counts[source]["/".join(label.uri.split("/")[:-1][:2]) or "."] += 1
    return {source: dict(sorted(folders.items())) for source, folders in sorted(counts.items())}


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
