"""XLSX, from its XML: every cell as its sheet shows it, the sheet's name above it; what is left out is said.

A word is a word (`NA`, `null`, `None`), a number is shown in its format, a formula as the value it had when the file was
saved. Merged cells stand in every place that they cover. Tables of one sheet are told apart by empty rows and columns.
Notes on cells, text boxes and charts follow their sheet's tables. Out and said: hidden sheets, rows and columns, text in
the colour of its ground or whose format shows nothing, pictures, formulas that no program has calculated yet.

Over 300 lines: one walk through one format, whose cells, notes and headers are read side by side.
"""

from __future__ import annotations

import io
import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping

from lxml import etree

from ingest import properties
from ingest.elements import Piece
from ingest.readers import drawings, numbers
from ingest.readers.base import Loss, Reading
from ingest.readers.flat import packed
from ingest.readers.ooxml import opened
from ingest.readers.package import Node, Package, R, Related, as_legal, child, elements, local, whole, xml_of
from ingest.readers.sheets import Sheet, sheet_pieces
from ingest.readers.xlsxlooks import Looks

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_MARGINS = ("oddHeader", "oddFooter", "firstHeader", "firstFooter", "evenHeader", "evenFooter")
_NUMBERED = re.compile(
    r"(?:\b(?:page|seite|página|pagina|pág\.|side|sida|sivu|strana|strona|стр\.|страница|p\.|s\.)\s*)?&P(?:[+-]\d+)?"
    r"(?:\s*(?:of|von|de|sur|di|van|av|af|z|из|/|-|–)\s*&N)?",
    re.IGNORECASE,
)
"""The number of a page in a printed header, with the words that are said with it."""
_FOR_OLD_PROGRAMS = re.compile(r"\[[^\]\n]*\]\s.{0,600}?linkid=870924\s+[^\n:]*:\s*", re.DOTALL)
"""What stands before a conversation for programs that know none, which leave only this where they save the file again."""
_PAINTED = ("conditionalFormatting", "picture")
"""What gives cells another ground than their own style: a condition, a picture behind the sheet."""
_REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})")


def xlsx(content: bytes, uri: str) -> Reading:
    """Raises DocumentError: `protected`, `malformed` for a zip without a workbook in it."""
    package, path, root = opened(content, uri, "xl/workbook.xml", "workbook", "Excel workbook")
    book = _Book(package, path, root)
    pieces = [piece for sheet in book.sheets() for piece in sheet]
    about = properties.of_office(packed(content, uri))
    about.setdefault("title", posixpath.splitext(posixpath.basename(uri))[0])  # not the name of its first sheet
    return Reading(pieces, about, own_title=True, losses=book.losses())


class _Book:
    def __init__(self, package: Package, path: str, root: Node) -> None:
        self._package, self._path, self._root = package, path, root
        self._related = package.related(path)
        strings, styles = (package.first(path, kind) for kind in ("sharedStrings", "styles"))
        texts = package.xml(strings) if strings else None
        shared = [] if texts is None else [node for node in elements(texts) if local(node) == "si"]
        self._strings = [_rich(node) for node in shared]
        self._coloured = {at for at, node in enumerate(shared) if _is_coloured(node)}
        self._looks = Looks.of(package.xml(styles) if styles else None)
        about = child(root, "workbookPr")
        self._from_1904 = about is not None and str(about.get("date1904", "0")).lower() in ("1", "true")
        self._pictured = bool(package.first(path, "richValueRel"))
        self._hides_zeros = False  # of the sheet that is read
        self._lost: Counter[str] = Counter()
        self._where: dict[str, list[str]] = {}

    def losses(self) -> tuple[Loss, ...]:
        return tuple(Loss(what, n, ", ".join(self._where.get(what, [])[:5])) for what, n in sorted((+self._lost).items()))

    def sheets(self) -> Iterator[list[Piece]]:
        """The visible sheets in the order of their tabs."""
        for node in elements(child(self._root, "sheets") if child(self._root, "sheets") is not None else []):
            name = str(node.get("name") or "")
            found = self._related.get(str(node.get(f"{R}id")))
            if str(node.get("state") or "visible") != "visible":
                self._lose("hidden_sheet", 1, name)
            elif found is not None and found.path:
                yield self._sheet(name, found)

    def _lose(self, what: str, count: int, where: str) -> None:
        if count:
            self._lost[what] += count
            self._where.setdefault(what, []).append(where)

    def _sheet(self, name: str, found: Related) -> list[Piece]:
        raw = self._package.read(found.path)
        if not raw:
            return []
        related = self._package.related(found.path)
        extra = list(self._drawn(name, related))
        if found.kind == "chartsheet":
            return [Piece("title", name), *extra] if extra else []
        sheet = as_legal(raw, self._cells)
        sheet.fade([*sheet.painted, *self._tables(related)])
        sheet.settle()
        for what, count in sheet.unseen().items():
            self._lose(what, count, name)
        self._lose("uncalculated_formula", sheet.uncalculated, name)
        self._lose("hidden_text", sheet.unseen_text, name)
        self._lose("picture", sheet.pictures, name)
        self._notes(related, sheet)
        return sheet_pieces(name, sheet, extra)

    def _cells(self, raw: bytes) -> Sheet:
        """The cells of a sheet, read as a stream: a row is forgotten when it is read."""
        sheet = Sheet()
        self._hides_zeros = False
        head = raw[:1000]
        if b"<!DOCTYPE" in head or b"purl.oclc.org" in head:
            raw = etree.tostring(xml_of(raw, self._package.uri))
        tags = [f"{{*}}{name}" for name in ("c", "row", "col", "mergeCell", "sheetFormatPr", "sheetView", *_PAINTED, *_MARGINS)]
        rows = etree.iterparse(io.BytesIO(raw), tag=tags, resolve_entities=False, no_network=True, remove_comments=True)
        row = column = 0
        rows_are_hidden = False
        for _, node in rows:
            name = local(node)
            if name == "c":
                column = _column(node.get("r"), column + 1)
                text = self._cell(node, sheet)
                if text:
                    place = whole(node.getparent().get("r"), row + 1), column
                    sheet.put(*place, text)
                    if self._looks.may_hide(node.get("s")) and not self._has_colours(node):
                        sheet.faint.add(place)
                elif self._looks.always_hides(node.get("s")):
                    sheet.unseen_text += bool("".join(node.itertext()).strip())
                node.clear()
            elif name == "row":
                row = whole(node.get("r"), row + 1)
                column = 0
                if _is_hidden(node, "ht", unless_said=rows_are_hidden):
                    sheet.hide_row(row)
                node.clear()
                while node.getprevious() is not None:
                    del node.getparent()[0]
            elif name == "sheetView":
                self._hides_zeros = not _is_on(node.get("showZeros", "1"))
            elif name == "sheetFormatPr":
                rows_are_hidden = _is_on(node.get("zeroHeight"))
            elif name == "col" and _is_hidden(node, "width"):
                sheet.hide_columns(whole(node.get("min"), 1), whole(node.get("max"), 1))
            elif name == "mergeCell":
                sheet.merge(*_range(str(node.get("ref") or "")))
            elif name in _PAINTED:
                refs = str(node.get("sqref") or "").split() if name == "conditionalFormatting" else ["A1:XFD1048576"]
                sheet.painted += map(_range, refs)
            elif name in _MARGINS:
                sheet.margins += _margin(str(node.text or ""))
        return sheet

    def _cell(self, node: Node, sheet: Sheet) -> str:
        kind, value, code = node.get("t", "n"), child(node, "v"), self._looks.code(node.get("s"))
        if kind == "inlineStr":
            return numbers.text_shown(_rich(child(node, "is")), code)
        raw = str(value.text or "") if value is not None else ""
        if not raw:
            sheet.uncalculated += child(node, "f") is not None and kind != "str"
            return ""
        match kind:
            case "s":
                at = whole(raw, -1, 1 << 30)
                return numbers.text_shown(self._strings[at], code) if 0 <= at < len(self._strings) else ""
            case "b":
                return "" if self._looks.always_hides(node.get("s")) else "TRUE" if raw.strip() in ("1", "true") else "FALSE"
            case "e":
                is_picture = self._pictured and node.get("vm") is not None  # within the cell: an error to older programs
                sheet.pictures += is_picture
                return "" if is_picture else raw
            case "d":
                return raw.replace("T", " ").removesuffix(" 00:00:00")
            case "str":
                return numbers.text_shown(_unescaped(raw), code)
        try:
            number = float(raw)
            return "" if self._hides_zeros and not number else numbers.shown(number, code, from_1904=self._from_1904)
        except (ValueError, OverflowError):
            return raw

    def _has_colours(self, node: Node) -> bool:
        """Whether parts of a cell's text have a colour of their own."""
        if node.get("t") == "s":
            return whole(getattr(child(node, "v"), "text", ""), -1, 1 << 30) in self._coloured
        return _is_coloured(child(node, "is"))

    def _tables(self, related: Mapping[str, Related]) -> Iterator[tuple[int, int, int, int]]:
        """Where a table's or a pivot table's style may give cells a ground of its own."""
        for other in related.values():
            root = self._package.xml(other.path) if other.kind in ("table", "pivotTable") and other.path else None
            if root is not None:
                at = root if other.kind == "table" else child(root, "location")
                yield _range("" if at is None else str(at.get("ref") or ""))

    def _notes(self, related: Mapping[str, Related], sheet: Sheet) -> None:
        """Notes and comments on cells; of a conversation not the copy for old programs."""
        kinds = {other.kind for other in related.values()}
        for other in related.values():
            root = self._package.xml(other.path) if other.kind in ("comments", "threadedComment") and other.path else None
            for node in root.iter() if root is not None else ():
                if local(node) == "comment":
                    text = _rich(child(node, "text"))
                    text = "" if "threadedComment" in kinds and text.startswith("[") else _FOR_OLD_PROGRAMS.sub("", text)
                elif local(node) == "threadedComment":
                    text = str(getattr(child(node, "text"), "text", "") or "")
                else:
                    continue
                row, column, _, _ = _range(str(node.get("ref") or ""))
                sheet.note(row, column, text)

    def _drawn(self, name: str, related: Mapping[str, Related]) -> Iterator[Piece]:
        """Text boxes, charts and diagrams that lie on a sheet; pictures are counted."""
        for drawing in [found for found in related.values() if found.kind == "drawing"]:
            root = self._package.xml(drawing.path)
            below = self._package.related(drawing.path)
            waiting = [] if root is None else [root]
            while waiting:
                node = waiting.pop()
                if drawings.is_hidden(node):
                    self._lose("hidden_shape", int(drawings.holds_text(node)), name)
                    continue
                match local(node):
                    case "txBody":
                        yield from drawings.paragraphs(node)
                        continue
                    case "chart" | "relIds" if node.get(f"{R}id") or node.get(f"{R}dm"):
                        yield from drawings.referred(node, self._package, below)
                    case "pic":
                        self._lose("picture", 1, name)
                    case "AlternateContent":
                        waiting += list(elements(node))[:1]
                        continue
                waiting += reversed(list(elements(node)))


def _is_on(written: str | None) -> bool:
    return str(written or "0").lower() in ("1", "true")


def _is_hidden(node: Node, size: str, *, unless_said: bool = False) -> bool:
    """Whether a row or column is hidden: it says so, has no height or width, or says nothing where all are hidden."""
    said = node.get("hidden")
    return (unless_said if said is None else _is_on(said)) or re.fullmatch(r"0+(?:\.0+)?", str(node.get(size) or "")) is not None


def _is_coloured(text: Node | None) -> bool:
    return text is not None and any(child(run, "rPr", "color") is not None for run in elements(text))


def _rich(node: Node | None) -> str:
    """The text of a string, of its runs where it is formatted; without readings (furigana)."""
    if node is None:
        return ""
    parts = [below for below in elements(node) if local(below) in ("t", "r")]
    texts = (below if local(below) == "t" else child(below, "t") for below in parts)
    return _unescaped("".join(str(text.text or "") for text in texts if text is not None))


def _unescaped(text: str) -> str:
    """`_x000D_` is how a string holds what XML cannot; a control character is a space."""
    if "_x" not in text:
        return text

    def character(found: re.Match[str]) -> str:
        code = int(found.group(1), 16)
        return chr(code) if code >= 32 and not 0xD800 <= code <= 0xDFFF else " "

    return _ESCAPED.sub(character, text)


def _column(reference: str | None, default: int) -> int:
    found = _REFERENCE.fullmatch(reference or "")
    return _number(found.group(1)) if found else default


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _range(reference: str) -> tuple[int, int, int, int]:
    first, _, last = reference.partition(":")
    begins, ends = _REFERENCE.fullmatch(first), _REFERENCE.fullmatch(last or first)
    if begins is None or ends is None:
        return 0, 0, 0, 0
    return int(begins.group(2)), _number(begins.group(1)), int(ends.group(2)), _number(ends.group(1))


def _margin(code: str) -> list[str]:
    """The words of a printed header or footer: without its codes (`&L`, `&P`, `&"Arial"`)."""
    text = re.sub(r'&"[^"]*"|&K[0-9A-Fa-f+-]{6}|&\d+|&(?![PpNn])[A-Za-z]', " ", code.replace("&&", "\0"))
    text = re.sub("&[PN]", " ", _NUMBERED.sub(" ", text), flags=re.IGNORECASE)
    text = " ".join(text.replace("\0", "&").split()).strip("-–|/ ")
    return [text] if re.search(r"[^\W\d_]", text) else []
