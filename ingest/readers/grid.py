"""Tables with merged cells as lines of text: a merged cell stands in every place that it covers, so that each row says it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ingest.elements import Piece, row_text

_LONGEST_REPEATED = 100
"""A merged cell with more text than this (characters) is no label: it stands once."""
_WIDEST = 256
_REPEATS = 4
"""How much text merged cells may repeat for each character of the table: a few bytes can ask for a thousand places."""


@dataclass(slots=True)
class Grid:
    """Cells by place; one that others cover (`down`, `across`) is repeated there, never in a taken place."""

    _rows: list[dict[int, tuple[int, str]]] = field(default_factory=list)
    _pending: dict[int, tuple[int, int, str]] = field(default_factory=dict)  # column → rows left, cell, text
    _cells: int = 0
    _may_repeat: int = 5000

    def row(self, cells: Iterable[tuple[str, int, int]], before: int = 0) -> None:
        """The next row: each cell's text with how many columns and rows it covers; `before`: columns left out at its start."""
        placed: dict[int, tuple[int, str]] = {}
        for column, (left, cell, text) in list(self._pending.items()):
            placed[column] = (cell, self._again(text))
            if left > 1:
                self._pending[column] = (left - 1, cell, text)
            else:
                del self._pending[column]
        column = before
        for text, across, down in cells:
            while column in placed:
                column += 1
            self._cells += 1
            self._may_repeat += _REPEATS * len(text)
            repeated = text if len(text) <= _LONGEST_REPEATED else ""
            for place in range(column, column + max(1, min(across, _WIDEST))):
                said = text if place == column else self._again(repeated)
                placed.setdefault(place, (self._cells, said))
                if down > 1:
                    self._pending[place] = (down - 1, self._cells, repeated)
            column += max(1, min(across, _WIDEST))
        self._rows.append(placed)

    def _again(self, text: str) -> str:
        self._may_repeat -= len(text)
        return text if self._may_repeat > 0 else ""

    def lines(self) -> list[str]:
        """Each row that has text as a line; a row that one cell fills says it once."""
        lines: list[str] = []
        for placed in self._rows:
            cells = [placed.get(column, (0, "")) for column in range(max(placed, default=-1) + 1)]
            if len({cell for cell, _ in cells}) == 1 and len(self._rows) > 1:
                cells = cells[:1]
            if line := row_text(text for _, text in cells):
                lines.append(line)
        return lines

    def or_its_pieces(self, cells: Sequence[Sequence[Piece]], page: int | None = None) -> list[Piece]:
        """The table as a piece; or the pieces in its cells, one after the other, where it only arranges a page.

        It does when a cell holds a heading, when a single row or column holds a table, and when its only column holds
        more than lines. A table within a cell of another table is text of that cell.
        """
        inside = [piece for cell in cells for piece in cell]
        widest = max((len({cell for cell, _ in placed.values()}) for placed in self._rows), default=0)
        is_single = widest == 1 or sum(map(bool, self._rows)) == 1
        has_table = any(piece.kind == "table" for piece in inside)
        if any(piece.kind == "title" for piece in inside) or (is_single and has_table):
            return inside
        if widest == 1 and any(len(cell) > 1 for cell in cells):
            return inside
        return self.piece(page)

    def piece(self, page: int | None = None) -> list[Piece]:
        """The table as a piece; none where no cell has text."""
        lines = self.lines()
        return [Piece("table", "\n".join(lines), page=page)] if lines else []
