"""Bounds on what is copied into every point: nothing goes beyond them, nothing within them changes, cuts are counted."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sluice.bounds import (
    MAX_DEPTH,
    MAX_HEADING,
    MAX_HEADINGS,
    MAX_KEY,
    MAX_METADATA,
    MAX_TITLE,
    MAX_VALUE,
    bounded,
    bounded_metadata,
    label,
    size,
    storable,
)
from sluice.records import Document, Element

ANY = st.text(alphabet=st.characters(exclude_categories=()), max_size=40)
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | ANY | st.just("x" * 5000) | st.just(10**50)
VALUE = st.recursive(SCALAR, lambda v: st.lists(v, max_size=4) | st.dictionaries(ANY, v, max_size=4), max_leaves=15)


def document(**changes: Any) -> Document:
    return Document(
        **({"key": "k", "source": "s", "uri": "a", "version": "v", "title": "", "language": "", "text": ""} | changes)
    )


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, inner), default=0) if isinstance(value, dict | list) else 0


@given(st.dictionaries(ANY, VALUE, max_size=6))
def test_metadata_is_plain_storable_and_small(metadata: dict[str, Any]) -> None:
    """Whatever a stranger says: it can be encoded, every server holds it, and it is no larger than the bound; idempotent."""
    kept, _ = bounded_metadata(metadata)
    json.dumps(kept, allow_nan=False).encode("utf-8")
    repr(kept).encode("utf-8")
    assert size(kept) <= MAX_METADATA + MAX_VALUE
    assert depth(kept) <= MAX_DEPTH + 1
    assert bounded_metadata(kept) == (kept, 0)


def test_what_is_within_the_bounds_is_left_alone() -> None:
    """Nothing is cut, counted or changed."""
    metadata = {
        "title": "ä\n漢字\t",
        "n": 3,
        "f": 0.5,
        "t": True,
        "none": None,
        "list": [1, {"a": ["b"]}],
        "long": "x" * MAX_VALUE,
    }
    elements = (Element("title", 0, 4, ("Pay", "y" * MAX_HEADING)),)
    whole = document(title="t" * MAX_TITLE, text="Pay.", elements=elements, metadata=metadata)
    assert bounded(whole)[0] == whole
    assert bounded(whole)[1].as_losses() == []


def test_what_is_beyond_is_cut_and_counted() -> None:
    """A title, a heading, a path, a value, a key, a list, a nesting: each is said."""
    nested: Any = "deep"
    for _ in range(5000):
        nested = [nested]
    elements = (Element("title", 0, 4, ("h" * 100_000,)), Element("text", 0, 4, tuple(map(str, range(1000)))))
    metadata = {"value": "v" * 100_000, "k" * 5000: 1, "nested": nested, "list": list(range(100_000)), "last": "gone"}
    cut, cuts = bounded(document(title="t" * 100_000, text="Pay.", elements=elements, metadata=metadata))
    assert len(cut.title) == MAX_TITLE
    assert [len(e.heading_path[0]) for e in cut.elements] == [MAX_HEADING, 1]
    assert len(cut.elements[1].heading_path) == MAX_HEADINGS
    assert cut.elements[1].heading_path[0] == "0"
    assert cut.elements[1].heading_path[-1] == "999"
    assert len(cut.metadata["value"]) == MAX_VALUE
    assert max(map(len, cut.metadata)) == MAX_KEY
    assert "last" not in cut.metadata
    assert size(cut.metadata) <= MAX_METADATA + MAX_VALUE
    losses = {loss["what"]: loss["count"] for loss in cuts.as_losses()}
    assert losses["title_cut"] == 1
    assert losses["heading_cut"] == 2
    assert losses["metadata_cut"] > 90_000
    assert bounded(cut)[0] == cut


@given(ANY)
def test_a_label_is_one_storable_line(text: str) -> None:
    """Without control characters and half surrogates, as long as asked for."""
    said = label(text, 12)
    said.encode("utf-8")
    assert len(said) <= 12
    assert len(said.splitlines()) <= 1
    assert label(said, 12) == said


@given(ANY)
def test_a_text_keeps_its_offsets(text: str) -> None:
    """What no store can hold is replaced one by one."""
    kept = storable(text)
    kept.encode("utf-8")
    assert len(kept) == len(text)
    assert "\0" not in kept
