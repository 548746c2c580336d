"""`sluice golden check`: whether the labels of a golden set are still true, and which set is meant where none is named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import evaluation
from evaluation.care import Care
from pipeline.resources import Resources
from sluice.access import NOBODY
from sluice.errors import ConfigurationError


def golden_sets(r: Resources) -> list[evaluation.GoldenSet]:
    """Those of the gates, in their order."""
    return [found for gate in r.gates if isinstance(found := getattr(gate, "golden", None), evaluation.GoldenSet)]


def golden_set(r: Resources, path: Path | None) -> evaluation.GoldenSet:
    """The golden set that was named, or that of the first retrieval gate."""
    if path is not None:
        return evaluation.load_golden(path)
    if found := golden_sets(r):
        return found[0]
    raise ConfigurationError(f"{r.settings.path}: no gate names a golden set", hint="name one: --golden FILE")


@dataclass(frozen=True, slots=True)
class Checked:
    """A golden set, and what a check of it found."""

    golden: Path
    care: Care


def check_golden(r: Resources, path: Path | None) -> Checked:
    """Whether the labels of a golden set are still true; with none named, also whether the gates' leak cases prove anything."""
    chosen = golden_set(r, path)
    asked = [found for gate in r.gates if isinstance(found := getattr(gate, "cases", None), evaluation.LeakCases)]
    cases = [case for held in asked for case in held.cases] if path is None else []
    known = r.known_tags(r.stores.documents.read()) if cases else NOBODY
    return Checked(chosen.path, evaluation.check_golden(chosen, r.corpus(), cases, known))
