"""An engine that works in this process, without Prefect: the steps, one partition after the other."""

from __future__ import annotations

from typing import Any

from flows import steps
from flows.operations import Engine, Result
from flows.steps import Account, Look, Redo
from flows.wiring import Wiring
from indexing.build import Built
from sluice.releases import Release


def ingest(w: Wiring, account: Account, seen: Look, redo: Redo) -> None:
    for plan in seen.plans:
        for refs, keys in steps.partitions(plan, seen.parse):
            for name, counts in steps.ingest_partition(w, w.run_id, plan.source, refs, keys, redo).items():
                account.count(name, counts)


def build(w: Wiring, account: Account, found: steps.Assessment) -> Release:
    release = steps.begin(w, found)
    if release.state == "staged":
        return release
    parts = [found.documents[i : i + 4] for i in range(0, len(found.documents), 4)]
    return steps.stage(w, release, sum((w.builder().build(release, part) for part in parts), Built()), account)


def conclude(w: Wiring, account: Account, release: Release, canary: float | None) -> Result:
    steps.judge(w, release, account)
    outcome, release = steps.conclude(w, release, account, canary)
    return account.as_json(outcome, release.id)


def engine(**parts: Any) -> Engine:
    """The three parts, or others in their place."""
    return Engine(**{"ingest": ingest, "build": build, "conclude": conclude, **parts})
