"""The queries that variants disagree about most, with the passages that each retrieved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from evaluation.excerpts import excerpt
from evaluation.experiments.outcome import Outcome
from evaluation.experiments.protocols import Texts
from evaluation.labels import ResolvedSet
from evaluation.measures import Span
from evaluation.scoring import Found
from sluice.spelling import same

QUERIES, HITS = 8, 3


def disagreements(
    outcome: Outcome, texts: Mapping[str, Texts], labelled: Mapping[str, ResolvedSet] = MappingProxyType({})
) -> list[dict[str, Any]]:
    """At most 8 queries by the spread of the deciding measure over the variants (0 is left out), widest first, then by id.

    `texts` and `labelled` are each variant's: places are of the text that it was cut from; the labels' quotes are marked.
    """
    quotes = {name: _quotes(resolved) for name, resolved in labelled.items()}
    values = {name: result.values(outcome.decision.measure) for name, result in outcome.results.items()}
    spreads = [max(column) - min(column) for column in zip(*values.values(), strict=True)]
    order = sorted(range(len(spreads)), key=lambda i: (-round(spreads[i], 9), outcome.queries[i].id))
    return [_shown(outcome, texts, i, values, quotes) for i in order[:QUERIES] if spreads[i] > 0]


def _quotes(resolved: ResolvedSet) -> dict[str, list[Span]]:
    return {q.query.id: [(lb.key, *lb.span) for lb in q.counted if lb.key and lb.span] for q in resolved.scored}


def _shown(
    outcome: Outcome,
    texts: Mapping[str, Texts],
    i: int,
    values: dict[str, list[float]],
    quotes: Mapping[str, Mapping[str, Sequence[Span]]],
) -> dict[str, Any]:
    """A query, and what was retrieved: variants that retrieved the same share an entry."""
    query = outcome.queries[i]
    relevant = list(dict.fromkeys(label.uri for label in query.relevant))
    entries: dict[Any, dict[str, Any]] = {}
    for name, result in outcome.results.items():
        found = result.queries[i].chunks[:HITS]
        answering = quotes.get(name, {}).get(query.id, ())
        hits = [_hit(texts[name], relevant, hit, answering) for hit in found]
        place = tuple((hit.document_key, hit.start, hit.end) for hit in found)
        same = (values[name][i], place, tuple(hit["text"] for hit in hits))
        entry = entries.setdefault(same, {"names": [], "value": values[name][i], "hits": hits})
        entry["names"].append(name)
    order = sorted(entries.values(), key=lambda entry: -entry["value"])
    return {"id": query.id, "query": query.query, "relevant": relevant, "variants": order}


def _hit(texts: Texts, relevant: list[str], hit: Found, quotes: Sequence[Span]) -> dict[str, Any]:
    inside = ((start - hit.start, end - hit.start) for key, start, end in quotes if key == hit.document_key)
    shown = excerpt(texts.passage(hit.document_key, hit.start, hit.end), inside)
    return {
        "uri": hit.uri,
        "document_key": hit.document_key,
        "relevant": any(same(hit.uri, uri) for uri in relevant),
        "text": shown.text,
        "marks": [list(mark) for mark in shown.marks],
    }
