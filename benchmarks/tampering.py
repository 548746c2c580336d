"""An executor that meddles: with each candidate before its judges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pipeline.executors import Executor, Inline, P, R
from pipeline.resources import Resources
from pipeline.steps.judgement import Case, judge_release
from sluice.releases import Release


@dataclass(frozen=True, slots=True)
class Tampering:
    """Implements `pipeline.executors.Executor` by another one; `tamper` meets each release that is about to be judged."""

    tamper: Callable[[Resources, Release], None]
    executor: Executor = field(default_factory=Inline)

    def map(self, function: Callable[[Resources, P], R], partitions: Sequence[P], r: Resources) -> Sequence[R]:
        if function is judge_release:
            for case in partitions:
                if isinstance(case, Case):
                    self.tamper(r, r.releases.get(case.release))
        return self.executor.map(function, partitions, r)
