"""Tables of a PDF by the lines that are drawn around their cells: which cell stands where.

The boxes are those of `pdfrules`, or pdfplumber's (whose pdfminer interprets every page again, in Python: 0.1 to 0.4 s a page).
What is in them are the characters that PDFium gives, so no word is read in another way or lost. A table without lines is
what `pdflayout` sees in gaps.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ingest.elements import row_text
from ingest.readers import pdflayout, pdfrules
from ingest.readers.pdfcovered import Box
from ingest.readers.pdfglyphs import Glyphs, Segment, glyphs
from ingest.readers.pdflayout import Line

_LONGEST_CELL = 400
"""Characters; a grid of longer ones is a page laid out in boxes, which reads better as what is in them."""
_WIDE = 0.6
"""Of the width of what a page says: a table that is wider lies across its columns."""
_FILLED = 0.5
"""Of a table's cells, at least, hold text: a picture's frames do not."""

_CROSSINGS = 10_000
"""Of a page's lines, at most: pdfplumber takes 2 s for 100 lines across 100, and 8 s for 150 (graph paper, maps)."""

Row = Sequence[Box | None]
"""The cells of a row, in the page's own coordinates; None where a cell above or beside it reaches."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A drawn table: its rows from the top, every one of as many cells."""

    rows: tuple[Row, ...]

    @property
    def cells(self) -> list[Box]:
        return [cell for cell in chain.from_iterable(self.rows) if cell is not None]


def of_lines(page: Any) -> list[Grid]:
    """The drawn tables of a pypdfium2 page, by its lines."""
    return [Grid(rows) for rows in pdfrules.grids(page)]


def grids(content: bytes, lost: Counter[str]) -> dict[int, list[Grid]]:
    """The drawn tables of each page, by its number from 0; what pdfminer cannot read has none, which is counted."""
    import pdfplumber

    found: dict[int, list[Grid]] = {}
    try:
        with pdfplumber.open(io.BytesIO(content)) as document:
            for number, page in enumerate(document.pages):
                if page.rotation == 0 and _crossings(page) > _CROSSINGS:
                    lost["table_lines_unread"] += 1
                elif page.rotation == 0 and (here := _of_page(page)):
                    found[number] = here
                page.close()
    except Exception:  # whatever a strange file does to pdfminer: PDFium reads its text all the same
        lost["table_lines_unread"] += 1
    return found


def _crossings(page: Any) -> int:
    """How often a page's lines could cross at most."""
    places = {"v": set[int](), "h": set[int]()}
    for edge in page.edges:
        places[edge["orientation"]].add(round(edge["x0"] if edge["orientation"] == "v" else edge["top"]))
    return len(places["v"]) * len(places["h"])


def _of_page(page: Any) -> list[Grid]:
    height = float(page.height)

    def box(cell: tuple[float, float, float, float] | None) -> Box | None:
        return None if cell is None else (cell[0], height - cell[3], cell[2], height - cell[1])

    drawn = ([[box(cell) for cell in row.cells] for row in table.rows] for table in page.find_tables())
    return [Grid(tuple(rows)) for rows in drawn if len(rows) > 1 and max(map(len, rows)) > 1]


def read(page: Any, drawn: Sequence[Grid]) -> tuple[Glyphs, list[Line]]:
    """What a page holds outside its tables, and each table as one line; a grid that is no table of words is not one here."""
    found = glyphs(page, [cell for grid in drawn for cell in grid.cells])
    kept = [grid for grid in drawn if _is_table(_texts(grid, found.in_cells()))]
    if len(kept) < len(drawn):
        found = glyphs(page, [cell for grid in kept for cell in grid.cells])
    held = found.in_cells()
    return found.outside(), [_line(grid, held) for grid in kept]


def lines(found: Sequence[Segment], tables: Sequence[Line]) -> list[Line]:
    """The lines of a page with its tables among them; one that reaches over the page ends the columns above it."""
    left, right = min((s.left for s in found), default=0.0), max((s.right for s in found), default=0.0)
    across = _WIDE * (right - left)
    wide = sorted((t for t in tables if t.right - t.left > across), key=lambda line: -line.top)
    narrow = [table for table in tables if table.right - table.left <= across]
    placed: list[Line] = []
    rest = list(found)
    for table in [*wide, None]:
        end = float("-inf") if table is None else table.top
        above, rest = [s for s in rest if s.middle > end], [s for s in rest if s.middle <= end]
        inside, narrow = [t for t in narrow if t.top > end], [t for t in narrow if t.top <= end]
        column = placed[-1].column + 1 if placed else 0
        here = with_tables(pdflayout.lines(above), inside)
        for line in here:
            line.column += column
        placed += here
        if table is not None:
            table.column = placed[-1].column if placed else 0
            placed.append(table)
    return placed


def with_tables(found: Sequence[Line], tables: Sequence[Line]) -> list[Line]:
    """The lines of a page with its tables among them: each before the first line that stands below it."""
    placed = list(found)
    for table in sorted(tables, key=lambda line: -line.top):
        below = (at for at, line in enumerate(placed) if line.top <= table.bottom + 0.5 * line.size and _is_over(table, line))
        above = [at + 1 for at, line in enumerate(placed) if line.bottom >= table.top and _is_over(table, line)]
        at = next(below, above[-1] if above else len(placed))
        table.column = placed[min(at, len(placed) - 1)].column if placed else 0
        placed.insert(at, table)
    return placed


def _is_over(one: Line, other: Line) -> bool:
    return min(one.right, other.right) > max(one.left, other.left)


def _texts(grid: Grid, held: dict[Box, list[Segment]]) -> list[list[str]]:
    return [["" if cell is None else _text(held.get(cell, [])) for cell in row] for row in grid.rows]


def _text(segments: Sequence[Segment]) -> str:
    lines = pdflayout.lines(segments)
    return " ".join(pdflayout.joined([line.text for line in lines], ()).split()) if lines else ""


def _is_table(rows: list[list[str]]) -> bool:
    filled = [text for row in rows for text in row if text]
    columns = sum(any(row[i] for row in rows if i < len(row)) for i in range(max(map(len, rows))))
    enough = len(filled) >= _FILLED * sum(map(len, rows))
    return columns > 1 and sum(map(any, rows)) > 1 and enough and max(map(len, filled)) <= _LONGEST_CELL


def _line(grid: Grid, held: dict[Box, list[Segment]]) -> Line:
    text = "\n".join(filter(None, map(row_text, _texts(grid, held))))
    boxes, sizes = grid.cells, [s.size for cell in grid.cells for s in held.get(cell, [])]
    left, right = min(b[0] for b in boxes), max(b[2] for b in boxes)
    bottom, top = min(b[1] for b in boxes), max(b[3] for b in boxes)
    size = sorted(sizes)[len(sizes) // 2]
    return Line([Segment(text, left, right, bottom, top, size)], top=top, bottom=bottom, size=size, is_table=True)
