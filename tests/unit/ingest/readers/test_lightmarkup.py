"""AsciiDoc, Org, reStructuredText and LaTeX: headings, code and comments told apart, no word lost."""

from __future__ import annotations

import csv
import sys
import textwrap
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.readers.lightmarkup import EXTENSIONS
from tests.unit.ingest.reads import losses, read, shape, steps, text

ADOC = """= Handbook
Ann Example

// gone
== Leave [[anchor]]

.Caption
[source,python]
----
== no heading
----

////
gone
////

[cols="1,1"]
|===
|Name |Days

|Ann
|20
|Ben |30
|===

____
Quoted words.
____
"""
ORG = """#+TITLE: Handbook
# gone
* Leave :hr:
:PROPERTIES:
:ID: gone
:END:
Text of leave.
#+begin_src python
* no heading
#+end_src
#+begin_comment
gone
#+end_comment
* COMMENT gone
gone too
** gone
* Travel
"""
RST = """Handbook
========

.. gone
   and gone

Leave
-----

   An indented quote

.. note:: Mind this.

..

.. [1] A note.
"""
TEX = r"""\documentclass{article}
\usepackage{gone}
\title{Handbook}
\begin{document}
\section{Leave}\label{s}
Twenty days, 5\% more. % gone
% gone
\begin{verbatim}
% code
\end{verbatim}
\end{document}
gone
"""


@pytest.mark.parametrize(
    ("uri", "content", "expected", "comments"),
    [
        (
            "a.adoc",
            ADOC,
            [
                ("title", "Handbook"),
                ("text", "Ann Example"),
                ("title", "Leave [[anchor]]"),
                ("text", "Caption\n[source,python]"),
                ("code", "== no heading"),
                ("text", '[cols="1,1"]'),
                ("table", "Name | Days\nAnn\n20\nBen | 30"),
                ("text", "Quoted words."),
            ],
            2,
        ),
        (
            "a.org",
            ORG,
            [
                ("title", "Handbook"),
                ("title", "Leave"),
                ("text", "Text of leave."),
                ("code", "* no heading"),
                ("title", "Travel"),
            ],
            3,
        ),
        (
            "a.rst",
            RST,
            [
                ("title", "Handbook"),
                ("title", "Leave"),
                ("text", "An indented quote"),
                ("text", ".. note:: Mind this."),
                ("text", ".. [1] A note."),
            ],
            1,
        ),
        (
            "a.tex",
            TEX,
            [("title", "Handbook"), ("title", "Leave"), ("text", "Twenty days, 5% more."), ("code", "% code")],
            2,
        ),
    ],
)
def test_headings_code_and_comments_are_told_apart(
    uri: str, content: str, expected: list[tuple[str, str]], comments: int
) -> None:
    """By their marks; comments, drawers and preambles are none of the text, and comments are said."""
    assert shape(content, uri) == expected
    assert read(content, uri).title == "Handbook"
    assert losses(content, uri) == {"comment": comments}


@pytest.mark.parametrize(
    ("uri", "content", "expected"),
    [
        ("a.tex", r"\title{The \emph{Title}}\author{Ada}" + "\n\\begin{document}\n\\section{One \\label{s}} Words.\n\\end{document}",
         [("title", r"The \emph{Title}"), ("text", r"\author{Ada}"), ("title", "One"), ("text", "Words.")]),
        ("a.org", "| a | b |\n|---+---|\n| 1 |   |\nWords.", [("table", "a | b\n1"), ("text", "Words.")]),
        ("a.rst", "One\n===\n\n.. code-block:: python\n   :linenos:\n\n   def f():\n       pass\n\nTwo\n---\n\nSee::\n\n  $ x\n\nend",
         [("title", "One"), ("text", ".. code-block:: python\n   :linenos:"), ("code", "def f():\n    pass"), ("title", "Two"), ("text", "See:"), ("code", "$ x"), ("text", "end")]),
    ],
)  # fmt: skip
def test_tables_and_code_are_what_they_are(uri: str, content: str, expected: list[tuple[str, str]]) -> None:
    """A title ends with its brace, a table has no rules, code keeps its indents; levels of headings go on behind it."""
    assert shape(content, uri) == expected


def test_a_cell_to_a_line_is_a_row_of_the_first_rows_width() -> None:
    """As AsciiDoc's authors write long cells."""
    table = "|===\n|Name |Days\n\n|Ann\n|20\n\n|Ben goes\non\n|30\n|==="
    assert shape(table, "a.adoc") == [("table", "Name | Days\nAnn | 20\nBen goes on | 30")]


@pytest.mark.parametrize("uri", [f"a.{extension}" for extension in sorted(EXTENSIONS)])
def test_what_is_never_closed_takes_nothing_with_it_and_no_time(uri: str) -> None:
    """A comment, a drawer, code: what follows is text; ten thousand of them are read in a moment."""
    opened = "////\n:DRAWER:\n#+begin_comment\n\\begin{comment}\n----\n|===\n"
    assert "Words stay." in read(f"{opened}\nWords stay.", uri).text
    began = time.process_time()
    read(opened * 3000, uri)
    assert time.process_time() - began < 5


@given(
    st.lists(st.sampled_from(["//", "=", "*", "#", "..", "%", "|===", "----", ":a:", "#+begin_src", "{", "\\end{x}"]), max_size=8)
)
def test_any_marks_end_as_text(marks: list[str]) -> None:
    """Whatever the order: never an error, and a paragraph after them is there."""
    for extension in EXTENSIONS:
        assert "Lastword" in read("\n".join([*marks, "", "Lastword stands."]), f"a.{extension}").text


GRID = "+-----+------+\n| A   | B    |\n+=====+======+\n| 1   | two  |\n|     | more |\n+-----+------+"
SIMPLE = "=====  =====\nCol1   Col2\n=====  =====\nx      y\n       more\nz\n=====  ====="
LISTED = ".. list-table:: Ages\n   :header-rows: 1\n\n   * - A\n     - B\n   * - 1\n     - two\n       more"
ROWS = '.. csv-table:: Ages\n   :header: "A","B"\n\n   "1","two, more"'


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (GRID, [("table", "A | B\n1 | two more")]),
        (SIMPLE, [("table", "Col1 | Col2\nx | y more\nz")]),
        (LISTED, [("text", "Ages"), ("table", "A | B\n1 | two more")]),
        (ROWS, [("text", "Ages"), ("table", "A | B\n1 | two, more")]),
    ],
)
def test_tables_of_restructuredtext_are_rows(source: str, expected: list[tuple[str, str]]) -> None:
    """Whichever of its four ways they are written in, between other text."""
    around = [("title", "Head"), ("text", "Before."), *expected, ("text", "After.")]
    assert shape(f"Head\n====\n\nBefore.\n\n{source}\n\nAfter.\n", "a.rst") == around
    assert shape(f"::\n\n{textwrap.indent(source, '   ')}\n", "a.rst")[0][0] == "code"


@pytest.mark.parametrize("allowed", [10, sys.maxsize])
def test_a_long_cell_is_a_cell_whatever_was_read_before(allowed: int) -> None:
    """How long the cells of a table may be is no matter of what another reader of the process allowed."""
    before = csv.field_size_limit(allowed)
    try:
        found = shape(f'.. csv-table:: Ages\n\n   "{"x" * 140_000}","two"\n', "a.rst")
    finally:
        csv.field_size_limit(before)
    assert found == [("text", "Ages"), ("table", f"{'x' * 140_000} | two")]


def test_what_only_begins_like_a_table_is_text() -> None:
    assert text("+--+\nnothing\n\n== ==\nnever closed", "a.rst") == "+--+\nnothing\n\n== ==\nnever closed"
    assert steps(lambda: text("== ==\nx y\n" * 400, "a.rst")) < 5 * steps(lambda: text("== ==\nx y\n" * 100, "a.rst"))


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        (r"caf\'e, caf\'{e}, caf{\'e} and na\"{\i}ve", "café, café, café and naïve"),
        (r"\c{C}a va, \v{S}koda, Erd\H{o}s, \r{A}ngstr\"om", "Ça va, Škoda, Erdős, Ångström"),
        (r"Stra\ss{}e, \O{}re, \L\'od\'z", "Straße, Øre, Łódź"),
        (r"``quoted'' pages 3--5 --- 50\% of~it \& \$5\ldots", "“quoted” pages 3–5 — 50% of it & $5…"),
        (r"\url{http://x/~a--b} and \verb|a--b_c|", r"\url{http://x/~a--b} and \verb|a--b_c|"),
    ],
)
def test_letters_of_latex_are_as_they_are_printed(written: str, printed: str) -> None:
    assert text(rf"\begin{{document}}{chr(10)}{written}{chr(10)}\end{{document}}", "a.tex") == printed
