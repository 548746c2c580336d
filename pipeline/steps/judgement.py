"""Put a release before reconciliation and the gates, and act on what they found."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import evaluation
from evaluation import GateContext, ReleaseView
from evaluation.gates.base import Explain, Lost
from indexing.fingerprints import access_root, release_fingerprint, tags_root
from ingest.readerless import silent
from pipeline.evidence.alone import alone
from pipeline.evidence.answers import KeptAnswers
from pipeline.evidence.exactness import recalls
from pipeline.evidence.views import (
    BesidePoints,
    CollectionPoints,
    ExpectedFrom,
    against_manifest,
    ids_judged,
    reconciled,
    taken_over,
)
from pipeline.executors import Executor
from pipeline.outcomes import Report
from pipeline.reading.explaining import why
from pipeline.resources import Resources, utc_now
from pipeline.runs import Run
from sluice.access import AccessTags, Principal, every_tag
from sluice.errors import Retryable, SluiceError
from sluice.records import DocumentState, Verdict
from sluice.releases import Release


@dataclass(frozen=True, slots=True)
class Case:
    """A release to be judged; with `overrule` it is kept which gates somebody overruled (reconciliation cannot be)."""

    release: str
    actor: str
    overrule: bool = False

    def __len__(self) -> int:
        return 1


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gates found, and how long they took."""

    verdicts: tuple[Verdict, ...]
    seconds: float

    @property
    def failed(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if not verdict.passed]


def judge(r: Resources, run: Run, release: Release, *, overrule: bool = False, executor: Executor | None = None) -> Judgement:
    """Put a release before reconciliation and the gates; the verdicts are kept in its manifest and in the account."""
    run.account.release = release.id
    [found] = (executor or run.executor).map(judge_release, [Case(release.id, run.actor, overrule)], r)
    run.account.verdicts = found.verdicts
    run.account.spent("gates", found.seconds)
    if not r.settings.gates:
        run.account.warnings.append("gates: [] - nothing measures what this release finds; it goes live on reconciliation alone")
    return found


def judge_release(r: Resources, case: Case) -> Judgement:
    """The judgement of one release, recorded in its manifest. Done again (a retry), it replaces what was recorded."""
    started = time.perf_counter()
    releases, states = r.releases_by(case.actor), r.stores.documents.read()
    release, live = releases.get(case.release), releases.live()
    releases.sync_access(release, r.access(states))
    r.stores.qdrant.settle(release.collection)
    against = live if live is not None and live.id != release.id else None
    context = gate_context(r, release, against, states, serving=live is not None and against is None)
    gates, verdicts = r.gates, list[Verdict]()
    members = [s for s in states if s.in_release]
    if release.fingerprint != release_fingerprint(members, r.recipe.answers):
        # The documents moved on since it was built: it can only be held against its own manifest.
        gates = [gate for gate in gates if gate.name != "reconciliation"]
        verdicts.append(against_manifest(r, release))
    verdicts += evaluation.run_gates(gates, context)
    if nobodys := silent(states, r.settings.access.compiled()):
        # On the verdict that is always there, so that every report of the release says it.
        verdicts[0] = replace(verdicts[0], warnings=(*verdicts[0].warnings, *nobodys))
    failed = [verdict.gate for verdict in verdicts if not verdict.passed]
    seconds, recorded = time.perf_counter() - started, [evaluation.verdict_json(verdict) for verdict in verdicts]
    releases.record(
        release,
        recorded,
        r.gates_fingerprint,
        against=against.id if against is not None else None,
        overruled=failed if case.overrule and "reconciliation" not in failed else [],
        access=access_root(members),
        ids=ids_judged(r, release) if reconciled(recorded) else None,
        seconds=round(seconds, 3),
    )
    return Judgement(tuple(verdicts), seconds)


def gate_context(
    r: Resources, release: Release, live: Release | None, states: Sequence[DocumentState], *, serving: bool = False
) -> GateContext:
    """What the gates are handed: the candidate, the live release where there is one, documents and stored points.

    `serving`: the candidate is the live release, judged by itself.
    """
    tags = every_tag(s.tags for s in states)
    measured, unmeasured = None, r.releases.unknown_live()
    if live is not None:
        try:
            measured = _view(r, live, states, tags)
        except Retryable:
            raise  # a store that is away says nothing of a release: to be judged later, not to be rejected and held
        except SluiceError as error:
            unmeasured = error.message
    return GateContext(
        candidate=_view(r, release, states, tags),
        live=measured,
        live_unmeasured=unmeasured,
        points=CollectionPoints(r.stores.qdrant, release.collection),
        expected=ExpectedFrom(r.builder(), [s for s in states if s.in_release]),
        known_tags=r.known_tags(list(states)),
        window=r.model.tokenizer.window,
        special_tokens=r.model.tokenizer.special_tokens,
        dimension=r.model.encoder.dimension,
        workspace=r.settings.state_dir / "gates",
        live_points=CollectionPoints(r.stores.qdrant, live.collection) if live is not None and measured is not None else None,
        vectors=lambda hashes: r.stores.vectors.get(release.fingerprints["model"], hashes),
        embedded_store=r.settings.stores.qdrant.url == "embedded",
        alone=alone(r, release, states),
        ahead=lambda queries, keep: r.queries(r.model).ahead(queries, keep=keep),
        judged=KeptAnswers(r.releases.all(), r.stores.judgements, utc_now()),
        why=explain(r, release),
        recalls=recalls(r, release),
        serving=serving,
        taken_over=taken_over(r, release, live, states),
        beside=BesidePoints(r.stores.qdrant, release.collection, live.collection if live is not None else None),
    )


def explain(r: Resources, release: Release) -> Explain:
    """`sluice why` of this release, for evidence: what cannot be explained is said, and costs no verdict."""

    def lost(query: str, uri: str, source: str | None, principal: AccessTags, k: int) -> Lost:
        try:
            found = why(r, query, uri, Principal(principal), k, source=source, release=release.id)
        except SluiceError as error:
            return Lost(uri, "unexplained", error.message)
        return Lost(uri, found.reason, found.says)

    return lost


def _view(r: Resources, release: Release, states: Sequence[DocumentState], tags: AccessTags) -> ReleaseView:
    documents = r.corpus(release)
    access = tags_root(state for state in states if state.key in documents.keys)
    return ReleaseView(release.id, r.searcher(release, known=()), documents, tags, access, plain=r.searcher(release))


def conclude(r: Resources, run: Run, release: Release, canary: float | None = None) -> Report:
    """Judge; promote on good evidence, or let it serve a share of the readers; reject on any other evidence."""
    found, releases = judge(r, run, release), r.releases_by(run.actor)
    if found.failed:
        rejected = releases.reject(releases.get(release.id))
        return run.account.report("rejected", rejected.id, page=write_report(r, rejected))
    states = r.stores.documents.read()
    run.still_mine()
    if canary is not None:
        with run.account.timed("promote"):
            serving = releases.start_canary(releases.get(release.id), canary, r.access(states))
        return run.account.report("canary", serving.id, page=write_report(r, serving))
    with run.account.timed("promote"):
        live = go_live(r, run, release, states)
        releases.retain(r.settings.retention.keep)
    return run.account.report("promoted", live.id, page=write_report(r, live))


def go_live(r: Resources, run: Run, release: Release, states: list[DocumentState]) -> Release:
    """Current access first, then the alias; from then on the record says so, whatever fails later."""
    releases = r.releases_by(run.actor)
    live = releases.promote(releases.get(release.id), r.access(states))
    run.account.promoted = live.id
    return live


def report_path(r: Resources, release: Release) -> Path:
    """Where the page of a release lies, once it was judged."""
    return r.settings.state_dir / "releases" / f"{release.id}.html"


def write_report(r: Resources, release: Release, releases: Sequence[Release] | None = None) -> Path:
    """The release's evidence as an HTML page in the state folder, beside the release it was held against.

    `releases` is the ledger as it was just read.
    """
    known = r.releases.all() if releases is None else releases
    before = next((r for r in known if r.id == release.judged.get("against")), None)
    path = report_path(r, release)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(evaluation.report_html(release, before, _passages(r, release, before)), encoding="utf-8")
    return path


def _passages(r: Resources, release: Release, before: Release | None) -> dict[str, dict[str, str]]:
    """The texts that the page shows words of, as each release holds them; nothing of a release whose collection is gone."""
    wanted = evaluation.quoted(release)
    there = r.stores.qdrant.names() if wanted else []
    found: dict[str, dict[str, str]] = {}
    for name, side in (("candidate", release), ("live", before)):
        if side is not None and side.collection in there and (keys := wanted.get(name)):
            held = r.versions_in(side)
            documents = r.stores.versions.get([held[key] for key in sorted(keys) if key in held])
            found[name] = {document.key: document.text for document in documents.values()}
    return found
