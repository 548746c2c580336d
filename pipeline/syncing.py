"""`sluice access sync`: who may read what, brought into every collection at once."""

from __future__ import annotations

from pipeline.outcomes import Report
from pipeline.parts import live_id
from pipeline.resources import Resources
from pipeline.runs import Run, recorded
from pipeline.steps.settling import refresh_permissions, settle


def sync_access(r: Resources, run: Run) -> Report:
    """Apply the present rules and source permissions to every existing collection; nothing is cut or embedded."""

    def work() -> Report:
        with run.account.timed("access"):
            settle(r, run)  # the rules first: no source is waited for
            if refresh_permissions(r, run):
                settle(r, run)
        return run.account.report("synced", live_id(r))

    return recorded(r, run, {}, work)
