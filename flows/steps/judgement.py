"""Put a release before reconciliation and the gates, and act on what they found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import evaluation
from evaluation import GateContext, ReleaseView
from flows.steps.account import Account
from flows.steps.release import CollectionPoints, ExpectedFrom, against_manifest
from flows.wiring import Wiring
from indexing.fingerprints import release_fingerprint
from indexing.releases import Releases
from sluice.access import every_tag
from sluice.errors import SluiceError
from sluice.records import DocumentState
from sluice.releases import Release


def judge(w: Wiring, release: Release, account: Account, *, overrule: bool = False) -> Release:
    """Put a release before reconciliation and the gates; the verdicts are kept in its manifest.

    With `overrule` it is kept there too which gates somebody overruled; reconciliation cannot be.
    """
    states = w.stores.documents.read()
    live = w.releases.live()
    with account.timed("gates"):
        w.releases.sync_access(release, w.access(states))
        against = live if live is not None and live.id != release.id else None
        context = gate_context(w, release, against, states)
        gates = w.gates
        if release.fingerprint != release_fingerprint([s for s in states if s.in_release], w.recipe.answers):
            # The documents moved on since it was built: it can only be held against its own manifest.
            gates = [gate for gate in gates if gate.name != "reconciliation"]
            account.verdicts = [against_manifest(w, release)]
        account.verdicts = [*account.verdicts, *evaluation.run_gates(gates, context)]
    if not w.settings.gates:
        account.warnings.append("gates: [] - nothing measures what this release finds; it goes live on reconciliation alone")
    failed = [verdict.gate for verdict in account.verdicts if not verdict.passed]
    overruled = failed if overrule and "reconciliation" not in failed else []
    verdicts = [evaluation.verdict_json(v) for v in account.verdicts]
    taken = round(account.seconds["gates"], 3)
    held = against.id if against is not None else None
    return w.releases.record(release, verdicts, w.gates_fingerprint, against=held, overruled=overruled, seconds=taken)


def gate_context(w: Wiring, release: Release, live: Release | None, states: Sequence[DocumentState]) -> GateContext:
    """What the gates are handed: the candidate, the live release where there is one, documents and stored points."""
    tags = every_tag(s.tags for s in states)
    measured, unmeasured = None, w.releases.unknown_live()
    if live is not None:
        try:
            measured = ReleaseView(live.id, w.searcher(live), w.corpus(live), tags)
        except SluiceError as error:
            unmeasured = error.message
    return GateContext(
        candidate=ReleaseView(release.id, w.searcher(release), w.corpus(release), tags),
        live=measured,
        live_unmeasured=unmeasured,
        points=CollectionPoints(w, release.collection),
        expected=ExpectedFrom(w.builder(), [s for s in states if s.in_release]),
        known_tags=w.known_tags(list(states)),
        window=w.model.tokenizer.window,
        special_tokens=w.model.tokenizer.special_tokens,
        dimension=w.model.encoder.dimension,
        workspace=w.settings.state_dir / "gates",
        live_points=CollectionPoints(w, live.collection) if live is not None and measured is not None else None,
        vectors=lambda hashes: w.stores.vectors.get(release.fingerprints["model"], hashes),
        embedded_store=w.settings.stores.qdrant.url == "embedded",
    )


def conclude(
    w: Wiring, release: Release, account: Account, canary: float | None = None
) -> tuple[Literal["promoted", "rejected", "canary"], Release]:
    """Promote on good evidence, or let it serve a share of the readers; reject on any other evidence; then retention."""
    releases: Releases = w.releases
    if not all(verdict.passed for verdict in account.verdicts):
        return "rejected", releases.reject(releases.get(release.id))
    states = w.stores.documents.read()
    w.still_mine()
    with account.timed("promote"):
        if canary is not None:
            return "canary", releases.start_canary(release, canary, w.access(states))
        live = releases.promote(releases.get(release.id), w.access(states))
        releases.retain(w.settings.retention.keep)
    return "promoted", live


def report_path(w: Wiring, release: Release) -> Path:
    """Where the page of a release lies, once it was judged."""
    return w.settings.state_dir / "releases" / f"{release.id}.html"


def write_report(w: Wiring, release: Release) -> Path:
    """The release's evidence as an HTML page in the state folder, beside the release it was held against."""
    before = next((r for r in w.releases.all() if r.id == release.judged.get("against")), None)
    path = report_path(w, release)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(evaluation.report_html(release, before), encoding="utf-8")
    return path
