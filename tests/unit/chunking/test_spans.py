"""Arithmetic on token positions."""

from __future__ import annotations

import numpy as np
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from chunking.spans import Ruler, Tokens, trimmed, whole_grapheme
from chunking.testing import BundledTokenizer, documents
from sluice.records import Document


def words(text: str) -> Tokens:
    """A token for each word."""
    edges, at = [], 0
    for word in text.split(" "):
        edges.append((at, at + len(word)))
        at += len(word) + 1
    return Tokens(text, np.array(edges, dtype=np.int32))


def cut(text: str, spans: list[tuple[int, int]]) -> list[str]:
    return [text[start:end] for start, end in spans]


def test_windows_of_words() -> None:
    """Windows have the size asked for; the last has what is left."""
    text = "a b c d e f g"
    assert cut(text, words(text).windows(0, len(text), 3)) == ["a b c ", "d e f ", "g"]


def test_windows_overlap() -> None:
    """Each window begins the overlap before the end of the last, and none lies within another."""
    text = "a b c d e f g"
    assert cut(text, words(text).windows(0, len(text), 3, 1)) == ["a b c ", "c d e ", "e f g"]


def test_windows_prefer_words() -> None:
    """A cut goes before a word when one begins in the second half of the window."""
    text = "pump xxyyzz"
    tokens = Tokens(text, np.array([(0, 4), (5, 7), (7, 9), (9, 11)], dtype=np.int32))
    assert cut(text, tokens.windows(0, len(text), 2)) == ["pump ", "xxyy", "zz"]
    assert cut(text, tokens.windows(5, len(text), 2)) == ["xxyy", "zz"]


def test_tokens_that_share_a_character() -> None:
    """A token without characters of its own counts where the one before it starts, and is never cut from it."""
    tokens = Tokens("가나", np.array([(0, 1), (1, 1), (1, 2), (2, 2)], dtype=np.int32))
    assert tokens.counts([0, 1, 2]).tolist() == [2, 2]
    assert tokens.windows(0, 2, 1) == [(0, 1), (1, 2)]


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("ab", 1, 1),
        ("e\u0301a", 1, 0),
        ("xe\u0301\u0323a", 3, 1),
        ("a\r\nb", 2, 1),
        ("x👍🏽", 2, 1),
        ("x👩‍👧y", 3, 1),
        ("🇩🇪🇫🇷", 3, 2),
        ("🇩🇪🇫🇷", 2, 2),
    ],
)
def test_graphemes_stay_whole(text: str, position: int, expected: int) -> None:
    """A cut steps back before what people see as one character; where it would reach the start, it stays."""
    floor = -1 if expected == 0 else 0
    assert whole_grapheme(text, position, floor) == expected


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab \r\nn\u0301ि्षक\u200d👩👧🏽👍🇩🇪🇫각가\u0600๏ำค\ufe0f"), max_size=30))
def test_cuts_are_those_of_the_unicode_standard(text: str) -> None:
    """Wherever a cut is asked for, it goes to the last boundary of UAX 29 before it."""
    edges = [0, *(found.end() for found in regex.finditer(r"\X", text))]
    for position in range(len(text) + 1):
        assert whole_grapheme(text, position, -1) == max(edge for edge in edges if edge <= position)


def test_trimmed() -> None:
    """White space at the edges belongs to no chunk."""
    assert trimmed("  a b \n", (0, 7)) == (2, 5)
    assert trimmed(" \n ", (0, 3)) == (3, 3)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(of=documents(), data=st.data())
def test_sizes_are_those_of_the_text_alone(of: Document, data: st.DataObject) -> None:
    """Reading a size off the document's positions gives what counting the text alone gives, wherever the edges are."""
    tokenizer = BundledTokenizer()
    place = st.integers(0, len(of.text))
    spans = [trimmed(of.text, (min(p), max(p))) for p in data.draw(st.lists(st.tuples(place, place), max_size=12))]
    assert Ruler(tokenizer).sizes(of.text, spans) == tokenizer.counts([of.text[start:end] for start, end in spans])
