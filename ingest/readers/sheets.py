"""A sheet's cells as tables: what is hidden left out and counted, merged cells filled, tables told apart by empty lines."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from ingest.elements import Piece, row_text

_LONGEST_REPEATED = 100
_MOST_FILLED = 200_000
"""Places that merged cells may fill in one sheet, and rows looked at for it: a merge of a million rows is a slip of the mouse."""

_SPARSE = 20

Cells = dict[int, dict[int, str]]


@dataclass(slots=True)
class Sheet:
    """Cells by row and column (from 1), as shown; what of them is hidden or merged."""

    cells: Cells = field(default_factory=dict)
    margins: list[str] = field(default_factory=list)
    uncalculated: int = 0
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    _rows: set[int] = field(default_factory=set)
    _columns: list[tuple[int, int]] = field(default_factory=list)

    def put(self, row: int, column: int, text: str) -> None:
        if text.strip():
            self.cells.setdefault(row, {})[column] = text

    def hide_row(self, row: int) -> None:
        self._rows.add(row)

    def hide_columns(self, first: int, last: int) -> None:
        self._columns.append((first, last))

    def merge(self, top: int, left: int, bottom: int, right: int) -> None:
        """The cells of this range (from 1, both ends in it) are one."""
        if 0 < top <= bottom and 0 < left <= right:
            self.merged.append((top, left, bottom, right))

    @property
    def hidden_rows(self) -> int:
        """Hidden rows that have text."""
        return sum(bool(self.cells.get(row)) for row in self._rows)

    @property
    def hidden_columns(self) -> int:
        """Hidden columns that have text."""
        return len(self._gone())

    def _gone(self) -> set[int]:
        """The columns that have text and are hidden."""
        if not self._columns:
            return set()
        begins, ends = zip(*sorted(self._columns), strict=True)
        furthest = list(accumulate(ends, max))
        used = {column for row in self.cells.values() for column in row}
        return {column for column in used if (at := bisect_right(begins, column)) and furthest[at - 1] >= column}

    def shown(self) -> Cells:
        """The cells that are not hidden, with merged ones filled."""
        self._fill()
        gone = self._gone()
        rows = ((row, self.cells[row]) for row in sorted(self.cells) if row not in self._rows)
        kept = ((row, {column: cells[column] for column in sorted(cells) if column not in gone}) for row, cells in rows)
        return {row: cells for row, cells in kept if cells}

    def _fill(self) -> None:
        left_to_fill = _MOST_FILLED
        used = sorted(self.cells)
        for top, left, bottom, right in self.merged:
            text = self.cells.get(top, {}).get(left, "")
            if not text or len(text) > _LONGEST_REPEATED:
                continue
            rows = used[bisect_right(used, top - 1) : bisect_right(used, bottom)]
            # A row that has nothing but the merged cell stays empty: it is the height of a heading.
            for row in rows:
                cells = self.cells[row]
                left_to_fill -= 1
                if left_to_fill <= 0:
                    return
                if row == top and len(cells) == 1:
                    continue
                for column in range(left, min(right, left + 255) + 1):
                    cells.setdefault(column, text)
                    left_to_fill -= 1


def sheet_pieces(name: str, sheet: Sheet, extra: Iterable[Piece] = ()) -> list[Piece]:
    """A title (the sheet's name), its tables, and what else lies on it; nothing for a sheet without text."""
    tables = [_piece(block) for rows in _between_empty_rows(sheet.shown()) for block in _between_empty_columns(rows)]
    margins = [Piece("other", text) for text in dict.fromkeys(sheet.margins)]
    found = [*(piece for piece in tables if piece.text), *extra, *margins]
    return [Piece("title", " ".join(name.split())), *found] if found and name.strip() else found


Row = tuple[int, dict[int, str]]


def _between_empty_rows(cells: Cells) -> list[list[Row]]:
    blocks: list[list[Row]] = []
    before = -1
    for row, line in cells.items():
        if row != before + 1:
            blocks.append([])
        blocks[-1].append((row, line))
        before = row
    return blocks


def _between_empty_columns(rows: Sequence[Row]) -> list[list[list[str]]]:
    """Tables side by side; each as rows of texts, one for each of its columns that has any."""
    used = sorted({column for _, line in rows for column in line})
    cells = sum(len(line) for _, line in rows)
    if len(rows) * len(used) > _SPARSE * cells + 10_000:  # almost all of it is empty: places say nothing
        return [[list(line.values()) for _, line in rows]]
    groups: list[tuple[int, int]] = []
    for column in used:
        if groups and column <= groups[-1][1] + 1:
            groups[-1] = (groups[-1][0], column)
        else:
            groups.append((column, column))
    if len(groups) > 1 and not _are_tables(rows, groups):
        groups = [(used[0], used[-1])]
    if len(groups) == 1:
        return [[[line.get(column, "") for column in used] for _, line in rows]]
    found = []
    for first, last in groups:
        lines = [[line.get(c, "") for c in range(first, last + 1)] for _, line in rows]
        found.append([line for line in lines if any(line)])
    return found


def _are_tables(rows: Sequence[Row], groups: Sequence[tuple[int, int]]) -> bool:
    """Whether each group of columns is a table of its own: a single column beside an empty one is a column of the same table."""
    return len(rows) > 1 and all(last > first for first, last in groups)


def _piece(lines: list[list[str]]) -> Piece:
    if len(lines) == 1 and sum(map(bool, lines[0])) == 1:
        return Piece("text", row_text(filter(None, lines[0])))
    return Piece("table", "\n".join(filter(None, map(row_text, lines))))
