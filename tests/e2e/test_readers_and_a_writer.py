"""Readers search in a loop while releases are built, promoted, rolled back and tags revoked."""

from __future__ import annotations

import pytest

from benchmarks.vectors import readers


@pytest.mark.slow
def test_no_reader_sees_an_error_a_mixed_release_or_what_was_revoked_before_it_asked() -> None:
    """Four processes, seven seconds; `python -m benchmarks.vectors readers` does it with twenty."""
    seen = readers(4, 7, count=1000)
    assert (seen["errors"], seen["mixed"], seen["revoked"]) == (0, 0, 0)
    assert seen["searches"] > 100
    assert seen["revocations"] >= 10
