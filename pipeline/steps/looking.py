"""What there is to do: one listing of each source and one bulk read of what is known; nothing is changed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import evaluation
from ingest.overlooked import not_ageing, not_left_out, unmatched, why_none
from ingest.planning import SourcePlan, expired, guard_against_mass_deletion, plan_source, to_parse
from pipeline.resources import Resources, utc_now
from pipeline.work import Look, Redo
from sluice.access import begun_above_warnings, foreign_warnings, near_miss_warnings, never_decisive_warnings
from sluice.display import counted
from sluice.errors import ConfigurationError, MassDeletion, SluiceError
from sluice.ids import document_key
from sluice.records import DocumentState, QuarantineEntry
from sluice.spelling import composed, forms


def check(r: Resources) -> None:
    """Everything that can be found wrong before anything is changed: gates' files, strategy, model, sources' options."""
    _ = r.gates, r.chunker, r.sources, r.parsers


def look(
    r: Resources,
    source: str | None = None,
    *,
    redo: Redo | None = None,
    allow_deletions: Collection[str] = (),
    now: bool = False,
) -> Look:
    """Scan the sources and compare with what is known: one listing and one bulk read, nothing is changed.

    A source that cannot be read, and one whose listing looks like an outage (MassDeletion, unless `allow_deletions` names
    it), is a trouble of its own: the others are looked at, and the caller raises it when their revocations are applied.
    With `now`, what the configuration no longer asks for is gone as what a source no longer has: the guard does not count it.
    """
    redo = redo or Redo()
    for named in allow_deletions:
        r.settings.source(named)  # what is allowed for a name that nobody has is allowed for nothing
    names = [r.settings.source(source).name] if source else [s.name for s in r.settings.sources]
    states, failures = r.stores.documents.read(), r.stores.quarantine.entries()
    forgotten = r.stores.forgotten.keys()
    plans: list[SourcePlan] = []
    troubles: list[SluiceError] = []
    looked: dict[str, str] = {}
    guarded: list[str] = []
    empty: list[str] = []
    for name in names:
        mine = [s for s in states if s.source == name]
        known = {s.uri: s.validator for s in mine if s.status != "deleted"}
        force = _fetched_again(r, redo, name, mine, failures)
        own = {s.uri for s in mine if s.status != "deleted"}
        erased = functools.partial(_is_one_of, forgotten, name, own)
        try:
            asks_for = getattr(r.sources[name], "asks_for", None) or _everything
            listing = r.sources[name].scan(known)
            plan = plan_source(name, listing, mine, failures, force=force, forgotten=erased, asked=asks_for)
            if name not in allow_deletions:
                guard_against_mass_deletion(
                    plan, sum(not s.unasked for s in mine if s.uri in known), r.settings.source(name).max_deletions
                )
        except SluiceError as error:
            troubles.append(error)
            looked[name] = error.message
            guarded += [name] if isinstance(error, MassDeletion) else []
        else:
            plans.append(plan)
            looked[name] = ""
            if not plan.listed and (why := why_none(r.sources[name])):
                empty.append(why)
    if source is None:
        plans += _no_longer_configured(r, states, now)
    if now:
        plans = [replace(plan, gone=plan.gone + plan.unasked, unasked=()) for plan in plans]
    going = {s.key for plan in plans for s in plan.gone} | {document_key(p.source, ref.uri) for p in plans for ref in p.fetch}
    due: list[DocumentState] = []
    held: dict[str, int] = {}
    for name in names:
        staying = [s for s in states if s.source == name and s.key not in going]
        parse, kept_back = _to_parse(r, redo, name, staying, failures)
        due += parse
        for reason, count in kept_back.items():
            held[reason] = held.get(reason, 0) + count
    over = tuple(expired(states, utc_now(), r.lifetimes))
    return Look(tuple(plans), over, tuple(due), held, len(states), tuple(troubles), looked, tuple(guarded), tuple(empty))


def _is_one_of(keys: Collection[str], source: str, own: Collection[str], uri: str) -> bool:
    """Whether a document of this name was erased; of one that is known, exactly it: two may differ in their Unicode form only."""
    return any(document_key(source, form) in keys for form in ((uri,) if uri in own else forms(uri)))


def _no_longer_configured(r: Resources, states: Sequence[DocumentState], now: bool) -> list[SourcePlan]:
    """The documents of sources that the configuration does not name any more: on purpose, so without a guard."""
    configured = {s.name for s in r.settings.sources}
    left: dict[str, list[DocumentState]] = {}
    for state in states:
        if state.source not in configured and state.status != "deleted":
            left.setdefault(state.source, []).append(state)
    when = "now" if now else "with the next release"
    for name, gone in left.items():
        if leaving := sum(now or not state.unasked for state in gone):  # said once, not every night
            r.progress.note(
                f"source '{name}' is not configured any more: its {counted(leaving, 'document leaves', 'documents leave')} {when}"
            )
    return [SourcePlan(name, 0, unasked=tuple(gone)) for name, gone in left.items()]


def _everything(_uri: str) -> bool:
    """What a source asks for that does not say: all that it lists, so that what is missing is gone."""
    return True


def _fetched_again(
    r: Resources, redo: Redo, name: str, mine: Sequence[DocumentState], failures: Sequence[QuarantineEntry]
) -> Callable[[str], bool]:
    """Which uris to fetch although nothing changed: as told, and those to be parsed whose bytes may not be kept."""
    unkept = [state for state in mine if not state.raw]
    due, _ = _to_parse(r, redo, name, unkept, failures)
    again, told = {state.uri for state in due}, redo.forces("fetch", name)
    return lambda uri: uri in again or told(uri)


def _to_parse(
    r: Resources, redo: Redo, name: str, states: Sequence[DocumentState], failures: Sequence[QuarantineEntry]
) -> tuple[list[DocumentState], dict[str, int]]:
    """Those of a source's documents that are due, and those that are held back."""
    fingerprints = {name: r.parse_fingerprints[name]}
    return to_parse(states, fingerprints, failures, chunker=failed_by(r, failures), force=redo.forces("parse", name))


def failed_by(r: Resources, failures: Sequence[QuarantineEntry]) -> str:
    """The present chunker's fingerprint, where something could not be cut: else nobody has to load a tokenizer to know it."""
    return r.chunker.fingerprint if any(entry.stage == "chunk" for entry in failures) else ""


def overlooked(r: Resources, seen: Look, states: Sequence[DocumentState]) -> list[str]:
    """A warning for each pattern of exclude and of ttl_rules that does not do what it was perhaps meant to do, with what is new;
    patterns of include that match nothing, which may be for what is still to come, are noted beside it."""
    warnings = list[str]()
    for plan in seen.plans:
        if plan.fetch and plan.source in r.sources:
            there = [s.uri for s in states if s.source == plan.source and s.status != "deleted" and not s.unasked]
            for said in unmatched(r.sources[plan.source], there):
                r.progress.note(said)
            new = [ref.uri for ref in plan.fetch]
            ageing = [rule.match for rule in r.settings.source(plan.source).ttl_rules]
            warnings += [*not_left_out(r.sources[plan.source], new), *not_ageing(plan.source, ageing, new)]
    return warnings


def spelled_almost_like_a_rule(r: Resources, states: Sequence[DocumentState]) -> list[str]:
    """A warning for each access rule that documents just miss by case, blanks or the like, so that another rule decides, for
    each that names a folder above the uris, and for each that can never decide."""
    rules = r.settings.access.compiled()
    placed = [(state.source, state.uri) for state in states if state.status == "active"]
    missed = near_miss_warnings(rules.near_misses(placed))
    return [
        *never_decisive_warnings(rules, placed),
        *begun_above_warnings(rules, placed),
        *foreign_warnings(rules, placed),
        *missed,
    ]


def check_uris(r: Resources, seen: Look) -> None:
    """Refuse a label, leak case or literal access rule whose uri occurs in two sources and does not say which, and a label whose
    uri no source has.

    Looks at what is known and what was just listed, before anything is changed. Raises ConfigurationError.
    """
    owners: dict[str, set[str]] = {}
    states = r.stores.documents.read()
    for state in states:
        if state.status != "deleted":
            owners.setdefault(composed(state.uri), set()).add(state.source)
    for plan in seen.plans:
        for ref in plan.fetch:
            owners.setdefault(composed(ref.uri), set()).add(plan.source)
    shared = {uri: sorted(names) for uri, names in owners.items() if len(names) > 1}
    for rule in r.settings.access.rules:
        if rule.source is None and composed(rule.match) in shared:
            raise ConfigurationError(
                f"{r.settings.path}: access.rules: '{rule.match}' is a document of {' and '.join(shared[composed(rule.match)])}",
                hint="say which: {match: …, source: …, tags: […]}",
            )
    evaluation.check_uris(r.gates, shared)
    configured = [s.name for s in r.settings.sources]
    if set(configured) <= {plan.source for plan in seen.plans}:  # else nobody knows what the other sources have
        there = {(s.source, s.uri) for s in states} | {(p.source, ref.uri) for p in seen.plans for ref in p.fetch}
        erased = r.stores.forgotten.keys()

        sources = {*configured, *(name for name, _ in there)}  # also those that were taken out of the configuration

        def known(uri: str, source: str | None) -> bool:
            names = sources if source is None else {source}
            return any((name, uri) in there or document_key(name, uri) in erased for name in names)

        try:
            evaluation.check_known(r.gates, known, {uri for _, uri in there})
        except ConfigurationError as error:
            if not seen.empty:
                raise
            raise ConfigurationError(
                f"{r.settings.path}: {'; '.join(seen.empty)}; so {error.message}",
                hint="correct root, include or exclude of the source (sluice doctor says what it lists), then sluice run",
            ) from None
