"""What is asked beside what the golden set asks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.asked import Cluster, drift, next_best

GOLDEN = ["how long is parental leave", "when do badges expire"]
LOG = [
    ("how long is parental leave in Belgium", 40),
    ("where is the parking garage", 5),
    ("parking garage hours", 4),
    ("where can I park: the garage", 3),
    ("vpn setup", 6),
]


def test_what_no_label_covers_is_counted_by_searches_and_grouped() -> None:
    """40 of 58 searches are covered; three questions about the garage are one cluster, asked more often than the vpn."""
    found = drift(LOG, GOLDEN)
    assert found is not None
    assert (found.questions, found.asked, found.covered) == (5, 58, round(40 / 58, 4))
    assert found.clusters == (Cluster("where is the parking garage", 12, 3), Cluster("vpn setup", 6, 1))


def test_nothing_asked_says_nothing_and_nothing_judged_covers_nothing() -> None:
    """An empty log has no drift; an empty golden set covers 0."""
    assert drift([], GOLDEN) is None
    found = drift(LOG, [])
    assert found is not None
    assert found.covered == 0


def test_the_next_question_is_the_one_that_most_searches_wait_for() -> None:
    """The garage (12 searches wait for it together) before the vpn (6); what is covered or was just covered comes last."""
    order = [query for query, _ in next_best(LOG, GOLDEN, 5)]
    assert order[0] == "where is the parking garage"
    assert order.index("vpn setup") < order.index("where can I park: the garage")
    assert order[-1] == "how long is parental leave in Belgium"


@given(st.lists(st.tuples(st.text(max_size=12), st.integers(1, 9)), max_size=8), st.lists(st.text(max_size=12), max_size=4))
@pytest.mark.filterwarnings("error")
def test_every_question_of_the_log_is_offered_once(log: list[tuple[str, int]], golden: list[str]) -> None:
    """Whatever the words: the order is a permutation, and the share covered lies between 0 and 1."""
    assert sorted(next_best(log, golden, 3)) == sorted(log)
    found = drift(log, golden)
    assert found is None or 0 <= found.covered <= 1
