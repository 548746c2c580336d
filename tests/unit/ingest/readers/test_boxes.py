"""Boxes, tabs and contents in Markdown, as generators of sites show them."""

from __future__ import annotations

import time

import pytest

from tests.unit.ingest.reads import read, shape

COLONS = """:::note Be careful

Inside *text*

:::

:::tip
x
:::

::: {.callout-note title="Named"}
quarto
:::

:::{warning} Myst
body
:::

::::note
:::tip[Inner]
in
:::
out
::::

::: unclosed here
"""
INDENTED = """!!! warning "Mind this"
    Indented *text* here.

    Second para.

    !!! note
        Nested

        ```py
        x = 1
        ```

After

=== "Tab A"

    In A

!!! important news for all

Title
===

    code
"""
MARKERS = "[TOC]\n\n[[_TOC_]]\n\n# H\n{: .class #id}\n\ntext\n{: .note}\n\n```\n!!! note\n    kept\n:::\n[TOC]\n```\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            COLONS,
            "Be careful|Inside text|Tip|x|Named|quarto|Myst|body|Note|Inner|in|out|::: unclosed here",
        ),
        (
            INDENTED,
            "Mind this|Indented text here.|Second para.|Note|Nested|x = 1|After|Tab A|In A|!!! important news for all|Title|code",
        ),
        (MARKERS, "H|text|!!! note\n    kept\n:::\n[TOC]"),
    ],
    ids=["colons", "indented", "markers"],
)
def test_a_box_is_its_title_and_what_it_holds(content: str, expected: str) -> None:
    """In boxes too; code, headings and what only looks like one are left alone."""
    assert [said for _, said in shape(content, "a.md")] == expected.split("|")


def test_what_a_box_holds_is_no_code() -> None:
    """Though MkDocs indents it like code."""
    kinds = {said: kind for kind, said in shape(INDENTED, "a.md")}
    assert (kinds["Second para."], kinds["x = 1"], kinds["code"]) == ("text", "code", "code")


def test_many_marks_take_no_time() -> None:
    """Opened and never closed, closed and never opened."""
    began = time.process_time()
    assert "Last." in read(":::note\n" * 5000 + "!!! note\n    x\n\n" * 3000 + ":::\n" * 2000 + "\nLast.", "a.md").text
    assert time.process_time() - began < 10
