"""What the tests of gates share: three documents, what is asked about them, a user's own gate, a section of each type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from evaluation.gates import Gate, GateContext, build
from evaluation.testing import DOCS, Release, plain
from sluice.access import AccessTags
from sluice.points import StoredPoint
from sluice.records import Verdict
from sluice.settings import Section, Settings

__all__ = [
    "DOCS",
    "GOLDEN",
    "HR",
    "LEAK",
    "OWN",
    "SECTIONS",
    "OwnGate",
    "OwnOptions",
    "altered",
    "gate_of",
    "plain",
    "with_payload",
]

HR = AccessTags({"hr"})
GOLDEN = [
    {"id": "a", "query": "when are laptops replaced", "relevant": [{"uri": "laptops.md", "quote": "replaced after three years"}]},
    {"id": "b", "query": "when are phones replaced", "relevant": [{"uri": "phones.md"}], "slice": ["it"]},
    {"id": "c", "query": "salary of an engineer", "relevant": [{"uri": "pay.md"}], "slice": ["hr"]},
]
LEAK = {"id": "l", "query": "salary of a level five engineer", "principal": ["public"], "forbidden_uri": "pay.md"}


class OwnOptions(Section):
    limit: int = 1


class OwnGate:
    """A user's own gate, in the fewest lines."""

    Options = OwnOptions
    name = "own"

    def __init__(self, options: OwnOptions) -> None:
        self.options = options
        self.fingerprint = f"own:{options.limit}"

    def load(self) -> None:
        """Nothing to read."""

    def judge(self, context: GateContext) -> Verdict:
        return Verdict(self.name, True, "fine", {"limit": self.options.limit})


OWN = f"{__name__}:OwnGate"


SECTIONS: dict[str, dict[str, Any]] = {
    "reconciliation": {"type": "reconciliation"},
    "retrieval": {"type": "retrieval", "golden": "golden.jsonl", "k": 2, "min_recall": 0.7},
    "leaks": {"type": "leaks", "cases": "leaks.jsonl"},
    "inference": {"type": "inference"},
    "exact": {"type": "exact", "golden": "golden.jsonl"},
    "data_quality": {"type": "data_quality"},
    "drift": {"type": "drift"},
    "latency": {"type": "latency", "golden": "golden.jsonl"},
    "replay": {"type": "replay", "log": "searches.jsonl"},
    OWN: {"type": OWN},
}


def gate_of(settings: Callable[..., Settings], section: dict[str, Any]) -> Gate:
    whole = settings(section)
    gate = build(whole.gates[0], whole)
    gate.load()
    return gate


def altered(release: Release, change: Callable[[list[StoredPoint]], list[StoredPoint]]) -> Release:
    return Release(release.docs, points=change(list(release.points)))


def with_payload(point: StoredPoint, **changes: Any) -> StoredPoint:
    return replace(point, payload={**point.payload, **changes})
