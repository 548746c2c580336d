"""What every gate promises, Sluice's own and a user's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation.gates import GATES, Gate, GateContext, build, build_all, gates_fingerprint, run_gates
from evaluation.testing import GateSuite
from sluice.errors import ConfigurationError, StoreUnavailable
from sluice.records import Verdict
from sluice.settings import Settings
from tests.conformance.gate_suite import (
    DOCS,
    GOLDEN,
    OWN,
    SECTIONS,
    OwnGate,
    OwnOptions,
    gate_of,
    plain,
)
from tests.unit.evaluation.fakes import Release, context, write_lines


@pytest.mark.parametrize("kind", SECTIONS)
class TestEveryGate:
    def test_a_good_release_passes_with_plain_evidence(self, kind: str, settings: Callable[..., Settings]) -> None:
        """The verdict names its gate, says why in one sentence, and its figures can be stored and printed as they are."""
        verdict = gate_of(settings, SECTIONS[kind]).judge(context(Release(DOCS)))
        assert verdict.passed, verdict
        assert verdict.gate == (kind if kind in GATES else "own")
        assert verdict.reason
        assert plain(dict(verdict.evidence)), verdict.evidence
        json.dumps(verdict.evidence, allow_nan=False)

    def test_the_verdict_is_the_same_twice(self, kind: str, settings: Callable[..., Settings]) -> None:
        """Nothing random, nothing remembered."""
        gate = gate_of(settings, SECTIONS[kind])
        assert gate.judge(context(Release(DOCS))) == gate.judge(context(Release(DOCS)))

    def test_the_fingerprint_is_the_same_for_the_same_configuration(self, kind: str, settings: Callable[..., Settings]) -> None:
        """A gate is run again only when it changed."""
        assert gate_of(settings, SECTIONS[kind]).fingerprint == gate_of(settings, SECTIONS[kind]).fingerprint

    def test_an_unknown_option_fails_with_its_path(self, kind: str, settings: Callable[..., Settings]) -> None:
        """A misspelt floor is not a missing floor."""
        whole = settings(SECTIONS[kind] | {"min_recal": 1})
        with pytest.raises(ConfigurationError, match=r"unknown key 'gates\.min_recal'"):
            build(whole.gates[0], whole)


class TestAUsersOwn(GateSuite):
    """The installed suite, as a plug-in uses it."""

    def gate(self) -> Gate:
        return OwnGate(OwnOptions())


def test_every_gate_of_the_table_is_tested_here() -> None:
    """A new gate joins this suite or fails it."""
    assert set(SECTIONS) == {*GATES, OWN}


def test_a_gate_that_is_neither_listed_nor_a_class_is_a_configuration_error(settings: Callable[..., Settings]) -> None:
    """The message says which gates there are, or why the class could not be had."""
    for name, said in (
        ("retreival", "there is no gate"),
        ("no.such:Thing", "cannot be imported"),
        ("json:loads", "is not a gate"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            build_all(settings({"type": name}))


def test_reconciliation_always_runs_and_runs_once(settings: Callable[..., Settings]) -> None:
    """Also with no gates at all, also when it is listed."""
    assert [gate.name for gate in build_all(settings())] == ["reconciliation"]
    assert [gate.name for gate in build_all(settings({"type": OWN}, {"type": "reconciliation"}))] == ["reconciliation", "own"]


def test_files_are_read_before_anything_is_built(settings: Callable[..., Settings], tmp_path: Path) -> None:
    """A malformed golden line or a missing file of cases fails with the configuration, not after an hour of work."""
    write_lines(tmp_path / "broken.jsonl", "{")
    with pytest.raises(ConfigurationError, match=r"broken\.jsonl:1"):
        build_all(settings({"type": "retrieval", "golden": "broken.jsonl", "min_recall": 0.5}))
    with pytest.raises(ConfigurationError, match="no such file"):
        build_all(settings({"type": "leaks", "cases": "none.jsonl"}))


def test_a_changed_option_or_golden_set_changes_the_fingerprint(settings: Callable[..., Settings], tmp_path: Path) -> None:
    """What would be judged otherwise is judged again; what would not is not."""
    first = gates_fingerprint(build_all(settings(SECTIONS["retrieval"])))
    write_lines(tmp_path / "golden.jsonl", *reversed(GOLDEN))
    assert gates_fingerprint(build_all(settings(SECTIONS["retrieval"]))) == first
    assert gates_fingerprint(build_all(settings(SECTIONS["retrieval"] | {"max_drop": 0.1}))) != first
    write_lines(tmp_path / "golden.jsonl", *GOLDEN[:2])
    assert gates_fingerprint(build_all(settings(SECTIONS["retrieval"]))) != first


class Raising(OwnGate):
    error: Exception = ValueError("boom")

    def judge(self, context: GateContext) -> Verdict:
        raise self.error


def test_every_gate_is_run_and_a_broken_one_has_not_passed() -> None:
    """A failure stops no other gate; an error inside a gate is a failed verdict that names it."""
    broken, fine = Raising(OwnOptions()), OwnGate(OwnOptions())
    first, second = run_gates([broken, fine], context(Release(DOCS)))
    assert (first.passed, second.passed) == (False, True)
    assert "ValueError: boom" in first.reason


def test_errors_that_are_not_about_the_release_are_raised() -> None:
    """A store that does not answer is tried again; it does not reject a release."""
    gate = Raising(OwnOptions())
    gate.error = StoreUnavailable("Qdrant did not answer")
    with pytest.raises(StoreUnavailable):
        run_gates([gate], context(Release(DOCS)))


def test_importing_evaluation_is_cheap() -> None:
    """Great Expectations, pandas and ir_measures are not imported before a gate needs them."""
    heavy = "{'great_expectations', 'pandas', 'ir_measures', 'torch'}"
    code = f"import sys, evaluation, evaluation.gates.data_quality; print(sorted(set(sys.modules) & {heavy}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert done.stdout.strip() == "[]"
