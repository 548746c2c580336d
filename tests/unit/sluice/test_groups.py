from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sluice.groups import by_size


@given(st.lists(st.integers(0, 50)), st.integers(1, 5), st.integers(1, 60))
def test_groups_keep_the_order_and_end_when_they_are_full(sizes: list[int], most: int, most_bytes: int) -> None:
    """Nothing is lost or moved; a group has at most `most` items, and is full only by its last one; all but the last are full."""
    groups = list(by_size(sizes, lambda size: size, most=most, most_bytes=most_bytes))
    assert [size for group in groups for size in group] == sizes
    assert all(0 < len(group) <= most and sum(group[:-1]) < most_bytes for group in groups)
    assert all(len(group) == most or sum(group) >= most_bytes for group in groups[:-1])
