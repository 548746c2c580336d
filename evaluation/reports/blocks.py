"""Blocks of evidence as HTML: every gate's section is made of these, Sluice's own and a user's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from evaluation.excerpts import excerpt
from evaluation.reports import charts
from evaluation.reports.markup import NOTHING, Html, clean, marked, tag
from sluice.evidence import Answer, Block, Cell, Figures, Hits, Intervals, Notes, Plot, Table

Passages = Mapping[str, Mapping[str, str]]
"""Texts of documents by the name of a list of hits and the document's key: what reports show of hits is cut out of them."""


SHORT = 12
"""Rows of a table that stay on one sheet of paper."""


def html_of(block: Block, passages: Passages = MappingProxyType({})) -> Html:
    """A block under its title; nothing where it holds nothing."""
    match block:
        case Figures():
            body = note(*(f"{name} {cell(value)}" for name, value in block.values.items()))
        case Table():
            body = table(block.head, block.rows, words_in=block.words, marked=block.marked)
            if block.folded and body:
                body = tag("details", tag("summary", block.folded), body)
        case Intervals():
            body = charts.intervals(block)
        case Hits():
            body = side_by_side(block.lists, passages)
            body = Html(note(*block.notes) + body)
        case Plot():
            legend = note(" · ".join(("dark: " if not i else "pale: ") + name for i, name in enumerate(block.series)))
            drawn = {"line": charts.line, "spread": charts.spread, "bars": charts.bars}[block.kind](block)
            body = Html((legend if len(block.series) > 1 else NOTHING) + drawn) if drawn else NOTHING
        case Notes():
            body = listed(block.lines)
    return Html((tag("h3", block.title) if block.title and body else NOTHING) + body)


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]], *, words_in: bool = False, marked: Iterable[int] = ()) -> Html:
    """Rows under a head, in a box that scrolls by itself; with `words_in`, on a phone each row is a card of lines."""
    held = [tuple(row) for row in rows]
    if not held:
        return NOTHING
    wrong = set(marked)
    figures = [all(isinstance(row[i], int | float | None) for row in held if i < len(row)) for i in range(len(head))]
    kinds = ["figure" if words_in and i and figures[i] else "" for i in range(len(head))]
    body = []
    for number, row in enumerate(held):
        cells = (_td(value, kinds[i], head[i] if i else "") for i, value in enumerate(row[: len(head)]))
        body.append(tag("tr", *cells, class_="bad" if number in wrong else ""))
    top = tag("tr", *(tag("th", name, class_=kinds[i]) for i, name in enumerate(head)))
    made = tag("table", tag("thead", top), tag("tbody", *body), class_="words" if words_in else "")
    kind = "wide" + (" words" if words_in else "") + (" short" if len(held) <= SHORT else "")
    return tag("div", made, class_=kind)


def _td(value: Cell, kind: str, label: str) -> Html:
    return tag("td", cell(value), class_=kind, data_label=label)


def cell(value: Cell) -> str:
    """A value in a cell: counts with thousands, measures with three decimals, a dash for what there is not."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.3f}"
    return str(value)


def plain_cell(value: object) -> str:
    """A value as a terminal may print it: on one line, without control characters."""
    shown = cell(value) if value is None or isinstance(value, int | float) else str(value)
    return " ".join(clean(shown).split())


def note(*facts: str) -> Html:
    """Small print: facts that stay whole where they fit."""
    return tag("p", *(tag("span", fact) for fact in facts if fact), class_="note") if any(facts) else NOTHING


def listed(lines: Iterable[str]) -> Html:
    """Sentences, one a line."""
    items = [tag("li", line) for line in lines]
    return tag("ul", *items) if items else NOTHING


def side_by_side(lists: Mapping[str, Sequence[Answer]], passages: Passages = MappingProxyType({})) -> Html:
    """Lists of hits in columns, with their words where there are any; the right ones stand out, and what answers is marked."""
    columns = (tag("div", name, _answers(hits, passages.get(name, {}))) for name, hits in lists.items())
    return tag("div", *columns, class_="pair")


def _answers(hits: Sequence[Answer], texts: Mapping[str, str]) -> Html:
    said = ((hit, f"{hit.uri} ({hit.score:.3f})", _passage(hit, texts.get(hit.document_key, ""))) for hit in hits)
    items = [tag("li", name, words, class_="right" if hit.right else "") for hit, name, words in said]
    return tag("ol", *items) if items else tag("p", "nothing")


def _passage(hit: Answer, document: str) -> Html:
    words = document[hit.start : hit.end]
    if not words.strip():
        return NOTHING
    shown = excerpt(words, ((start - hit.start, end - hit.start) for start, end in hit.quotes))
    return tag("div", marked(shown.text, shown.marks), class_="passage")
