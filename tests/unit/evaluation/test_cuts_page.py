"""The chunk viewer: every chunk of every strategy beside the text, and the quotes that it breaks."""

from __future__ import annotations

import re

from lxml import html

from evaluation.reports.cuts import Cut, Lane, Overlay, Quote, page

TEXT = "One sentence here. <b>Two</b> follow it. Three ends it.\n"
WHOLE = Lane("whole", (Cut(0, 38, 9, "Guide\nLeave"), Cut(39, 55, 4)))
OVERLAPPING = Lane("over", (Cut(0, 27, 6), Cut(19, 55, 9)))
QUOTES = (Quote("q1", "what follows?", 19, 37), Quote("q2", "what ends?", 30, 50))
OVERLAY = Overlay("people/leave.md", "k" * 64, TEXT, (WHOLE, OVERLAPPING), QUOTES)


def test_lanes_cover_the_text_without_a_gap() -> None:
    """Each row has a cell of each lane or lies below one that reaches down; the text column is the document, word for word."""
    [table] = html.fromstring(page("cuts", [OVERLAY])).xpath("//table[@class='cuts']")
    rows = table.xpath("./tbody/tr")
    texts = "".join(row.xpath("./td[contains(@class,'text')]")[0].text_content() for row in rows)
    assert " ".join(texts.split()).replace(" ", "") == "".join(TEXT.split())
    spans = [int(cell.get("rowspan")) for cell in table.xpath("./tbody/tr/td[contains(@class,'lane')]")]
    assert sum(spans) == 2 * len(rows)


def test_chunks_say_their_tokens_contexts_and_what_they_break() -> None:
    """q1 is whole in a chunk of each strategy, q2 is whole in none of the first; an overlap is marked as in both."""
    shown = page("cuts", [OVERLAY])
    assert OVERLAY.as_json()["strategies"] == [
        {"name": "whole", "chunks": 2, "tokens": {"min": 4, "median": 6.5, "max": 9}, "contexts": 1, "broken": ["q2"]},
        {"name": "over", "chunks": 2, "tokens": {"min": 6, "median": 7.5, "max": 9}, "contexts": 0, "broken": []},
    ]
    assert OVERLAY.broken == 1
    assert shown.count("breaks q2") == 2
    assert "breaks q1" not in shown
    assert "1: 9 tokens" in shown
    assert '<i title="Guide\nLeave">… › Leave</i>' in shown
    assert re.search(r'class="lane[^"]*both"', shown)


def test_words_of_a_document_are_text_and_nothing_else() -> None:
    """Markup in the document is shown, never obeyed; there is no script."""
    shown = page("cuts", [OVERLAY])
    assert "&lt;b&gt;Two" in shown
    assert "<script" not in shown
    assert "<b>Two" not in shown
