"""Rows of data quality: what was taken over with its points makes the same tables as what is read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.gates.rows import packed, read, rows_of, unpacked
from evaluation.gates.tables import tables
from sluice.access import AccessTags
from sluice.points import StoredPoint
from tests.unit.evaluation.fakes import Doc, Release, context

LINE = "A line that stands in many documents, as a footer does."


class ById(Release):
    """Read back as a store does: by id; it remembers which documents were read."""

    asked: list[frozenset[str] | None]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.points.sort(key=lambda point: point.id)
        self.asked = []

    def scan(self, fields: Sequence[str] = (), *, documents: Collection[str] | None = None, **how: Any) -> Iterator[StoredPoint]:
        self.asked.append(None if documents is None else frozenset(documents))
        return super().scan(fields, documents=documents, **how)


@dataclass
class Kept:
    """What is kept beside the points of two releases."""

    live: bytes | None = None
    candidate: bytes | None = None

    def before(self) -> bytes | None:
        return self.live

    def keep(self, content: bytes) -> None:
        self.candidate = content


texts = st.lists(st.sampled_from(["one two three", "four five", "six", LINE, f"{LINE}\n{LINE}"]), min_size=1, max_size=4).map(
    "\n\n".join
)
tags = st.sampled_from([AccessTags(), AccessTags({"a"}), AccessTags({"a", "b"})])
corpora = st.dictionaries(st.sampled_from([f"{n}.md" for n in range(8)]), st.tuples(texts, tags), min_size=1)


def release(corpus: dict[str, tuple[str, AccessTags]]) -> ById:
    return ById([Doc(uri, text, tags) for uri, (text, tags) in corpus.items()])


@settings(max_examples=60)
@given(before=corpora, after=corpora)
def test_rows_taken_over_make_the_tables_that_reading_all_makes(
    before: dict[str, tuple[str, AccessTags]], after: dict[str, tuple[str, AccessTags]]
) -> None:
    """Documents edited, added, removed and given to other readers; only what was not taken over is read."""
    live, candidate, kept = release(before), release(after), Kept()
    tables(context(live, beside=kept))
    kept = Kept(kept.candidate)
    same = {d.state.key for d in candidate.docs if d.uri in before and before[d.uri][0] == d.text}
    whole = tables(context(candidate))
    candidate.asked.clear()
    known = candidate.tags
    made = tables(context(candidate, taken_over=candidate.taken_over(same), beside=kept, known_tags=known))
    assert made == whole
    assert candidate.asked == [frozenset(d.state.key for d in candidate.docs) - same]
    assert kept.candidate is not None
    assert unpacked(kept.candidate) == unpacked(packed(read(candidate)[0]))


def test_what_was_packed_is_unpacked() -> None:
    """Also what a point does not say."""
    odd = release({"a.md": ("one\n\ntwo", AccessTags()), "b.md": (LINE, AccessTags({"a"}))})
    odd.points = [
        replace(p, payload={k: v for k, v in p.payload.items() if k not in ("language", "tokens", "uri")}) for p in odd.points
    ]
    rows, _ = read(odd)
    assert rows.columns["tokens"] == [None] * 3
    assert unpacked(packed(rows)) == rows


@pytest.mark.parametrize(
    "kept", [None, b"", b"PK\x03\x04nothing", packed(read(release({"a.md": ("one", AccessTags())}))[0])[:-200]]
)
def test_what_cannot_be_read_is_read_from_the_points(kept: bytes | None) -> None:
    """Nothing kept, or half of it."""
    corpus = release({"a.md": ("one two", AccessTags({"a"}))})
    found, tags = rows_of(corpus, corpus.taken_over(), lambda: kept)
    assert found == read(corpus)[0]
    assert set(tags.values()) == {frozenset({"a"})}


def test_a_document_whose_points_are_others_than_were_kept_is_read() -> None:
    """By their number and ids; and one whose points carry different tags."""
    corpus = release({"a.md": ("one\n\ntwo", AccessTags({"a"})), "b.md": ("three\n\nfour", AccessTags({"a"}))})
    other = release({"a.md": ("one\n\nTWO", AccessTags({"a"})), "b.md": ("three\n\nfour", AccessTags({"a"}))})
    keys = {doc.uri: doc.state.key for doc in corpus.docs}
    rows_of(corpus, corpus.taken_over(), lambda: packed(read(other)[0]))
    assert corpus.asked == [frozenset({keys["a.md"]})]
    corpus.points = [
        replace(p, payload={**p.payload, "access_tags": ["b"]}) if p.payload["text"] == "four" else p for p in corpus.points
    ]
    corpus.asked.clear()
    rows_of(corpus, corpus.taken_over(), lambda: packed(read(corpus)[0]))
    assert corpus.asked[-1] == frozenset({keys["b.md"]})


def test_a_document_of_the_sample_whose_lines_were_not_kept_is_read() -> None:
    """Others were removed, and it is among the smallest keys now."""
    corpus = release({f"{n}.md": (f"{LINE}\n\n{n}", AccessTags({"a"})) for n in range(4)})
    keys = sorted(doc.state.key for doc in corpus.docs)
    kept = packed(read(corpus, largest=2)[0])
    less = release({doc.uri: (doc.text or "", doc.tags) for doc in corpus.docs if doc.state.key != keys[0]})
    found, _ = rows_of(less, less.taken_over(), lambda: kept, largest=2)
    assert less.asked == [frozenset({keys[2]})]
    assert found.lines.keys() == {keys[1], keys[2]}
