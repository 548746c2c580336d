"""Which release is live: `sluice promote`, `sluice rollback`, and what is kept for good (`sluice releases pin`)."""

from __future__ import annotations

from pipeline.executors import Inline
from pipeline.naming import named
from pipeline.operations.parts import live_id
from pipeline.outcomes import Pinned, Report
from pipeline.resources import Resources
from pipeline.runs import Run, recorded
from pipeline.steps.judgement import conclude, go_live, judge, write_report
from pipeline.steps.looking import check
from pipeline.steps.settling import settle
from sluice.errors import ConfigurationError, GateRejected, ReleaseError
from sluice.releases import Release


def promote(r: Resources, run: Run, release_id: str, *, force: bool = False, canary: float | None = None) -> Report:
    """Offer a release to the gates, whatever held it back; `force` overrules every gate but reconciliation.

    With `canary`, what passes serves that share of the readers beside the live release, until it is promoted or rolled back.
    """
    if canary is not None and force:
        raise ConfigurationError("--canary and --force exclude each other", hint="a canary is for what passed its gates")

    asked = named(r, release_id)  # before anything is recorded: a typing mistake is no failed run
    if asked.removed is not None:
        asked.there()
    release_id = asked.id

    def work() -> Report:
        if run.goes_on() is None:
            check(r)
        release = r.releases.get(release_id)
        if canary is not None and release.state != "staged":
            serving = release.state == "canary"
            raise ReleaseError(
                f"release {release.id} is {release.state}; a canary is a staged release",
                hint=f"sluice promote {release.id} makes it live for all, sluice rollback ends it"
                if serving
                else "sluice index stages one",
            )
        if live_id(r) == release.id:
            return run.account.report("unchanged", release.id)
        if run.handover is None:
            run.hands_over(settle(r, run))
        return _forced(r, run, release) if force else conclude(r, run, release, canary)

    return recorded(r, run, {"release": release_id, "force": force, "canary": canary}, work)


def _forced(r: Resources, run: Run, release: Release) -> Report:
    """Past every gate but reconciliation; who said so is kept."""
    judged = judge(r, run, release, overrule=True, executor=Inline())
    broken = [verdict for verdict in judged.failed if verdict.gate == "reconciliation"]
    if broken:
        write_report(r, r.releases.get(release.id))
        raise GateRejected(
            f"release {release.id} does not hold what it should: {broken[0].reason}",
            hint="reconciliation cannot be overruled: run again",
        )
    if judged.failed:
        run.account.warnings.append(f"overruled by {run.actor}: {', '.join(verdict.gate for verdict in judged.failed)}")
    run.still_mine()
    promoted = go_live(r, run, release, r.stores.documents.read())
    return run.account.report("promoted", promoted.id, page=write_report(r, promoted))


def rollback(r: Resources, run: Run, to: str | None = None) -> Report:
    """Return to an earlier release: the same alias request with another argument, after current access was applied.

    While a canary serves, that is what is taken back: it is staged again, and held; with `to`, both.
    """

    to = named(r, to).id if to is not None else None

    def work() -> Report:
        states = settle(r, run)
        run.still_mine()
        releases = r.releases_by(run.actor)
        canary = releases.end_canary()
        if canary is not None and to is None:
            return run.account.report("rolled back", live_id(r), left=canary.id)
        before = {release.id: release for release in r.releases.all()}
        with run.account.timed("promote"):
            left, live = releases.rollback(to, r.access(states))
        run.account.promoted = live.id
        run.account.warnings += _doubts(before[live.id])
        return run.account.report("rolled back", live.id, left=left.id)

    return recorded(r, run, {"to": to}, work)


def _doubts(release: Release) -> list[str]:
    """What speaks against a release that serves again: who goes two steps back may not mean the one that was left."""
    said = []
    if release.held:
        said.append(f"it was held ({release.held})")
    if overruled := release.judged.get("overruled"):
        said.append(f"{', '.join(overruled)} had rejected it, and {release.judged.get('actor')} overruled that")
    if not said:
        return []
    return [f"release {release.id} serves again, though {' and '.join(said)}; to another: sluice rollback --to ID"]


def pin(r: Resources, run: Run, release_id: str, *, pinned: bool = True) -> Pinned:
    """Keep a release whatever retention says, or let it go again. Idempotent."""

    release_id = named(r, release_id).id

    def work() -> Pinned:
        found = r.releases_by(run.actor).pin(release_id, pinned=pinned)
        return Pinned(outcome="pinned" if pinned else "unpinned", release=found.id, pinned=found.pinned)

    return recorded(r, run, {"release": release_id, "pinned": pinned}, work)
