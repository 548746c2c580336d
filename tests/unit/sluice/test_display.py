"""What people read: nothing in it acts."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.display import line, terminal

ANY = st.text(alphabet=st.characters(exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ä 漢字 [/b]\n\tx", "plain ä 漢字 [/b]\n\tx"),
        ("\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"),
        ("a\rb\x08", "a\\x0db\\x08"),
        ("a\r\nb", "a\nb"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ud800 \udcff", "\\ud800 \\udcff"),
        ("\u2028\x85\x9b", "\\u2028\\x85\\x9b"),
        ("👩‍💻 می‌خواهم", "👩‍💻 می‌خواهم"),
    ],
)
def test_what_acts_is_an_escape_and_the_rest_is_itself(text: str, shown: str) -> None:
    """Emoji and scripts that need joiners keep them."""
    assert terminal(text) == shown


@given(ANY)
def test_no_text_reaches_the_terminal_as_more_than_text(text: str) -> None:
    """Whatever code points: encodable, no control character but line end and tab, and said the same when said again."""
    shown = terminal(text)
    shown.encode("utf-8")
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c not in "\n\t"]
    assert terminal(shown) == shown


@given(ANY, st.integers(2, 40))
def test_a_line_is_one_line(text: str, limit: int) -> None:
    """No line end, no tab, never longer than asked for."""
    assert len(line(text, limit)) <= limit
    assert len(line(text).splitlines()) <= 1
    assert "\t" not in line(text)
