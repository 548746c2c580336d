"""An operation under way: who does it, under which lease, and what it did so far; and the door through which it is recorded."""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from indexing.fingerprints import forget_roots
from pipeline.account import Account
from pipeline.budget import money, price
from pipeline.executors import PARTITION_DOCUMENTS, Executor, FlowNeeded, Inline
from pipeline.observability import delivering, json_lines, telemetry
from pipeline.observability.run_lines import JsonLines
from pipeline.observability.run_log import RunLog, logged
from pipeline.outcomes import Outcome, Report
from pipeline.resources import Resources, utc_now
from pipeline.work import Look
from sluice.display import line
from sluice.errors import BudgetSpent, Cancelled, IndexBusy, Retryable, SluiceError, StoreUnavailable
from sluice.ids import fingerprint
from sluice.plain import plain
from sluice.records import DocumentState
from stores import Lease

LOOK_S = 1.0
"""How often whoever waits for an index looks whether it is free."""

FROM_OUTSIDE = "ended from outside"
"""How the error of a run begins that was interrupted, and did not fail of anything."""

T = TypeVar("T")
O = TypeVar("O", bound=Outcome)  # noqa: E741  an outcome


@dataclass(frozen=True, slots=True)
class Handover:
    """What a command found and did before it saw that a flow is needed, for the flow that goes on with the same run."""

    account: Account
    states: list[DocumentState]
    look: Look | None = None
    ingested: bool = False


@dataclass(slots=True)
class Run:
    """One operation: its id, who asked for it, the lease it holds, who does the heavy work, and its account."""

    id: str
    command: str
    actor: str
    executor: Executor
    lease: Lease
    account: Account = field(default_factory=Account)
    handover: Handover | None = None
    partition_documents: int = PARTITION_DOCUMENTS
    until: datetime | None = None
    """When no partition is begun any more."""
    worth: Mapping[str, int] = field(default_factory=dict)
    """Document key → how much it matters that it is done early: in which order partitions are begun, and nothing else."""

    def still_mine(self) -> None:
        """Raise IndexBusy when the lease was taken over meanwhile; asked before every change that readers can see."""
        self.lease.check()

    def by_worth(self, things: Iterable[T], key: Callable[[T], str]) -> list[T]:
        """What matters most first; what matters alike stays in its order."""
        return sorted(things, key=lambda thing: -self.worth.get(key(thing), 0)) if self.worth else list(things)

    def hands_over(self, states: list[DocumentState], look: Look | None = None, *, ingested: bool = False) -> None:
        """From here on a flow may go on."""
        self.handover = Handover(self.account.copy(), states, look, ingested)

    def goes_on(self) -> Handover | None:
        """What was handed over to this run, its account included; None at a beginning."""
        if self.handover is not None:
            self.account = self.handover.account.copy()
        return self.handover


_under_way: ContextVar[Mapping[str, Run]] = ContextVar("runs under way", default={})  # noqa: B039  never changed


def run_id() -> str:
    return f"{utc_now():%Y%m%d-%H%M%S}-{os.urandom(3).hex()}"


def present_actor(command: str) -> str:
    """Who does this, for the record: command, user and host."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = str(os.getuid())
    return f"sluice {command} by {user}@{socket.gethostname()}"


@contextmanager
def holding(
    r: Resources,
    command: str,
    *,
    executor: Executor | None = None,
    partition_documents: int = PARTITION_DOCUMENTS,
    wait_s: float = 0.0,
) -> Iterator[Run]:
    """Hold the index for one operation, its ledger repaired to what the stores hold.

    Raises IndexBusy while another process holds it; with `wait_s`, when it still does after that many seconds. A flow that
    a command started in this process goes on with the command's run, under its own executor.
    """
    key, executor = str(r.settings.path), executor or Inline()
    if (outer := _under_way.get().get(key)) is not None:
        yield replace(outer, executor=executor, account=Account(price=price(r.settings)))
        return
    with _lease(r, command, wait_s) as lease:
        account = Account(price=price(r.settings))
        run = Run(run_id(), command, present_actor(command), executor, lease, account, partition_documents=partition_documents)
        for line in r.releases_by(run.actor).recover():
            r.progress.note(f"recovered: {line}")
        r.spending = run.id
        r.begin()
        token = _under_way.set({**_under_way.get(), key: run})
        try:
            with r.stores.documents.remembered(), r.contents.remembered():
                yield run
        finally:
            _under_way.reset(token)
            r.spending = None
            forget_roots()
            r.forget_sums()


def _lease(r: Resources, command: str, wait_s: float) -> Lease:
    """The lease of the index, waited for."""
    deadline, told = time.monotonic() + wait_s, False
    while True:
        try:
            return r.stores.lease.acquire(command)
        except IndexBusy as error:
            left = deadline - time.monotonic()
            if left <= 0:
                raise
            if not told:
                r.progress.note(f"waiting up to {wait_s:.0f} s: {error.message}")
            told = True
            time.sleep(min(LOOK_S, left))


def recorded(r: Resources, run: Run, parameters: Mapping[str, Any], work: Callable[[], O]) -> O:
    """Do the work and leave a row in `runs`: what was asked, by whom, what came of it, what failed; then tell whom it concerns.

    The row is there before anything is changed, and says what was done before anybody is told of it: whatever fails or
    dies afterwards, a promotion is in the record. What could not be told or recorded is a warning of the outcome.
    """
    began = utc_now()
    row = {"command": run.command, "parameters": dict(parameters), "actor": run.actor, "started": began}
    runs = r.stores.runs
    if run.handover is None:
        runs.record(run.id, {**row, "configuration": configuration_hash(r), "outcome": "running"})
    told = telemetry.Told(run.id, run.command, began)
    if run.handover is None:
        _watched(r, run, told)
    try:
        lines = JsonLines(r.settings.index, run.id, run.command, lambda: run.account.release)
        with logged(r, run.id, lines) as log:
            if run.handover is None:
                log.line(f"{run.actor}: {row['parameters']}")
                lines.began(run.actor, parameters)
            outcome = _logged_work(r, run, log, lines, work)
    except FlowNeeded:
        raise
    except BaseException as error:
        run.handover = None
        if for_good(error):
            _give_up_build(r, run)
        from ingest.redact import hushed

        inside = isinstance(error, Exception)
        why = f"{type(error).__name__}: {error}" if inside else f"{FROM_OUTSIDE} ({type(error).__name__})"
        failed = {"outcome": "failed", "error": hushed(line(why, 500))}
        with suppress(SluiceError):  # what is raised says more
            runs.record(run.id, {"finished": utc_now(), **failed, **_done(run)})
        # What was revoked before it failed is revoked: whoever keeps answers is to know.
        if inside and not isinstance(error, StoreUnavailable | IndexBusy):
            with suppress(SluiceError):
                delivering.deliver(r)
        _watched(r, run, replace(told, ended=utc_now(), error=failed["error"]))
        raise
    run.handover = None
    ended = utc_now()
    done: dict[str, Any] = {"finished": ended, "outcome": outcome.outcome, "release": outcome.release, **_looked(run)}
    if isinstance(outcome, Report):
        cost = money(r.settings, outcome.tokens)
        outcome = replace(outcome, cost=cost)
        done |= {"counts": plain(outcome.counts), "seconds": plain(outcome.seconds), "sources": plain(outcome.sources)}
        done |= {"embedded": outcome.embedded, "cached": outcome.cached, "tokens": outcome.tokens, "cost": cost}
    failures = []
    try:
        runs.record(run.id, done)
    except SluiceError as error:
        failures.append(f"this run could not be recorded: {error.message}")
    try:
        failures += delivering.deliver(r)
    except SluiceError as error:
        failures.append(f"events could not be delivered: {error.message}; the next command tries again")
    failures += _watched(r, run, replace(told, ended=ended, outcome=outcome))
    if failures:
        with suppress(SluiceError):
            runs.record(run.id, {**done, "warnings": failures})
    return replace(outcome, warnings=(*outcome.warnings, *failures), run=run.id)


def for_good(error: BaseException) -> bool:
    """Whether what failed so would fail again: nobody ended it, no store, source, model or disk was wanting."""
    return isinstance(error, Exception) and not isinstance(error, Retryable | Cancelled | BudgetSpent | MemoryError | OSError)


def _give_up_build(r: Resources, run: Run) -> None:
    """Abandon the release that was being built: what is mended builds another, or from nothing, with the vectors of the cache."""
    with suppress(SluiceError):  # what is raised says more
        run.still_mine()
        r.releases_by(run.actor).abandon(one for one in r.releases.all() if one.id == run.account.release)


def _watched(r: Resources, run: Run, told: telemetry.Told) -> list[str]:
    """Tell whoever watches; what could not be told, as a warning: nobody's dashboard stops a run."""
    failures = []
    try:
        telemetry.lineage(r.settings, told)
        if told.ended is not None:
            telemetry.export(r.settings, told, run.account)
    except (OSError, ImportError) as error:
        failures.append(f"this run could not be told to who watches: {type(error.__cause__ or error).__name__}")
    return failures


def _logged_work(r: Resources, run: Run, log: RunLog, lines: JsonLines, work: Callable[[], O]) -> O:
    try:
        outcome = work()
    except FlowNeeded:
        raise
    except BaseException as error:
        log.failed(error)
        lines.failed(error)
        raise
    log.ended(outcome)
    if json_lines.wanted():
        with suppress(SluiceError):
            quarantined = [entry for entry in r.stores.quarantine.entries() if entry.run == run.id]
            lines.documents(quarantined, outcome.expired if isinstance(outcome, Report) else ())
    lines.ended(outcome)
    return outcome


def _done(run: Run) -> dict[str, Any]:
    """What was done for good before it failed."""
    done: dict[str, Any] = {"counts": plain(run.account.counts)} if run.account.counts else {}
    return done | _looked(run) | ({"release": run.account.promoted, "promoted": True} if run.account.promoted else {})


def _looked(run: Run) -> dict[str, Any]:
    """Which sources were read, why the others could not be, and of which deletions were held back."""
    from ingest.redact import hushed

    looked = {source: hushed(line(why, 300)) if why else "" for source, why in run.account.looked.items()}
    guarded = {"guarded": list(run.account.guarded)} if run.account.guarded else {}
    return ({"looked": looked} if looked else {}) | guarded


def configuration_hash(r: Resources) -> str:
    """Fingerprint of the whole configuration as written (its secrets are hashed with it, never shown)."""
    return fingerprint("configuration", {"file": r.settings.path.read_text(encoding="utf-8")})
