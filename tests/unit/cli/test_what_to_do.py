"""What a person is told to do about gates that failed."""

from __future__ import annotations

import io

import pytest

from cli.evidence import show_what_to_do
from cli.safe_console import SafeConsole

FAILED = {"gate": "retrieval", "passed": False, "reason": "too low", "advice": ["golden: ask somebody"]}


@pytest.mark.parametrize(("outcome", "offered"), [("rejected", True), ("promoted", False), ("unchanged", False)])
def test_overruling_is_offered_where_it_would_do_something(outcome: str, offered: bool) -> None:
    """Of a rejected release; not of one that somebody just overruled the gates for, nor of the one that is live."""
    out = io.StringIO()
    show_what_to_do(SafeConsole(file=out, width=200), {"verdicts": [FAILED], "release": "r1", "outcome": outcome})
    assert "golden: ask somebody" in out.getvalue()
    assert ("--force" in out.getvalue()) == offered
