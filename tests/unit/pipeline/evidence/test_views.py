"""What evaluation is handed: which documents are compared word for word though they did not change."""

from __future__ import annotations

import pytest

from pipeline.evidence.views import MOST_COMPARED, SHARES, compared


@pytest.mark.parametrize("documents", [1, 900, 30_000])
def test_in_time_every_document_is_compared_and_never_too_many_at_once(documents: int) -> None:
    """Each once in as many releases as there are shares: a seventh each time, of many documents fewer."""
    keys = [f"{n:064x}" for n in range(documents)]
    shares = max(SHARES, -(-documents // MOST_COMPARED))
    turns = [[key for key in keys if compared(documents, release)(key)] for release in range(3, 3 + shares)]
    assert sorted(key for turn in turns for key in turn) == keys
    assert max(map(len, turns)) <= 1.2 * max(MOST_COMPARED, documents / SHARES)
