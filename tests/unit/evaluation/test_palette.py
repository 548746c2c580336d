"""One visual language for release, experiment, status and chunk pages: words can be read on every ground, by day and by night."""

from __future__ import annotations

import re

import pytest

from evaluation.reports import cuts, markup

PALETTES = [dict(re.findall(r"--(\w+):(#[0-9a-f]{3,6})", block)) for block in re.findall(r":root\{([^}]*)\}", markup.STYLE)]
"""The page's own, the dark one's, and that of paper."""
GROUNDS = {"ink": ("paper", "panel", "goodpanel", "badpanel"), "soft": ("paper", "panel"), "bad": ("paper", "panel", "badpanel")}
GROUNDS |= {"good": ("paper", "goodpanel"), "blue": ("paper", "panel")}


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("number", range(3))
def test_words_stand_out_from_every_ground_that_they_are_on(number: int) -> None:
    """At least 4.5 to 1 (WCAG AA), light, dark and printed."""
    assert len(PALETTES) == 3
    palette = PALETTES[number]
    low = {(word, ground): contrast(palette[word], palette[ground]) for word, grounds in GROUNDS.items() for ground in grounds}
    assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}


def test_marked_quotes_can_be_read() -> None:
    """The ink of a mark is its own, whatever the page's: 7 to 1 on both grounds."""
    found = dict(re.findall(r"(mark(?:\.hurt)?)\{background:(#[0-9a-f]{6})", cuts.STYLE))
    assert {name: contrast(ground, "#1a1a1a") >= 7 for name, ground in found.items()} == {"mark": True, "mark.hurt": True}


def test_wide_tables_scroll_within_themselves_and_print_whole() -> None:
    """What is wider than a phone never makes the page so."""
    assert ".wide{overflow-x:auto}" in markup.STYLE
    assert ".wide{overflow:visible}" in markup.STYLE
    assert 'class="wide"' in cuts.page(
        "cuts", [cuts.Overlay("a.md", "k", "One two.", (cuts.Lane("l", (cuts.Cut(0, 8, 2),)),), ())]
    )
