"""Text is other people's: wherever it stands in a report, it stays text; and no gate is known to any report."""

from __future__ import annotations

import ast
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.gates import run_gates
from evaluation.gates.base import GateContext
from evaluation.reports import report, report_html, verdict_json
from evaluation.reports.blocks import html_of
from evaluation.reports.markdown import cell, markdown_of
from sluice.evidence import (
    Answer,
    Block,
    Figures,
    Hits,
    Intervals,
    Notes,
    Plot,
    Range,
    Table,
    block_json,
    blocks_of,
)
from sluice.records import Verdict
from tests.unit.evaluation.fakes import Doc, Release, context
from tests.unit.evaluation.test_reports import manifest

ROOT = Path(__file__).resolve().parents[3]

HOSTILE = st.text(max_size=60) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        "a\x1b[31mred",
        "![x](http://evil/x.png)",
        "[/b]",
        "</td></tr>",
        "\ud800",
        '" onload="x',
        "| |",
        "`x`",
    ]
)


def blocks_with(text: str) -> list[Block]:
    """Every kind of block with the text in every place that takes one."""
    return [
        Figures({text: text, "the other figure of two": 3}, text),
        Table((text, "x"), ((text, 0.5), (None, 2)), text, (0,), words=True),
        Table((text,), ((text,),)),
        Intervals({text: Range(0.1, 0.0, 0.2)}, {text: 0.1}, text),
        Hits({text: (Answer(text, 0.5, True, "key", 0, 400, ((1, 9),)),), "the other list of two": ()}, text, (text,)),
        Plot((text, "b"), {text: (1.0, 1.0)}, text, "line", text, 0.5),
        Plot((text,), {text: (1.0,), "the other series of two": (None,)}, text, unit=text),
        Plot((text, "b"), {text: (3, 0), "another": (1, None)}, text, "spread", text),
        Notes((text,), text),
    ]


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes |= {name for name, _ in attrs}


def elements(html: str) -> tuple[list[str], set[str]]:
    parsed = Elements()
    parsed.feed(html)
    return parsed.names, parsed.attributes


@settings(max_examples=150)
@given(HOSTILE)
def test_no_text_becomes_an_element_or_an_attribute(text: str) -> None:
    """In any block and place: the page has the elements that it has with a harmless word, and can be written in UTF-8."""
    for hostile, harmless in zip(blocks_with(text or "x"), blocks_with("word"), strict=True):
        made = html_of(hostile)
        assert elements(made) == elements(html_of(harmless))
        assert "\x1b" not in made
        made.encode("utf-8")


@settings(max_examples=150)
@given(HOSTILE)
def test_text_stays_in_its_place_in_markdown(text: str) -> None:
    """No row more, no picture, no markup: a table keeps its lines and its columns."""
    for hostile, harmless in zip(blocks_with(text or "x"), blocks_with("word"), strict=True):
        made, plain = markdown_of(hostile), markdown_of(harmless)
        assert made.count("\n") == plain.count("\n")
        assert [line.replace("\\\\", "").replace("\\|", "").count("|") for line in made.split("\n")] == [
            line.count("|") for line in plain.split("\n")
        ]
        assert "<" not in made
        assert "](" not in made.replace("\\](", "")
        made.encode("utf-8")


@given(HOSTILE)
def test_a_manifest_gives_back_the_blocks_that_it_keeps(text: str) -> None:
    """What is kept as plain values is read again as it was."""
    assert blocks_of([block_json(block) for block in blocks_with(text)]) == blocks_with(text)


def test_a_manifest_of_another_version_is_read_as_far_as_it_goes() -> None:
    """An unknown kind, or one without its fields, costs itself."""
    kept: list[dict[str, Any]] = [{"block": "hologram"}, {"block": "table", "rows": 3}, {}, block_json(Notes(("here",)))]
    assert blocks_of(kept) == [Notes(("here",))]


def test_there_is_one_place_where_text_becomes_html() -> None:
    """`escape` is imported by one module of ours; everything else builds elements with it."""
    folders = ("evaluation", "flows", "sluice", "pipeline", "cli")
    users = [
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "html" and any(a.name == "escape" for a in node.names)
    ]
    assert users == ["evaluation/reports/markup.py"]


class Weather:
    """A user's own gate, with a table and a plot of its own; no file of ours knows it."""

    name = "weather"
    fingerprint = "weather:1"

    def load(self) -> None:
        """Nothing to read."""

    def judge(self, context: GateContext) -> Verdict:
        table = Table(("town", "rain"), (("Bergen <b>", 12), ("Split", 1)), "Rain by town", marked=(0,))
        plot = Plot(("mon", "tue"), {"millimetres": (3.0, 9.0)}, "Rain by day", kind="line")
        return Verdict(self.name, False, "too wet", {"towns": 2}, (), (table, plot), ("take an umbrella",))


def test_a_gate_from_outside_the_package_has_its_section_in_every_report() -> None:
    """Its table, its plot and its advice, in Markdown and in HTML, from a manifest alone."""
    [verdict] = run_gates([Weather()], context(Release([Doc("a.md", "Words.")])))
    kept = manifest(verdict)
    markdown, html = report(kept), report_html(kept)
    for said in (
        "## Weather",
        "### Rain by town",
        "| Bergen &lt;b> | 12 |",
        "### Rain by day",
        "| mon | 3.000 |",
        "take an umbrella",
    ):
        assert said in markdown
    for said in (
        "<h2>Weather</h2>",
        "<h3>Rain by town</h3>",
        "Bergen &lt;b&gt;",
        "<h3>Rain by day</h3>",
        "<svg",
        "take an umbrella",
    ):
        assert said in html
    assert verdict_json(verdict)["evidence"] == {"towns": 2}


def test_names_are_whole_in_the_text_of_a_page() -> None:
    """A uri, an id or a word can be searched for, and copied, as it is."""
    for name in ("content/departments/security/handbook.md", "20251120-101010-abcdef12", "Donaudampfschifffahrtsgesellschaft"):
        assert name in html_of(Table(("a",), ((name,),), words=True))


def test_markdown_of_ordinary_names_is_as_they_are() -> None:
    """Uris and measures read well; what forgetting a document looks for is the same form."""
    for name in ("content/it/laptops.md", "Recall@5", "2024-11-05", "data_quality", "95% interval"):
        assert cell(name) == name
