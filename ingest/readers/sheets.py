"""A sheet's cells as tables: what is hidden left out and counted, merged cells filled, tables told apart by empty lines."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from ingest.elements import Piece, row_text

_LONGEST_REPEATED = 100
_MOST_FILLED = 200_000
"""Places that merged cells may fill in one sheet, and rows looked at for it: a merge of a million rows is a slip of the mouse."""
_MOST_COMPARED = 10_000_000
_SPARSE = 20
_FAR = 1 << 30

Cells = dict[int, dict[int, str]]


@dataclass(slots=True)
class Sheet:
    """Cells by row and column (from 1), as shown; what of them is hidden or merged.

    All are put, then `settle` is called once, then it is asked what is shown and what is hidden.
    """

    cells: Cells = field(default_factory=dict)
    margins: list[str] = field(default_factory=list)
    uncalculated: int = 0
    covered: int = 0
    """Cells with text that lie under a merged cell."""
    faint: set[tuple[int, int]] = field(default_factory=set)
    """Cells whose own style gives their text the colour of its ground."""
    painted: list[tuple[int, int, int, int]] = field(default_factory=list)
    """Ranges that have another ground than their cells' styles say."""
    unseen_text: int = 0
    pictures: int = 0
    """Pictures that are a cell's value."""
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    notes: dict[tuple[int, int], str] = field(default_factory=dict)
    _rows: set[int] = field(default_factory=set)
    _columns: list[tuple[int, int]] = field(default_factory=list)
    _index: tuple[Sequence[int], list[int]] | None = None

    def put(self, row: int, column: int, text: str) -> None:
        if text.strip():
            self.cells.setdefault(row, {})[column] = text

    def note(self, row: int, column: int, text: str) -> None:
        """A note or comment on a cell; of several, each."""
        if text.strip():
            before = self.notes.get((row, column), "")
            self.notes[row, column] = f"{before}\n{text.strip()}".strip()

    def hide_row(self, row: int) -> None:
        self._rows.add(row)

    def hide_columns(self, first: int, last: int) -> None:
        self._columns.append((first, last))
        self._index = None

    def merge(self, top: int, left: int, bottom: int, right: int) -> None:
        """The cells of this range (from 1, both ends in it) are one."""
        if 0 < top <= bottom and 0 < left <= right:
            self.merged.append((top, left, bottom, right))

    def unseen(self) -> dict[str, int]:
        """How many rows, columns and covered cells that have text nobody sees."""
        rows = sum(bool(self.cells.get(row)) for row in self._rows)
        return {"hidden_row": rows, "hidden_column": len(self._gone()), "covered_cell": self.covered}

    def _gone(self) -> set[int]:
        """The columns that have text and are hidden."""
        return self._hidden({column for row in self.cells.values() for column in row})

    def _hidden(self, columns: Iterable[int]) -> set[int]:
        if not self._columns:
            return set()
        if self._index is None:
            begins, ends = zip(*sorted(self._columns), strict=True)
            self._index = begins, list(accumulate(ends, max))
        starts, furthest = self._index
        return {column for column in columns if (at := bisect_right(starts, column)) and furthest[at - 1] >= column}

    def noted(self) -> list[Piece]:
        """The notes on cells that are not hidden, each behind the name of its cell (`B2: …`)."""
        gone = self._hidden({column for _, column in self.notes})
        shown = (at for at in self.notes if at[0] not in self._rows and at[1] not in gone)
        return [Piece("text", f"{reference(*at)}: {self.notes[at]}") for at in shown]

    def shown(self) -> Cells:
        """The cells that are not hidden, where they are seen: what lies on both sides of hidden lines is adjacent."""
        gone, hidden = self._gone(), sorted(self._rows)
        used = sorted({column for row in self.cells.values() for column in row} - gone)
        places = self._seen_at(used)
        rows = ((row - bisect_left(hidden, row), self.cells[row]) for row in sorted(self.cells) if row not in self._rows)
        kept = ((row, {places[column]: cells[column] for column in sorted(cells) if column not in gone}) for row, cells in rows)
        return {row: cells for row, cells in kept if cells}

    def _seen_at(self, used: Sequence[int]) -> dict[int, int]:
        """Where these columns, which are not hidden and in order, are seen: hidden ones before them take no place."""
        found: dict[int, int] = {}
        ranges, reached, hidden = iter(sorted(self._columns)), 0, 0
        first, last = next(ranges, (_FAR, _FAR))
        for column in used:
            while first < column:
                hidden += max(0, last - max(first - 1, reached))
                reached = max(reached, last)
                first, last = next(ranges, (_FAR, _FAR))
            found[column] = column - hidden
        return found

    def fade(self, painted: Sequence[tuple[int, int, int, int]]) -> None:
        """Take away what has the colour of its ground, where nothing else (a table's style, a condition) may give it another."""
        if len(self.faint) * len(painted) > _MOST_COMPARED:
            return
        for row, column in self.faint:
            if not any(top <= row <= bottom and left <= column <= right for top, left, bottom, right in painted):
                del self.cells[row][column]
                self.unseen_text += 1
        self.cells = {row: cells for row, cells in self.cells.items() if cells}

    def settle(self) -> None:
        """Merged cells as they are seen, once all cells are put: only their first, and where that is hidden, in their first
        place that is not; then in every place that they cover. Before anything hidden is counted."""
        left_to_fill = _MOST_FILLED
        used = sorted(self.cells)
        for top, left, bottom, right in self.merged:
            text = self.cells.get(top, {}).get(left, "")
            rows = used[bisect_right(used, top - 1) : bisect_right(used, bottom)]
            if not rows:
                continue
            columns = range(left, min(right, left + 255) + 1)
            gone = self._hidden(columns)
            row = next((row for row in range(top, min(bottom, top + 255) + 1) if row not in self._rows), top)
            column = next((column for column in columns if column not in gone), left)
            if text and (row, column) != (top, left):
                del self.cells[top][left]
                self.covered += column in self.cells.setdefault(row, {})
                self.cells[row][column] = text
            for at in rows:
                cells = self.cells[at]
                left_to_fill -= 1 + len(cells)
                if left_to_fill <= 0:
                    return
                for covered in [c for c in cells if left <= c <= right and (at, c) != (row, column)]:
                    del cells[covered]
                    self.covered += 1
                # A row that has nothing but the merged cell stays empty: it is the height of a heading.
                if not text or len(text) > _LONGEST_REPEATED or (at == row and len(cells) == 1) or not cells:
                    continue
                for place in columns:
                    if place not in gone:
                        cells.setdefault(place, text)
                    left_to_fill -= 1


def reference(row: int, column: int) -> str:
    """The name of a cell (both from 1): row 2 of column 27 is AA2."""
    letters = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"


def sheet_pieces(name: str, sheet: Sheet, extra: Iterable[Piece] = ()) -> list[Piece]:
    """A title (the sheet's name), its tables, what else lies on it, its notes; nothing for a sheet without text."""
    tables = [_piece(block) for rows in _between_empty_rows(sheet.shown()) for block in _between_empty_columns(rows)]
    margins = [Piece("other", text) for text in dict.fromkeys(sheet.margins)]
    found = [*(piece for piece in tables if piece.text), *extra, *sheet.noted(), *margins]
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
