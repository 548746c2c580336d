"""From sources to parsed documents: look, take away at once what must go, fetch, parse, account for all of it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

import evaluation
from flows.steps.account import PARTITION_DOCUMENTS, Account, Look, Redo
from flows.wiring import Wiring, utc_now
from ingest.lifecycle import settled
from ingest.planning import (
    SourcePlan,
    expired,
    guard_against_mass_deletion,
    plan_source,
    to_parse,
    unreadable_permissions,
)
from sluice.access import near_miss_warnings
from sluice.counts import StageCounts
from sluice.errors import ConfigurationError, SluiceError
from sluice.ids import document_key
from sluice.records import DocumentState, ItemRef, QuarantineEntry
from sluice.spelling import composed, forms


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
    return any(document_key(source, form) in keys for form in forms(uri))


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
    current = [settled(state, rules, now, lifetimes) for state in states]
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
    account.warnings += spelled_almost_like_a_rule(w, states)
    entries = [e for e in w.stores.quarantine.entries() if e.source in looked_at]
    account.warnings += unreadable_permissions(entries)
    failures = {e.document_key for e in entries if e.stage == "parse"}
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


def spelled_almost_like_a_rule(w: Wiring, states: Sequence[DocumentState]) -> list[str]:
    """A warning for each access rule that documents just miss by case, blanks or the like, so that another rule decides."""
    placed = ((state.source, state.uri) for state in states if state.status == "active")
    return near_miss_warnings(w.settings.access.compiled().near_misses(placed))


def check_uris(w: Wiring, seen: Look) -> None:
    """Refuse a label, leak case or literal access rule whose uri occurs in two sources and does not say which.

    Looks at what is known and what was just listed, before anything is changed. Raises ConfigurationError.
    """
    owners: dict[str, set[str]] = {}
    for state in w.stores.documents.read():
        if state.status != "deleted":
            owners.setdefault(composed(state.uri), set()).add(state.source)
    for plan in seen.plans:
        for ref in plan.fetch:
            owners.setdefault(composed(ref.uri), set()).add(plan.source)
    shared = {uri: sorted(names) for uri, names in owners.items() if len(names) > 1}
    for rule in w.settings.access.rules:
        if rule.source is None and composed(rule.match) in shared:
            raise ConfigurationError(
                f"{w.settings.path}: access.rules: '{rule.match}' is a document of {' and '.join(shared[composed(rule.match)])}",
                hint="say which: {match: …, source: …, tags: […]}",
            )
    evaluation.check_uris(w.gates, shared)
