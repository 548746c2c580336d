"""The queries that variants disagree about most, with the passages that each retrieved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluation.experiments.outcome import Outcome
from evaluation.experiments.protocols import Texts
from evaluation.scoring import Found
from sluice.spelling import same

QUERIES, HITS, CHARACTERS = 8, 3, 320


def disagreements(outcome: Outcome, texts: Mapping[str, Texts]) -> list[dict[str, Any]]:
    """At most 8 queries by the spread of the deciding measure over the variants (0 is left out), widest first, then by id.

    `texts` are each variant's: places are of the text that it was cut from.
    """
    values = {name: result.values(outcome.decision.measure) for name, result in outcome.results.items()}
    spreads = [max(column) - min(column) for column in zip(*values.values(), strict=True)]
    order = sorted(range(len(spreads)), key=lambda i: (-round(spreads[i], 9), outcome.queries[i].id))
    return [_shown(outcome, texts, i, values) for i in order[:QUERIES] if spreads[i] > 0]


def _shown(outcome: Outcome, texts: Mapping[str, Texts], i: int, values: dict[str, list[float]]) -> dict[str, Any]:
    """A query, and what was retrieved: variants that retrieved the same share an entry."""
    query = outcome.queries[i]
    relevant = list(dict.fromkeys(label.uri for label in query.relevant))
    entries: dict[Any, dict[str, Any]] = {}
    for name, result in outcome.results.items():
        found = result.queries[i].chunks[:HITS]
        hits = [_hit(texts[name], relevant, hit) for hit in found]
        place = tuple((hit.document_key, hit.start, hit.end) for hit in found)
        same = (values[name][i], place, tuple(hit["text"] for hit in hits))
        entry = entries.setdefault(same, {"names": [], "value": values[name][i], "hits": hits})
        entry["names"].append(name)
    order = sorted(entries.values(), key=lambda entry: -entry["value"])
    return {"id": query.id, "query": query.query, "relevant": relevant, "variants": order}


def _hit(texts: Texts, relevant: list[str], hit: Found) -> dict[str, Any]:
    text = _excerpt(texts.passage(hit.document_key, hit.start, hit.end))
    return {
        "uri": hit.uri,
        "document_key": hit.document_key,
        "relevant": any(same(hit.uri, uri) for uri in relevant),
        "text": text,
    }


def _excerpt(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= CHARACTERS else flat[:CHARACTERS].rsplit(" ", 1)[0] + " …"
