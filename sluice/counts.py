"""Accounting: what enters a stage leaves it, and everything that does not go on has a reason.

seen == kept + unchanged + dropped + failed
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sluice.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class StageCounts:
    """The account of one stage; adding two accounts gives the account of both partitions."""

    seen: int = 0
    kept: int = 0
    unchanged: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: StageCounts) -> StageCounts:
        return StageCounts(
            self.seen + other.seen,
            self.kept + other.kept,
            self.unchanged + other.unchanged,
            dict(Counter(self.dropped) + Counter(other.dropped)),
            dict(Counter(self.failed) + Counter(other.failed)),
        )

    def checked(self, stage: str) -> StageCounts:
        """Itself, when the account is balanced; raises IntegrityError with the figures when it is not."""
        out = self.kept + self.unchanged + sum(self.dropped.values()) + sum(self.failed.values())
        if out != self.seen:
            raise IntegrityError(
                f"the account of stage '{stage}' does not balance: {self.seen} seen, {out} accounted for ({self.as_json()})",
                hint="this is a defect in Sluice: please report it with the run's log",
            )
        return self

    def as_json(self) -> dict[str, Any]:
        return {
            "seen": self.seen,
            "kept": self.kept,
            "unchanged": self.unchanged,
            "dropped": dict(sorted(self.dropped.items())),
            "failed": dict(sorted(self.failed.items())),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> StageCounts:
        return cls(value["seen"], value["kept"], value["unchanged"], dict(value["dropped"]), dict(value["failed"]))
