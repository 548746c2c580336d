"""Fetch and parse what changed, partition by partition, and account for all of it."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import evaluation
from indexing.build import Figures
from ingest import sandbox
from ingest.planning import SourcePlan, to_parse, unreadable_permissions
from ingest.sandbox import SandboxedParser
from pipeline.executors import FlowNeeded, IfSmall
from pipeline.resources import Resources
from pipeline.runs import Run
from pipeline.steps.looking import check, check_uris, failed_by, look, overlooked, spelled_almost_like_a_rule
from pipeline.steps.settling import revoke, settle
from pipeline.windows import Stopped, mapped
from pipeline.work import Look, Redo
from sluice.counts import StageCounts
from sluice.errors import RETRY, DocumentError, MassDeletion, SluiceError
from sluice.ids import document_key
from sluice.records import DocumentState, ItemRef


@dataclass(frozen=True, slots=True)
class Share:
    """One source's part of the work: items to fetch (and then parse), and keys only to parse; `again` are to be parsed anyway."""

    run: str
    source: str
    refs: tuple[ItemRef, ...]
    keys: tuple[str, ...]
    again: frozenset[str] = frozenset()
    actor: str = ""
    """Whose work it is, for the audit of who may read what."""

    def __len__(self) -> int:
        return len(self.refs) + len(self.keys)

    @property
    def documents(self) -> Iterator[str]:
        """Their keys."""
        yield from (document_key(self.source, ref.uri) for ref in self.refs)
        yield from self.keys

    def one_by_one(self) -> list[Share]:
        """The same work, one document in each."""
        return [replace(self, refs=(ref,), keys=()) for ref in self.refs] + [replace(self, refs=(), keys=(k,)) for k in self.keys]

    def given_up(self, r: Resources, reason: str) -> TakenIn:
        """Quarantine the one document of this share."""
        ref = self.refs[0] if self.refs else None
        uri = ref.uri if ref is not None else r.stores.documents.read(self.keys)[0].uri
        error = DocumentError("worker_died", f"{uri}: {reason}", hint=RETRY)
        fingerprint, validator = r.parse_fingerprints[self.source], ref.validator if ref is not None else None
        stage = r.ingestion(self.run).give_up(self.source, uri, validator, fingerprint, error)
        failed = StageCounts(seen=1, failed={error.reason: 1})
        if stage == "fetch":
            return TakenIn(self.source, {"crawl": failed, "parse": StageCounts()})
        fetched = StageCounts(1, 1) if ref is not None else StageCounts()
        return TakenIn(self.source, {"crawl": fetched, "parse": failed})


def take_in(
    r: Resources, run: Run, source: str | None, allow_deletions: Collection[str], redo: Redo, now: bool = False
) -> list[DocumentState]:
    """Look, revoke what must be revoked, fetch and parse what changed; all states as they are then."""
    found = run.goes_on()
    if found is not None and found.look is not None:
        seen, states, ingested = found.look, found.states, found.ingested
        run.account.looked, run.account.guarded = dict(seen.looked), seen.guarded
    else:
        with run.account.timed("plan"):
            check(r)
            seen = look(r, source, redo=redo, allow_deletions=allow_deletions, now=now)
            run.account.looked, run.account.guarded = dict(seen.looked), seen.guarded
            if seen.ingest_needed:
                _begin_ahead(r, seen)
            check_uris(r, seen)
            states, ingested = settle(r, run, seen), False
            if seen.troubles:
                raise _whole(seen)
        run.hands_over(states, seen)
    if ingested:
        return states
    meanwhile = False
    if seen.ingest_needed:
        r.stores.room_for(0, 0)  # before the last of it is taken: what is live must be found on a full disk, too
        meanwhile = _map(r, run, seen, redo)
        with run.account.timed("access"):
            states = settle(r, run, before=states)
    _acknowledge(r, seen)
    _count(r, run, seen)
    run.hands_over(states, seen, ingested=True)
    if meanwhile:
        raise FlowNeeded
    return states


def _whole(seen: Look) -> SluiceError:
    """The first source's trouble, which ends the run, with a word about the others': revocations are applied by now."""
    first, *others = seen.troubles
    if isinstance(first, MassDeletion):  # one run is enough for all that are held back
        one, all_ = (" ".join(f"--allow-deletions {name}" for name in names) for names in (seen.guarded[:1], seen.guarded))
        first.hint = first.hint.replace(one, all_)
    if others:
        more = "; ".join(error.message for error in others[:4])
        first.hint = f"{first.hint}; also in trouble: {more}".removeprefix("; ")
    if whole := [name for name, why in seen.looked.items() if not why]:
        told = f"{whole[0]} (and so for {', '.join(whole[1:])})" if len(whole) > 1 else whole[0]
        first.hint = f"{first.hint}; what is new elsewhere goes live without it: sluice run --source {told}".removeprefix("; ")
    return first


def _begin_ahead(r: Resources, seen: Look) -> None:
    """Have what takes a while to be ready begin beside this: most such runs end in a candidate, and importing takes as long
    as parsing."""
    for name in [plan.source for plan in seen.plans if plan.fetch or any(s.source == plan.source for s in seen.parse)]:
        parser = r.parsers[name]
        if isinstance(parser, SandboxedParser):
            parser.ahead()
    evaluation.prepare(r.gates)
    r.prepare()


def _map(r: Resources, run: Run, seen: Look, redo: Redo) -> bool:
    """Fetch and parse; whether it was done while a flow began, which goes on from here."""
    shares = sorted(  # as they come, where none matters more than another
        (share for plan in seen.plans for share in shares_of(plan, seen.parse, run, redo)),
        key=lambda share: -max((run.worth.get(key, 0) for key in share.documents), default=0),
    )
    documents = sum(map(len, shares))
    beside = run.executor.meanwhile(documents) if isinstance(run.executor, IfSmall) else None
    with run.account.timed("ingest"), r.progress.stage("fetch and parse", documents):
        done, left, stopped = mapped(r, run if beside is None else replace(run, executor=beside), ingest_partition, shares)
        for counts in done:
            for stage, counted in counts.counts.items():
                run.account.count(stage, counted)
            run.account.count_source(counts.source, counts.done)
            run.account.revoke(counts.access_changed, counts.revocation_lag_s)
    if stopped is not None:
        put_off(r, left)
        settle(r, run)  # who may read what was taken in
        raise Stopped(stopped)
    if documents > run.partition_documents:
        sandbox.shared().close()  # 100 MB a worker, which the model will want
    return beside is not None


def shares_of(plan: SourcePlan, parse: Sequence[DocumentState], run: Run, redo: Redo) -> Iterator[Share]:
    """One source's work in partitions."""
    size = run.partition_documents
    fetch = tuple(run.by_worth(plan.fetch, lambda ref: document_key(plan.source, ref.uri)))
    for i in range(0, len(fetch), size):
        refs = fetch[i : i + size]
        keys = {document_key(plan.source, ref.uri) for ref in refs} if redo.parse else set()
        yield Share(run.id, plan.source, refs, (), redo.parse & keys, run.actor)
    waiting = run.by_worth((s.key for s in parse if s.source == plan.source), lambda key: key)
    for i in range(0, len(waiting), size):
        keys = set(waiting[i : i + size])
        yield Share(run.id, plan.source, (), tuple(waiting[i : i + size]), redo.parse & keys, run.actor)


def put_off(r: Resources, left: Sequence[Share]) -> None:
    """What was to be done again on purpose, and was not begun, is due from now on as if it had changed: the next run does it."""
    again = {key for share in left for key in share.again}
    listed = {document_key(share.source, ref.uri): ref.validator for share in left for ref in share.refs}
    r.stores.documents.write(
        replace(
            state,
            renamed=state.renamed or state.key in again,
            validator="" if listed.get(state.key) == state.validator else state.validator,
        )
        for state in r.stores.documents.read(sorted(again | listed.keys()))
    )


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of one source's share."""

    source: str
    counts: dict[str, StageCounts]
    seconds: float = 0.0
    access_changed: int = 0
    revocation_lag_s: float | None = None

    @property
    def done(self) -> Figures:
        """The same in a few figures."""
        crawl, parse = self.counts["crawl"], self.counts["parse"]
        failed = sum(crawl.failed.values()) + sum(parse.failed.values())
        return {"fetched": crawl.kept + crawl.unchanged, "parsed": parse.kept, "failed": failed, "seconds": self.seconds}


def ingest_partition(r: Resources, share: Share) -> TakenIn:
    """Fetch these items, then parse those of them, and those of the keys, that are due; what they say of themselves that takes
    readers away holds at once, in every collection. Idempotent."""
    ingestion, source, began = r.ingestion(share.run), share.source, time.perf_counter()
    counts = {"crawl": StageCounts(), "parse": StageCounts()}
    if share.refs:
        with r.fetching:
            r.go_on()  # cancelled while it waited
            counts["crawl"] = ingestion.fetch(r.sources[source], share.refs)
    touched = list(share.documents)
    failures = r.stores.quarantine.entries(keys=touched)
    due, held = to_parse(
        r.stores.documents.read(touched),
        {source: r.parse_fingerprints[source]},
        failures,
        chunker=failed_by(r, failures),
        force=lambda uri: document_key(source, uri) in share.again,
    )
    r.progress.advance(len(touched) - len(due))
    counts["parse"] = ingestion.parse(r.parsers[source], due, lambda: r.progress.advance(1))
    if held:
        counts["parse"] += StageCounts(seen=sum(held.values()), failed=held)
    changed, lag = revoke(r, share.actor, ingestion.losing, began)
    return TakenIn(source, counts, time.perf_counter() - began, changed, lag)


def _acknowledge(r: Resources, seen: Look) -> None:
    """Tell each source that asks to be told (a method `stored`) that everything it gave is stored."""
    for plan in seen.plans:
        stored = getattr(r.sources.get(plan.source), "stored", None)
        if stored is not None:
            stored()


def _count(r: Resources, run: Run, seen: Look) -> None:
    """Complete the accounts of crawl and parse with what needed nothing."""
    account = run.account
    for plan in seen.plans:
        held = dict(plan.held or {})
        parted = (("deleted", len(plan.gone)), ("not_asked_for", len(plan.unasked)), ("forgotten", plan.forgotten))
        away = {reason: n for reason, n in parted if n}
        seen_before = plan.unchanged + sum(held.values()) + sum(away.values())
        account.count("crawl", StageCounts(seen=seen_before, unchanged=plan.unchanged, dropped=away, failed=held))
    parsed = account.counts.get("parse", StageCounts())
    looked_at = {plan.source for plan in seen.plans}
    states = [s for s in r.stores.documents.read() if s.source in looked_at]
    entries = [e for e in r.stores.quarantine.entries() if e.source in looked_at]
    account.warnings += [*seen.empty, *overlooked(r, seen, states), *unreadable_permissions(entries)]
    account.warnings += spelled_almost_like_a_rule(r, states)
    stale = {s.key for s in states if s.stale}
    failures = {e.document_key for e in entries if e.stage == "parse" or (e.stage == "chunk" and e.document_key in stale)}
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
