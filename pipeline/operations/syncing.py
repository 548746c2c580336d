"""`sluice access sync`: who may read what, brought into every collection at once."""

from __future__ import annotations

from ingest.readerless import silent
from pipeline.operations.parts import live_id
from pipeline.outcomes import Report
from pipeline.resources import Resources
from pipeline.runs import Run, recorded
from pipeline.steps.looking import spelled_almost_like_a_rule
from pipeline.steps.settling import refresh_permissions, settle


def sync_access(r: Resources, run: Run) -> Report:
    """Apply the present rules and source permissions to every existing collection; nothing is cut or embedded."""

    def work() -> Report:
        with run.account.timed("access"):
            states = settle(r, run)  # the rules first: no source is waited for
            if refresh_permissions(r, run):
                states = settle(r, run)
        run.account.warnings += [*spelled_almost_like_a_rule(r, states), *silent(states, r.settings.access.compiled())]
        return run.account.report("synced", live_id(r))

    return recorded(r, run, {}, work)
