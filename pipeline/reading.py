"""What commands read, and nothing that they change: evaluation, the care of a golden set, texts. No lease is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import evaluation
from evaluation.care import Care
from evaluation.protocols import LabelledDocuments
from pipeline.naming import named
from pipeline.outcomes import Difference
from pipeline.resources import Resources
from pipeline.searching import released
from pipeline.steps.judgement import explain, gate_context
from sluice.access import NOBODY, AccessTags, every_tag
from sluice.errors import ConfigurationError
from sluice.ids import version_id
from sluice.plain import plain
from sluice.records import DocumentState
from sluice.releases import Release

NAMED = 5
"""How many missed questions are explained."""
READ_DOCUMENTS = 200
"""How many parsed texts are held at once."""


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


def evaluate(r: Resources, golden: Path | None, release: str | None, k: int, *, gate: bool = False) -> Measured:
    """Measure a release on a golden set; with `gate`, also by the floors of the configured retrieval gates."""
    found = released(r, release)
    chosen = golden_set(r, golden)
    states = r.stores.documents.read()
    tags = every_tag(s.tags for s in states)
    documents = r.corpus(found)
    resolved = evaluation.resolve(chosen, documents)
    measured = evaluation.evaluate(
        r.searcher(found, known=[query.query for query in chosen.queries]), resolved, k=k, everyone=tags
    )
    below = _below_the_floors(r, found, states) if gate else None
    missed = [result for result in measured.results if result.measures[f"Success@{k}"] == 0]
    samples = tuple(_missed(r, found, measured, result, tags, documents) for result in missed[:NAMED])
    return Measured(found.id, chosen.path, measured, below, len(missed), samples)


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


def _below_the_floors(r: Resources, release: Release, states: list[DocumentState]) -> tuple[str, ...]:
    """The reasons of every configured retrieval gate that this release does not pass by itself."""
    context = gate_context(r, release, None, states)
    gates = [gate for gate in r.gates if gate.name == "retrieval"]
    if not gates:
        raise ConfigurationError(
            f"{r.settings.path}: no retrieval gate is configured", hint="add one under gates: with its floors"
        )
    return tuple(verdict.reason for verdict in evaluation.run_gates(gates, context) if not verdict.passed)


def golden_set(r: Resources, path: Path | None) -> evaluation.GoldenSet:
    """The golden set that was named, or that of the first retrieval gate."""
    if path is not None:
        return evaluation.load_golden(path)
    for gate in r.gates:
        if isinstance(found := getattr(gate, "golden", None), evaluation.GoldenSet):
            return found
    raise ConfigurationError(f"{r.settings.path}: no gate names a golden set", hint="name one: --golden FILE")


@dataclass(frozen=True, slots=True)
class Checked:
    """A golden set, and what a check of it found."""

    golden: Path
    care: Care


def check_golden(r: Resources, path: Path | None) -> Checked:
    """Whether the labels of a golden set are still true; with none named, also whether the gates' leak cases prove anything."""
    chosen = golden_set(r, path)
    asked = [found for gate in r.gates if isinstance(found := getattr(gate, "cases", None), evaluation.LeakCases)]
    cases = [case for held in asked for case in held.cases] if path is None else []
    known = r.known_tags(r.stores.documents.read()) if cases else NOBODY
    return Checked(chosen.path, evaluation.check_golden(chosen, r.corpus(), cases, known))


def difference(r: Resources, a: str, b: str) -> Difference:
    """What changed from release `a` to release `b`."""
    old, new = named(r, a).there(), named(r, b).there()
    fields = ["document_key", "version", "uri"]
    before, after = (
        {p.payload["document_key"]: p.payload for p in r.stores.qdrant.scan(release.collection, fields)} for release in (old, new)
    )
    both = after.keys() & before.keys()
    return Difference(
        a=old.id,
        b=new.id,
        added=sorted(after[k]["uri"] for k in after.keys() - before.keys()),
        removed=sorted(before[k]["uri"] for k in before.keys() - after.keys()),
        changed=sorted(after[k]["uri"] for k in both if after[k]["version"] != before[k]["version"]),
        counts={name: (getattr(old, name), getattr(new, name)) for name in ("documents", "chunks", "tokens")},
        configuration=differences(plain(old.configuration), plain(new.configuration)),
    )


def differences(a: Any, b: Any, path: str = "") -> dict[str, tuple[Any, Any]]:
    """The values that differ, by the path of their keys, in nested mappings."""
    if isinstance(a, dict) and isinstance(b, dict):
        found: dict[str, tuple[Any, Any]] = {}
        for key in sorted({*a, *b}):
            found |= differences(a.get(key), b.get(key), f"{path}.{key}" if path else key)
        return found
    return {} if a == b else {path: (a, b)}


def texts(r: Resources, states: Sequence[DocumentState]) -> Iterator[tuple[str, str]]:
    """The parsed texts of these documents by key, a batch at a time."""
    for start in range(0, len(states), READ_DOCUMENTS):
        batch = {version_id(s.key, s.version, s.parse_fingerprint): s.key for s in states[start : start + READ_DOCUMENTS]}
        versions = r.stores.versions.get(list(batch))
        yield from ((key, versions[identity].text) for identity, key in batch.items() if identity in versions)


FOUND = 9
"""How many documents a keyword search names."""


def containing(r: Resources, words: str) -> list[tuple[str, str, str]]:
    """The first documents, by uri, with all of these words in their text or uri: source, uri, and the words in their place."""
    wanted = words.casefold().split()
    states = sorted((s for s in r.stores.documents.read() if s.in_release), key=lambda s: s.uri)
    by_key = {s.key: s for s in states}
    found: list[tuple[str, str, str]] = []
    for key, text in texts(r, states) if wanted else ():
        state, small = by_key[key], text.casefold()
        if all(word in small or word in state.uri.casefold() for word in wanted):
            at = max(0, min((place for word in wanted if (place := small.find(word)) >= 0), default=0) - 40)
            found.append((state.source, state.uri, " ".join(text[at : at + 160].split())))
            if len(found) == FOUND:
                break
    return found
