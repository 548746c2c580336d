"""The chunk viewer: documents of an experiment with the cuts of all its strategies laid over their text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from evaluation.experiments import VariantSettings
from evaluation.reports.cuts import Cut, Lane, Overlay, Quote, page
from indexing.cuts import Cutter
from pipeline.experiments.variants import Laboratory
from sluice.errors import ConfigurationError
from sluice.records import Document, DocumentState
from sluice.replacing import replacing
from sluice.spelling import find

SHOWN = 3
"""Documents of a page for which nobody asked by name."""
LOOKED_AT = 200
"""Documents with quotes that are cut to find those."""


def overlays(lab: Laboratory, uris: Sequence[str] = (), keys: Collection[str] = ()) -> list[Overlay]:
    """These documents; without any, those of `keys` (or of all) whose golden quotes most strategies break.

    A document that variants parse differently is there once for each reading. ConfigurationError for a uri that the
    experiment's base does not hold.
    """
    if uris:
        return [each for uri in uris for each in _of(lab, _state(lab, uri))]
    scored = (query for read in lab.as_read.values() for query in read.resolved.scored)
    quoted = dict.fromkeys(label.key for query in scored for label in query.counted if label.span and label.key)
    chosen = [key for key in quoted if not keys or key in keys][:LOOKED_AT]
    states = {state.key: state for state, _ in lab.documents}
    found = [each for key in chosen if key in states for each in _of(lab, states[key])]
    best = dict.fromkeys(each.document_key for each in sorted(found, key=lambda each: (-each.broken, len(each.text))))
    shown = list(best)[:SHOWN]
    return sorted((each for each in found if each.document_key in shown), key=lambda each: shown.index(each.document_key))


def write(lab: Laboratory, file: Path, found: Sequence[Overlay]) -> Path:
    """The page, whole or not at all, for its owner alone: it holds words of documents."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as made:
        made.write_text(page(f"How {lab.experiment.name} cuts", found), encoding="utf-8")
    return file


def _state(lab: Laboratory, uri: str) -> DocumentState:
    known = find(uri, (state for state, _ in lab.documents), lambda state: state.uri)
    if not known:
        raise ConfigurationError(f"{lab.experiment.base} holds no document '{uri}'", hint="sluice documents lists them")
    return known[0]


def _of(lab: Laboratory, state: DocumentState) -> list[Overlay]:
    """A document's overlays: one for each text that the variants' parsers make of it."""
    by_text: dict[str, dict[str, tuple[list[str], VariantSettings, Document]]] = {}
    for variant in lab.experiment.variants:
        document = next((d for s, d in lab.read_by(variant).documents if s.key == state.key), None)
        if document is not None:
            cuts = by_text.setdefault(document.text, {})
            cuts.setdefault(lab.chunker(variant).fingerprint, ([], variant, document))[0].append(variant.name)
    found = []
    for text, lanes in by_text.items():
        first = next(iter(lanes.values()))[1]
        drawn = tuple(Lane(_named(names), _cuts(lab, variant, state, document)) for names, variant, document in lanes.values())
        found.append(Overlay(state.uri, state.key, text, drawn, _quotes(lab, first, state.key)))
    return found


def _named(names: Sequence[str]) -> str:
    """The variants that cut alike, by the first."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _cuts(lab: Laboratory, variant: VariantSettings, state: DocumentState, document: Document) -> tuple[Cut, ...]:
    kept = lab.r.stores.cuts if variant.parsing is None else None
    [chunks] = Cutter(lab.chunker(variant), kept).cut([(state, document)])
    return tuple(Cut(c.start, c.end, c.tokens, c.context) for c in sorted(chunks, key=lambda c: (c.start, c.end)))


def _quotes(lab: Laboratory, variant: VariantSettings, key: str) -> tuple[Quote, ...]:
    resolved = lab.read_by(variant).resolved
    return tuple(
        Quote(query.query.id, query.query.query, *label.span)
        for query in resolved.scored
        for label in query.counted
        if label.key == key and label.span is not None
    )
