"""A small corpus for some questions: judged documents whole, of others the passages that compete, and what chance draws."""

from __future__ import annotations

from evaluation.golden import GoldenQuery, Label
from evaluation.labels import ResolvedLabel, ResolvedQuery
from pipeline.experiments.sampling import PASSAGE, Part, Sampling
from sluice.records import Chunk, Document, DocumentState

FILLER = "Nothing of this kind matters to anybody here. "


def document(name: str, text: str) -> tuple[DocumentState, Document]:
    return DocumentState(name, "s", f"{name}.md"), Document(name, "s", f"{name}.md", "v", name, "en", text)


def question(words: str, *keys: str) -> ResolvedQuery:
    labels = tuple(ResolvedLabel(Label(f"{key}.md"), "found", key) for key in keys)
    return ResolvedQuery(GoldenQuery("q", words, tuple(label.label for label in labels)), labels)


def chunk(key: str, start: int, end: int) -> Chunk:
    return Chunk(id=f"{key}-{start}", document_key=key, start=start, end=end, text="x" * (end - start), tokens=1)


LONG = FILLER * 60
DOCUMENTS = [
    document("right", LONG + "Laptops are replaced after three years."),
    document("near", LONG + "Laptops are bought, never replaced by themselves. " + LONG),
    document("farther", LONG + "Some laptops are grey."),
    *(document(f"other-{n}", LONG) for n in range(40)),
]


def test_what_is_judged_is_whole_and_what_competes_is_there_by_its_best_passage() -> None:
    """One question: all of the document that answers, one passage of the other that says most of its words, and no other."""
    part = Sampling(DOCUMENTS, 1e-9, 1, 7).of([question("When are laptops replaced?", "right")])
    assert part.whole == {"right"}
    assert set(part.passages) == {"near"}
    [(start, end)] = part.passages["near"]
    assert start <= len(LONG) + 20 < end == start + PASSAGE
    assert [state.key for state, _ in part.documents(DOCUMENTS)] == ["right", "near"]
    text = sum(len(held.text) for _, held in DOCUMENTS)
    assert part.share_of(DOCUMENTS) == (len(DOCUMENTS[0][1].text) + PASSAGE) / text


def test_every_way_to_cut_has_the_passage_once() -> None:
    """Small chunks whose middle is in it, a large one that its middle is in, never one that only touches it."""
    part = Part(frozenset({"w"}), frozenset({"d"}), {"p": [(800, 1600)]})
    small = [chunk("p", at, at + 300) for at in range(0, 3000, 300)]
    assert [c.start for c in small if part.holds(c)] == [900, 1200]
    large = [chunk("p", at, at + 2500) for at in (0, 2500)]
    assert [c.start for c in large if part.holds(c)] == [0]
    assert part.holds(chunk("w", 0, 9))
    assert part.certain(chunk("w", 0, 9))
    assert part.holds(chunk("d", 0, 9))
    assert not part.certain(chunk("d", 0, 9))
    assert not part.holds(chunk("elsewhere", 0, 9))


def test_what_is_drawn_depends_on_the_document_alone() -> None:
    """About the share asked for; one document more changes nothing about the others; where places differ, documents are whole."""
    asked = [question("When are laptops replaced?", "right")]
    drawn = Sampling(DOCUMENTS, 0.5, 1, 7).of(asked).drawn
    assert 10 <= len(drawn) <= 33
    assert Sampling([*DOCUMENTS, document("new", "x")], 0.5, 1, 7).of(asked).drawn - {"new"} == drawn
    whole = Sampling(DOCUMENTS, 1e-9, 1, 7, passages=False).of(asked)
    assert whole.whole == {"right", "near"}
    assert not whole.passages
