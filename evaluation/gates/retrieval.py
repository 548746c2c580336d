"""Retrieval: the candidate finds what the golden set says is there, and no less of it than the live release does.

Floors are absolute. Against the live release, on the same queries and the same labels, a drop of Recall@k beyond
`max_drop` rejects, and so does a smaller one whose 95% interval (paired bootstrap over the queries) lies below zero.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from pydantic import Field, model_validator

from evaluation.gates.base import SAMPLES, GateContext, ReleaseView, refused
from evaluation.golden import GoldenSet, load_golden
from evaluation.labels import ResolvedSet, resolve, resolve_like
from evaluation.scoring import Evaluation, QueryResult, evaluate
from evaluation.statistics import paired_bootstrap, queries_needed
from sluice.errors import IntegrityError, ReleaseError
from sluice.ids import fingerprint
from sluice.records import Verdict
from sluice.settings import ConfigPath, Section

_ROUNDING = 1e-9


class RetrievalOptions(Section):
    """Floors and limits are shares between 0 and 1; at least one floor is required, for the release that has no other."""

    golden: ConfigPath
    k: int = Field(default=5, ge=1)
    min_recall: float | None = Field(default=None, ge=0, le=1)
    min_success: float | None = Field(default=None, ge=0, le=1)
    min_ndcg: float | None = Field(default=None, ge=0, le=1)
    max_drop: float = Field(default=0.03, ge=0, le=1)
    max_stale: float = Field(default=0.05, ge=0, le=1)
    min_queries: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _has_a_floor(self) -> RetrievalOptions:
        if not self.floors:
            raise ValueError("state at least one floor: min_recall, min_success or min_ndcg")
        return self

    @property
    def floors(self) -> dict[str, float]:
        """The least that each measure may be, by the measure's name."""
        named = {f"Recall@{self.k}": self.min_recall, f"Success@{self.k}": self.min_success, "nDCG@10": self.min_ndcg}
        return {name: floor for name, floor in named.items() if floor is not None}


class RetrievalGate:
    """Floors on a golden set, and no drop against the live release."""

    Options = RetrievalOptions
    name = "retrieval"

    def __init__(self, options: RetrievalOptions) -> None:
        self.options = options

    @cached_property
    def golden(self) -> GoldenSet:
        return load_golden(self.options.golden)

    @property
    def fingerprint(self) -> str:
        own = self.options.model_dump(mode="json", exclude={"golden"})
        return fingerprint("gate:retrieval", {"options": own, "golden": self.golden.fingerprint, "version": 1})

    def load(self) -> None:
        _ = self.golden

    def judge(self, context: GateContext) -> Verdict:
        resolved = resolve(self.golden, context.candidate.documents)
        unusable = self._unusable(resolved)
        if unusable:
            return refused(self.name, unusable, golden=str(self.golden.path), **_labels(resolved))
        candidate = self._measure(context.candidate, resolved, passages=True)
        missing = len(resolved.with_state("missing"))
        warnings = [f"{missing} labels are not in the release's text"] if missing else []
        evidence: dict[str, Any] = {"golden": str(self.golden.path)} | candidate.as_json()
        failures = self.shortfalls(candidate)
        live, unmeasured = self._measured_live(context, resolved)
        if live is not None and context.live is not None:
            evidence["live"] = {"release": context.live.id, "measures": live.measures, "slices": live.by_slice()}
            evidence["comparison"], drops, doubts = self._compare(candidate, live)
            failures += drops
            warnings += doubts
        else:
            evidence["comparison"] = "refused" if unmeasured else "not_applicable"
        evidence["worst"] = _worst(candidate, live, f"Recall@{self.options.k}")
        if unmeasured:
            reason = f"refused: the live release cannot be measured: {unmeasured}"
            return Verdict(self.name, False, reason, evidence | {"refused": True}, tuple(warnings))
        if failures:
            return Verdict(self.name, False, "; ".join(failures), evidence, tuple(warnings))
        return Verdict(self.name, True, self._summary(candidate, live), evidence, tuple(warnings))

    def shortfalls(self, evaluation: Evaluation) -> list[str]:
        """Each floor that the measures do not reach, in words; `sluice evaluate --gate` asks this too."""
        return [
            f"{name} {evaluation.measures[name]:.3f} is below the floor {floor:.3f}"
            for name, floor in self.options.floors.items()
            if evaluation.measures[name] < floor - _ROUNDING
        ]

    def _unusable(self, resolved: ResolvedSet) -> str:
        """Why this golden set is no evidence about this release; empty when it is."""
        if not resolved.scored and not resolved.unscored:
            return f"{self.golden.path} holds no query that has an answer"
        if resolved.stale_share > self.options.max_stale:
            return (
                f"{resolved.stale} of {resolved.labels} labels are stale, more than max_stale {self.options.max_stale:.0%} allows"
            )
        if len(resolved.scored) < self.options.min_queries:
            return f"{len(resolved.scored)} queries can be scored, min_queries is {self.options.min_queries}"
        return ""

    def _measure(self, release: ReleaseView, resolved: ResolvedSet, *, passages: bool) -> Evaluation:
        return evaluate(release.searcher, resolved, k=self.options.k, everyone=release.tags, passages=passages)

    def _measured_live(self, context: GateContext, resolved: ResolvedSet) -> tuple[Evaluation | None, str]:
        """The live release on the same labels; None where there is none, or with the reason why it cannot be measured."""
        if context.live is None:
            return None, context.live_unmeasured
        try:
            labels = resolve_like(self.golden, context.live.documents, resolved)
            return self._measure(context.live, labels, passages=False), ""  # documents decide: half the searches
        except (ReleaseError, IntegrityError) as error:  # its collection or what it was made of is gone
            return None, error.message

    def _compare(self, candidate: Evaluation, live: Evaluation) -> tuple[dict[str, Any], list[str], list[str]]:
        """The difference of each document measure with its interval; what rejects; what the golden set cannot tell."""
        k, limit = self.options.k, self.options.max_drop
        decisive = f"Recall@{k}"
        comparison: dict[str, Any] = {}
        failures: list[str] = []
        doubts: list[str] = []
        for name in dict.fromkeys((decisive, f"Success@{k}", "nDCG@10")):
            mine = [result.measures[name] for result in candidate.results]
            theirs = [result.measures[name] for result in live.results]
            interval = paired_bootstrap(mine, theirs)
            comparison[name] = interval.as_json()
            if name != decisive:
                continue
            seen = f"{name} {candidate.measures[name]:.3f} against {live.measures[name]:.3f} live"
            bounds = f"95% interval {interval.low:+.3f} to {interval.high:+.3f}"
            if -interval.mean > limit + _ROUNDING:
                failures.append(f"{seen}: a drop beyond max_drop {limit:.3f} ({bounds})")
            elif interval.high < 0:
                failures.append(f"{seen}: within max_drop {limit:.3f}, yet more than chance ({bounds})")
            elif (interval.high - interval.low) / 2 > limit:
                needed = queries_needed([a - b for a, b in zip(mine, theirs, strict=True)], limit)
                enough = f"; about {needed} queries would" if needed else ""
                doubts.append(f"{interval.queries} queries cannot show a drop of {limit:.3f} ({bounds}){enough}")
        return comparison, failures, doubts

    def _summary(self, candidate: Evaluation, live: Evaluation | None) -> str:
        name = f"Recall@{self.options.k}"
        against = f", live {live.measures[name]:.3f}" if live else ", no live release to compare with"
        return f"{name} {candidate.measures[name]:.3f} on {len(candidate.results)} queries{against}"


def _labels(resolved: ResolvedSet) -> dict[str, Any]:
    """The account of labels that a refusal rests on."""
    return {
        "queries": len(resolved.scored),
        "unscored": len(resolved.unscored),
        "labels": resolved.labels,
        "stale": resolved.stale,
        "stale_labels": [
            {"id": id, "uri": lb.label.uri, "reason": lb.reason} for id, lb in resolved.with_state("stale")[:SAMPLES]
        ],
    }


def _worst(candidate: Evaluation, live: Evaluation | None, decisive: str) -> list[dict[str, Any]]:
    """The queries that lost most against live (without one: that score lowest), with both result lists."""
    before = {result.query.id: result for result in live.results} if live else {}

    def loss(result: QueryResult) -> tuple[float, float]:
        other = before.get(result.query.id)
        if other is None:
            return result.measures[decisive], result.measures["nDCG@10"]
        return tuple(result.measures[name] - other.measures[name] for name in (decisive, "nDCG@10"))  # type: ignore[return-value]

    bad = [result for result in candidate.results if loss(result) < ((0.0, 0.0) if live else (1.0, 1.0))]
    return [_shown(result, before.get(result.query.id), candidate.k) for result in sorted(bad, key=loss)[:SAMPLES]]


def _shown(result: QueryResult, before: QueryResult | None, k: int) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": result.query.id,
        "query": result.query.query,
        "relevant": [label.uri for label in result.query.relevant[:SAMPLES]],
        "measures": dict(result.measures),
        "candidate": [found.as_json() for found in result.documents[: min(k, SAMPLES)]],
    }
    if before is not None:
        shown |= {"live_measures": dict(before.measures), "live": [f.as_json() for f in before.documents[: min(k, SAMPLES)]]}
    return shown
