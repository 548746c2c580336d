"""A release on a golden set: search each query as its principal, score what came back, keep every query's figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.golden import GoldenQuery
from evaluation.labels import ResolvedLabel, ResolvedQuery, ResolvedSet
from evaluation.measures import Span, credited, document_measures, mean, passage_measures
from evaluation.protocols import Searcher
from evaluation.quotes import plain
from sluice.access import AccessTags, Principal
from sluice.records import Hit

SAMPLES = 5
PART_OF_A_PASSAGE = 0.25
"""Of a labelled passage, for a copy to be credited: it may be cut into a few chunks, not into letters."""
DEPTH = 10
"""Documents ranked for each query: what Recall@10, MRR@10 and nDCG@10 need; more where k is larger."""


@dataclass(frozen=True, slots=True)
class Found:
    """A hit as evidence shows it: enough to look it up, never its text."""

    uri: str
    source: str
    document_key: str
    chunk_id: str
    score: float
    start: int
    end: int
    copies: tuple[Span, ...] = ()
    """The other places of its text."""

    def as_json(self) -> dict[str, Any]:
        return {"uri": self.uri, "source": self.source, "chunk_id": self.chunk_id[:8], "score": round(self.score, 4)}


@dataclass(frozen=True, slots=True)
class QueryResult:
    """One query: its measures by name, the documents found (best first), and the chunks a reader would receive."""

    query: GoldenQuery
    measures: Mapping[str, float]
    documents: tuple[Found, ...]
    chunks: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The measures of one release on one golden set; `results` are in the golden set's order."""

    k: int
    results: tuple[QueryResult, ...]
    unanswerable: tuple[QueryResult, ...]
    resolved: ResolvedSet

    @property
    def measures(self) -> dict[str, float]:
        """The mean of each measure over the scored queries (passage measures: over those whose labels allow it).

        Over those that somebody asked; over drafted ones only where there is nothing else.
        """
        return mean([result.measures for result in self.counted])

    @property
    def unjudged(self) -> int:
        """Hits among the first k documents of the counted questions that no label says anything of: not wrong, but unknown."""
        labelled = {q.query.id: {label.key for label in q.labels} for q in self.resolved.scored}
        counted = ((labelled[result.query.id], result.documents[: self.k]) for result in self.counted)
        return sum(found.document_key not in known for known, documents in counted for found in documents)

    @property
    def counted(self) -> tuple[QueryResult, ...]:
        """The results that means are over: real questions, or drafted ones where there are no others."""
        real = tuple(result for result in self.results if not result.query.synthetic)
        return real or self.results

    @property
    def drafted(self) -> dict[str, float]:
        """Measures of the drafted questions, with `queries`; empty without any."""
        values = [result.measures for result in self.results if result.query.synthetic]
        return {"queries": len(values), **mean(values)} if values else {}

    def by_slice(self) -> dict[str, dict[str, float]]:
        """Measures of each slice, with `queries`; a query counts in each of its slices."""
        return _grouped((name, result) for result in self.counted for name in result.query.slices)

    def by_kind(self) -> dict[str, dict[str, float]]:
        """Measures of each kind of query, with `queries`."""
        return _grouped((result.query.kind, result) for result in self.counted if result.query.kind)

    def as_json(self) -> dict[str, Any]:
        """What `sluice evaluate --json` prints; `queries` counts the scored ones, which the means are over."""
        return {
            "k": self.k,
            "queries": len(self.counted),
            "measures": self.measures,
            "slices": self.by_slice(),
            "kinds": self.by_kind(),
            **({"synthetic": self.drafted} if self.drafted else {}),
            "labels": self.resolved.labels,
            "stale": self.resolved.stale,
            "missing": len(self.resolved.with_state("missing")),
            "unscored": len(self.resolved.unscored),
            "unjudged": self.unjudged,
            "stale_labels": _samples(self.resolved.with_state("stale")),
            "missing_labels": _samples(self.resolved.with_state("missing")),
            "unscored_queries": [query.query.id for query in self.resolved.unscored[:SAMPLES]],
            "unanswerable": [
                {"id": r.query.id, "query": r.query.query, "hits": [found.as_json() for found in r.chunks[:SAMPLES]]}
                for r in self.unanswerable
            ],
        }


def evaluate(searcher: Searcher, resolved: ResolvedSet, *, k: int, everyone: AccessTags, passages: bool = True) -> Evaluation:
    """Search and score every query, in order.

    A query without a principal of its own is asked as one who holds `everyone`, every tag in the release. Without
    `passages` the chunks are not searched for, and passage measures are left out.
    """
    ranked: dict[str, tuple[Found, ...]] = {}
    chunks: dict[str, tuple[Found, ...]] = {}
    for query in (*(scored.query for scored in resolved.scored), *resolved.unanswerable):
        principal = Principal(query.principal if query.principal is not None else everyone)
        if not query.answerable:
            chunks[query.id] = _found(searcher.search(query.query, principal, k))
        elif passages:
            documents, passages_found = searcher.search_both(query.query, principal, max(k, DEPTH), k)
            ranked[query.id], chunks[query.id] = _found(documents), _found(passages_found)
        else:
            ranked[query.id] = _found(searcher.search_documents(query.query, principal, max(k, DEPTH)))
    return score(resolved, ranked, chunks, k=k, passages=passages)


def score(
    resolved: ResolvedSet,
    ranked: Mapping[str, tuple[Found, ...]],
    chunks: Mapping[str, tuple[Found, ...]],
    *,
    k: int,
    passages: bool = True,
) -> Evaluation:
    """The measures of what was found, by query id: documents ranked, and the chunks a reader would receive."""
    scores = document_measures(*credited_rankings(resolved, ranked), k)
    return Evaluation(
        k=k,
        results=tuple(
            QueryResult(
                scored.query,
                scores[scored.query.id] | (_passage_scores(scored, chunks[scored.query.id], k) if passages else {}),
                ranked[scored.query.id],
                chunks.get(scored.query.id, ()),
            )
            for scored in resolved.scored
        ),
        unanswerable=tuple(QueryResult(query, {}, (), chunks[query.id]) for query in resolved.unanswerable),
        resolved=resolved,
    )


def credited_rankings(
    resolved: ResolvedSet, ranked: Mapping[str, Sequence[Found]]
) -> tuple[dict[str, set[str]], dict[str, list[str]]]:
    """By query id: the judged documents, and the documents found, each hit credited to what it stands for."""
    judged = {scored.query.id: _judged(scored) for scored in resolved.scored}
    places = {q.query.id: [_documents(found, q) for found in ranked[q.query.id]] for q in resolved.scored}
    return judged, {id: credited(judged[id], found) for id, found in places.items()}


def _judged(query: ResolvedQuery) -> set[str]:
    """The documents that count: found ones by their key, lost ones under a name that no hit can have."""
    found = {label.key for label in query.counted if label.state == "found" and label.key}
    lost = {label.key or label.label.uri for label in query.counted if label.state == "missing"} - found
    return found | {f"missing:{name}" for name in lost}


def _documents(found: Found, query: ResolvedQuery) -> list[str]:
    """The documents that a hit stands for: its own, and those where its text is a good part of a passage that answers.

    Not every document with the same text: a heading that all of them have tells none of them from the others.
    """
    passages = [(label.key, *label.span) for label in query.counted if label.key and label.span]
    others = (key for key, start, end in passages if _holds(found.copies, (key, start, end)))
    return [found.document_key, *others]


def _holds(places: Iterable[Span], passage: Span) -> bool:
    key, start, end = passage
    return any(k == key and min(e, end) - max(s, start) >= PART_OF_A_PASSAGE * (end - start) for k, s, e in places)


def _passage_scores(query: ResolvedQuery, chunks: tuple[Found, ...], k: int) -> dict[str, float]:
    """Passage measures, where every label that counts is a passage."""
    if not all(label.label.is_passage for label in query.counted):
        return {}
    passages: list[Span] = [(label.key, *label.span) for label in query.counted if label.key and label.span]
    lost = sum(lost_length(label) for label in query.counted if label.span is None)
    scores = passage_measures(
        passages, [(f.document_key, f.start, f.end) for f in chunks], lost=lost, copies=[f.copies for f in chunks]
    )
    return {f"TokenRecall@{k}": scores.recall, f"TokenPrecision@{k}": scores.precision, f"TokenIoU@{k}": scores.iou}


def lost_length(label: ResolvedLabel) -> int:
    """Characters of a passage that the release does not hold."""
    if label.label.start is not None and label.label.end is not None:
        return label.label.end - label.label.start
    return len(plain(label.label.quote or "").text)


def _found(hits: Iterable[Hit]) -> tuple[Found, ...]:
    return tuple(
        Found(
            h.uri,
            h.source,
            h.document_key,
            h.chunk_id,
            h.score,
            h.start,
            h.end,
            tuple((place.document_key, place.start, place.end) for place in h.copies),
        )
        for h in hits
    )


def _grouped(pairs: Iterable[tuple[str, QueryResult]]) -> dict[str, dict[str, float]]:
    groups: dict[str, list[Mapping[str, float]]] = {}
    for name, result in pairs:
        groups.setdefault(name, []).append(result.measures)
    return {name: {"queries": len(values)} | mean(values) for name, values in sorted(groups.items())}


def _samples(labels: list[tuple[str, ResolvedLabel]]) -> list[dict[str, str]]:
    return [{"id": id, "uri": label.label.uri, "reason": label.reason} for id, label in labels[:SAMPLES]]
