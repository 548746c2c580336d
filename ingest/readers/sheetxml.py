"""Excel's spreadsheets of 2003 in one XML file (SpreadsheetML), which web applications still write and call `.xls`.

As XLSX: each visible sheet under its name, cells as they are shown, hidden rows, columns and sheets out and said.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from datetime import datetime

from ingest import properties
from ingest.elements import Piece
from ingest.readers import numbers
from ingest.readers.base import Loss, Reading, malformed
from ingest.readers.package import Node, child, elements, local, whole, xml_of
from ingest.readers.sheets import Sheet, sheet_pieces

_SS = "{urn:schemas-microsoft-com:office:spreadsheet}"
_MOST = 1 << 20
_EPOCH = datetime(1899, 12, 30)
_FORMATS = {
    "General Date": numbers.BUILT_IN.get(22, numbers.GENERAL),
    "Short Date": numbers.BUILT_IN.get(14, numbers.GENERAL),
    "Long Date": "dddd, mmmm d, yyyy",
    "Medium Date": "d-mmm-yy",
    "Long Time": "h:mm:ss AM/PM",
    "Medium Time": "h:mm AM/PM",
    "Short Time": "h:mm",
    "Currency": "$#,##0.00",
    "Euro Currency": '"€"#,##0.00',
    "Fixed": "0.00",
    "Standard": "#,##0.00",
    "Percent": "0.00%",
    "Scientific": "0.00E+00",
}
"""The names that the format has for some of its formats."""
_ABOUT = {"Title": "title", "Author": "author", "LastSaved": "last_modified", "Created": "date"}


def sheet_xml(content: bytes, uri: str) -> Reading:
    """Raises DocumentError `malformed` for another document."""
    root = xml_of(content, uri)
    if local(root) != "Workbook":
        raise malformed(uri, "is no Excel workbook")
    styles = {_said(style, "ID"): _format(style) for style in root.iter(f"{_SS}Style")}
    pieces: list[Piece] = []
    losses: list[Loss] = []
    for sheet in root.iter(f"{_SS}Worksheet"):
        name = _said(sheet, "Name")
        visible = child(sheet, "WorksheetOptions", "Visible")
        if visible is not None and str(visible.text or "").strip() in ("SheetHidden", "SheetVeryHidden"):
            losses.append(Loss("hidden_sheet", 1, name))
            continue
        cells = _cells(child(sheet, "Table"), styles)
        cells.settle()
        losses += [Loss(what, count, name) for what, count in cells.unseen().items() if count]
        pieces += sheet_pieces(name, cells)
    about = child(root, "DocumentProperties")
    known = {_ABOUT[local(n)]: n.text for n in elements(about) if local(n) in _ABOUT} if about is not None else {}
    named = properties.named(**known)
    named.setdefault("title", posixpath.splitext(posixpath.basename(uri))[0])  # not the name of its first sheet
    return Reading(pieces, named, own_title=True, losses=tuple(losses))


def _cells(table: Node | None, styles: dict[str, str]) -> Sheet:
    sheet = Sheet()
    for name, node, at in _placed(table, ("Column", "Row")):
        if _said(node, "Hidden") == "1" or _said(node, "Width" if name == "Column" else "Height") == "0":
            last = at + whole(_said(node, "Span"), 0)
            if name == "Column":
                sheet.hide_columns(at, last)
            else:
                for row in range(at, min(last, _MOST) + 1):
                    sheet.hide_row(row)
        for _, cell, column in _placed(node, ("Cell",)) if name == "Row" else ():
            data, note = child(cell, "Data"), child(cell, "Comment", "Data")
            sheet.put(at, column, "" if data is None else _shown(data, styles.get(_said(cell, "StyleID"), numbers.GENERAL)))
            sheet.note(at, column, "" if note is None else "".join(note.itertext()))
            across, down = (whole(_said(cell, f"Merge{way}"), 0, _MOST) for way in ("Across", "Down"))
            if across > 0 or down > 0:
                sheet.merge(at, column, at + down, column + across)
    return sheet


def _placed(holder: Node | None, names: tuple[str, ...]) -> Iterator[tuple[str, Node, int]]:
    """The children of these names with their place: the next one, or what they say."""
    places = dict.fromkeys(names, 0)
    for node in elements(holder) if holder is not None else ():
        if (name := local(node)) in places:
            at = whole(_said(node, "Index"), places[name] + 1, _MOST)
            step = whole(_said(node, f"{'MergeAcross' if name == 'Cell' else 'Span'}"), 0, _MOST)
            places[name] = at + max(step, 0)
            yield name, node, at


def _said(node: Node, name: str) -> str:
    return str(node.get(f"{_SS}{name}") or "")


def _format(style: Node) -> str:
    found = child(style, "NumberFormat")
    code = "" if found is None else _said(found, "Format")
    return _FORMATS.get(code, code) or numbers.GENERAL


def _shown(data: Node, code: str) -> str:
    text = "".join(data.itertext())
    match _said(data, "Type"):
        case "Number":
            try:
                return numbers.shown(float(text), code)
            except (ValueError, OverflowError):
                return text
        case "DateTime":
            return _moment(text, code)
        case "Boolean":
            return "TRUE" if text.strip() == "1" else "FALSE"
    return numbers.text_shown(text, code)


def _moment(text: str, code: str) -> str:
    try:
        days = (datetime.fromisoformat(text.strip()).replace(tzinfo=None) - _EPOCH).total_seconds() / 86400
    except ValueError:
        return text
    return numbers.shown(days, code) if numbers.is_date(code) else text.strip().replace("T", " ").removesuffix(" 00:00:00.000")
