"""`sluice evaluate`: a release measured on a golden set, and by the floors of the configured gates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import evaluation
from evaluation.protocols import LabelledDocuments
from pipeline.golden.checking import golden_set
from pipeline.reading.searching import released
from pipeline.resources import Resources
from pipeline.steps.judgement import explain, gate_context
from sluice.access import AccessTags, every_tag
from sluice.errors import ConfigurationError
from sluice.records import DocumentState
from sluice.releases import Release

NAMED = 5
"""How many missed questions are explained."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A release's measures on a golden set; `below` says which configured floors it does not reach (None: not asked)."""

    release: str
    golden: Path
    evaluation: evaluation.Evaluation
    below: tuple[str, ...] | None = None
    missed: int = 0
    """Questions of which nothing that answers is among the first k."""
    samples: tuple[Mapping[str, Any], ...] = ()
    """Of these at most `NAMED`: id, query, uri of a document that answers, and why it was not found."""
    others: tuple[str, ...] = ()
    """The ids of the rest of them."""


def evaluate(r: Resources, golden: Path | None, release: str | None, k: int, *, gate: bool = False) -> Measured:
    """Measure a release on a golden set; with `gate`, also by the floors of the configured retrieval gates."""
    found = released(r, release)
    chosen = golden_set(r, golden)
    if not chosen.queries:
        raise ConfigurationError(
            f"{chosen.path} holds no question: there is nothing to measure with",
            hint="sluice golden add, draft or import fills it",
        )
    states = r.stores.documents.read()
    tags = every_tag(s.tags for s in states)
    documents = r.corpus(found)
    resolved = evaluation.resolve(chosen, documents)
    measured = evaluation.evaluate(
        r.searcher(found, known=[query.query for query in chosen.queries]), resolved, k=k, everyone=tags
    )
    below = _below_the_floors(r, found, states, chosen if golden is not None else None) if gate else None
    missed = [result for result in measured.results if result.measures[f"Success@{k}"] == 0]
    samples = tuple(_missed(r, found, measured, result, tags, documents) for result in missed[:NAMED])
    others = tuple(result.query.id for result in missed[NAMED:])
    return Measured(found.id, chosen.path, measured, below, len(missed), samples, others)


def _missed(
    r: Resources,
    release: Release,
    measured: evaluation.Evaluation,
    result: evaluation.QueryResult,
    everyone: AccessTags,
    documents: LabelledDocuments,
) -> dict[str, Any]:
    """Why the first document that answers a question was not found: its label, or as `sluice why` says it."""
    query = result.query
    labels = next(scored.counted for scored in measured.resolved.scored if scored.query.id == query.id)
    label = next((label for label in labels if label.state == "found"), labels[0])
    told = {"id": query.id, "query": query.query, "uri": label.label.uri}
    if label.state != "found":
        return told | {"reason": label.state, "says": label.reason}
    asks = query.principal if query.principal is not None else everyone
    if says := evaluation.closed(query.principal, documents.find(label.label.uri, label.label.source)):
        return told | {"reason": "no_tag_in_common", "says": says}
    lost = explain(r, release)(query.query, label.label.uri, label.label.source, asks, measured.k)
    return told | {"reason": lost.reason, "says": lost.says}


def _below_the_floors(
    r: Resources, release: Release, states: list[DocumentState], chosen: evaluation.GoldenSet | None
) -> tuple[str, ...]:
    """The reasons of every configured retrieval gate that this release does not pass by itself: on its own golden set, or on the
    `chosen` one."""
    context = gate_context(r, release, None, states)
    gates = [gate for gate in r.gates if gate.name == "retrieval"]
    if not gates:
        raise ConfigurationError(
            f"{r.settings.path}: no retrieval gate is configured", hint="add one under gates: with its floors"
        )
    if chosen is not None:
        gates = [_asking(gate, chosen) for gate in gates]
    return tuple(verdict.reason for verdict in evaluation.run_gates(gates, context) if not verdict.passed)


def _asking(gate: Any, chosen: evaluation.GoldenSet) -> evaluation.Gate:
    """The same retrieval gate, asking other questions."""
    found: evaluation.Gate = type(gate)(gate.options.model_copy(update={"golden": chosen.path}))
    return found
