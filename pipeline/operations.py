"""Whole operations, built from steps: what each command and each flow does, under the index's lease.

The heavy middle (ingest, build, conclude) is handed in as an `Engine`, so that the same operation decides first, without
Prefect, whether there is anything to do, and does it inside a flow only when there is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from pipeline import delivering, forgetting, steps
from pipeline.reading import day
from pipeline.resources import Wiring, utc_now
from pipeline.steps import Account, Assessment, Look, Redo
from sluice.errors import ConfigurationError, GateRejected, ReleaseError
from sluice.globs import matches
from sluice.ids import fingerprint
from sluice.records import DocumentState
from sluice.releases import Release

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Engine:
    """Who does the heavy work: mapped Prefect tasks."""

    ingest: Callable[[Wiring, Account, Look, Redo], None]
    build: Callable[[Wiring, Account, Assessment], Release]
    conclude: Callable[[Wiring, Account, Release, float | None], Result]
    """With a share, a release that passes serves it as a canary; without, it goes live."""


class WorkToDo(BaseException):
    """Not an error: raised in place of the heavy work by `planning_engine`, to say that a flow is needed."""


def planning_engine() -> Engine:
    """An engine that does nothing heavy: it says that there is something to do.

    What was found by then waits in `Wiring.handover` for the flow, which does not look again.
    """

    def needed(*_: Any) -> Any:
        raise WorkToDo

    return Engine(needed, needed, needed)


def check(w: Wiring) -> None:
    """Everything that can be found wrong before anything is changed: gates' files, strategy, model, sources' options."""
    _ = w.gates, w.chunker, w.sources, w.parsers


def run(w: Wiring, engine: Engine, *, source: str | None = None, allow_deletions: Collection[str] = ()) -> Result:
    """Plan, and do what the plan calls for."""
    return _recorded(w, "run", {"source": source}, lambda account: _run(w, engine, account, source, allow_deletions, Redo()))


def _run(w: Wiring, engine: Engine, account: Account, source: str | None, allow_deletions: Collection[str], redo: Redo) -> Result:
    states = _ingest(w, engine, account, source, allow_deletions, redo)
    return _index(w, engine, account, states, redo)


def _ingest(
    w: Wiring, engine: Engine, account: Account, source: str | None, allow_deletions: Collection[str], redo: Redo
) -> list[DocumentState]:
    states: list[DocumentState]
    if w.handover is not None:  # the command that started this flow has looked and settled already
        (seen, states, earlier), w.handover = w.handover, None
        account.take(earlier)
    else:
        with account.timed("plan"):
            check(w)
            seen = steps.look(w, source, redo=redo, allow_deletions=allow_deletions)
            steps.check_uris(w, seen)
            states = steps.settle(w, account, seen)
        w.handover = (seen, states, account.copy())
    if seen.ingest_needed:
        engine.ingest(w, account, seen, redo)
        with account.timed("access"):
            states = steps.settle(w, account, before=states)
    steps.acknowledge(w, seen)
    steps.count_ingest(w, account, seen)
    return states


def _index(w: Wiring, engine: Engine, account: Account, states: list[DocumentState], redo: Redo) -> Result:
    found = steps.assess(w, states)
    if found.action == "nothing" and found.live is not None and found.held is None and not steps.is_whole(w, found.live):
        account.warnings.append(f"the store does not hold what release {found.live.id} says it does: it is built again")
        found = steps.assess(w, states, rebuild=True)
    if found.action in ("judge", "build") and (canary := w.releases.canary()) is not None:
        return _waits_for(canary, account, found)
    if found.action == "nothing" and redo.chunk and found.held is None and not steps.live_holds(w, found, redo.chunk):
        found = steps.assess(w, states, rebuild=True)
    match found.action:
        case "nothing":
            if found.held is not None:
                account.held = {"release": found.held.id, "reason": found.held.held}
                account.warnings.append(
                    f"release {found.held.id} of this very content is held ({found.held.held}): not offered again; "
                    f"change an input, or say: sluice promote {found.held.id}"
                )
            return account.as_json("unchanged", found.live.id if found.live else None)
        case "gates":
            live = cast(Release, found.live)
            judged = steps.judge(w, live, account)
            failing = [v.gate for v in account.verdicts if not v.passed]
            if failing:
                account.warnings.append(f"the live release {live.id} does not pass the changed gates: {', '.join(failing)}")
            return {**account.as_json("unchanged", live.id), "report": str(steps.write_report(w, judged))}
        case "judge":
            return engine.conclude(w, account, cast(Release, found.waiting), None)
        case "build":
            return engine.conclude(w, account, engine.build(w, account, found), None)


def _waits_for(canary: Release, account: Account, found: Assessment) -> Result:
    """Nothing is built while a canary serves: what changed is ingested, revoked where it must be, and built later."""
    account.warnings.append(
        f"release {canary.id} serves {canary.canary_share:g} of the readers as a canary: nothing was built; "
        f"end it with: sluice promote {canary.id}, or sluice rollback"
    )
    return account.as_json("unchanged", found.live.id if found.live else None)


def ingest(w: Wiring, engine: Engine, *, source: str | None = None, allow_deletions: Collection[str] = ()) -> Result:
    """Fetch and parse what changed, apply revocations and access; build nothing."""

    def work(account: Account) -> Result:
        _ingest(w, engine, account, source, allow_deletions, Redo())
        live = w.releases.live()
        return account.as_json("ingested", live.id if live else None)

    return _recorded(w, "ingest", {"source": source}, work)


def index(w: Wiring, engine: Engine) -> Result:
    """Build and stage a release from what is ingested; it waits for `promote`."""

    def work(account: Account) -> Result:
        check(w)
        states = steps.settle(w, account)
        found = steps.assess(w, states)
        if found.action in ("nothing", "gates"):
            return account.as_json("unchanged", found.live.id if found.live else None)
        if (canary := w.releases.canary()) is not None:
            return _waits_for(canary, account, found)
        release = found.waiting if found.action == "judge" and found.waiting else engine.build(w, account, found)
        return account.as_json("staged", release.id)

    return _recorded(w, "index", {}, work)


def promote(w: Wiring, engine: Engine, release_id: str, *, force: bool = False, canary: float | None = None) -> Result:
    """Offer a release to the gates, whatever held it back; `force` overrules every gate but reconciliation.

    With `canary`, what passes serves that share of the readers beside the live release, until it is promoted or rolled back.
    """
    if canary is not None and force:
        raise ConfigurationError("--canary and --force exclude each other", hint="a canary is for what passed its gates")

    def work(account: Account) -> Result:
        check(w)
        release = w.releases.get(release_id)
        if canary is not None and release.state != "staged":
            raise ReleaseError(
                f"release {release.id} is {release.state}; a canary is a staged release", hint="sluice index stages one"
            )
        live = w.releases.live()
        if live is not None and live.id == release.id:
            return account.as_json("unchanged", live.id)
        steps.settle(w, account)
        if not force:
            return engine.conclude(w, account, release, canary)
        steps.judge(w, release, account, overrule=True)
        broken = [v for v in account.verdicts if not v.passed and v.gate == "reconciliation"]
        if broken:
            steps.write_report(w, w.releases.get(release.id))
            raise GateRejected(
                f"release {release.id} does not hold what it should: {broken[0].reason}",
                hint="reconciliation cannot be overruled: run again",
            )
        overruled = [v.gate for v in account.verdicts if not v.passed]
        if overruled:
            account.warnings.append(f"overruled by {w.actor}: {', '.join(overruled)}")
        w.still_mine()
        promoted = w.releases.promote(w.releases.get(release.id), w.access(w.stores.documents.read()))
        return {**account.as_json("promoted", promoted.id), "report": str(steps.write_report(w, promoted))}

    return _recorded(w, "promote", {"release": release_id, "force": force, "canary": canary}, work)


def rollback(w: Wiring, to: str | None = None) -> Result:
    """Return to an earlier release: the same alias request with another argument, after current access was applied.

    While a canary serves, that is what is taken back: it is staged again, and held; with `to`, both.
    """

    def work(account: Account) -> Result:
        states = steps.settle(w, account)
        w.still_mine()
        canary = w.releases.end_canary()
        if canary is not None and to is None:
            live = w.releases.live()
            return {**account.as_json("rolled back", live.id if live else None), "left": canary.id}
        with account.timed("promote"):
            left, live = w.releases.rollback(to, w.access(states))
        return {**account.as_json("rolled back", live.id), "left": left.id}

    return _recorded(w, "rollback", {"to": to}, work)


def retry(w: Wiring, engine: Engine) -> Result:
    """Try every quarantined document again, also those that failed for good."""

    def work(account: Account) -> Result:
        entries = w.stores.quarantine.entries()
        redo = Redo(
            fetch=frozenset(e.document_key for e in entries if e.stage == "fetch"),
            parse=frozenset(e.document_key for e in entries if e.stage == "parse"),
        )
        return {**_run(w, engine, account, None, (), redo), "selected": len(entries)}

    return _recorded(w, "retry", {}, work)


def sync_access(w: Wiring) -> Result:
    """Apply the present rules and source permissions to every existing collection; nothing is cut or embedded."""

    def work(account: Account) -> Result:
        with account.timed("access"):
            steps.settle(w, account)  # the rules first: no source is waited for
            if steps.refresh_permissions(w, account):
                steps.settle(w, account)
        live = w.releases.live()
        return account.as_json("synced", live.id if live else None)

    return _recorded(w, "access sync", {}, work)


def forget(w: Wiring, uri: str, source: str | None = None) -> Result:
    """Erase a document everywhere, prove it, and keep it away."""
    state = forgetting.known(w, uri, source)

    def work(account: Account) -> Result:
        w.still_mine()
        with account.timed("forget"):
            done = forgetting.forget(w, state)
        live = w.releases.live()
        return {**account.as_json("forgotten", live.id if live else None), **done}

    return _recorded(w, "forget", {"document_key": state.key}, work)


def allow_again(w: Wiring, uri: str, source: str | None = None) -> Result:
    """Let a forgotten document come back with the next run, if its source still lists it."""
    key = forgetting.forgotten_key(w, uri, source)

    def work(account: Account) -> Result:
        w.stores.forgotten.remove(key)
        live = w.releases.live()
        return {**account.as_json("allowed", live.id if live else None), "document_key": key}

    return _recorded(w, "forget --undo", {"document_key": key}, work)


# ── backfill ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Selection:
    """Which documents a backfill redoes, in the words of its command; dates are of last modification."""

    source: str | None = None
    match: str | None = None
    since: str | None = None
    until: str | None = None
    stage: str = "parse"

    def of(self, w: Wiring) -> list[DocumentState]:
        """The documents it names; ConfigurationError for a wrong stage, source or date, or when it names nothing."""
        if self.stage not in ("fetch", "parse", "chunk"):
            raise ConfigurationError(f"--from '{self.stage}' is not a stage", hint="use fetch, parse or chunk")
        if self.source is not None:
            w.settings.source(self.source)
        since, until = day("--since", self.since), day("--until", self.until)
        chosen = [
            s
            for s in w.stores.documents.read(source=self.source)
            if s.status not in ("deleted", "expired")
            and (self.match is None or matches(s.uri, self.match))
            and (since is None or (_when(s) or until or since) >= since)
            and (until is None or (_when(s) or since or until) < until)
        ]
        if not chosen:
            raise ConfigurationError(
                f"no document matches (source={self.source}, match={self.match}, since={self.since}, until={self.until})",
                hint="globs are matched against the whole uri, e.g. --match 'content/**/*.md'; sluice run ingests first",
            )
        return chosen


def _when(state: DocumentState) -> datetime | None:
    return state.modified or state.fetched


def backfill(w: Wiring, engine: Engine, which: Selection, *, allow_deletions: Collection[str] = ()) -> Result:
    """Redo a slice from a stage on, then index as a run would; a release is published when its content differs."""
    chosen = which.of(w)

    def work(account: Account) -> Result:
        result = _run(w, engine, account, which.source, allow_deletions, Redo.since(which.stage, (s.key for s in chosen)))
        return {**result, "selected": len(chosen)}

    return _recorded(w, "backfill", {"selection": fingerprint("selection", vars_of(which)), **vars_of(which)}, work)


def vars_of(which: Selection) -> dict[str, Any]:
    """A selection as plain parameters."""
    return {"source": which.source, "match": which.match, "since": which.since, "until": which.until, "stage": which.stage}


# ── the record of runs ───────────────────────────────────────────────────────────────────────────────────────────────


def _recorded(w: Wiring, command: str, parameters: dict[str, Any], work: Callable[[Account], Result]) -> Result:
    """Do the work and leave a row in `runs`: what was asked, what came of it, also when it failed.

    What a finished operation leaves for a flow that will not come is dropped.
    """
    account = Account()
    started = utc_now()
    row = {
        "command": command,
        "parameters": parameters,
        "actor": w.actor,
        "started": started,
        "configuration": configuration_hash(w),
    }
    try:
        result = work(account)
    except WorkToDo:
        raise
    except BaseException as error:
        w.stores.runs.record(
            w.run_id, {**row, "finished": utc_now(), "outcome": "failed", "error": f"{type(error).__name__}: {error}"[:500]}
        )
        raise
    w.handover = None
    result["warnings"] += delivering.deliver(w)
    w.stores.runs.record(
        w.run_id,
        {**row, "finished": utc_now(), "outcome": result["outcome"], "release": result["release"], "counts": result["counts"]},
    )
    return {**result, "run": w.run_id}


def configuration_hash(w: Wiring) -> str:
    """Fingerprint of the whole configuration as written (its secrets are hashed with it, never shown)."""
    return fingerprint("configuration", {"file": w.settings.path.read_text(encoding="utf-8")})
