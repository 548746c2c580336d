"""HTML tables: which of them hold rows of cells, and those as lines of text, with cells that span repeated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ingest.elements import row_text
from ingest.markup import Node, says

_ROWS = frozenset(("tr", "thead", "tbody", "tfoot"))
_GRID = _ROWS | {"caption", "colgroup", "col"}
_STRUCTURE = "boolean(.//table)"
_HEADED = " or ".join(f"boolean(.//{name})" for name in ("h1", "h2", "h3", "h4", "h5", "h6", "pre"))
_HEADINGS = ".//h1|.//h2|.//h3|.//h4|.//h5|.//h6|.//pre"
_CELLS = frozenset(("cell", "gridcell", "columnheader", "rowheader"))
_TABLES = frozenset(("table", "grid", "treegrid", "heading"))
_APART = frozenset(("table", "pre", "h1", "h2", "h3", "h4", "h5", "h6"))
_WIDEST = 1000
_MOST_REPEATED = 20


def is_layout(table: Node) -> bool:
    """Whether a table arranges a page (or was never closed) instead of holding rows of cells."""
    if says(table.text) or table.xpath(_STRUCTURE) or (table.xpath(_HEADED) and not _has_headed_cells(table)):
        return True
    if any(child.tag not in _GRID or says(child.tail) for child in table):
        return True
    for row in table.iter(*_ROWS):
        if says(row.text) or any(child.tag not in ("td", "th", *_ROWS) or says(child.tail) for child in row):
            return True
    rows = [row.xpath("./td|./th") for row in table.iter("tr")]
    if table.find(".//th") is not None or any(sum(says(cell.text_content()) for cell in row) > 1 for row in rows):
        return False
    return sum(sum(map(_says, row)) > 1 for row in rows) < 2  # a logo beside a name is no table, ticks below each other are


def _says(cell: Node) -> bool:
    """Whether a cell has text, or a picture of which somebody said what it shows."""
    return says(cell.text_content()) or any(says(picture.get("alt")) for picture in cell.iter("img"))


def _has_headed_cells(table: Node) -> bool:
    """Whether headings and code stand in a table's cells as their text: each all of its cell, and of one line."""
    rows = [[cell for cell in row.xpath("./td|./th") if _says(cell)] for row in table.iter("tr")]
    if sum(len(row) > 1 for row in rows) < 2:
        return False
    for node in table.xpath(_HEADINGS):
        cell = next((above for above in node.iterancestors("td", "th")), None)
        text = node.text_content().strip()
        if cell is None or "\n" in text or cell.text_content().strip() != text:
            return False
    return True


def rows_by_role(node: Node) -> list[list[Node]]:
    """The cells of each row of a table that only attributes make one (WAI-ARIA); none where tables or headings are within it."""
    rows: list[list[Node]] = []
    waiting = list(reversed(node))
    while waiting:
        at = waiting.pop()
        role = at.get("role") if isinstance(at.tag, str) else None
        if role in _CELLS:
            if any(below.tag in _APART or below.get("role") in _CELLS | {"row"} for below in at.iterdescendants("*")):
                return []
            if rows:
                rows[-1].append(at)
            continue
        if role == "row":
            rows.append([])
        elif role in _TABLES or at.tag in _APART:
            return []
        waiting += reversed(at)
    return rows


def table_text(table: Node, text_of: Callable[[Node], str]) -> str:
    """A line for the caption and each row; a cell that spans rows or columns stands in each of them.

    A cell alone in its row is said once, however wide. What repeats is at most twenty times the table's own text.
    """
    lines = [text_of(caption) for caption in table.iter("caption")]
    rows = [(row, [(cell, text_of(cell)) for cell in row.xpath("./td|./th")]) for row in _in_order(table)]
    if not any(cell.get("rowspan") or cell.get("colspan") for _, cells in rows for cell, _ in cells):
        return "\n".join(filter(None, [*lines, *(row_text(text for _, text in cells) for _, cells in rows)]))
    filler = _Filler(rows)
    above: Node | None = None
    for row, cells in rows:
        if row.getparent() is not above:
            above = row.getparent()
            filler.hanging = {}  # a cell does not reach out of its thead, tbody or tfoot
        lines.append(row_text(filler.line(cells)))
    return "\n".join(filter(None, lines))


def _in_order(table: Node) -> list[Node]:
    """The rows as they are shown: those of its head first, those of its foot last, wherever they are written."""
    places = {"thead": 0, "tfoot": 2}
    return sorted(table.iter("tr"), key=lambda row: places.get(str(row.getparent().tag), 1))


class _Filler:
    """Rows one after the other; `hanging` is what reaches down into the next: column → its text, and for how many rows."""

    def __init__(self, rows: Sequence[tuple[Node, Sequence[tuple[Node, str]]]]) -> None:
        self.hanging: dict[int, tuple[str, int]] = {}
        self._rows = len(rows)
        self._widest = 2 * max((len(cells) for _, cells in rows), default=0)
        self._budget = 10_000 + _MOST_REPEATED * sum(len(text) for _, cells in rows for _, text in cells)

    def line(self, cells: Sequence[tuple[Node, str]]) -> list[str]:
        from_above, self.hanging = self.hanging, {}
        line: list[str] = []
        is_alone = len(cells) == 1 and not from_above
        for cell, text in cells:
            self._hang(line, from_above)
            across = 1 if is_alone else min(_span(cell.get("colspan")), max(1, self._widest - len(line)))
            down = _span(cell.get("rowspan"), self._rows)
            for repeat in range(across):
                if repeat and len(line) in from_above:
                    break
                if down > 1:
                    self.hanging[len(line)] = (text, down - 1)
                line.append(self._repeated(text) if repeat else text)
        self._hang(line, from_above)
        for column in sorted(from_above):  # beyond a gap: the row is shorter than what hangs into it
            line += [""] * (column - len(line))
            self._hang(line, from_above)
        return line

    def _hang(self, line: list[str], from_above: dict[int, tuple[str, int]]) -> None:
        while len(line) in from_above:
            text, rows = from_above.pop(len(line))
            if rows > 1:
                self.hanging[len(line)] = (text, rows - 1)
            line.append(self._repeated(text))

    def _repeated(self, text: str) -> str:
        self._budget -= len(text) + 3
        return text if self._budget > 0 else ""


def _span(written: str | None, rest: int = 1) -> int:
    """How far a cell reaches; 0 means to the end."""
    text = (written or "").strip()
    if not (text.isdecimal() and text.isascii()):
        return 1
    return min(int(text[:6]), _WIDEST) or rest
