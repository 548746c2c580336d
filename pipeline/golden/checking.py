"""`sluice golden check`: whether the labels of a golden set are still true, and which set is meant where none is named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import evaluation
from evaluation.care import Care
from evaluation.gates import build
from pipeline.resources import Resources
from sluice.access import NOBODY
from sluice.errors import ConfigurationError
from sluice.releases import Release


def golden_sets(r: Resources) -> list[evaluation.GoldenSet]:
    """Those of the gates, in their order."""
    return [found for gate in r.gates if isinstance(found := getattr(gate, "golden", None), evaluation.GoldenSet)]


def golden_set(r: Resources, path: Path | None) -> evaluation.GoldenSet:
    """The golden set that was named, or that of the first retrieval gate."""
    return evaluation.load_golden(golden_file(r, path))


def golden_file(r: Resources, path: Path | None, *, drafted: bool = True) -> Path:
    """Where that set is, or will be: a gate may name the file that its first question makes.

    Of a gate by drafted questions only where no other names a set, and without `drafted` not even then.
    """
    if path is not None:
        return path
    named = [getattr(build(section, r.settings), "options", None) for section in r.settings.gates if "golden" in section.options]
    for options in sorted(named, key=lambda options: getattr(options, "synthetic", False)):
        if isinstance(file := getattr(options, "golden", None), Path) and (drafted or not getattr(options, "synthetic", False)):
            return file
    hint = "name one: --golden FILE; where there is none yet, golden add and golden draft make it"
    which = "a golden set" if drafted or not named else "a golden set of other than drafted questions"
    raise ConfigurationError(f"{r.settings.path}: no gate names {which}", hint=hint)


def to_search_in(r: Resources) -> Release | None:
    """What is live; before anything is, the newest release that can be searched: questions can be judged before there are gates
    to pass."""
    searchable = [release for release in r.releases.all() if release.searchable]
    return r.releases.live() or (searchable[-1] if searchable else None)


@dataclass(frozen=True, slots=True)
class Checked:
    """A golden set, and what a check of it found."""

    golden: Path
    care: Care


def check_golden(r: Resources, path: Path | None) -> Checked:
    """Whether the labels of a golden set are still true; with none named, also whether the gates' leak cases prove anything."""
    chosen = golden_set(r, path)
    gates = r.gates if path is None else ()
    asked = [found for gate in gates if isinstance(found := getattr(gate, "cases", None), evaluation.LeakCases)]
    cases = [case for held in asked for case in held.cases]
    known = r.known_tags(r.stores.documents.read()) if cases else NOBODY
    return Checked(chosen.path, evaluation.check_golden(chosen, r.corpus(), cases, known))
