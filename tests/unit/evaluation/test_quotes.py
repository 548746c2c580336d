from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.golden import load_golden
from evaluation.quotes import plain
from ingest.parse import UnstructuredParser
from sluice.records import RawItem

CORPORA = Path(__file__).resolve().parents[3] / "../shared/corpora"


def found(text: str, quote: str) -> str | None:
    span = plain(text).find(quote)
    return None if span is None else text[slice(*span)]


@pytest.mark.parametrize(
    ("text", "quote", "there"),
    [
        ("It is valid for 7 days.", "valid for 7 days", "valid for 7 days"),
        ("It is **valid** for\n   _7 days_.", "valid for 7 days", "valid** for\n   _7 days"),
        ("It is valid for 7 days.", "**valid** for `7 days`", "valid for 7 days"),
        (
            "See [the form](https://x.org/a_(b) 'T') first.",
            "See the form first.",
            "See [the form](https://x.org/a_(b) 'T') first.",
        ),
        ("see the form first", "see [the form](https://x.org) first", "see the form first"),
        ("Team 501 - 2,500 devs", "| Team | 501 - 2,500 devs |", "Team 501 - 2,500 devs"),
        ("| A | 1 |\n|:--|--:|\n| B | 2 |", "A 1 B 2", "A | 1 |\n|:--|--:|\n| B | 2"),
        ("## Ends\n\n- first\n- second", "first\n* second", "first\n- second"),
        ("Heading\n\nfirst second", "# Heading\n1. first\n2. second", "Heading\n\nfirst second"),
        ("50&nbsp;km &amp; more", "50 km & more", "50&nbsp;km &amp; more"),
        ("<p>one <b>two</b></p><td>three</td>", "one two three", "one <b>two</b></p><td>three"),
        ("a <!-- not\nthis --> b<style>p {x: y}</style> c", "a b c", "a <!-- not\nthis --> b<style>p {x: y}</style> c"),
        ("ﬁve ½ litres", "five 1⁄2 litres", "ﬁve ½ litres"),
        ("cafe\u0301 au lait", "café au lait", "cafe\u0301 au lait"),
        ("non\u00a0breaking\u200b space", "non breaking space", "non\u00a0breaking\u200b space"),
        ("run:\n```sql\nSELECT 1\n```\nend", "run:\n```\nSELECT 1", "run:\n```sql\nSELECT 1"),
        ("write to <https://x.org/a> now", "write to https://x.org/a now", "write to <https://x.org/a> now"),
    ],
)
def test_a_quote_is_found_whatever_the_markup_of_either_side(text: str, quote: str, there: str) -> None:
    """Markup, spacing and Unicode form differ; the offsets are the original's."""
    assert found(text, quote) == there


def test_the_first_of_several_places_is_taken() -> None:
    """A quote that stands twice has one place, always the same."""
    assert plain("ab cd. ab cd.").find("ab cd") == (0, 5)


LONG = "Requests are answered within 30 working days by the people team, who write to your personal address."


def test_a_nearly_equal_passage_is_found_at_word_boundaries() -> None:
    """0.9 of the letters is enough, and the span neither cuts a word nor takes a neighbour in."""
    text = f"Intro words here. {LONG} And what follows."
    quote = LONG.replace("answered", "answred").replace("who write", "who will write")
    assert found(text, quote) == LONG


def test_a_passage_with_another_figure_is_not_the_passage() -> None:
    """One digit in a hundred letters is a different fact."""
    assert found(f"Intro. {LONG} End.", LONG.replace("30", "20")) is None


def test_a_passage_too_different_is_not_found() -> None:
    """Below 0.9 nothing is found."""
    assert found(f"Intro. {LONG} End.", "Requests were once maybe handled in 30 days or so, by someone in another team.") is None


def test_a_stub_is_not_a_quote_that_contains_it() -> None:
    """A text shorter than the quote does not hold it."""
    assert found("Requests", LONG) is None
    assert found("", LONG) is None


def test_a_quote_without_words_is_nowhere() -> None:
    """Nothing left after normalisation matches nothing, not everything."""
    assert found("some text", "** **") is None


@given(st.text(max_size=80), st.text(min_size=1, max_size=40), st.text(max_size=80))
def test_every_stretch_of_words_is_found_where_its_text_is(before: str, quote: str, after: str) -> None:
    """For any Unicode: the comparable form maps into the original, and the text found there reads as the quote does."""
    text = f"{before}\n\n{quote}\n\n{after}"
    comparable = plain(text)
    assert len(comparable.text) == len(comparable.starts) == len(comparable.ends)
    assert (comparable.starts < comparable.ends).all()
    assert list(comparable.starts) == sorted(comparable.starts)
    assert comparable.text == " ".join(comparable.text.split())
    if comparable.text:
        assert comparable.find(text) == (comparable.starts[0], comparable.ends[-1])


EVIL = [
    "-" * 200_000 + "x",
    "<a " * 60_000,
    "[" * 200_000,
    "> " * 60_000 + "x",
    "](" * 60_000,
    "<style>" * 30_000,
    "<!--" * 50_000,
]


@pytest.mark.parametrize("evil", EVIL, ids=lambda text: text[:6])
def test_a_hostile_page_ends(evil: str) -> None:
    """Removing markup is linear: were it quadratic, these pages of 200 KB would take minutes."""
    assert plain(evil).find("no such words in here") is None


@pytest.mark.corpora
def test_every_quote_of_the_handbook_is_found_in_its_file() -> None:
    """All 119 labels of the shared golden set, exactly, in the Markdown as it is."""
    if not CORPORA.exists():
        pytest.skip("needs ../shared/corpora")
    golden = load_golden(CORPORA / "handbook.golden.jsonl")
    texts: dict[str, str] = {}
    for query in golden.queries:
        for label in query.relevant:
            text = texts.setdefault(label.uri, (CORPORA / "handbook" / label.uri).read_text(encoding="utf-8"))
            assert label.quote is not None
            assert plain(label.quote).text in plain(text).text, (query.id, label.uri)
            assert plain(text).find(label.quote) is not None


@pytest.mark.corpora
@pytest.mark.slow
def test_every_quote_of_the_handbook_is_found_in_the_text_a_release_holds() -> None:
    """The same 119 labels in the text that the parser makes of those files, and the span reads as the quote does."""
    if not CORPORA.exists():
        pytest.skip("needs ../shared/corpora")
    parser = UnstructuredParser()
    texts: dict[str, str] = {}
    for query in load_golden(CORPORA / "handbook.golden.jsonl").queries:
        for label in query.relevant:
            if label.uri not in texts:
                content = (CORPORA / "handbook" / label.uri).read_bytes()
                texts[label.uri] = parser.parse(RawItem(label.uri, content, ""), source="handbook").text
            assert label.quote is not None
            there = found(texts[label.uri], label.quote)
            assert there is not None, (query.id, label.uri)
            assert plain(there).text == plain(label.quote).text
