"""Accounting: what enters a stage leaves it."""

from __future__ import annotations

import json
import pickle
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.counts import StageCounts
from sluice.errors import IntegrityError

NUMBER = st.integers(min_value=0, max_value=10**6)
REASONS = st.dictionaries(st.sampled_from(["empty", "expired", "too_large", "malformed"]), st.integers(min_value=1, max_value=99))


@st.composite
def balanced(draw: st.DrawFn) -> StageCounts:
    kept, unchanged, dropped, failed = draw(NUMBER), draw(NUMBER), draw(REASONS), draw(REASONS)
    return StageCounts(kept + unchanged + sum(dropped.values()) + sum(failed.values()), kept, unchanged, dropped, failed)


@given(balanced(), balanced(), balanced())
def test_addition_is_associative_and_commutative(a: StageCounts, b: StageCounts, c: StageCounts) -> None:
    """Partitions may be summed in any grouping and any order."""
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + StageCounts() == a


@given(st.lists(balanced(), max_size=5))
def test_the_sum_of_balanced_accounts_is_balanced(parts: list[StageCounts]) -> None:
    """Nothing is lost in adding up."""
    total = reduce(StageCounts.__add__, parts, StageCounts())
    assert total.checked("parse") is total
    assert total.seen == sum(part.seen for part in parts)


@given(balanced(), st.integers(min_value=-5, max_value=5).filter(bool))
def test_an_account_that_does_not_balance_is_an_error(account: StageCounts, off: int) -> None:
    """One too many or too few is found, and the message has the stage and the figures."""
    wrong = StageCounts(account.seen + off, account.kept, account.unchanged, account.dropped, account.failed)
    with pytest.raises(
        IntegrityError, match=f"'parse' does not balance: {account.seen + off} seen, {account.seen} accounted"
    ) as e:
        wrong.checked("parse")
    assert e.value.hint


@given(balanced())
def test_an_account_survives_json_and_pickle(account: StageCounts) -> None:
    """It goes into manifests and through worker pools."""
    assert StageCounts.from_json(json.loads(json.dumps(account.as_json()))) == account
    assert pickle.loads(pickle.dumps(account)) == account


def test_the_json_is_that_of_the_contract() -> None:
    """`{seen, kept, unchanged, dropped: {reason: n}, failed: {reason: n}}`, reasons in order."""
    account = StageCounts(7, 1, 1, {"b": 2, "a": 1}, {"x": 2})
    assert account.as_json() == {"seen": 7, "kept": 1, "unchanged": 1, "dropped": {"a": 1, "b": 2}, "failed": {"x": 2}}
    assert list(account.as_json()["dropped"]) == ["a", "b"]
