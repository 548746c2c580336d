"""One variant on the golden set: every query's measures, what was found, and what it costs to hand it to a reader."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from evaluation.experiments.protocols import PreparedVariant, Texts
from evaluation.labels import ResolvedQuery, ResolvedSet
from evaluation.measures import mean, precision_omega
from evaluation.scoring import Found, evaluate, lost_length
from sluice.access import AccessTags

VERSION = 3
"""Raised whenever the same variant would be measured otherwise: recorded results of other versions are not used."""

OMEGA = "PrecisionOmega"


@dataclass(frozen=True, slots=True)
class QueryRecord:
    """One query of one variant; `tokens` is what a reader is handed at k; `by_chance` are those of the documents, by key, whose
    best chunk only chance put into the sample."""

    id: str
    measures: Mapping[str, float]
    documents: tuple[Found, ...]
    chunks: tuple[Found, ...]
    tokens: int
    by_chance: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VariantResult:
    """What one variant scored; `queries` are the scored ones, in the golden set's order."""

    fingerprint: str
    k: int
    cost: Mapping[str, Any]
    queries: tuple[QueryRecord, ...]

    @property
    def measures(self) -> dict[str, float]:
        return mean([query.measures for query in self.queries])

    def values(self, measure: str) -> list[float]:
        """A measure of each query, `@k` standing for this variant's k; raises KeyError when a query does not have it."""
        name = measure.removesuffix("@k") + f"@{self.k}" if measure.endswith("@k") else measure
        return [query.measures[name] for query in self.queries]

    def as_json(self) -> dict[str, Any]:
        return {"version": VERSION, **asdict(self)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> VariantResult:
        """Raises KeyError or TypeError when this is not what `as_json` gave."""
        queries = tuple(
            QueryRecord(
                q["id"],
                q["measures"],
                tuple(_found(f) for f in q["documents"]),
                tuple(_found(f) for f in q["chunks"]),
                q["tokens"],
                tuple(q.get("by_chance", ())),
            )
            for q in value["queries"]
        )
        return cls(value["fingerprint"], value["k"], value["cost"], queries)


def _found(value: Mapping[str, Any]) -> Found:
    return Found(**{**value, "copies": tuple((key, start, end) for key, start, end in value["copies"])})


def run_variant(
    prepared: PreparedVariant, texts: Texts, resolved: ResolvedSet, *, fingerprint: str, k: int, everyone: AccessTags
) -> VariantResult:
    """Search and score every query of the golden set with one variant; questions without an answer are left out."""
    started = time.perf_counter()
    measured = evaluate(prepared.searcher, resolved, k=k, everyone=everyone)
    searched = time.perf_counter() - started
    records = []
    for labels, result in zip(resolved.scored, measured.results, strict=True):
        handed = [texts.passage(f.document_key, f.start, f.end) for f in result.chunks]
        measures = dict(result.measures) | _omega(labels, prepared)
        by_chance = tuple(found.document_key for found in result.documents if prepared.by_chance(found.chunk_id))
        tokens = sum(texts.tokens(handed))
        records.append(QueryRecord(result.query.id, measures, result.documents, result.chunks, tokens, by_chance))
    cost = dict(prepared.cost())
    cost["seconds"] = {**cost["seconds"], "search": round(searched, 3)}
    cost["tokens_per_answer"] = round(sum(record.tokens for record in records) / len(records), 1) if records else 0.0
    return VariantResult(fingerprint, k, cost, tuple(records))


def _omega(query: ResolvedQuery, prepared: PreparedVariant) -> dict[str, float]:
    """Precision-omega, where every label that counts is a passage."""
    if not all(label.label.is_passage for label in query.counted):
        return {}
    passages = [(label.key, *label.span) for label in query.counted if label.key and label.span]
    chunks = [(key, *span) for key in {key for key, _, _ in passages} for span in prepared.spans(key)]
    return {OMEGA: precision_omega(passages, chunks, lost=sum(lost_length(lb) for lb in query.counted if lb.span is None))}
