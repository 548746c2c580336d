"""JSON of strangers."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.jsons import DEEPEST, bounded, doubled, loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le"]))
def test_ordinary_json_is_read_as_it_is(value: Any, encoding: str) -> None:
    """In every encoding that JSON has had, with a mark or without."""
    if encoding == "utf-16-le":
        value = {"a": value}  # what has no mark is told by its first characters
    assert loads(json.dumps(value, ensure_ascii=False).encode(encoding)) == value
    assert not doubled(loads(json.dumps(value)))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[NaN, Infinity, -Infinity]", [None, None, None]),
        ("[9223372036854775807, 9223372036854775808, -9223372036854775808]", [2**63 - 1, "9223372036854775808", -(2**63)]),
        ("1" + "0" * 10_000, "1" + "0" * 10_000),
        (r'{"\ud800": "a\udc00b", "c": "\ud83d\ude00"}', {"\ufffd": "a\ufffdb", "c": "\U0001f600"}),
    ],
)
def test_what_no_store_keeps_is_something_else(text: str, value: Any) -> None:
    """NaN is nothing, long numbers are text, half characters are U+FFFD."""
    assert loads(text) == value


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "[" * 201 + "]" * 201, "[" + "," * 5_000_000, '{"a": 1} x', "\x00"])
def test_what_is_none_or_beyond_bounds_is_a_value_error(text: str) -> None:
    """One error to expect, whatever is wrong."""
    with pytest.raises(ValueError, match=r"."):
        loads(text)


def test_a_name_given_twice_is_found_wherever_it_is() -> None:
    """Readers differ on which value counts."""
    assert doubled(loads('{"a": 1, "b": [{"c": 1, "c": 2}], "a": 3}')) == ("a", "c")
    assert doubled(loads('{"a": {"b": 1}, "b": {"a": 1}}')) == ()


@pytest.mark.parametrize("calls", [1_000, 30_000])
@pytest.mark.parametrize("deep", [DEEPEST + 1, 900, 9_000, 100_000])
def test_how_deep_is_not_the_interpreters_to_say(deep: int, calls: int) -> None:
    """Whatever its limit of calls is: the same line is read, or not, on every machine and after every other."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, calls))
    try:
        with pytest.raises(ValueError, match=f"more than {DEEPEST} deep"):
            bounded("[" * deep + "]" * deep)
        assert bounded("[" * DEEPEST + "]" * DEEPEST)
        assert bounded('"' + "[" * deep + '"') == "[" * deep
    finally:
        sys.setrecursionlimit(before)
