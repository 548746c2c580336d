from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sluice.groups import batches, by_size, groups


@given(st.lists(st.integers(0, 50)), st.integers(1, 5), st.integers(1, 60))
def test_groups_keep_the_order_and_end_when_they_are_full(sizes: list[int], most: int, most_bytes: int) -> None:
    """Nothing is lost or moved; a group has at most `most` items, and is full only by its last one; all but the last are full."""
    found = list(by_size(sizes, lambda size: size, most=most, most_bytes=most_bytes))
    assert [size for group in found for size in group] == sizes
    assert all(0 < len(group) <= most and sum(group[:-1]) < most_bytes for group in found)
    assert all(len(group) == most or sum(group) >= most_bytes for group in found[:-1])


@given(st.lists(st.integers()), st.integers(1, 5))
def test_a_stream_and_a_list_come_in_the_same_groups(items: list[int], size: int) -> None:
    """All but the last are full, and none is empty."""
    found = list(groups(iter(items), size))
    assert found == [list(part) for part in batches(items, size)]
    assert [item for group in found for item in group] == items
    assert all(len(group) == size for group in found[:-1])
    assert all(found)
