"""How several strategies cut one document, laid over its text: a lane for each, and the golden quotes that they break.

One page without script. The text stands in one column, cut at every place where any strategy cuts; beside it each strategy has a
column of its own in which a chunk is one tall cell, with its tokens and what is put before it for the embedder.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from evaluation.reports import markup
from evaluation.reports.markup import NOTHING, Html, join, tag
from sluice.display import counted

STYLE = f"""{markup.STYLE}
body{{max-width:100rem}}
.cuts td,.cuts th{{text-align:left;vertical-align:top;border:0;padding:.1rem .5rem;white-space:normal}}
.cuts th{{border-bottom:2px solid var(--soft);font-weight:600;font-size:.82rem}}
.cuts td.text{{white-space:pre-wrap;overflow-wrap:anywhere;min-width:22rem;width:60%;border-top:1px dashed var(--rule)}}
.cuts td.lane{{min-width:7rem;max-width:12rem;border:1px solid var(--rule);border-left:.3rem solid var(--blue);font-size:.8rem;
line-height:1.3;background:var(--panel)}}
.cuts td.odd{{background:var(--paper)}}.cuts td.none{{border-left-color:var(--rule);color:var(--soft)}}
.cuts td.both{{border-left-style:dotted}}.cuts b{{display:block}}
.cuts i{{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden;color:var(--soft)}}
.cuts .breaks{{display:block;color:var(--bad);font-weight:600;white-space:nowrap}}
mark.hurt{{background:#ffc2b8}}
@media(max-width:700px){{.wide td:first-child{{white-space:normal}}
.cuts td.text{{min-width:58vw}}.cuts td.lane{{min-width:5.2rem;max-width:6rem;padding:.1rem .25rem}}
.cuts i{{display:none}}.cuts th{{padding:.1rem .25rem;font-size:.72rem}}}}
@media print{{h2+.note,details{{break-after:avoid}}.cuts tr{{break-inside:auto}}
.cuts td.text{{min-width:0}}.cuts td.lane{{min-width:0}}}}
"""


NOTE = (
    "A column is a strategy, a cell one of its chunks: its number, its tokens, and in italics what the embedder reads before it, "
    "where that is not as in the chunk above. A dotted edge: two chunks overlap. Quotes that a strategy breaks are marked in red."
)


@dataclass(frozen=True, slots=True)
class Cut:
    """A chunk of the document: its place, its tokens, and what stands before it for the embedder."""

    start: int
    end: int
    tokens: int
    context: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """How one strategy cuts the document; cuts may overlap, and are in the order of their starts."""

    name: str
    cuts: tuple[Cut, ...]

    def breaks(self, quote: Quote) -> bool:
        """Whether no chunk holds the whole quote."""
        return not any(cut.start <= quote.start and quote.end <= cut.end for cut in self.cuts)


@dataclass(frozen=True, slots=True)
class Quote:
    """A golden quote in the document's text, with the question that it answers."""

    id: str
    question: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Overlay:
    """One document as one parser reads it, with the strategies that cut that text."""

    uri: str
    document_key: str
    text: str
    lanes: tuple[Lane, ...]
    quotes: tuple[Quote, ...]

    @property
    def broken(self) -> int:
        return sum(lane.breaks(quote) for lane in self.lanes for quote in self.quotes)

    def as_json(self) -> dict[str, Any]:
        """Figures only; no word of the document."""
        return {
            "uri": self.uri,
            "quotes": len(self.quotes),
            "strategies": [
                {
                    "name": lane.name,
                    "chunks": len(lane.cuts),
                    "tokens": _sizes(lane),
                    "contexts": sum(bool(cut.context) for cut in lane.cuts),
                    "broken": [quote.id for quote in self.quotes if lane.breaks(quote)],
                }
                for lane in self.lanes
            ],
        }


def page(title: str, overlays: Iterable[Overlay]) -> str:
    """The documents one below the other."""
    return markup.page(title, [tag("h1", title), *(_document(each) for each in overlays)], style=STYLE)


def _document(overlay: Overlay) -> Html:
    return join([
        tag("h2", Html(markup.text(overlay.uri).replace("/", "/<wbr>")), data_key=overlay.document_key),
        tag("p", NOTE, class_="note"),
        _summary(overlay),
        _quotes(overlay),
        tag("div", _table(overlay), class_="wide"),
    ])  # fmt: skip


def _sizes(lane: Lane) -> dict[str, float]:
    tokens = [cut.tokens for cut in lane.cuts]
    return {"min": min(tokens), "median": median(tokens), "max": max(tokens)} if tokens else {}


def _summary(overlay: Overlay) -> Html:
    head = tag("tr", *(tag("th", name) for name in ("strategy", "chunks", "tokens: least", "median", "most", "quotes broken")))
    rows = []
    for lane in overlay.lanes:
        sizes, broken = _sizes(lane), [quote.id for quote in overlay.quotes if lane.breaks(quote)]
        cells = (
            lane.name,
            len(lane.cuts),
            *(f"{sizes.get(n, 0):g}" for n in ("min", "median", "max")),
            ", ".join(broken) or "none",
        )
        rows.append(tag("tr", *map(_cell, cells), class_="bad" if broken else ""))
    return tag("div", tag("table", tag("thead", head), tag("tbody", *rows)), class_="wide")


def _cell(value: object) -> Html:
    return tag("td", value)


def _quotes(overlay: Overlay) -> Html:
    if not overlay.quotes:
        return tag("p", "No golden quote is in this document.", class_="note")
    asked = dict.fromkeys((quote.id, quote.question) for quote in overlay.quotes)  # a question may have several answers here
    lines = (tag("li", tag("code", id), " ", question) for id, question in asked)
    count = len(overlay.quotes)
    said = f"{counted(count, 'golden quote')}, marked in the text"
    return tag("details", tag("summary", said), tag("ul", *lines), open="open" if count < FEW else "")


FEW = 6
"""Questions that are shown unfolded."""


def _table(overlay: Overlay) -> Html:
    ends = {0, len(overlay.text)} | {place for lane in overlay.lanes for cut in lane.cuts for place in (cut.start, cut.end)}
    pieces = [(start, end) for start, end in pairwise(sorted(ends)) if overlay.text[start:end].strip()]
    columns = [_column(lane, pieces, overlay.quotes) for lane in overlay.lanes]
    rows = []
    for number, (start, end) in enumerate(pieces):
        cells = [column[number] for column in columns]
        rows.append(tag("tr", tag("td", _marked(overlay, start, end), class_="text"), *cells))
    head = tag("tr", tag("th", "text"), *(tag("th", lane.name) for lane in overlay.lanes))
    return tag("table", tag("thead", head), tag("tbody", *rows), class_="cuts")


def _column(lane: Lane, pieces: Sequence[tuple[int, int]], quotes: Sequence[Quote]) -> list[Html]:
    """The lane's cell of each row; nothing where the cell above reaches down into it."""
    inside = [tuple(n for n, cut in enumerate(lane.cuts) if cut.start < end and start < cut.end) for start, end in pieces]
    cells, shown = list[Html](), set[int]()
    for row, numbers in enumerate(inside):
        if row and inside[row - 1] == numbers:
            cells.append(NOTHING)
            continue
        rows = next((n for n in range(row, len(inside)) if inside[n] != numbers), len(inside)) - row
        begun = [n for n in numbers if n not in shown]
        shown.update(begun)
        words = [word for n in begun for word in _told(n, lane, quotes)]
        if not words:
            words = [markup.text("in both" if numbers else "in no chunk")]
        odd, both = "odd" if numbers and numbers[-1] % 2 else "", "both" if len(numbers) > 1 else ""
        kind = " ".join(filter(None, ["lane", "" if numbers else "none", odd, both]))
        cells.append(tag("td", *words, class_=kind, rowspan=rows))
    return cells


def _told(number: int, lane: Lane, quotes: Sequence[Quote]) -> list[Html]:
    cut = lane.cuts[number]
    words = [tag("b", f"{number + 1}: {counted(cut.tokens, 'token')}")]
    if cut.context and (number == 0 or lane.cuts[number - 1].context != cut.context):
        *above, last = cut.context.replace("\n", " > ").split(" > ")
        words.append(tag("i", f"… › {last}" if above else last, title=cut.context))
    held = [quote.id for quote in quotes if cut.start < quote.end and quote.start < cut.end and lane.breaks(quote)]
    return [*words, *(tag("span", f"breaks {id}", class_="breaks") for id in held)]


def _marked(overlay: Overlay, start: int, end: int) -> Html:
    """The text of a piece with the quotes in it marked."""
    inside = [quote for quote in overlay.quotes if quote.start < end and start < quote.end]
    ends = sorted({start, end} | {min(max(place, start), end) for quote in inside for place in (quote.start, quote.end)})
    parts = []
    for left, right in pairwise(ends):
        over = [quote for quote in inside if quote.start <= left and right <= quote.end]
        words = overlay.text[left:right]
        hurt = any(lane.breaks(quote) for lane in overlay.lanes for quote in over)
        title = "; ".join(f"{quote.id}: {quote.question}" for quote in over)
        parts.append(tag("mark", words, title=title, class_="hurt" if hurt else "") if over else markup.text(words))
    return Html("".join(parts).strip("\n"))
