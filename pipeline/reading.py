"""What commands read, and nothing that they change: search, evaluation, the care of a golden set. No lease is needed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import evaluation
from indexing.search import ANYWHERE
from pipeline import steps
from pipeline.resources import Wiring
from sluice.access import Principal, every_tag
from sluice.errors import ConfigurationError, ReleaseError
from sluice.points import Filters
from sluice.records import DocumentState, Hit
from sluice.releases import Release


def released(w: Wiring, release: str | None) -> Release:
    """The release that was named, or the live one; ReleaseError when there is none."""
    if release is not None:
        return w.releases.get(release)
    live = w.releases.live()
    if live is None:
        raise ReleaseError(f"index '{w.settings.index}' has no live release yet", hint="sluice run publishes one")
    return live


def narrowed(
    sources: Collection[str] = (), languages: Collection[str] = (), since: str | None = None, until: str | None = None
) -> Filters:
    """What a search is narrowed to, in the words of its command; ConfigurationError for what is no date."""
    return Filters(tuple(sources), tuple(languages), day("--since", since), day("--until", until))


def search(w: Wiring, query: str, principal: Principal, k: int, release: str | None, filters: Filters = ANYWHERE) -> list[Hit]:
    """Search one release as a principal: by default the one that answers them, live or canary."""
    if release is None:
        return w.live_searcher(log=w.query_log).search(query, principal, k, filters)
    return w.searcher(released(w, release), log=w.query_log).search(query, principal, k, filters)


def evaluate(w: Wiring, golden: Path | None, release: str | None, k: int, *, gate: bool = False) -> dict[str, Any]:
    """Measure a release on a golden set; with `gate`, outcome `rejected` below a configured floor."""
    found = released(w, release)
    chosen = golden_set(w, golden)
    states = w.stores.documents.read()
    tags = every_tag(s.tags for s in states)
    resolved = evaluation.resolve(chosen, w.corpus(found))
    measured = evaluation.evaluate(w.searcher(found), resolved, k=k, everyone=tags)
    result = {"release": found.id, "golden": str(chosen.path), **measured.as_json()}
    if gate:
        below = _below_the_floors(w, found, states)
        result |= {"outcome": "rejected" if below else "passed", "below": below}
    return result


def _below_the_floors(w: Wiring, release: Release, states: list[DocumentState]) -> list[str]:
    """The reasons of every configured retrieval gate that this release does not pass by itself."""
    context = steps.gate_context(w, release, None, states)
    gates = [gate for gate in w.gates if gate.name == "retrieval"]
    if not gates:
        raise ConfigurationError(
            f"{w.settings.path}: no retrieval gate is configured", hint="add one under gates: with its floors"
        )
    return [verdict.reason for verdict in evaluation.run_gates(gates, context) if not verdict.passed]


def golden_set(w: Wiring, path: Path | None) -> evaluation.GoldenSet:
    """The golden set that was named, or that of the first retrieval gate."""
    if path is not None:
        return evaluation.load_golden(path)
    for gate in w.gates:
        if isinstance(found := getattr(gate, "golden", None), evaluation.GoldenSet):
            return found
    raise ConfigurationError(f"{w.settings.path}: no gate names a golden set", hint="name one: --golden FILE")


def check_golden(w: Wiring, path: Path | None) -> dict[str, Any]:
    """Whether the labels of a golden set are still true."""
    chosen = golden_set(w, path)
    return {"golden": str(chosen.path), **evaluation.check_golden(chosen, w.corpus()).as_json()}


def day(option: str, value: str | None) -> datetime | None:
    """The moment that an option of a command names, UTC unless it says otherwise; ConfigurationError for what is no date."""
    if value is None:
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise ConfigurationError(
            f"{option} '{value}' is not a date", hint="use ISO 8601: 2026-11-21 or 2026-11-21T02:00:00Z"
        ) from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
