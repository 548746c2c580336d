"""Strategies that follow a document's structure: heading, hierarchical, code, table, auto."""

from __future__ import annotations

from typing import Any

import pytest

from chunking.auto import choice
from chunking.testing import build, document
from sluice.records import Document, Element

MANUAL = """# Manual

## Starting

Open the valve.

## Stopping

Close the valve, then wait.

## Care

### Oil

Check the oil every week and change it every year, in spring.

### Filter

Wash the filter.
"""


def texts(of: Document, **section: Any) -> list[str]:
    return [chunk.text for chunk in build(**section).chunk(of)]


def test_small_sections_together() -> None:
    """Small neighbours are joined, never across a section that is itself too large; a bare heading goes with what follows."""
    assert texts(document(MANUAL), strategy="heading", max_tokens=28) == [
        "# Manual\n\n## Starting\n\nOpen the valve.\n\n## Stopping\n\nClose the valve, then wait.",
        "## Care\n\n### Oil\n\nCheck the oil every week and change it every year, in spring.",
        "### Filter\n\nWash the filter.",
    ]


def test_a_heading_is_no_chunk() -> None:
    """A paragraph that does not fit together with its heading is cut further down, not between the two."""
    text = "## Oil\n\n" + "Check the oil every week and change it every year. " * 2
    found = texts(document(text), strategy="heading", max_tokens=22)
    assert found[0].startswith("## Oil\n\nCheck the oil")
    assert len(found) == 2


def test_each_section_apart() -> None:
    """Without merging each section is a chunk, its heading with it."""
    assert texts(document(MANUAL), strategy="heading", max_tokens=100, merge=False) == [
        "# Manual\n\n## Starting\n\nOpen the valve.",
        "## Stopping\n\nClose the valve, then wait.",
        "## Care\n\n### Oil\n\nCheck the oil every week and change it every year, in spring.",
        "### Filter\n\nWash the filter.",
    ]


def test_a_document_that_fits() -> None:
    """A document no larger than a chunk is one."""
    assert len(texts(document(MANUAL), strategy="heading", max_tokens=200)) == 1


def test_headings_in_code_are_none() -> None:
    """A comment in a fenced block is no heading."""
    [chunk] = build(strategy="heading", max_tokens=200).chunk(document("# Use\n\n```sh\n# not this\nls\n```\n"))
    assert chunk.heading_path == ("Use",)


def test_elements_rather_than_marks() -> None:
    """A parsed document's structure is its elements; signs that look like headings mean nothing there."""
    text = "Care\n# 3 litres of oil"
    parsed = document(text, Element("title", 0, 4, ("Care",)), Element("text", 5, len(text), ("Care",)))
    [chunk] = build(strategy="heading", max_tokens=200).chunk(parsed)
    assert chunk.heading_path == ("Care",)


def test_children_and_parents() -> None:
    """Children lie within one parent; a parent is a whole section where it fits."""
    chunks = build(strategy="hierarchical", max_tokens=10, parent_tokens=28).chunk(document(MANUAL))
    parents = {chunk.parent: MANUAL[slice(*chunk.parent)] for chunk in chunks if chunk.parent}
    assert list(parents.values()) == texts(document(MANUAL), strategy="heading", max_tokens=28)
    assert all(chunk.text in parents[chunk.parent] for chunk in chunks if chunk.parent)
    assert len(chunks) > len(parents) == 3


def test_code_by_its_language() -> None:
    """A uri's extension names the language; cuts fall before its functions."""
    source = "import os\n\n\ndef first():\n    a = 1\n\n    return a\n\n\ndef second():\n    b = 2\n\n    return b\n"
    assert texts(document(source, uri="x/tool.py"), strategy="code", max_tokens=11) == [
        "import os",
        "def first():\n    a = 1\n\n    return a",
        "def second():\n    b = 2\n\n    return b",
    ]


def test_rows_under_their_header() -> None:
    """Rows stay whole, and those after the first chunk carry the header in their context, not in their text."""
    csv = "name,price\n" + "".join(f"bolt {n},{n}\n" for n in range(12))
    chunks = build(strategy="table", max_tokens=20).chunk(document(csv, uri="parts.csv"))
    assert chunks[0].text.startswith("name,price\nbolt 0,0")
    assert chunks[0].context == ""
    assert {chunk.context for chunk in chunks[1:]} == {"name,price"}
    assert "\n".join(chunk.text for chunk in chunks) == csv.strip()
    assert all(line.startswith("bolt") for chunk in chunks[1:] for line in chunk.text.splitlines())


def test_quoted_line_breaks() -> None:
    """A line break within quotes ends no row."""
    csv = 'name,note\nbolt,"keep dry\nand dark"\nnut,none\n'
    assert texts(document(csv, uri="parts.csv"), strategy="table", max_tokens=10) == [
        "name,note",
        'bolt,"keep dry\nand dark"',
        "nut,none",
    ]


def test_pipe_tables() -> None:
    """A Markdown table read verbatim: its rule belongs to the header, and prose around it is prose."""
    text = "Prices follow.\n\n| part | price |\n|---|---|\n| bolt | 3 |\n| nut | 4 |\n| --- | 5 |\n\nThat is all."
    chunks = build(strategy="table", max_tokens=14, context="title").chunk(document(text, title="Parts"))
    assert [(chunk.text, chunk.context) for chunk in chunks] == [
        ("Prices follow.", "Parts"),
        ("| part | price |\n|---|---|", "Parts"),
        ("| bolt | 3 |\n| nut | 4 |", "Parts\n| part | price |"),
        ("| --- | 5 |", "Parts\n| part | price |"),
        ("That is all.", "Parts"),
    ]


def test_table_elements() -> None:
    """Of a parsed document, the tables are its elements."""
    text = "part | price\nbolt | 3\nnut | 4"
    chunks = build(strategy="table", max_tokens=8).chunk(document(text, Element("table", 0, len(text))))
    assert [(chunk.text, chunk.context) for chunk in chunks] == [
        ("part | price\nbolt | 3", ""),
        ("nut | 4", "part | price"),
    ]


@pytest.mark.parametrize(
    ("of", "chosen"),
    [
        (document("# a\n# b\n", uri="x.py"), "code"),
        (document("a,b\n1,2\n", uri="x.csv"), "table"),
        (document("a | b\n1 | 2", Element("table", 0, 11), uri="x.xlsx"), "table"),
        (document(MANUAL), "heading"),
        (document("# One\n\nProse.\n"), "recursive"),
        (document(MANUAL, uri="x.txt"), "recursive"),
    ],
)
def test_auto_follows_its_rule(of: Document, chosen: str) -> None:
    """Code by extension, tables by share of the text, headings by number, else recursive."""
    assert choice(of) == chosen
    assert texts(of, strategy="auto", max_tokens=20) == texts(of, strategy=chosen, max_tokens=20)


@pytest.mark.parametrize(
    ("line", "name"), [("## Setup ##", "Setup"), ("# C#", "C#"), ("#\tTab  ", "Tab"), ("#hash", ""), ("#  ", "")]
)
def test_markdown_headings(line: str, name: str) -> None:
    """A heading read verbatim has no closing marks; a hash without a space after it is none."""
    [chunk] = build(strategy="fixed").chunk(document(f"{line}\n\nText."))
    assert chunk.heading_path == ((name,) if name else ())
