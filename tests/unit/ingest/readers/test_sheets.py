"""Spreadsheets: XLSX, ODS and XLS give what their sheets show."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.table import Table, TableStyleInfo

from ingest.readers import numbers
from ingest.readers.xlsx import xlsx
from sluice.errors import DocumentError
from sluice.records import Document
from tests.unit.ingest.office_files import P_NAMES, chart, odf, relations, said, workbook, zipped
from tests.unit.ingest.old_files import xls
from tests.unit.ingest.reading import holds, losses, read

DATA = Path(__file__).parent / "data"
BLUE = (
    '<numFmts><numFmt numFmtId="170" formatCode="0.00&quot; kg&quot;"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
    '<xf numFmtId="9"/><xf numFmtId="170"/><xf numFmtId="4"/></cellXfs>'
)


def saved(fill: Any) -> bytes:
    book = openpyxl.Workbook()
    fill(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def filled(rows: list[list[Any]], name: str = "Sheet") -> bytes:
    def fill(book: Any) -> None:
        book.active.title = name
        for row in rows:
            book.active.append(row)

    return saved(fill)


def c(place: str, kind: str, inside: str, style: int = 0) -> str:
    return f'<c r="{place}" t="{kind}" s="{style}">{inside}</c>'


def rows(*lines: str) -> str:
    return "<sheetData>" + "".join(f'<row r="{n}">{line}</row>' for n, line in enumerate(lines, 1)) + "</sheetData>"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from(["NA", "null", "None", "nan", "N/A", "TRUE", "007", "1e5", "#N/A", "Ä b"]), max_size=4),
        max_size=5,
    )
)
def test_every_cell_is_shown_as_written(table: list[list[str]]) -> None:
    """Words that libraries take for nothing, and numbers that are text, in any place of any table."""
    document = read(filled([[f"h{n}" for n in range(4)], *table]), "a.xlsx")
    holds(document)
    lines = document.text.split("\n")[3:]
    assert [line.split(" | ") for line in lines if line] == [row for row in table if row]


@pytest.mark.parametrize(
    ("value", "code", "expected"),
    [
        (1234.5, "General", "1234.5"), (12345678901234570.0, "General", "12345678901234570"), (1e-7, "General", "0.0000001"),
        (0.1 + 0.2, "General", "0.3"), (1 / 3, "General", "0.333333333"), (7.0, "General", "7"), (1e22, "General", "1E+22"),
        (1234.5, "#,##0.00", "1,234.50"), (0.256, "0.0%", "25.6%"), (-5, "0;(0)", "(5)"), (0, '0;-0;"nil"', "nil"),
        (1234567, '#,##0,,"M"', "1M"), (1234.5, "[$€-407] #,##0.00", "€ 1,234.50"), (1234.5, '#,##0.00\\ "€"', "1,234.50 €"),
        (46037, "yyyy-mm-dd", "2026-01-15"), (46037.5, "dd/mm/yyyy hh:mm", "15/01/2026 12:00"), (0.75, "h:mm AM/PM", "6:00 PM"),
        (46037, "d. mmmm yyyy", "15. January 2026"), (46037, "[$-407]DD.MM.YYYY", "15.01.2026"), (1.5, "[h]:mm", "36:00"),
        (46037.123456, "mm:ss.0", "57:46.6"), (12345, "00000000", "00012345"), (123456789, "000-00-0000", "123-45-6789"),
        (5551234567, "(000) 000-0000", "(555) 123-4567"), (2.25, "# ?/?", "2 1/4"), (12345678, "0.00E+00", "1.23E+07"),
        (150, '[>=100]"high";"low"', "high"), (3, '0 "pcs"', "3 pcs"), (3, "0.##", "3"), (42, "@", "42"), (5, ";;;", ""),
        (-12.5, '"$"#,##0.00_);[Red]("$"#,##0.00)', "($12.50)"), (1234.567, '_-* #,##0.00 [$€-1]_-', "1,234.57 €"),
        (-1, "yyyy-mm-dd", "1899-12-29"), (1e300, "yyyy", "1" + "0" * 300), (float("inf"), "0", "inf"),
    ],
)  # fmt: skip
def test_a_number_is_shown_in_its_format(value: float, code: str, expected: str) -> None:
    """Excel's formats: money, shares, dates, hours beyond a day, fractions, conditions, long digits whole."""
    assert numbers.shown(value, code) == (expected if value != 1e300 else numbers.general(1e300))


@settings(max_examples=300, deadline=None)
@given(st.floats(), st.text(st.sampled_from('0#?,.;%@yYmdhsE+-/[]"\\_*$ aAPM€<>=1'), max_size=14))
def test_no_format_breaks_a_reading(value: float, code: str) -> None:
    """Whatever someone wrote as a format, a number has a text."""
    assert isinstance(numbers.shown(value, code), str)
    assert isinstance(numbers.text_shown("x", code), str)


def test_kinds_of_cells() -> None:
    """Shared and rich strings without readings, escapes, booleans, errors, formulas as saved, dates; styles decide the look."""
    strings = (
        "<si><t>plain</t></si><si><r><t>ri</t></r><r><t>ch</t></r><rPh><t>unseen</t></rPh></si><si><t>a_x000D_b_x263A_</t></si>"
    )
    body = rows(
        c("A1", "s", "<v>0</v>") + c("B1", "s", "<v>1</v>") + c("C1", "s", "<v>2</v>"),
        c("A2", "b", "<v>1</v>") + c("B2", "e", "<v>#DIV/0!</v>") + c("C2", "str", "<f>A1</f><v>said</v>"),
        c("A3", "n", "<v>46037</v>", 1) + c("B3", "n", "<v>0.5</v>", 2) + c("C3", "n", "<f>1+1</f><v>2</v>", 3),
        c("A4", "d", "<v>2026-01-15T00:00:00</v>") + c("B4", "n", "<f>SUM(A1)</f>") + c("C4", "n", "<v>1234</v>", 4),
    )
    document = read(workbook({"S": body}, strings=strings, styles=BLUE), "a.xlsx")
    assert document.text.split("\n")[2:] == [
        "plain | rich | a b☺",
        "TRUE | #DIV/0! | said",
        "2026-01-15 | 50% | 2.00 kg",
        "2026-01-15 |  | 1,234.00",
    ]
    assert losses(document) == {"uncalculated_formula": 1}


def test_what_is_hidden_is_out_and_said() -> None:
    """Sheets (also very hidden ones), rows, columns: with their names in `where`."""

    def fill(book: Any) -> None:
        sheet = book.active
        sheet["A1"], sheet["B1"], sheet["A2"], sheet["A3"] = "shown", "gone", "gone", "too"
        sheet.row_dimensions[2].hidden = True
        sheet.column_dimensions["B"].hidden = True
        for state in ("hidden", "veryHidden"):
            other = book.create_sheet(state)
            other["A1"], other.sheet_state = "gone", state

    document = read(saved(fill), "a.xlsx")
    assert document.text == "Sheet\n\nshown\ntoo"
    assert "gone" not in document.text
    assert losses(document) == {"hidden_column": 1, "hidden_row": 1, "hidden_sheet": 2}
    assert [loss["where"] for loss in document.metadata["losses"]] == ["Sheet", "Sheet", "hidden, veryHidden"]


def test_rows_and_columns_without_a_size_are_hidden() -> None:
    """Of no height or width; all that say nothing, where a sheet hides them; and notes on cells that are hidden."""
    hidden = c("A1", "str", "<v>gone</v>")
    shown = '<row r="2" hidden="0">' + c("A2", "str", "<v>shown</v>") + c("B2", "str", "<v>gone</v>") + "</row>"
    narrow = '<cols><col min="2" max="2" width="0" customWidth="1"/></cols>'
    notes = "".join(
        f'<comment ref="{place}"><text><t>{said}</t></text></comment>' for place, said in (("A1", "gone"), ("A2", "note"))
    )
    parts = {
        "worksheets/_rels/sheet1.xml.rels": relations(("r1", "comments", "../comments1.xml")),
        "comments1.xml": f"<comments><commentList>{notes}</commentList></comments>",
    }
    for row, about in (('<row r="1" ht="0" customHeight="1">', ""), ('<row r="1">', '<sheetFormatPr zeroHeight="1"/>')):
        sheet = f"{about}{narrow}<sheetData>{row}{hidden}</row>{shown}</sheetData>"
        document = read(workbook({"S": sheet}, parts=parts), "a.xlsx")
        assert document.text == "S\n\nshown\n\nA2: note"
        assert losses(document) == {"hidden_column": 1, "hidden_row": 1}


def test_what_lies_around_hidden_lines_is_one_table() -> None:
    """A filtered list has its heading; columns beside hidden ones are beside each other; an empty line still parts tables."""
    cols = '<cols><col min="2" max="3" hidden="1"/><col min="3" max="4" hidden="1"/></cols>'

    def row(number: int, *texts: str, hidden: bool = False) -> str:
        cells = "".join(
            c(f"{letter}{number}", "str", f"<v>{text}</v>") for letter, text in zip("ABEF", texts, strict=False) if text
        )
        return f'<row r="{number}"{" hidden=" + chr(34) + "1" + chr(34) if hidden else ""}>{cells}</row>'

    sheet = (
        f"{cols}<sheetData>{row(1, 'Name', 'gone', 'City', 'Days')}{row(2, 'gone', 'gone', 'gone', 'gone', hidden=True)}"
        f"{row(3, 'Ann', 'gone', 'Bonn', '20')}{row(6, 'x', '', 'y', 'z')}</sheetData>"
    )
    document = read(workbook({"S": sheet}), "a.xlsx")
    assert document.text == "S\n\nName | City | Days\nAnn | Bonn | 20\n\nx | y | z"


def test_a_merged_cell_is_what_is_seen_of_it() -> None:
    """Where its first row or column is hidden it is seen in the others; what lies under it nobody sees."""
    sheet = (
        '<cols><col min="1" max="1" hidden="1"/></cols>'
        + rows(
            c("A1", "str", "<v>Heading</v>") + c("B1", "str", "<v>gone</v>"),
            c("B2", "str", "<v>x</v>") + c("C2", "str", "<v>y</v>"),
        )
        + '<mergeCells><mergeCell ref="A1:C1"/></mergeCells>'
    )
    document = read(workbook({"S": sheet}), "a.xlsx")
    assert document.text == "S\n\nHeading\nx | y"
    assert losses(document) == {"covered_cell": 1}


def test_merged_cells_are_filled_and_tables_are_told_apart() -> None:
    """A merged cell is in each of its rows and columns; empty rows and columns part tables; the sheet's name is above all."""

    def fill(book: Any) -> None:
        sheet = book.active
        sheet.title = "Preise & Co"
        for place, value in {"A1": "Nord", "B1": "a", "B2": "b", "A3": "Both", "C3": 3, "C1": 1, "C2": 2}.items():
            sheet[place] = value
        sheet.merge_cells("A1:A2")
        sheet.merge_cells("A3:B3")
        for place, value in {"A6": "x", "B6": "y", "A7": "1", "B7": "2", "D6": "p", "E6": "q", "D7": "3", "E7": "4"}.items():
            sheet[place] = value

    document = read(saved(fill), "a.xlsx")
    assert document.text == "Preise & Co\n\nNord | a | 1\nNord | b | 2\nBoth | Both | 3\n\nx | y\n1 | 2\n\np | q\n3 | 4"
    assert {element.heading_path for element in document.elements} == {("Preise & Co",)}
    assert [element.kind for element in document.elements] == ["title", "table", "table", "table"]


def test_notes_text_boxes_and_charts_of_a_sheet_are_read() -> None:
    """After its tables: drawings, then notes behind the name of their cell; a conversation once."""
    drawing = (
        '<xdr:wsDr xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" '
        + P_NAMES
        + f"><xdr:twoCellAnchor><xdr:sp><xdr:txBody><a:p>{said('Boxword')}</a:p></xdr:txBody></xdr:sp></xdr:twoCellAnchor>"
        '<xdr:oneCellAnchor><xdr:graphicFrame><a:graphic><a:graphicData><c:chart r:id="r1"/></a:graphicData></a:graphic>'
        "</xdr:graphicFrame></xdr:oneCellAnchor><xdr:pic/></xdr:wsDr>"
    )
    old = (
        '<comments><commentList><comment ref="A1"><text><t>[Threaded comment] talk</t></text></comment></commentList></comments>'
    )
    parts = {
        "worksheets/_rels/sheet1.xml.rels": relations(
            ("r1", "drawing", "../drawings/drawing1.xml"),
            ("r2", "comments", "../comments1.xml"),
            ("r3", "threadedComment", "../threadedComments/t1.xml"),
        ),
        "drawings/drawing1.xml": drawing.replace(
            "<xdr:oneCell",
            f'<xdr:sp><xdr:nvSpPr><xdr:cNvPr id="9" name="x" hidden="1"/></xdr:nvSpPr><xdr:txBody><a:p>{said("gone")}</a:p></xdr:txBody>'
            "</xdr:sp><xdr:oneCell",
        ),
        "drawings/_rels/drawing1.xml.rels": relations(("r1", "chart", "../charts/chart1.xml")),
        "charts/chart1.xml": chart("Charttitle", "Series", {"Ost": "1234"}, "#,##0"),
        "comments1.xml": old,
        "threadedComments/t1.xml": '<ThreadedComments><threadedComment ref="A1"><text>talk</text></threadedComment></ThreadedComments>',
    }
    document = read(workbook({"S": rows(c("A1", "inlineStr", "<is><t>cell</t></is>"))}, parts=parts), "a.xlsx")
    assert document.text == "S\n\ncell\n\nBoxword\n\nCharttitle\n\n| Series\nOst | 1,234\n\nA1: talk"
    assert losses(document) == {"hidden_shape": 1, "picture": 1}

    def note(book: Any) -> None:
        book.active["B2"], book.active["B2"].comment = "x", Comment("Noteword", "Ada")

    assert read(saved(note), "a.xlsx").text.endswith("B2: Noteword")


def test_a_workbook_is_called_as_its_file_unless_it_says_otherwise() -> None:
    """Not as its first sheet; what is no workbook is malformed."""
    assert read(filled([["x", "y"]], "Tabelle1"), "folder/Preise 2026.xlsx").title == "Preise 2026"
    with pytest.raises(DocumentError) as error:
        xlsx(odf("text", ""), "a.xlsx")
    assert error.value.reason == "malformed"


def test_sparse_merged_and_wide_sheets_stay_small() -> None:
    """A merge of a million rows, a diagonal of cells: what is written is what there is."""

    merged = rows(c("A1", "inlineStr", "<is><t>all</t></is>"), "", c("B3", "inlineStr", "<is><t>other</t></is>"))
    merged += '<mergeCells><mergeCell ref="A1:XFD1000000"/></mergeCells>'
    assert len(read(workbook({"S": merged}), "a.xlsx").text) < 3000
    diagonal = "<sheetData>" + "".join(
        f'<row r="{n}"><c r="{numbers_letters(n)}{n}" t="inlineStr"><is><t>w{n}</t></is></c></row>' for n in range(1, 3001)
    )
    assert len(read(workbook({"S": diagonal + "</sheetData>"}), "a.xlsx").text) < 40_000


def numbers_letters(column: int) -> str:
    letters: str = openpyxl.utils.get_column_letter(column)
    return letters


CELL = '<table:table-cell office:value-type="{}" {}>{}</table:table-cell>'


def ods_cell(text: str, more: str = "") -> str:
    return f'<table:table-cell office:value-type="string" {more}><text:p>{text}</text:p></table:table-cell>'


def test_an_ods_gives_what_its_cells_show() -> None:
    """Text as shown; values without text by their type; repeated, merged and covered cells; notes; hidden things said."""
    body = (
        '<table:table table:name="Eins"><table:table-column/><table:table-column table:visibility="collapse"/>'
        f"<table:table-row>{ods_cell('NA')}{ods_cell('gone')}{ods_cell('same', 'table:number-columns-repeated=' + chr(34) + '2' + chr(34))}"
        f"{CELL.format('float', 'office:value=' + chr(34) + '7' + chr(34), '')}</table:table-row>"
        f'<table:table-row table:visibility="filter">{ods_cell("gone")}</table:table-row>'
        '<table:table-row table:number-rows-repeated="1000000"><table:table-cell table:number-columns-repeated="16000"/></table:table-row>'
        "</table:table>"
        f'<table:table table:name="Zwei"><table:table-row>{ods_cell("Nord", chr(32).join(["table:number-rows-spanned=" + chr(34) + "2" + chr(34)]))}'
        f"{ods_cell('a<text:s text:c=' + chr(34) + '1' + chr(34) + '/>b<office:annotation/>')}</table:table-row>"
        '<table:table-row><table:covered-table-cell/><table:table-cell office:value-type="boolean" office:boolean-value="true">'
        "<office:annotation><text:p>Noteword</text:p></office:annotation></table:table-cell></table:table-row></table:table>"
        '<table:table table:name="Weg" table:style-name="ta0"><table:table-row>'
        + ods_cell("gone")
        + "</table:table-row></table:table>"
    )
    styles = '<style:style style:name="ta0" style:family="table"><style:table-properties table:display="false"/></style:style>'
    document = read(odf("spreadsheet", body, styles=styles), "a.ods")
    assert document.text == "Eins\n\nNA | same | same | 7\n\nZwei\n\nNord | a b\nNord | TRUE\n\nB2: Noteword"
    assert losses(document) == {"comment": 1, "hidden_column": 1, "hidden_row": 1, "hidden_sheet": 1}


def test_a_few_bytes_of_an_ods_do_not_become_millions_of_cells() -> None:
    """Repeated rows of repeated cells: some of them, and how many are missing."""
    row = f'<table:table-row table:number-rows-repeated="1000000">{ods_cell("x", "table:number-columns-repeated=" + chr(34) + "16000" + chr(34))}'
    document = read(odf("spreadsheet", f'<table:table table:name="S">{row * 3}</table:table>'.replace(
        "</table:table-cell><table:table-row", "</table:table-cell></table:table-row><table:table-row").replace(
        "</table:table-cell></table:table>", "</table:table-cell></table:table-row></table:table>")), "a.ods")  # fmt: skip
    assert len(document.text) < 2_000_000
    assert losses(document)["repeated_cell"] > 40_000


def test_an_xls_is_read_like_an_ods() -> None:
    """Cells in their formats, merged, hidden and noted ones: both as LibreOffice wrote them, from one workbook."""
    old, new = (read((DATA / f"rich.{kind}").read_bytes(), f"rich.{kind}") for kind in ("xls", "ods"))
    assert old.text == new.text.replace("\n\n| Menge\n1 | 12\n2 | 1234567", "")  # a chart's numbers are not in what xlrd reads
    assert "Schraube NA | 12 | 1,234.50 € | 15.01.2026 | 25.6%" in old.text
    assert losses(old) == losses(new) == {"hidden_column": 1, "hidden_row": 1, "hidden_sheet": 1}


SHARED = "<si><t>{}</t></si>"
XLSX_CELLS: dict[str, Callable[[str], tuple[str, str]]] = {
    "shared": lambda word: ("s", word),
    "rich": lambda word: ("r", word),
    "inline": lambda word: ("inlineStr", f"<is><t>{word}</t></is>"),
    "rich inline": lambda word: ("inlineStr", f"<is><r><t>{word[:3]}</t></r><r><t>{word[3:]}</t></r></is>"),
    "formula": lambda word: ("str", f"<f>A1</f><v>{word}</v>"),
    "array formula": lambda word: ("str", f'<f t="array" ref="A1">A1</f><v>{word}</v>'),
    "escaped": lambda word: ("inlineStr", f"<is><t>{word.replace('ö', '_x00F6_')}</t></is>"),
    "of two lines": lambda word: ("inlineStr", f"<is><t>x\n{word}</t></is>"),
}
ODS_CELLS: dict[str, Callable[[str], str]] = {
    "plain": ods_cell,
    "of two lines": lambda word: ods_cell(f"x</text:p><text:p>{word}"),
    "span": lambda word: ods_cell(f"{word[:3]}<text:span>{word[3:]}</text:span>"),
    "link": lambda word: ods_cell(f'<text:a xlink:href="unseen">{word}</text:a>'),
    "formula": lambda word: ods_cell(word, 'table:formula="of:=[.A1]"'),
    "value only": lambda word: f'<table:table-cell office:value-type="string" office:string-value="{word}"/>',
    "without a type": lambda word: f"<table:table-cell><text:p>{word}</text:p></table:table-cell>",
    "with a note": lambda word: ods_cell(f"{word}</text:p><office:annotation><text:p>y</text:p></office:annotation><text:p>"),
}
ODS_ROWS = ("{}", "<table:table-header-rows>{}</table:table-header-rows>", "<table:table-row-group>{}</table:table-row-group>",
            "<table:table-row-group><table:table-rows>{}</table:table-rows></table:table-row-group>")  # fmt: skip


def tables(kinds: list[str]) -> st.SearchStrategy[list[list[list[str]]]]:
    """Sheets of rows of kinds of cells."""
    return st.lists(
        st.lists(st.lists(st.sampled_from(kinds), min_size=1, max_size=3), min_size=1, max_size=4), min_size=1, max_size=3
    )


def in_order(document: Document, sheets: list[list[list[str]]]) -> None:
    """Each word once, in the order of sheets, rows and cells, below its sheet's name; a row is a line."""
    holds(document)
    expected = [word(*place) for place in places(sheets)]
    assert [document.text.count(each) for each in expected] == [1] * len(expected), document.text
    found = [document.text.index(each) for each in expected]
    assert found == sorted(found)
    for element in document.elements:
        if element.kind == "table":
            sheet = document.text[element.start : element.end].partition("wört")[2][0]
            assert element.heading_path == (f"Blatt {sheet}",)


def word(sheet: int, row: int, column: int) -> str:
    return f"wört{sheet}y{row}y{column}x"


def places(sheets: list[list[list[str]]]) -> list[tuple[int, int, int]]:
    return [(s, r, c) for s, lines in enumerate(sheets) for r, line in enumerate(lines) for c in range(len(line))]


@settings(max_examples=60, deadline=None)
@given(tables(sorted(XLSX_CELLS)))
def test_every_word_of_an_xlsx_comes_back_once(sheets: list[list[list[str]]]) -> None:
    """In every kind of cell, of every sheet; strings that cells share, too."""
    shared: list[str] = []
    bodies = {}
    for s, lines in enumerate(sheets):
        drawn = []
        for r, line in enumerate(lines):
            row = ""
            for column, form in enumerate(line):
                kind, inside = XLSX_CELLS[form](word(s, r, column))
                if kind in "sr":
                    shared.append(SHARED.format(inside) if kind == "s" else f"<si><r><t>{inside}</t></r><r><t> </t></r></si>")
                    kind, inside = "s", f"<v>{len(shared) - 1}</v>"
                row += c(f"{numbers_letters(column + 1)}{r + 1}", kind, inside)
            drawn.append(row)
        bodies[f"Blatt {s}"] = rows(*drawn)
    in_order(read(workbook(bodies, strings="".join(shared)), "a.xlsx"), sheets)


@settings(max_examples=60, deadline=None)
@given(tables(sorted(ODS_CELLS)), st.sampled_from(ODS_ROWS))
def test_every_word_of_an_ods_comes_back_once(sheets: list[list[list[str]]], around: str) -> None:
    """In every kind of cell and group of rows, of every sheet."""
    body = ""
    for s, lines in enumerate(sheets):
        drawn = ""
        for r, line in enumerate(lines):
            cells = "".join(ODS_CELLS[form](word(s, r, column)) for column, form in enumerate(line))
            drawn += around.format(f"<table:table-row>{cells}</table:table-row>")
        body += f'<table:table table:name="Blatt {s}">{drawn}</table:table>'
    in_order(read(odf("spreadsheet", body), "a.ods"), sheets)


@settings(max_examples=60, deadline=None)
@given(tables(["shared", "label", "rich", "formula"]))
def test_every_word_of_an_xls_comes_back_once(sheets: list[list[list[str]]]) -> None:
    """In every record that holds text, of every sheet."""
    made = {
        f"Blatt {s}": [[(form, word(s, r, column)) for column, form in enumerate(line)] for r, line in enumerate(lines)]
        for s, lines in enumerate(sheets)
    }
    in_order(read(xls(made), "a.xls"), sheets)


def test_what_has_the_colour_of_its_ground_is_not_read() -> None:
    """White on white, red on red, and a format that shows nothing; a table's style and a condition may give another ground."""

    def fill(book: Any) -> None:
        sheet = book.active
        white, red = Font(color="FFFFFF"), PatternFill("solid", fgColor="FF0000")
        sheet.append(["seen", "gone", "white on red", "gone", CellRichText("s", TextBlock(InlineFont(color="FF0000"), "een"))])
        sheet["B1"].font, sheet["C1"].font, sheet["C1"].fill, sheet["E1"].font = white, white, red, white
        sheet["D1"].font, sheet["D1"].fill = Font(color="FF0000"), red
        sheet.append(["gone", 42, True, "end"])
        for cell in sheet[2][:3]:
            cell.number_format = ";;;"
        for place, value in {"A4": "Head", "B4": "Line", "A5": 1, "B5": 2, "A7": "striped", "B7": "x"}.items():
            sheet[place] = value
            sheet[place].font = white
        table = Table(displayName="T", ref="A4:B5", tableStyleInfo=TableStyleInfo("TableStyleMedium2"))
        sheet.add_table(table)
        sheet.conditional_formatting.add("A7:B7", FormulaRule(formula=["TRUE"], fill=red))

    document = read(saved(fill), "a.xlsx")
    first = "seen | white on red |  | seen\n|  | end"  # columns without anything seen take no place
    assert document.text == f"Sheet\n\n{first}\n\nHead | Line\n1 | 2\n\nstriped | x"
    assert losses(document) == {"hidden_text": 5}


def test_a_format_that_shows_nothing_hides_whatever_the_cell_holds() -> None:
    """Strings that stand in the cell itself, numbers and truths too."""
    styles = (
        '<numFmts><numFmt numFmtId="170" formatCode=";;;"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="170"/></cellXfs>'
    )
    cells = c("A1", "inlineStr", "<is><t>gone</t></is>", 1) + c("B1", "b", "<v>1</v>", 1) + c("C1", "str", "<v>seen</v>")
    document = read(workbook({"S": rows(cells)}, styles=styles), "a.xlsx")
    assert document.text == "S\n\nseen"
    assert losses(document) == {"hidden_text": 2}


def test_what_has_the_colour_of_its_ground_is_not_read_in_ods() -> None:
    """White without a ground; on a ground, under a condition or in another colour it is read."""
    names = 'xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"'
    white = f'<style:text-properties {names} fo:color="#FFFFFF"/>'
    looks = {
        "plain": white,
        "blue": f'{white}<style:table-cell-properties {names} fo:background-color="#0000ff"/>',
        "mapped": f'{white}<style:map style:condition="x" style:apply-style-name="blue"/>',
    }
    styles = "".join(f'<style:style style:name="{n}" style:family="table-cell">{look}</style:style>' for n, look in looks.items())
    cells = "".join(
        f'<table:table-cell office:value-type="string" table:style-name="{name}"><text:p>{name}</text:p></table:table-cell>'
        for name in (*looks, "other")
    )
    body = f'<table:table table:name="T"><table:table-row>{cells}</table:table-row></table:table>'
    document = read(odf("spreadsheet", body, styles=styles), "a.ods")
    assert document.text == "T\n\nblue | mapped | other"
    assert losses(document) == {"hidden_text": 1}


def test_days_of_a_book_from_1904_are_its_own() -> None:
    """Also where the book has strings (the part of the strings was asked for the book's calendar)."""

    def fill(book: Any) -> None:
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
        book.active.append(["Due", date(2024, 1, 2)])

    assert read(saved(fill), "a.xlsx").text == "Sheet\n\nDue | 2024-01-02"


def test_page_numbers_of_a_printed_header_are_no_words() -> None:
    def fill(book: Any) -> None:
        book.active.append(["a", "b"])
        book.active.oddHeader.center.text = "Page &P of &N"
        book.active.oddFooter.left.text = 'ACME &"Arial,Bold"&14Report - &P/&N'

    assert read(saved(fill), "a.xlsx").text == "Sheet\n\na | b\n\nACME Report"


def test_a_conversation_that_only_old_programs_wrote_is_what_was_said() -> None:
    old = (
        "[Threaded comment]\n\nYour version of Excel allows you to read this threaded comment; however, any edits to it will get "
        "removed if the file is opened in a newer version of Excel. Learn more: https://go.microsoft.com/fwlink/?linkid=870924\n\n"
        "Comment:\n    Please check this\nReply:\n    Done"
    )

    def fill(book: Any) -> None:
        book.active["A1"] = "x"
        book.active["A1"].comment = Comment(old, "tc={1}")

    assert read(saved(fill), "a.xlsx").text == "Sheet\n\nx\n\nA1: Please check this\nReply:\n    Done"


def test_what_xml_forbids_costs_itself_in_a_sheet() -> None:
    sheet = rows(c("A1", "inlineStr", "<is><t>a&#x1;b\x02c</t></is>"))
    assert read(workbook({"S": sheet}), "a.xlsx").text == "S\n\nabc"


def test_a_picture_within_a_cell_is_said_and_is_no_error() -> None:
    sheet = rows('<c r="A1" t="e" vm="1"><v>#VALUE!</v></c>' + c("B1", "e", "<v>#N/A</v>"))
    made = workbook({"S": sheet}, parts={"richData/richValueRel.xml": "<richValueRels/>"})
    assert read(made, "a.xlsx").text == "S\n\n#VALUE! | #N/A"  # nothing in this book says that it is a picture
    kind = 'Type="http://schemas.microsoft.com/office/2022/10/relationships/richValueRel"'
    related = f'<Relationship Id="rIdV" {kind} Target="richData/richValueRel.xml"/></Relationships>'
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/_rels/workbook.xml.rels"] = parts["xl/_rels/workbook.xml.rels"].replace(b"</Relationships>", related.encode())
    found = read(zipped(parts), "a.xlsx")
    assert found.text == "S\n\n#N/A"
    assert losses(found) == {"picture": 1}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("[$-407]d. mmmm yyyy", "31. Januar 2026"),
        ("[$-40C]dddd d mmm yyyy", "samedi 31 janv. 2026"),
        ("[$-F800]dddd, mmmm dd", "Saturday, January 31"),
        ("[$-411]dddd", "土曜日"),
        ("[$-411]ggge年m月d日", "令和8年1月31日"),
        ("[$-411]ge.m.d", "R8.1.31"),
        ("[$-419]d mmmm", "31 January"),
        ("mmmm;[$-407]mmmm", "January"),
    ],
)
def test_a_format_that_names_its_language_is_shown_in_it(code: str, expected: str) -> None:
    """Any other is shown in English."""
    assert numbers.shown(46053, code) == expected


def test_zeros_that_a_sheet_does_not_show_are_not_read() -> None:
    cells = rows(c("A1", "inlineStr", "<is><t>Bolt</t></is>") + c("B1", "n", "<v>0</v>") + c("C1", "n", "<v>5</v>"))
    view = '<sheetViews><sheetView showZeros="0"/></sheetViews>'
    assert read(workbook({"S": view + cells, "T": cells}), "a.xlsx").text == "S\n\nBolt | 5\n\nT\n\nBolt | 0 | 5"


def test_what_stands_beside_a_box_on_a_sheet_is_read() -> None:
    """Excel draws a form's controls from its old drawings, and hides the shapes that stand for them among the new ones."""
    name = 'xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" '
    mark = '<a:extLst><a:ext><a14:compatExt xmlns:a14="a14" spid="_x0000_s1025"/></a:ext></a:extLst>'

    def drawn(below: str, text: str) -> str:
        about = f'<xdr:nvSpPr><xdr:cNvPr id="2" name="x" hidden="1">{below}</xdr:cNvPr></xdr:nvSpPr>'
        return f"<xdr:sp>{about}<xdr:txBody><a:p>{said(text)}</a:p></xdr:txBody></xdr:sp>"

    parts = {
        "worksheets/_rels/sheet1.xml.rels": relations(("d1", "drawing", "../drawings/drawing1.xml")),
        "drawings/drawing1.xml": f"<xdr:wsDr {name}{P_NAMES}>{drawn(mark, 'Checked')}{drawn('', 'gone')}</xdr:wsDr>",
    }
    found = read(workbook({"S": rows(c("A1", "n", "<v>1</v>"))}, parts=parts), "a.xlsx")
    assert (found.text, losses(found)) == ("S\n\n1\n\nChecked", {"hidden_shape": 1})
