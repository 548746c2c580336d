"""XLS (Excel 97 to 2003, and 5.0/95), through xlrd: cells as shown, like those of XLSX; and what xlrd leaves out.

Xlrd gives cells, formats, what is hidden and notes. Text boxes and the words of charts are read here from the records
([MS-XLS] 2.4.329 TxO, 2.4.254 SeriesText).
"""

from __future__ import annotations

import io
import posixpath
import struct
from collections.abc import Iterator
from typing import Any

from ingest import properties
from ingest.elements import Piece
from ingest.formats import OLE
from ingest.readers import numbers
from ingest.readers.base import Loss, Reading, protected
from ingest.readers.sheets import Sheet, sheet_pieces

_BOUNDSHEET, _BOF, _TXO, _CONTINUE, _SERIES_TEXT = 0x85, 0x809, 0x1B6, 0x3C, 0x100D


def xls(content: bytes, uri: str) -> Reading:
    """Raises DocumentError `protected`; what xlrd raises for what is no workbook."""
    import xlrd

    if content.startswith(OLE) and "EncryptedPackage".encode("utf-16-le") in content:
        raise protected(uri)
    book: Any = xlrd.open_workbook(file_contents=content, formatting_info=True, logfile=io.StringIO())
    drawn = _drawn(content)
    pieces: list[Piece] = []
    losses: list[Loss] = []
    for number in range(book.nsheets):
        page: Any = book.sheet_by_index(number)
        if page.visibility:
            losses.append(Loss("hidden_sheet", 1, page.name))
            continue
        sheet = _sheet(book, page)
        for (row, column), note in sorted(page.cell_note_map.items()):
            sheet.note(row + 1, column + 1, note.text)
        extra = [Piece("text", text) for text in drawn.get(page.name, []) if text not in sheet.notes.values()]
        sheet.settle()
        losses += [Loss(what, count, page.name) for what, count in sheet.unseen().items() if count]
        pieces += sheet_pieces(page.name, sheet, extra)
    named = {book.sheet_by_index(number).name for number in range(book.nsheets)}
    for name, texts in drawn.items():  # sheets that are charts
        if name not in named and texts:
            pieces += [Piece("title", name or "Chart"), *(Piece("text", text) for text in texts)]
    about = properties.of_ole(content)
    about.setdefault("title", posixpath.splitext(posixpath.basename(uri))[0])  # not the name of its first sheet
    return Reading(pieces, about, own_title=True, losses=tuple(losses))


def _sheet(book: Any, page: Any) -> Sheet:
    sheet = Sheet()
    for row in range(page.nrows):
        for column, cell in enumerate(page.row(row)):
            if text := _shown(book, cell):
                sheet.put(row + 1, column + 1, text)
        if page.rowinfo_map[row].hidden if row in page.rowinfo_map else page.default_row_hidden:
            sheet.hide_row(row + 1)
    for column, about in page.colinfo_map.items():
        if about.hidden:
            sheet.hide_columns(column + 1, column + 1)
    for top, bottom, left, right in page.merged_cells:
        sheet.merge(top + 1, left + 1, bottom, right)
    return sheet


def _shown(book: Any, cell: Any) -> str:
    import xlrd

    code = book.format_map[book.xf_list[cell.xf_index].format_key].format_str if cell.xf_index is not None else numbers.GENERAL
    match cell.ctype:
        case xlrd.XL_CELL_TEXT:
            return numbers.text_shown(str(cell.value), code)
        case xlrd.XL_CELL_NUMBER | xlrd.XL_CELL_DATE:
            key = book.xf_list[cell.xf_index].format_key if cell.xf_index is not None else 0
            return numbers.shown(float(cell.value), numbers.BUILT_IN.get(key, code), from_1904=book.datemode == 1)
        case xlrd.XL_CELL_BOOLEAN:
            return "TRUE" if cell.value else "FALSE"
        case xlrd.XL_CELL_ERROR:
            return str(xlrd.error_text_from_code.get(cell.value, "#ERROR!"))
    return ""


def _drawn(content: bytes) -> dict[str, list[str]]:
    """Sheet → texts of its text boxes and charts (of notes too), in the file's order."""
    import olefile

    if not content.startswith(OLE):
        return {}
    with olefile.OleFileIO(content) as ole:
        stream = next((name for name in ("Workbook", "Book") if ole.exists(name)), "")
        data = ole.openstream(stream).read() if stream else b""
    places: dict[int, str] = {}
    found: dict[str, list[str]] = {}
    sheet, waiting = "", 0
    for at, kind, body in _records(data):
        if kind == _BOUNDSHEET and len(body) > 8:
            places[struct.unpack_from("<I", body)[0]] = _string(body[6:])
        elif kind == _BOF:
            sheet = places.get(at, sheet)
        elif kind == _TXO and len(body) >= 12:
            waiting = struct.unpack_from("<H", body, 10)[0]
        elif kind == _CONTINUE and waiting and body:
            text = body[1:].decode("utf-16-le" if body[0] & 1 else "latin-1", "replace")[:waiting]
            found.setdefault(sheet, []).append(" ".join(text.replace("\0", "").split()))
            waiting -= len(text) if len(text) < waiting else waiting
        elif kind == _SERIES_TEXT and len(body) > 4 and (text := _string(body[2:]).strip()):
            found.setdefault(sheet, []).append(text)
    return found


def _records(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        kind, size = struct.unpack_from("<HH", data, at)
        yield at, kind, data[at + 4 : at + 4 + size]
        at += 4 + size


def _string(body: bytes) -> str:
    size, wide = body[0], body[1] & 1
    return body[2 : 2 + size * (1 + wide)].decode("utf-16-le" if wide else "latin-1", "replace")
