"""`sluice run`, the nightly reindex: plan, and do what the plan calls for."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from ingest.readerless import silent
from pipeline.executors import Inline
from pipeline.outcomes import Held, Report
from pipeline.resources import Resources, utc_now
from pipeline.runs import Run, recorded
from pipeline.steps.assessing import Assessment, assess, is_whole, live_holds
from pipeline.steps.building import LeftOut, build, to_be_cut_again
from pipeline.steps.fetching import take_in
from pipeline.steps.judgement import conclude, judge, write_report
from pipeline.windows import Stopped, end_of, still_time
from pipeline.work import Redo
from sluice.errors import BudgetSpent
from sluice.records import DocumentState
from sluice.releases import Release


def reindex(
    r: Resources,
    run: Run,
    *,
    source: str | None = None,
    allow_deletions: Collection[str] = (),
    until: str | None = None,
    now: bool = False,
) -> Report:
    """Ingest what changed, build what changed, gate it, go live. Idempotent.

    With `until` (06:00, or a moment) no partition is begun after it, and nothing goes live: `stopped`, to be gone on with.
    With `now`, documents that the configuration no longer asks for leave every release at once, whatever the gates say.
    """
    run.until = end_of(until, utc_now(), r.settings.schedule.timezone)
    return recorded(r, run, {"source": source, "now": now}, lambda: plan_and_do(r, run, source, allow_deletions, Redo(), now))


def plan_and_do(
    r: Resources, run: Run, source: str | None, allow_deletions: Collection[str], redo: Redo, now: bool = False
) -> Report:
    """What a run, a backfill and a retry have in common."""

    def work() -> Report:
        states = take_in(r, run, source, allow_deletions, redo, now)
        run.account.warnings += silent(states, r.settings.access.compiled())
        return index_and_judge(r, run, states, redo)

    return unless_stopped(r, run, work)


def unless_stopped(r: Resources, run: Run, work: Callable[[], Report]) -> Report:
    """What the work reports; where time or money ran out, that, with what was done until then."""
    try:
        return work()
    except Stopped as stopped:
        reason = stopped.reason
    except BudgetSpent as spent:
        reason = f"{spent.message}. Next: {spent.hint}"
        # The partitions in which it ended gave no account of what they embedded before.
        tokens, texts = r.stores.meters.spent(run.id)
        run.account.built = replace(run.account.built, tokens_embedded=tokens, embedded=texts)
    run.account.warnings.append(f"stopped: {reason}")
    live = r.releases.live()
    return run.account.report("stopped", live.id if live else None, stopped=reason)


def index_and_judge(r: Resources, run: Run, states: list[DocumentState], redo: Redo) -> Report:
    """Build what is called for, without what has to be given up on the way, and put it before the gates."""
    states = to_be_cut_again(r, states)
    while True:
        try:
            return _index_and_judge(r, run, states, redo)
        except LeftOut:  # each time at least one document fewer
            states = r.stores.documents.read()


def _index_and_judge(r: Resources, run: Run, states: list[DocumentState], redo: Redo) -> Report:
    account, found = run.account, assess(r, states)
    if found.action == "nothing" and found.live is not None and found.held is None and not is_whole(r, found.live):
        account.warnings.append(f"the store does not hold what release {found.live.id} says it does: it is built again")
        found = assess(r, states, rebuild=True)
    if found.action in ("judge", "build") and (canary := r.releases.canary()) is not None:
        return waits_for(canary, run, found)
    if found.action == "nothing" and redo.chunk and found.held is None and not live_holds(r, found, redo.chunk):
        found = assess(r, states, rebuild=True)
    if found.action != "build":  # which gives up those of others itself
        r.releases_by(run.actor).abandon(found.unfinished)
    live = found.live.id if found.live else None
    match found.action:
        case "nothing" if found.held is not None:
            return held_back(run, found.held, live)
        case "nothing":
            return account.report("unchanged", live)
        case "gates" if found.live is not None:
            judged = judge(r, run, found.live, executor=Inline())  # the live release again: no flow is worth it
            if found.held is not None and found.live.fingerprint != found.fingerprint:
                _holds(run, found.held)
            if judged.failed:
                failing = ", ".join(verdict.gate for verdict in judged.failed)
                account.warnings.append(f"the live release {live} does not pass the changed gates: {failing}")
            return account.report("unchanged", live, page=write_report(r, r.releases.get(found.live.id)))
        case "judge" if found.waiting is not None:
            return conclude(r, run, found.waiting)
        case _:
            built = build(r, run, found)
            still_time(r, run)
            return conclude(r, run, built)


def held_back(run: Run, release: Release, live: str | None) -> Report:
    """Nothing is done about a release of this very content that was rejected or rolled back from."""
    _holds(run, release)
    return run.account.report("unchanged", live)


def _holds(run: Run, release: Release) -> None:
    run.account.held = Held(release.id, release.held)
    run.account.warnings.append(f"release {release.id} of this very content is held ({release.held}): {release.held_until}")


def waits_for(canary: Release, run: Run, found: Assessment) -> Report:
    """Nothing is built while a canary serves: what changed is ingested, revoked where it must be, and built later."""
    run.account.warnings.append(
        f"release {canary.id} serves {canary.canary_share:g} of the readers as a canary: nothing was built; "
        f"end it with: sluice promote {canary.id}, or sluice rollback"
    )
    return run.account.report("unchanged", found.live.id if found.live else None)
