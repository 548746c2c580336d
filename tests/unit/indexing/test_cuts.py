"""What was cut is never cut again, and what comes back of it is what the chunker gave."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.cuts import Cutter, cut_name, packed, unpacked
from sluice.ids import chunk_id, id_sum
from sluice.records import Chunk, Document, DocumentState
from tests.fakes import MemoryCuts
from tests.unit.indexing.test_build import House, Sentences


@dataclass
class Noting:
    """A chunker that remembers what it was asked to cut."""

    asked: list[str] = field(default_factory=list)
    fingerprint: str = "sentences"

    def chunk(self, document: Document) -> list[Chunk]:
        self.asked.append(document.uri)
        return Sentences().chunk(document)


@pytest.fixture
def house() -> House:
    return House()


def held(house: House, *states: DocumentState) -> list[tuple[DocumentState, Document]]:
    documents = {document.key: document for document in house.versions.rows.values()}
    return [(state, documents[state.key]) for state in states]


def test_a_document_is_cut_once(house: House) -> None:
    """By whatever cutter on the same store: the second asks the chunker for what is new and gives the same chunks."""
    states = [house.document(f"{n}.md", f"Number {n}. And more.", title="T") for n in range(5)]
    cuts, first, second = MemoryCuts(), Noting(), Noting()
    chunks = Cutter(first, cuts).cut(held(house, *states))
    more = house.document("new.md", "New.")
    assert (
        Cutter(second, cuts).cut(held(house, *states, more))[:5]
        == chunks
        == [Sentences().chunk(d) for _, d in held(house, *states)]
    )
    assert (len(first.asked), second.asked) == (5, ["new.md"])
    assert Cutter(Noting(), cuts).sums(states) == {
        s.key: id_sum(c.id for c in cut) for s, cut in zip(states, chunks, strict=True)
    }


def test_what_cuts_come_to_is_asked_once_until_it_is_forgotten(house: House) -> None:
    """A document that is cut meanwhile is asked for again."""
    states = [house.document(f"{n}.md", f"Number {n}.") for n in range(3)]
    asked: list[int] = []

    class Counting(MemoryCuts):
        def sums(self, names: Any) -> Any:
            asked.append(len(names))
            return super().sums(names)

    cutter = Cutter(Noting(), Counting())
    cutter.cut(held(house, *states[:2]))
    assert len(cutter.sums(states)) == 2
    cutter.cut(held(house, states[2]))
    assert len(cutter.sums(states)) == 3
    assert len(cutter.sums(states)) == 3
    cutter.forget()
    assert len(cutter.sums(states)) == 3
    assert asked == [3, 1, 0, 3]


@pytest.mark.parametrize(
    "change", [{"version": "other"}, {"title": "other"}, {"metadata": {"a": 1}}, {"parse_fingerprint": "p2"}]
)
def test_another_version_title_or_chunker_is_another_cut(change: dict[str, Any]) -> None:
    """A title may be in a chunk's context; when a document was modified, and who may read it, changes no chunk."""
    state = DocumentState("d", "s", "u", version="v", parse_fingerprint="p1")
    assert cut_name(replace(state, **change), "f") != cut_name(state, "f")
    assert cut_name(state, "g") != cut_name(state, "f")
    assert cut_name(replace(state, validator="x", stale=True), "f") == cut_name(state, "f")


TEXT = "Ünïcödé \ud800 text. With more in it, and \x00."


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(TEXT) - 2),
            st.text(max_size=5) | st.just("\ud800"),
            st.booleans(),
            st.lists(st.text(max_size=3), max_size=3).map(tuple),
            st.none() | st.integers(1, 9),
            st.none() | st.just((0, len(TEXT))),
        ),
        max_size=6,
    )
)
def test_chunks_come_back_as_they_were(given: list[tuple[Any, ...]]) -> None:
    """Any context, heading path, page and parent; characters that are no valid text too."""
    document = Document("d", "s", "u", "v", "t", "en", TEXT)
    chunks = [
        Chunk(
            chunk_id("d", "f", start, str(n)),
            "d",
            start,
            start + 2,
            TEXT[start : start + 2],
            n + 1,
            context,
            cut,
            path,
            page,
            parent,
        )
        for n, (start, context, cut, path, page, parent) in enumerate(given)
    ]
    cut = packed(chunks, DocumentState("d", "s", "u", version="v"))
    assert unpacked(cut, document) == chunks
    if chunks:
        assert unpacked(cut, replace(document, text="x" * 100)) is None, "chunks of another text are cut again"
    assert id_sum(reversed(cut.ids)) == id_sum(cut.ids)
