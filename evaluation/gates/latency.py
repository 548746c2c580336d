"""Latency: the candidate answers about as fast as the live release does.

Each query of a golden set is put to both in turn, so that whatever else the machine does meets both alike; what counts is
the ratio of the 95th percentiles, never a time. On the embedded store it only warns: no reader uses that in earnest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from pydantic import Field

from evaluation.gates.base import GateContext, ReleaseView, not_applicable, refused
from evaluation.golden import GoldenQuery, GoldenSet, load_golden
from sluice.access import Principal
from sluice.errors import IntegrityError, ReleaseError
from sluice.evidence import Figures, Plot
from sluice.ids import fingerprint
from sluice.records import Verdict
from sluice.settings import ConfigPath, Section


class LatencyOptions(Section):
    """The first `queries` queries of the golden set, `repeats` times, k chunks each; one pass before them warms up."""

    golden: ConfigPath
    k: int = Field(default=10, ge=1)
    queries: int = Field(default=100, ge=1)
    repeats: int = Field(default=3, ge=1)
    max_ratio: float = Field(default=1.5, gt=0)


class LatencyGate:
    """p95 of the candidate at most `max_ratio` times live's."""

    Options = LatencyOptions
    name = "latency"

    def __init__(self, options: LatencyOptions, clock: Callable[[], float] = time.perf_counter) -> None:
        self.options = options
        self.clock = clock

    @cached_property
    def golden(self) -> GoldenSet:
        return load_golden(self.options.golden)

    @property
    def fingerprint(self) -> str:
        own = self.options.model_dump(mode="json", exclude={"golden"})
        return fingerprint("gate:latency", {"options": own, "golden": self.golden.fingerprint, "version": 1})

    def load(self) -> None:
        _ = self.golden

    def judge(self, context: GateContext) -> Verdict:
        if context.live is None:
            if context.live_unmeasured:
                return refused(self.name, f"the live release cannot be measured: {context.live_unmeasured}")
            return not_applicable(self.name, context.alone_because)
        queries = self.golden.queries[: self.options.queries]
        if not queries:
            return refused(self.name, f"{self.golden.path} holds no queries")
        try:
            mine, theirs = self._measured(queries, context.candidate, context.live)
        except (ReleaseError, IntegrityError) as error:  # live's collection is gone
            return refused(self.name, f"a release cannot be searched: {error.message}")
        candidate, live = _percentiles(mine), _percentiles(theirs)
        ratio = candidate["p95_ms"] / live["p95_ms"] if live["p95_ms"] else 1.0
        evidence: dict[str, Any] = {
            "searches": len(mine),
            "candidate": candidate,
            "live": live,
            "ratio": round(ratio, 3),
            "max_ratio": self.options.max_ratio,
        }
        said = f"p95 is {ratio:.2f} times live's ({candidate['p95_ms']:.1f} ms against {live['p95_ms']:.1f} ms)"
        times = {
            name: tuple(figures[p] for p in ("p50_ms", "p95_ms")) for name, figures in (("candidate", candidate), ("live", live))
        }
        shown = (
            Figures({"p95 ratio": f"{ratio:.2f}", "limit": f"{self.options.max_ratio:g}", "searches": len(mine)}),
            Plot(("p50", "p95"), times, "Time of a search", unit=" ms"),
        )
        if ratio <= self.options.max_ratio:
            return Verdict(self.name, True, said, evidence, shown=shown)
        beyond = f"{said}, max_ratio is {self.options.max_ratio:g}"
        if context.embedded_store:
            return Verdict(self.name, True, said, evidence, (f"{beyond}; only a warning on the embedded store",), shown)
        return Verdict(self.name, False, beyond, evidence, shown=shown)

    def _measured(
        self, queries: Sequence[GoldenQuery], candidate: ReleaseView, live: ReleaseView
    ) -> tuple[list[float], list[float]]:
        """Seconds of each search of both releases; who goes first alternates."""
        times: dict[str, list[float]] = {candidate.id: [], live.id: []}
        for turn in range(self.options.repeats + 1):
            for position, query in enumerate(queries):
                pair = (candidate, live) if (turn + position) % 2 else (live, candidate)
                for release in pair:
                    seconds = self._timed(query, release)
                    if turn:
                        times[release.id].append(seconds)
        return times[candidate.id], times[live.id]

    def _timed(self, query: GoldenQuery, release: ReleaseView) -> float:
        principal = Principal(query.principal if query.principal is not None else release.tags)
        started = self.clock()
        (release.plain or release.searcher).search(query.query, principal, self.options.k)
        return self.clock() - started


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    p50, p95 = np.percentile(np.asarray(seconds), [50, 95]) * 1000
    return {"p50_ms": round(float(p50), 3), "p95_ms": round(float(p95), 3)}
