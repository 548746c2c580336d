"""Regressions made for real in a part of the handbook, and what becomes of them (benchmarks/regressions.py, hashed words).

The table in docs/gates.md is from the same cases with the bundled model.
"""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from benchmarks.cases import SHARED, Case, World, publishable, run
from benchmarks.harmless import HARMLESS
from benchmarks.regressions import REGRESSIONS
from cli.console import REJECTED, show

pytestmark = [pytest.mark.slow, pytest.mark.corpora]

CAUGHT = {
    "chunks of 16 tokens": {"drift"},
    "a wrong model": {"retrieval", "drift"},
    "a cleaner that deletes headings": {"retrieval"},
    "a cleaner that deletes headings and what they say": {"retrieval"},
    "a department missing": {"retrieval"},
    "shuffled vectors": {"reconciliation", "retrieval", "drift"},
    "truncated texts": {"retrieval"},
    "duplicated chunks": {"reconciliation", "data_quality"},
    "duplicated documents": {"data_quality"},
    "stale documents": {"data_quality"},
    "tags dropped": {"reconciliation"},
    "tags widened in the store": {"reconciliation", "leaks"},
    "tags widened by a rule": {"leaks"},
    "a source that returned a login page": {"retrieval", "data_quality"},
}
"""The gates that must reject, at least."""

SPARED = ("a typo fixed in 3 documents", "other worker count", "tags damaged by the build, and repaired before it is judged")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A published index of the documents that 16 questions and 10 leak cases need."""
    if not SHARED.exists():
        pytest.skip(f"needs the handbook in {SHARED}")
    folder = tmp_path_factory.mktemp("base")
    made = publishable(folder, model="hashing:256", precision="fp32", queries=16, leaks=10)
    made.configure(gates=[gate | ({"min_recall": 0.1} if gate["type"] == "retrieval" else {}) for gate in made.settings["gates"]])
    assert run(made, Case("first")).outcome == "promoted"
    return made


def test_every_regression_has_a_gate_that_must_catch_it() -> None:
    """A new case joins the table or fails it."""
    assert {case.name for case in REGRESSIONS} == CAUGHT.keys()


@pytest.mark.parametrize("case", REGRESSIONS, ids=lambda case: case.name.replace(" ", "-"))
def test_a_regression_is_rejected_by_its_gate_and_never_seen_by_a_reader(base: World, tmp_path: Path, case: Case) -> None:
    """Rejected with exit code 3 by the gates that are there for it; the alias names what it named before."""
    found = run(base.copy(tmp_path / "index"), case)
    assert (found.outcome, found.kept) == ("rejected", True), found.reasons
    assert CAUGHT[case.name] <= set(found.caught), found.reasons
    with pytest.raises(click.exceptions.Exit) as left:
        show({"outcome": found.outcome}, True, lambda _console: None)
    assert left.value.exit_code == REJECTED == 3


@pytest.mark.parametrize("case", [c for c in HARMLESS if c.name in SPARED], ids=lambda case: case.name.replace(" ", "-"))
def test_a_harmless_change_goes_live(base: World, tmp_path: Path, case: Case) -> None:
    """Small corrections, other partitions and workers are no reason to refuse (the other harmless cases: the benchmark)."""
    found = run(base.copy(tmp_path / "index"), case)
    assert found.outcome == "promoted", found.reasons
