"""The steps of a run, in the order in which data flows, each on an opened Wiring. The flows wrap them; nothing here
knows Prefect, so that a run with nothing to do never pays for it.

    look ─▶ settle (tombstones, expiry, access) ─▶ ingest ─▶ settle ─▶ assess ─▶ build ─▶ judge ─▶ conclude
"""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import evaluation
from evaluation import GateContext, ReleaseView
from flows.wiring import Wiring, utc_now
from indexing.build import Built
from indexing.fingerprints import access_root, release_fingerprint
from indexing.releases import Releases
from ingest.pipeline import with_tags
from ingest.planning import SourcePlan, expired, guard_against_mass_deletion, plan_source, to_parse
from sluice.access import AccessTags
from sluice.counts import StageCounts
from sluice.errors import ConfigurationError, SluiceError
from sluice.ids import document_key, version_id
from sluice.records import DocumentState, ItemRef, QuarantineEntry, Verdict
from sluice.releases import Release

PARTITION_DOCUMENTS = 64
"""Documents per task: about 800 chunks, enough to sort by length, few enough to lose little to a crash."""


@dataclass(frozen=True, slots=True)
class Redo:
    """Document keys whose stages are done again on purpose, although nothing changed."""

    fetch: frozenset[str] = frozenset()
    parse: frozenset[str] = frozenset()
    chunk: frozenset[str] = frozenset()

    @classmethod
    def since(cls, stage: str, keys: Iterable[str]) -> Redo:
        """These documents, from `fetch`, `parse` or `chunk` on."""
        chosen = frozenset(keys)
        order = ("fetch", "parse", "chunk")
        return cls(**dict.fromkeys(order[order.index(stage) :], chosen))

    def forces(self, stage: Literal["fetch", "parse"], source: str) -> Callable[[str], bool]:
        """Whether a uri of this source must be fetched or parsed whatever is known of it."""
        keys = self.fetch if stage == "fetch" else self.parse
        return lambda uri: document_key(source, uri) in keys


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to do, found without changing anything."""

    plans: tuple[SourcePlan, ...]
    expired: tuple[DocumentState, ...]
    parse: tuple[DocumentState, ...]
    """Documents whose bytes are here and wait to be parsed (those to be fetched come on top)."""
    held: dict[str, int]
    states: int

    @property
    def ingest_needed(self) -> bool:
        return bool(self.parse or any(plan.fetch for plan in self.plans))


@dataclass(slots=True)
class Account:
    """What a run did, gathered as it goes: the JSON of `sluice run`."""

    counts: dict[str, StageCounts] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    built: Built = field(default_factory=Built)
    deleted: int = 0
    expired: int = 0
    expired_uris: list[str] = field(default_factory=list)
    access_changed: int = 0
    revocation_lag_s: float | None = None
    """From reading the rules to the moment from which the last revocation held in the last collection."""
    verdicts: list[Verdict] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    held: dict[str, str] | None = None

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started

    def copy(self) -> Account:
        """What is accounted for so far, independent of what follows."""
        return replace(
            self,
            counts=dict(self.counts),
            seconds=dict(self.seconds),
            warnings=list(self.warnings),
            expired_uris=list(self.expired_uris),
        )

    def take(self, earlier: Account) -> None:
        """Start from what an earlier pass accounted for."""
        self.counts, self.seconds = dict(earlier.counts), dict(earlier.seconds)
        self.deleted, self.expired, self.access_changed = earlier.deleted, earlier.expired, earlier.access_changed
        self.revocation_lag_s = earlier.revocation_lag_s
        self.expired_uris = list(earlier.expired_uris)

    def expire(self, states: Iterable[DocumentState], count: int) -> None:
        """Note documents whose time is up."""
        self.expired += count
        self.expired_uris += [state.uri for state in states]

    def count(self, stage: str, counts: StageCounts) -> None:
        self.counts[stage] = self.counts.get(stage, StageCounts()) + counts

    def as_json(self, outcome: str, release: str | None) -> dict[str, Any]:
        return {
            "outcome": outcome,
            "release": release,
            "counts": {stage: counts.checked(stage).as_json() for stage, counts in self.counts.items()},
            "documents_deleted": self.deleted,
            "documents_expired": self.expired,
            "expired": sorted(self.expired_uris),
            "access_changed": self.access_changed,
            "revocation_lag_s": self.revocation_lag_s,
            "chunks": self.built.chunks,
            "embedded": self.built.embedded,
            "cached": self.built.cached,
            "tokens": self.built.tokens_embedded,
            "contexts_cut": self.built.contexts_cut,
            "seconds": {stage: round(seconds, 3) for stage, seconds in self.seconds.items()},
            "verdicts": [evaluation.verdict_json(verdict) for verdict in self.verdicts],
            "warnings": self.warnings,
            "held": self.held,
        }


# ── ingest ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def look(w: Wiring, source: str | None = None, *, redo: Redo | None = None, allow_deletions: Collection[str] = ()) -> Look:
    """Scan the sources and compare with what is known: one listing and one bulk read, nothing is changed.

    Raises what a source raises when it cannot be read, and MassDeletion unless `allow_deletions` names the source.
    """
    redo = redo or Redo()
    names = [w.settings.source(source).name] if source else [s.name for s in w.settings.sources]
    states, failures = w.stores.documents.read(), w.stores.quarantine.entries()
    forgotten = w.stores.forgotten.keys()
    plans = []
    for name in names:
        mine = [s for s in states if s.source == name]
        known = {s.uri: s.validator for s in mine if s.status != "deleted"}
        force = _fetched_again(w, redo, name, mine, failures)
        erased = functools.partial(_is_one_of, forgotten, name)
        plan = plan_source(name, w.sources[name].scan(known), mine, failures, force=force, forgotten=erased)
        if name not in allow_deletions:
            guard_against_mass_deletion(plan, len(known), w.settings.source(name).max_deletions)
        plans.append(plan)
    if source is None:
        plans += _no_longer_configured(w, states)
    going = {s.key for plan in plans for s in plan.gone} | {document_key(p.source, ref.uri) for p in plans for ref in p.fetch}
    due: list[DocumentState] = []
    held: dict[str, int] = {}
    for name in names:
        staying = [s for s in states if s.source == name and s.key not in going]
        parse, kept_back = to_parse(staying, {name: w.parse_fingerprints[name]}, failures, force=redo.forces("parse", name))
        due += parse
        for reason, count in kept_back.items():
            held[reason] = held.get(reason, 0) + count
    return Look(tuple(plans), tuple(expired(states, utc_now(), w.lifetimes)), tuple(due), held, len(states))


def _is_one_of(keys: Collection[str], source: str, uri: str) -> bool:
    return document_key(source, uri) in keys


def _no_longer_configured(w: Wiring, states: Sequence[DocumentState]) -> list[SourcePlan]:
    """The documents of sources that the configuration does not name any more: all gone, on purpose, so without a guard."""
    configured = {s.name for s in w.settings.sources}
    left: dict[str, list[DocumentState]] = {}
    for state in states:
        if state.source not in configured and state.status != "deleted":
            left.setdefault(state.source, []).append(state)
    for name, gone in left.items():
        w.progress.note(f"source '{name}' is not configured any more: its {len(gone)} documents are deleted")
    return [SourcePlan(name, 0, gone=tuple(gone)) for name, gone in left.items()]


def _fetched_again(
    w: Wiring, redo: Redo, name: str, mine: Sequence[DocumentState], failures: Sequence[QuarantineEntry]
) -> Callable[[str], bool]:
    """Which uris to fetch although nothing changed: as told, and those to be parsed whose bytes may not be kept."""
    unkept = [state for state in mine if not state.raw]
    due, _ = to_parse(unkept, {name: w.parse_fingerprints[name]}, failures, force=redo.forces("parse", name))
    again, told = {state.uri for state in due}, redo.forces("fetch", name)
    return lambda uri: uri in again or told(uri)


def settle(w: Wiring, account: Account, seen: Look | None = None, before: Sequence[DocumentState] = ()) -> list[DocumentState]:
    """Take away what must be taken away, at once and everywhere: deletions, expiry, changed access. Gives all states.

    Revocations reach every existing collection before anything is built (law 7), whatever becomes of the build.
    `before` are the states as they were before documents were ingested: what expired on its way in is noted too.
    """
    started = time.perf_counter()
    if seen is not None:
        account.deleted += w.ingestion.tombstone(state for plan in seen.plans for state in plan.gone)
        account.expire(seen.expired, w.ingestion.expire(seen.expired))
    rules, lifetimes, now = w.settings.access.compiled(), w.lifetimes, utc_now()
    states = w.stores.documents.read()
    current = [with_tags(lifetimes.aged(state, now), rules) for state in states]
    pairs = list(zip(current, states, strict=True))
    changed = [new for new, old in pairs if (new.tags, new.status) != (old.tags, old.status)]
    dead = {state.key for state in (before or states) if state.status == "expired"}
    over = [state for state in current if state.status == "expired" and state.key not in dead]
    account.expire(over, len(over))
    w.stores.documents.write(changed)
    results = w.releases.sync_all_access(w.access(current))
    account.access_changed += max((result.changed for result in results), default=0)
    if any(result.revoked for result in results):
        account.revocation_lag_s = round(max(result.revoked_at for result in results) - started, 4)
    return current


def refresh_permissions(w: Wiring, account: Account) -> int:
    """Ask the sources that have permissions of their own what they are now; nothing is parsed. How many changed.

    Only items that a source says have changed are fetched, and only their permissions are taken: their text waits for the
    next run. A source that does not answer is a warning, so that the others' revocations do not wait for it.
    """
    states = w.stores.documents.read()
    changed: list[DocumentState] = []
    for name in sorted({s.source for s in states if s.source_tags is not None} & w.sources.keys()):
        mine = {s.uri: s for s in states if s.source == name and s.status != "deleted"}
        try:
            plan = plan_source(name, w.sources[name].scan({s.uri: s.validator for s in mine.values()}), mine.values())
            known = [(ref, mine[ref.uri]) for ref in plan.fetch if ref.uri in mine]
            found = ((state, w.sources[name].fetch(ref).tags) for ref, state in known)
            changed.extend(replace(state, source_tags=tags) for state, tags in found if tags != state.source_tags)
        except SluiceError as error:
            account.warnings.append(f"the permissions of source '{name}' could not be read: {error.message}")
    w.stores.documents.write(changed)
    return len(changed)


def partitions(plan: SourcePlan, parse: Sequence[DocumentState]) -> Iterator[tuple[list[ItemRef], list[str]]]:
    """One source's work in partitions: items to fetch (and then parse), and keys only to parse."""
    for i in range(0, len(plan.fetch), PARTITION_DOCUMENTS):
        yield list(plan.fetch[i : i + PARTITION_DOCUMENTS]), []
    keys = [s.key for s in parse if s.source == plan.source]
    for i in range(0, len(keys), PARTITION_DOCUMENTS):
        yield [], keys[i : i + PARTITION_DOCUMENTS]


def ingest_partition(
    w: Wiring, run: str, source: str, refs: Sequence[ItemRef], keys: Sequence[str], redo: Redo
) -> dict[str, StageCounts]:
    """Fetch these items, then parse those of them, and those of `keys`, that are due."""
    ingestion = replace(w.ingestion, run=run)
    counts = {"crawl": StageCounts(), "parse": StageCounts()}
    if refs:
        counts["crawl"] = ingestion.fetch(w.sources[source], refs)
    touched = [*keys, *(document_key(source, ref.uri) for ref in refs)]
    due, held = to_parse(
        w.stores.documents.read(touched),
        {source: w.parse_fingerprints[source]},
        [e for e in w.stores.quarantine.entries(stage="parse") if e.document_key in set(touched)],
        force=redo.forces("parse", source),
    )
    counts["parse"] = ingestion.parse(w.parsers[source], [state.key for state in due])
    if held:
        counts["parse"] += StageCounts(seen=sum(held.values()), failed=held)
    w.progress.built(len(touched))
    return counts


def acknowledge(w: Wiring, seen: Look) -> None:
    """Tell each source that asks to be told (a method `stored`) that everything it gave is stored."""
    for plan in seen.plans:
        stored = getattr(w.sources.get(plan.source), "stored", None)
        if stored is not None:
            stored()


def count_ingest(w: Wiring, account: Account, seen: Look) -> None:
    """Complete the accounts of crawl and parse with what needed nothing."""
    for plan in seen.plans:
        held = dict(plan.held or {})
        away = {reason: n for reason, n in (("deleted", len(plan.gone)), ("forgotten", plan.forgotten)) if n}
        seen_before = plan.unchanged + sum(held.values()) + sum(away.values())
        account.count("crawl", StageCounts(seen=seen_before, unchanged=plan.unchanged, dropped=away, failed=held))
    parsed = account.counts.get("parse", StageCounts())
    looked_at = {plan.source for plan in seen.plans}
    states = [s for s in w.stores.documents.read() if s.source in looked_at]
    failures = {e.document_key for e in w.stores.quarantine.entries(stage="parse")}
    dropped: dict[str, int] = {}
    for state in states:
        if state.status == "active" and state.dropped and state.key not in failures:
            dropped[state.dropped] = dropped.get(state.dropped, 0) + 1
    dropped = {reason: count - parsed.dropped.get(reason, 0) for reason, count in dropped.items()}
    dropped = {reason: count for reason, count in dropped.items() if count > 0}
    good = sum(1 for s in states if s.in_release and s.key not in failures)
    unchanged = max(good - parsed.kept, 0)
    held = seen.held
    account.count(
        "parse",
        StageCounts(unchanged + sum(dropped.values()) + sum(held.values()), 0, unchanged, dropped, held),
    )


def check_uris(w: Wiring, seen: Look) -> None:
    """Refuse a label, leak case or literal access rule whose uri occurs in two sources and does not say which.

    Looks at what is known and what was just listed, before anything is changed. Raises ConfigurationError.
    """
    owners: dict[str, set[str]] = {}
    for state in w.stores.documents.read():
        if state.status != "deleted":
            owners.setdefault(state.uri, set()).add(state.source)
    for plan in seen.plans:
        for ref in plan.fetch:
            owners.setdefault(ref.uri, set()).add(plan.source)
    shared = {uri: sorted(names) for uri, names in owners.items() if len(names) > 1}
    for rule in w.settings.access.rules:
        if rule.source is None and rule.match in shared:
            raise ConfigurationError(
                f"{w.settings.path}: access.rules: '{rule.match}' is a document of {' and '.join(shared[rule.match])}",
                hint="say which: {match: …, source: …, tags: […]}",
            )
    evaluation.check_uris(w.gates, shared)


# ── index ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the documents and the configuration call for, compared with what is live."""

    fingerprint: str
    access_root: str
    live: Release | None
    held: Release | None
    waiting: Release | None
    """A complete release of this fingerprint that was staged and not judged, or rejected under other gates."""
    documents: tuple[DocumentState, ...]
    action: Literal["nothing", "gates", "judge", "build"]


def assess(w: Wiring, states: Sequence[DocumentState], *, rebuild: bool = False) -> Assessment:
    """Decide what to do about these documents: nothing, judge the live release again, judge a waiting one, or build."""
    members = tuple(s for s in states if s.in_release)
    wanted = release_fingerprint(members, w.build_fingerprints)
    releases = w.releases
    live, held = releases.live(), releases.held(wanted)
    waiting = next((r for r in reversed(releases.all()) if r.state == "staged" and r.fingerprint == wanted), None)
    action: Literal["nothing", "gates", "judge", "build"] = "build"
    if rebuild:
        action = "build"
    elif live is not None and live.fingerprint == wanted:
        action = "nothing" if live.gates_fingerprint == w.gates_fingerprint else "gates"
    elif held is not None:
        reconsidered = held.state == "rejected" and held.gates_fingerprint != w.gates_fingerprint
        action, waiting = ("nothing" if not reconsidered else "judge" if held.removed is None else "build"), held
    elif waiting is not None:
        action = "judge"
    elif not members and live is None:
        action = "nothing"
    return Assessment(wanted, access_root(members), live, held, waiting, members, action)


def begin(w: Wiring, found: Assessment) -> Release:
    """The release to build into: a new one, or the interrupted one of the same fingerprint."""
    name, taken = f"{utc_now():%Y%m%d-%H%M%S}-{found.fingerprint[:8]}", {release.id for release in w.releases.all()}
    ids = (name if n == 1 else f"{name}-{n}" for n in itertools.count(1))
    return w.releases.begin(
        found.fingerprint,
        release_id=next(id for id in ids if id not in taken),  # built again within a second: it has a name of its own
        access_root=found.access_root,
        dimension=w.model.encoder.dimension,
        sparse=w.sparse is not None,
        fingerprints={**w.build_fingerprints.as_json(), "parse": w.parse_fingerprints},
        configuration=w.configuration(),
    )


def stage(w: Wiring, release: Release, built: Built, account: Account) -> Release:
    """A complete build becomes the candidate, with its account in the manifest."""
    for name, counts in built.counts.items():
        account.count(name, counts)
    account.built += built
    documents = built.counts["chunk"].kept if "chunk" in built.counts else 0
    return w.releases.stage(
        release,
        {
            "documents": documents,
            "chunks": built.chunks,
            "tokens": built.tokens,
            "embedded": built.embedded,
            "cached": built.cached,
            "counts": {name: counts.checked(name).as_json() for name, counts in account.counts.items()},
            "seconds": {**account.seconds, **{f"{name} (work)": seconds for name, seconds in built.seconds.items()}},
        },
    )


def live_holds(w: Wiring, found: Assessment, keys: frozenset[str]) -> bool:
    """Whether the live release holds exactly the chunks that these documents give now (a backfill's question)."""
    if found.live is None:
        return False
    expected = {
        chunk.id
        for _, chunks in ExpectedFrom(w.builder(), [s for s in found.documents if s.key in keys]).chunks()
        for chunk in chunks
    }
    points = w.stores.qdrant.scan(found.live.collection, ["document_key"])
    return expected == {point.id for point in points if point.payload["document_key"] in keys}


# ── judge and conclude ───────────────────────────────────────────────────────────────────────────────────────────────


def judge(w: Wiring, release: Release, account: Account) -> Release:
    """Put a release before reconciliation and the gates; the verdicts are kept in its manifest."""
    states = w.stores.documents.read()
    live = w.releases.live()
    with account.timed("gates"):
        w.releases.sync_access(release, w.access(states))
        context = gate_context(w, release, live if live is not None and live.id != release.id else None, states)
        gates = w.gates
        if release.fingerprint != release_fingerprint([s for s in states if s.in_release], w.build_fingerprints):
            # The documents moved on since it was built: it can only be held against its own manifest.
            gates = [gate for gate in gates if gate.name != "reconciliation"]
            account.verdicts = [_against_manifest(w, release)]
        account.verdicts = [*account.verdicts, *evaluation.run_gates(gates, context)]
    if not w.settings.gates:
        account.warnings.append("gates: [] - nothing measures what this release finds; it goes live on reconciliation alone")
    return w.releases.record(release, [evaluation.verdict_json(v) for v in account.verdicts], w.gates_fingerprint)


def is_whole(w: Wiring, release: Release) -> bool:
    """Whether the store holds as many documents and chunks as the release's manifest says: 10 ms for 3,000 chunks."""
    return _against_manifest(w, release).passed


def _against_manifest(w: Wiring, release: Release) -> Verdict:
    keys = [point.payload["document_key"] for point in w.stores.qdrant.scan(release.collection, ["document_key"])]
    stored = {"chunks": len(keys), "documents": len(set(keys))}
    recorded = {"chunks": release.chunks, "documents": release.documents}
    same = stored == recorded
    reason = f"the store holds {stored}, the manifest says {recorded}" if not same else "the store holds what its manifest says"
    return Verdict("reconciliation", same, reason, {"stored": stored, "manifest": recorded})


def gate_context(w: Wiring, release: Release, live: Release | None, states: Sequence[DocumentState]) -> GateContext:
    """What the gates are handed: the candidate, the live release where there is one, documents and stored points."""
    tags = AccessTags(frozenset[str]().union(*(s.tags for s in states)))
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


@dataclass(frozen=True, slots=True)
class CollectionPoints:
    """Implements `evaluation.protocols.ReleasePoints` for one collection."""

    w: Wiring
    collection: str

    def scan(self, fields: Sequence[str] = (), *, vectors: bool = False, readable_by: Any = None) -> Iterator[Any]:
        return iter(self.w.stores.qdrant.scan(self.collection, fields, vectors=vectors, readable_by=readable_by))


@dataclass(frozen=True, slots=True)
class ExpectedFrom:
    """Implements `evaluation.protocols.ExpectedChunks`: cut again from the stored documents."""

    builder: Any
    states: Sequence[DocumentState]

    def chunks(self) -> Iterator[Any]:
        for i in range(0, len(self.states), PARTITION_DOCUMENTS):
            for state, _, chunks in self.builder.chunks(self.states[i : i + PARTITION_DOCUMENTS]):
                yield state, chunks


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


def write_report(w: Wiring, release: Release) -> Path:
    """The release's evidence as an HTML page in the state folder, beside the release it was held against."""
    releases = {r.id: r for r in w.releases.all()}
    live = w.releases.live()
    before = releases.get(release.replaced or "") if release.state == "promoted" else live
    path = w.settings.state_dir / "releases" / f"{release.id}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(evaluation.report_html(release, before), encoding="utf-8")
    return path


# ── estimates and garbage ────────────────────────────────────────────────────────────────────────────────────────────

TYPICAL_SECONDS = {"fetch": 0.002, "parse": 0.02, "chunk": 0.002, "embed": 0.012, "stage": 0.0012}
"""Per document (fetch, parse, chunk) and per chunk (embed, stage), where no run of this index has been measured yet."""


def estimate(w: Wiring, chosen: Sequence[DocumentState], stage: str) -> dict[str, Any]:
    """What redoing these documents from a stage on would cost: cut again from their present versions, nothing changed."""
    members = [s for s in chosen if s.in_release]
    texts, chunks = [], 0
    for _, cut in ExpectedFrom(w.builder(), members).chunks():
        chunks += len(cut)
        texts += [chunk.embedded_text for chunk in cut]
    fresh = w.embedder.missing(texts)
    tokens = sum(w.model.tokenizer.counts(fresh))
    rates = _rates(w)
    order = ["fetch", "parse", "chunk"]
    seconds = sum(rates[name] for name in order[order.index(stage) :]) * len(chosen) + rates["embed"] * len(fresh)
    release_chunks = (live.chunks if (live := w.releases.live()) else chunks) or chunks
    return {
        "documents": len(chosen),
        "chunks": chunks,
        "tokens": tokens,
        "to_embed": len(fresh),
        "seconds": round(seconds + rates["stage"] * release_chunks, 1),
    }


def _rates(w: Wiring) -> dict[str, float]:
    """Seconds per document and per chunk as the newest measured build of this index had them."""
    rates = dict(TYPICAL_SECONDS)
    for release in w.releases.all():
        for name, units in (("chunk", release.documents), ("embed", release.embedded), ("stage", release.chunks)):
            seconds = release.seconds.get(f"{name} (work)")
            if seconds and units >= 20:
                rates[name] = seconds / units
    return rates


def collect_garbage(w: Wiring, *, dry_run: bool = False) -> dict[str, list[str]]:
    """Remove what no release and no document needs; gives what was (or would be) removed, by kind.

    A database may be shared by several indexes: bytes go only when no index refers to them.
    """
    stores, states = w.stores, w.stores.documents.read()
    needed = {version_id(s.key, s.version, s.parse_fingerprint) for s in states if s.version and s.status != "deleted"}
    for release in w.releases.all():
        if release.searchable:
            needed |= set(w.versions_in(release).values())
    versions = sorted(stores.versions.ids().keys() - needed)
    gone = [s for s in states if s.status == "deleted" and s.content_hash]
    if dry_run:
        kept = {h for s in states if s.status != "deleted" for h in (s.content_hash, s.version)}
        claimed = {h for s in gone for h in (s.content_hash, s.version) if h} - kept
        blobs = stores.blobs.hashes() - (stores.blobs.references() - claimed)
        return {"collections": w.releases.orphans(), "versions": versions, "blobs": sorted(blobs)}
    collections = [*w.releases.drop_orphans(), *w.releases.retain(w.settings.retention.keep)]
    stores.versions.delete(versions)
    stores.documents.write(replace(s, content_hash="", version="") for s in gone)  # a tombstone claims no bytes
    blobs = stores.blobs.hashes() - stores.blobs.references()
    for content in blobs:
        stores.blobs.delete(content)
    return {"collections": collections, "versions": versions, "blobs": sorted(blobs)}
