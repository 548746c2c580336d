"""OpenDocument spreadsheets (ODS), from their XML, zipped or flat: every cell as its sheet shows it."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from ingest.elements import Piece
from ingest.readers import numbers
from ingest.readers.base import Reading
from ingest.readers.odf import Odf
from ingest.readers.odfstyles import OFFICE, TABLE, TEXT
from ingest.readers.package import Node, elements, local, whole
from ingest.readers.sheets import Sheet, sheet_pieces

_GROUPS = frozenset(
    {"table-header-rows", "table-rows", "table-row-group", "table-header-columns", "table-columns", "table-column-group"}
)
_MOST_REPEATED = 1000
"""How often one row or cell with text is repeated; the rest is counted as lost."""
_MOST_ROWS = 1 << 20


def ods(content: bytes, uri: str) -> Reading:
    """Raises DocumentError: `protected`, `malformed` for what is no OpenDocument spreadsheet."""
    odf = Odf(content, uri)
    body = odf.body("spreadsheet")
    pieces = [piece for node in elements(body) if local(node) == "table" for piece in _sheet(odf, node)]
    about = odf.about()
    about.setdefault("title", posixpath.splitext(posixpath.basename(uri))[0])  # not the name of its first sheet
    return Reading(pieces, about, own_title=True, losses=odf.losses())


@dataclass(slots=True)
class _Place:
    row: int = 0
    column: int = 0
    is_conditional: bool = False  # conditions give some cells another look than their styles
    may_repeat: int = 200_000  # cells of this sheet that stand for more than one place: a few bytes can ask for millions


def _sheet(odf: Odf, table: Node) -> list[Piece]:
    name = str(table.get(f"{TABLE}name") or "")
    if odf.styles.says("table", table.get(f"{TABLE}style-name"), f"{TABLE}display") == "false":
        odf.lose("hidden_sheet", name)
        return []
    sheet, extra = Sheet(), list[Piece]()
    is_conditional = any(local(node) == "conditional-formats" for node in elements(table))
    _lines(odf, table, sheet, _Place(is_conditional=is_conditional), extra, hidden=False)
    sheet.settle()
    for what, count in sheet.unseen().items():
        odf.lose(what, name, count)
    return sheet_pieces(name, sheet, extra)


def _lines(odf: Odf, holder: Node, sheet: Sheet, place: _Place, extra: list[Piece], *, hidden: bool) -> None:
    for node in elements(holder):
        kind = local(node)
        gone = hidden or node.get(f"{TABLE}visibility", "visible") != "visible" or node.get(f"{TABLE}display") == "false"
        if kind in _GROUPS:
            _lines(odf, node, sheet, place, extra, hidden=gone)
        elif kind == "table-column":
            columns = whole(node.get(f"{TABLE}number-columns-repeated"), 1)
            if gone:
                sheet.hide_columns(place.column + 1, place.column + columns)
            place.column += columns
        elif kind == "table-row":
            repeated = max(whole(node.get(f"{TABLE}number-rows-repeated"), 1), 1)
            cells = _cells(odf, node, sheet, place, extra)
            shown = min(repeated, _MOST_REPEATED, 1 + place.may_repeat // len(cells)) if cells else 0
            place.may_repeat -= (shown - 1) * len(cells) if cells else 0
            for row in range(place.row + 1, place.row + 1 + shown):
                for column, text in cells.items():
                    sheet.put(row, column, text)
                if gone:
                    sheet.hide_row(row)
            odf.lose("repeated_row", "", repeated - shown if cells else 0)
            place.row = min(place.row + repeated, _MOST_ROWS)
        elif kind == "shapes":
            extra += odf.blocks(node)


def _cells(odf: Odf, row: Node, sheet: Sheet, place: _Place, extra: list[Piece]) -> dict[int, str]:
    found: dict[int, str] = {}
    column, at = 0, place.row + 1
    for cell in elements(row):
        repeated = max(whole(cell.get(f"{TABLE}number-columns-repeated"), 1), 1)
        if local(cell) == "table-cell":
            text = _text(odf, cell, sheet, extra, (at, column + 1))
            if text and not place.is_conditional and odf.styles.fades(cell.get(f"{TABLE}style-name")):
                odf.lose("hidden_text")
            elif text:
                shown = min(repeated, _MOST_REPEATED, 1 + place.may_repeat)
                place.may_repeat -= shown - 1
                odf.lose("repeated_cell", "", repeated - shown)
                found |= dict.fromkeys(range(column + 1, column + 1 + shown), text)
            across, down = (whole(cell.get(f"{TABLE}number-{what}-spanned"), 1) for what in ("columns", "rows"))
            if across > 1 or down > 1:
                sheet.merge(at, column + 1, at + down - 1, column + across)
        column += repeated
    return found


def _text(odf: Odf, cell: Node, sheet: Sheet, extra: list[Piece], at: tuple[int, int]) -> str:
    lines: list[str] = []
    for node in elements(cell):
        match local(node):
            case "p":
                lines.append(odf.words(node))
            case "annotation":
                sheet.note(*at, " ".join(odf.words(below) for below in elements(node) if local(below) in ("p", "list")))
            case _:
                extra += odf.blocks([node])
    text = "\n".join(lines)
    return text or _value(cell)


def _value(cell: Node) -> str:
    """What a cell shows that has a value and no text: programs other than LibreOffice leave it out."""
    match cell.get(f"{OFFICE}value-type"):
        case "float" | "percentage" | "currency" as kind:
            try:
                value = float(cell.get(f"{OFFICE}value", ""))
            except ValueError:
                return ""
            money = f" {cell.get(f'{OFFICE}currency')}" if kind == "currency" and cell.get(f"{OFFICE}currency") else ""
            return numbers.shown(value, "0.##%") if kind == "percentage" else f"{numbers.general(value)}{money}"
        case "date":
            return str(cell.get(f"{OFFICE}date-value", "")).replace("T", " ")
        case "time":
            return str(cell.get(f"{OFFICE}time-value", "")).removeprefix("PT").lower()
        case "boolean":
            return str(cell.get(f"{OFFICE}boolean-value", "")).upper()
        case "string":
            return str(cell.get(f"{OFFICE}string-value", ""))
    return str(cell.get(f"{TEXT}string-value") or "")
