"""Expectations in a process of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from typing import Any

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
import json, os, sys
from dataclasses import replace
from evaluation.checker import Checker
from sluice.errors import ConfigurationError
from tests.unit.evaluation.test_checker import DISTRIBUTION, SUITE

def asked(made, suite):
    try:
        found = [finding.as_json() for finding in made.check([suite], parameters={'most': 200})]
    except ConfigurationError as error:
        found = error.as_json()
    print(json.dumps({"found": found, "here": "great_expectations" in sys.modules}))

def begun():
    made = Checker()
    made.ahead()
    return made, made._process
"""


def answers(script: str) -> list[dict[str, Any]]:
    """In a fresh interpreter, where the library is not loaded yet: what is found, one line each, and where it was done."""
    code = CHILD + textwrap.dedent(script)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=os.getcwd())
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.mark.slow
def test_another_process_finds_the_same_and_this_one_loads_nothing() -> None:
    """The findings are those of a check done here, and the library's import is the other process's. What the other process
    raises for the user (an expectation that does not exist) is raised here, with its hint."""
    here = [finding.as_json() for finding in expectations.check([SUITE], parameters={"most": 200})]
    assert here[0]["samples"] == [{"chunk_id": "b", "tokens": 300}]
    spread = [f.as_json() for f in expectations.check([replace(SUITE, expectations=[DISTRIBUTION])], parameters={})]
    assert spread[0]["met"] is True
    found, late, refused = answers("""
        made, process = begun()
        asked(made, SUITE)
        asked(made, replace(SUITE, expectations=[DISTRIBUTION]))
        asked(made, replace(SUITE, expectations=[{'type': 'expect_wonders', 'kwargs': {}}]))
        assert process.poll() is None
        made.end()
        assert process.poll() is not None
    """)
    assert found == {"found": here, "here": False}
    assert late == {"found": spread, "here": False}
    assert refused["here"] is False
    error = refused["found"]
    assert isinstance(error, dict)
    assert error["type"] == "ConfigurationError"
    assert "expect_wonders" in error["message"]
    assert error["hint"]


@pytest.mark.slow
def test_the_process_begins_without_what_is_seldom_needed() -> None:
    """The modules of distributions, charts and tables in files: loaded when an expectation asks for them, as above."""
    code = "import sys; from evaluation.checker import _load; _load(); print([n for n in sys.modules if n.startswith(LATE)])"
    late = "('scipy.stats.', 'altair.', 'pyarrow.')"
    loaded = subprocess.run([sys.executable, "-c", code.replace("LATE", late)], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_process_that_dies_costs_time_and_nothing_else() -> None:
    """Killed before it is asked (the kernel does it for want of memory), or ended: the check is done here."""
    here = [finding.as_json() for finding in expectations.check([SUITE], parameters={"most": 200})]
    assert (
        answers(f"""
        for made, process, number in [(*begun(), number) for number in {[int(signal.SIGKILL), int(signal.SIGTERM)]}]:
            os.kill(process.pid, number)
            process.wait()
            asked(made, SUITE)
            made.end()
    """)
        == [{"found": here, "here": True}] * 2
    )
