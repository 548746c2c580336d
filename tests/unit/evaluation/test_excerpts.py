"""Passages in reports: short, on one line, what answers in sight and marked, and nothing in them but text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evaluation.excerpts import excerpt
from evaluation.reports.blocks import html_of
from evaluation.reports.markup import marked
from sluice.evidence import Answer, Hits

LONG = "Nothing of this kind\n\nmatters here. " * 40


def test_what_answers_is_in_sight_wherever_it_stands() -> None:
    """A quote in the middle of a long passage, over a line break, is shown whole, with dots where words are left out."""
    passage = f"{LONG}Laptops are\n  replaced after three years. {LONG}"
    start = len(LONG)
    shown = excerpt(passage, [(start, start + len("Laptops are\n  replaced after three years."))])
    [(left, right)] = shown.marks
    assert shown.text[left:right] == "Laptops are replaced after three years."
    assert shown.text.startswith("… ")
    assert shown.text.endswith(" …")
    assert len(shown.text) < 330
    assert excerpt("Short\n text.", [(0, 5)]) == type(shown)("Short text.", ((0, 5),))


@given(st.text(max_size=900), st.lists(st.tuples(st.integers(-9, 950), st.integers(-9, 950)), max_size=4))
def test_marks_are_places_of_what_is_shown(passage: str, marks: list[tuple[int, int]]) -> None:
    """Whatever they were in the passage, beyond its ends too; and marking changes no word."""
    shown = excerpt(passage, [(a, b) for a, b in marks if a < b])
    assert all(0 <= a < b <= len(shown.text) for a, b in shown.marks)
    html = marked("plain words", [(0, 3), (2, 5), (8, 8), (9, 99)])
    assert html == "<mark>pla</mark><mark>in</mark> wor<mark>ds</mark>"


def test_hits_side_by_side_show_their_words_with_the_quote_marked_and_escaped() -> None:
    """Of each list by its own texts; a hit whose words are not at hand is shown as before."""
    text = "See <script>x</script> & replaced <b>after</b> three years."
    start = text.index("replaced")
    hit = Answer("laptops.md", 0.5, True, "k", 0, len(text), ((start, len(text)),))
    page = html_of(Hits({"candidate": (hit,), "live": (hit,)}), {"candidate": {"k": text}})
    assert page.count("<mark>replaced &lt;b&gt;after&lt;/b&gt; three years.</mark>") == 1
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert page.count("laptops.md (0.500)") == 2
