"""An engine that does the heavy work of a run in this process, without Prefect: for tests and for benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flows import steps
from flows.operations import Engine, Result
from flows.steps import Account, Look, Redo
from flows.wiring import Wiring
from indexing.build import Built
from sluice.releases import Release


def engine(
    *,
    documents_per_task: int = 4,
    workers: int = 1,
    tamper: Callable[[Wiring, Release], None] = lambda _wiring, _release: None,
    **parts: Any,
) -> Engine:
    """The steps of the flow, partition by partition on `workers` threads; `tamper` meets each candidate before its judges.

    `parts` (`ingest`, `build`, `conclude`) take the place of the engine's own.
    """

    def ingest(w: Wiring, account: Account, seen: Look, redo: Redo) -> None:
        for plan in seen.plans:
            for refs, keys in steps.partitions(plan, seen.parse):
                for name, counts in steps.ingest_partition(w, w.run_id, plan.source, refs, keys, redo).items():
                    account.count(name, counts)

    def build(w: Wiring, account: Account, found: steps.Assessment) -> Release:
        begun = steps.begin(w, found)
        release = begun.release
        if release.state == "staged":
            return release
        keys = [state.key for state in begun.documents]
        shares = [keys[i : i + documents_per_task] for i in range(0, len(keys), documents_per_task)]

        def one(part: list[str]) -> Built:
            return w.builder().build(release, w.stores.documents.read(part))

        if workers == 1:  # in this very thread: where a process dies must be the same every time
            return steps.stage(w, release, sum(map(one, shares), begun.kept), account)
        with ThreadPoolExecutor(workers) as pool:
            return steps.stage(w, release, sum(pool.map(one, shares), begun.kept), account)

    def conclude(w: Wiring, account: Account, release: Release, canary: float | None) -> Result:
        tamper(w, release)
        steps.judge(w, release, account)
        outcome, release = steps.conclude(w, release, account, canary)
        return {**account.as_json(outcome, release.id), "report": str(steps.write_report(w, release))}

    return Engine(**{"ingest": ingest, "build": build, "conclude": conclude, **parts})
