"""The parts of a nightly run, one by one: `sluice ingest`, `sluice index`."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from pipeline.operations.nightly import held_back, unless_stopped, waits_for
from pipeline.outcomes import Report
from pipeline.resources import Resources
from pipeline.runs import Run, recorded
from pipeline.steps.assessing import assess
from pipeline.steps.building import LeftOut, build, to_be_cut_again
from pipeline.steps.fetching import take_in
from pipeline.steps.looking import check
from pipeline.steps.settling import settle
from pipeline.work import Redo
from sluice.records import DocumentState


def ingest(
    r: Resources, run: Run, *, source: str | None = None, allow_deletions: Collection[str] = (), now: bool = False
) -> Report:
    """Fetch and parse what changed, apply revocations and access; build nothing.

    With `now`, what the configuration no longer asks for is a revocation too.
    """

    def work() -> Report:
        take_in(r, run, source, allow_deletions, Redo(), now)
        return run.account.report("ingested", live_id(r))

    return recorded(r, run, {"source": source, "now": now}, work)


def index(r: Resources, run: Run) -> Report:
    """Build and stage a release from what is ingested; it waits for `promote`."""

    def work() -> Report:
        if (found := run.goes_on()) is not None:
            states = found.states
        else:
            check(r)
            states = settle(r, run)
            run.hands_over(states)
        states = to_be_cut_again(r, states)
        while True:
            try:
                return unless_stopped(r, run, partial(staged, r, run, states))
            except LeftOut:
                states = r.stores.documents.read()

    return recorded(r, run, {}, work)


def staged(r: Resources, run: Run, states: list[DocumentState]) -> Report:
    """Build and stage what these documents call for."""
    wanted = assess(r, states)
    live = wanted.live.id if wanted.live else None
    if wanted.action != "build":
        r.releases_by(run.actor).abandon(wanted.unfinished)
    if wanted.action in ("nothing", "gates"):
        return run.account.report("unchanged", live)
    if (canary := r.releases.canary()) is not None:
        return waits_for(canary, run, wanted)
    if wanted.action == "judge" and wanted.waiting is not None:
        if wanted.waiting.state != "staged":  # rejected under other gates: it is there, and it is not staged
            return held_back(run, wanted.waiting, live)
        return run.account.report("staged", wanted.waiting.id)
    return run.account.report("staged", build(r, run, wanted).id)


def live_id(r: Resources) -> str | None:
    """The id of the live release."""
    live = r.releases.live()
    return live.id if live else None
