"""Expectations in a process of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest

from evaluation import expectations
from evaluation.expectations import Suite

SUITE = Suite(
    "chunks",
    {"chunk_id": ["a", "b"], "tokens": [3, 300]},
    [{"type": "expect_column_values_to_be_between", "kwargs": {"column": "tokens", "max_value": {"$PARAMETER": "most"}}}],
    ["chunk_id"],
)
"""The second of two rows is wrong."""

DISTRIBUTION = {"type": "expect_column_kl_divergence_to_be_less_than"} | {
    "kwargs": {"column": "tokens", "partition_object": {"values": [3, 300], "weights": [0.5, 0.5]}, "threshold": 0.1}
}
"""What asks for a part of the library that is loaded when it is first used."""

CHILD = """
import json, os, signal, sys
from dataclasses import replace
from evaluation.checker import Checker
from sluice.errors import ConfigurationError
from tests.unit.evaluation.test_checker import DISTRIBUTION, SUITE

made = Checker()
made.ahead()
process = made._process
{between}
try:
    found = [finding.as_json() for finding in made.check([{suite}], parameters={{'most': 200}})]
except ConfigurationError as error:
    found = error.as_json()
print(json.dumps({{"found": found, "here": "great_expectations" in sys.modules}}))
made.end()
assert process.poll() is not None
"""


def asked(between: str = "", suite: str = "SUITE") -> dict[str, object]:
    """In a fresh interpreter, where the library is not loaded yet: what a process begun ahead finds, and where it was done."""
    code = textwrap.dedent(CHILD).format(between=between, suite=suite)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=os.getcwd())
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.slow
def test_another_process_finds_the_same_and_this_one_loads_nothing() -> None:
    """The findings are those of a check done here, and the library's import is the other process's."""
    here = [finding.as_json() for finding in expectations.check([SUITE], parameters={"most": 200})]
    assert here[0]["samples"] == [{"chunk_id": "b", "tokens": 300}]
    assert asked() == {"found": here, "here": False}


@pytest.mark.slow
def test_what_is_loaded_late_finds_the_same() -> None:
    """The process begins without the modules that distributions and charts need, and has them when an expectation asks."""
    here = [f.as_json() for f in expectations.check([replace(SUITE, expectations=[DISTRIBUTION])], parameters={})]
    assert here[0]["met"] is True
    assert asked(suite="replace(SUITE, expectations=[DISTRIBUTION])") == {"found": here, "here": False}
    code = "import sys; from evaluation.checker import _load; _load(); print([n for n in sys.modules if n.startswith(LATE)])"
    late = "('scipy.stats.', 'altair.', 'pyarrow.')"
    loaded = subprocess.run([sys.executable, "-c", code.replace("LATE", late)], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_dies_costs_time_and_nothing_else(number: signal.Signals) -> None:
    """Killed before it is asked (the kernel does it for want of memory): the check is done here."""
    here = [finding.as_json() for finding in expectations.check([SUITE], parameters={"most": 200})]
    killed = f"os.kill(process.pid, {int(number)}); process.wait()"
    assert asked(killed) == {"found": here, "here": True}


@pytest.mark.slow
def test_an_expectation_that_does_not_exist_is_an_error_of_the_configuration_here_too() -> None:
    """What the other process raises for the user is raised here, with its hint."""
    answer = asked(suite="replace(SUITE, expectations=[{'type': 'expect_wonders', 'kwargs': {}}])")
    assert answer["here"] is False
    error = answer["found"]
    assert isinstance(error, dict)
    assert error["type"] == "ConfigurationError"
    assert "expect_wonders" in error["message"]
