"""The tables that are drawn on a PDF page with lines: their cells, from PDFium's own objects (milliseconds a page).

Lines are strokes and thin boxes. Where upright and level ones cross they are a grid; two of its fields without a line between
them are one cell. A grid whose cells are no rectangles is a drawing, and so is one that is only a frame.
"""

from __future__ import annotations

import ctypes
import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import Any

from ingest.readers.pdfcovered import Box, drawn_on, matrix_of

_THIN = 3.0
"""Points up to which a filled box is a line."""
_NEAR = 2.5
"""Points within which two lines are one, and a line reaches another."""
_SHORTEST = 5.0
_MOST_LINES = 4_000
_MOST_FIELDS = 10_000
_SQUARE, _MOST_SQUARES = 25.0, 200
"""Points of a side of the squares by which cells are looked up, and how many of them one reaches over at most."""

Line = tuple[float, float, float]
"""Where it lies, where it begins, where it ends."""
Row = tuple[Box | None, ...]


def grids(page: Any) -> list[tuple[Row, ...]]:
    """The grids of a pypdfium2 page: rows of cells from the top, None where a cell above or beside it reaches."""
    upright, level = _lines(page)
    if not (1 < len(upright) <= _MOST_LINES and 1 < len(level) <= _MOST_LINES):
        return []
    upright, level = _merged(upright), _merged(level)
    if len(upright) * len(level) > _MOST_FIELDS:
        return []
    found = (_grid(*lines) for lines in _crossing(upright, level))
    return [grid for grid in found if len(grid) > 1 and max(map(len, grid)) > 1]


def _lines(page: Any) -> tuple[list[Line], list[Line]]:
    import pypdfium2
    import pypdfium2.raw as raw

    upright: list[Line] = []
    level: list[Line] = []
    for drawn, matrix in drawn_on(page.raw, pypdfium2.PdfMatrix(), raw):
        if raw.FPDFPageObj_GetType(drawn) != raw.FPDF_PAGEOBJ_PATH:
            continue
        for x0, y0, x1, y1 in _strokes(drawn, matrix_of(drawn, raw).multiply(matrix), raw):
            if abs(x1 - x0) <= 1 and abs(y1 - y0) >= _SHORTEST:
                upright.append(((x0 + x1) / 2, min(y0, y1), max(y0, y1)))
            elif abs(y1 - y0) <= 1 and abs(x1 - x0) >= _SHORTEST:
                level.append(((y0 + y1) / 2, min(x0, x1), max(x0, x1)))
        if len(upright) > _MOST_LINES or len(level) > _MOST_LINES:
            break
    return upright, level


def _strokes(path: Any, matrix: Any, raw: Any) -> Iterator[tuple[float, float, float, float]]:
    """The straight lines that a path draws: its strokes, or the one that a thin filled box is."""
    mode, stroked = ctypes.c_int(), ctypes.c_int()
    if not raw.FPDFPath_GetDrawMode(path, ctypes.byref(mode), ctypes.byref(stroked)) or not (mode.value or stroked.value):
        return
    x, y = ctypes.c_float(), ctypes.c_float()
    points: list[tuple[float, float]] = []
    strokes: list[tuple[float, float, float, float]] = []
    begun: tuple[float, float] | None = None
    for n in range(min(raw.FPDFPath_CountSegments(path), _MOST_LINES)):
        segment = raw.FPDFPath_GetPathSegment(path, n)
        raw.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y))
        point = matrix.on_point(x.value, y.value)
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind == raw.FPDF_SEGMENT_BEZIERTO:
            return  # a rounded box, a drawing
        if kind == raw.FPDF_SEGMENT_MOVETO:
            begun = point
        else:
            strokes.append((*points[-1], *point))
        points.append(point)
        if begun is not None and raw.FPDFPathSegment_GetClose(segment):
            strokes.append((*point, *begun))
    if stroked.value:
        yield from strokes
    elif len(points) in range(4, 7):
        left, right, bottom, top = (f(p[n] for p in points) for n in (0, 1) for f in (min, max))
        if right - left <= _THIN < top - bottom:
            yield (left + right) / 2, bottom, (left + right) / 2, top
        elif top - bottom <= _THIN < right - left:
            yield left, (bottom + top) / 2, right, (bottom + top) / 2


def _merged(lines: list[Line]) -> list[Line]:
    """Lines that lie on each other, and those that go on where another ends, as one."""
    found: list[Line] = []
    for group in _groups(lines):
        at = sum(line[0] for line in group) / len(group)
        for _, begin, end in sorted(group, key=lambda line: line[1]):
            if found and found[-1][0] == at and begin <= found[-1][2] + _NEAR:
                found[-1] = (at, found[-1][1], max(found[-1][2], end))
            else:
                found.append((at, begin, end))
    return found


def _groups(lines: list[Line]) -> list[list[Line]]:
    groups: list[list[Line]] = []
    for line in sorted(lines):
        if groups and line[0] - groups[-1][0][0] <= _NEAR:
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _crossing(upright: list[Line], level: list[Line]) -> Iterator[tuple[list[Line], list[Line]]]:
    """The lines that hang together, by crossing or touching each other."""
    places = [line[0] for line in level]
    parent = list(range(len(upright) + len(level)))

    def root(n: int) -> int:
        while parent[n] != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    for n, (x, low, high) in enumerate(upright):
        for m in range(bisect_left(places, low - _NEAR), bisect_right(places, high + _NEAR)):
            if level[m][1] - _NEAR <= x <= level[m][2] + _NEAR:
                parent[root(len(upright) + m)] = root(n)
    together: defaultdict[int, tuple[list[Line], list[Line]]] = defaultdict(lambda: ([], []))
    for n, line in enumerate(upright):
        together[root(n)][0].append(line)
    for m, line in enumerate(level):
        together[root(len(upright) + m)][1].append(line)
    return (lines for lines in together.values() if len(lines[0]) > 1 and len(lines[1]) > 1)


def _grid(upright: Sequence[Line], level: Sequence[Line]) -> tuple[Row, ...]:
    """The cells between these lines; () where they are no rectangles."""
    xs, ys = sorted({line[0] for line in upright}), sorted({line[0] for line in level}, reverse=True)
    walls = {x: [line for line in upright if line[0] == x] for x in xs}
    floors = {y: [line for line in level if line[0] == y] for y in ys}
    owner: dict[tuple[int, int], tuple[int, int]] = {}
    rows: list[Row] = []
    for row, (top, bottom) in enumerate(pairwise(ys)):
        cells: list[Box | None] = []
        for column in range(len(xs) - 1):
            if (row, column) in owner:
                cells.append(None)
                continue
            right, below = column + 1, row + 1
            while right < len(xs) - 1 and not _is_between(walls[xs[right]], bottom, top):
                right += 1
            while below < len(ys) - 1 and not _is_between(floors[ys[below]], xs[column], xs[right]):
                below += 1
            field = [(r, c) for r in range(row, below) for c in range(column, right)]
            if any(place in owner for place in field) or not _is_closed(walls, floors, xs[column], ys[below], xs[right], top):
                return ()
            owner.update(dict.fromkeys(field, (row, column)))
            cells.append((xs[column], ys[below], xs[right], top))
        rows.append(tuple(cells))
    return tuple(rows)


def _is_closed(walls: Any, floors: Any, left: float, bottom: float, right: float, top: float) -> bool:
    sides = sum(_is_between(walls[x], bottom, top) for x in (left, right))
    return sides + sum(_is_between(floors[y], left, right) for y in (bottom, top)) == 4


def _is_between(lines: Sequence[Line], begin: float, end: float) -> bool:
    """Whether one of the lines reaches from the one to the other."""
    return any(line[1] <= begin + _NEAR and line[2] >= end - _NEAR for line in lines)


def by_place(cells: Sequence[Box]) -> dict[tuple[int, int], list[Box]]:
    """The cells by the squares of the page that they reach into."""
    found: dict[tuple[int, int], list[Box]] = {}
    for cell in cells:
        left, bottom, right, top = (math.floor(side / _SQUARE) for side in cell)
        for place in product(
            range(left, min(right, left + _MOST_SQUARES) + 1), range(bottom, min(top, bottom + _MOST_SQUARES) + 1)
        ):
            found.setdefault(place, []).append(cell)
    return found


def cell_at(cells: dict[tuple[int, int], list[Box]], box: Box) -> Box | None:
    """The cell that the middle of a character is in."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    near = cells.get((math.floor(x / _SQUARE), math.floor(y / _SQUARE)), ())
    return next((cell for cell in near if cell[0] <= x <= cell[2] and cell[1] <= y <= cell[3]), None)
