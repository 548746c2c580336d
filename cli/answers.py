"""Outcomes as JSON: the public contract's fields, made here and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.outcomes import Garbage, Outcome, Pinned
from sluice.plain import plain

if TYPE_CHECKING:  # each brings a whole room with it, for the name of a type
    from pipeline.experiments.comparing import Comparison
    from pipeline.golden.checking import Checked
    from pipeline.reading.evaluating import Measured

WHEN_THERE = ("report", "left", "selected", "stopped")
"""Fields of a report that only some operations have."""


def as_json(outcome: Outcome) -> dict[str, Any]:
    """An outcome with the fields that its command promises."""
    match outcome:
        case Pinned():
            return {"release": outcome.release, "pinned": outcome.pinned}
        case Garbage():
            removed = {kind: len(names) for kind, names in outcome.removed.items()}
            # Of vectors none: a text's hash names nothing.
            named = {kind: list(names) for kind, names in outcome.removed.items() if kind != "vectors"}
            gone = {"dry_run": outcome.dry_run, "removed": removed, "names": named, "freed_bytes": outcome.freed_bytes}
            return gone | {"warnings": list(outcome.warnings)}
    found: dict[str, Any] = plain(outcome)
    return {name: value for name, value in found.items() if value is not None or name not in WHEN_THERE}


def measured_json(found: Measured) -> dict[str, Any]:
    """What `sluice evaluate` answers."""
    result = {"release": found.release, "golden": str(found.golden), **found.evaluation.as_json()}
    result |= {"missed": found.missed, "missed_queries": [dict(sample) for sample in found.samples]}
    result |= {"missed_others": list(found.others)} if found.others else {}
    if found.below is not None:
        result |= {"outcome": "rejected" if found.below else "passed", "below": list(found.below)}
    return result


def checked_json(found: Checked) -> dict[str, Any]:
    """What `sluice golden check` answers."""
    outcome = "passed" if found.care.healthy else "rejected"
    return {"golden": str(found.golden), "outcome": outcome, **found.care.as_json()}


def comparison_json(found: Comparison) -> dict[str, Any]:
    """What `sluice compare` answers."""
    return {"experiment": str(found.experiment), **found.summary()}
