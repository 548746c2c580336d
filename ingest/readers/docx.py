"""DOCX, from its XML: whatever a paragraph, a cell or the body is wrapped in, its words are read; what is left out is said.

Kept: insertions and moved text, content controls, results of fields, hyperlinks, smart tags, equations, symbols, text
boxes (once), charts, footnotes and endnotes (after the paragraph with their mark), headers and footers (once, those that
a page has), numbers of lists, documents within it (`altChunk`). Out: deletions, codes of fields. Out and said: hidden text
and shapes, comments, pictures, embedded objects, and documents within it that cannot be read.

Over 300 lines: one walk through one format, whose cases are read side by side; what formats share is in the modules beside
it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from ingest import properties
from ingest.elements import Piece
from ingest.readers import drawings
from ingest.readers.base import Loss, Reading, malformed
from ingest.readers.chunks import chunk
from ingest.readers.equations import equation
from ingest.readers.fieldcodes import is_number, shown_by
from ingest.readers.flat import packed
from ingest.readers.grid import Grid
from ingest.readers.ooxml import opened
from ingest.readers.package import Node, Package, R, Related, child, elements, is_on, local, whole
from ingest.readers.symbols import shown, symbol
from ingest.readers.wordstyles import Label, Numbering, Styles, W, cell_places, flag, numbered, outline

_VAL = f"{W}val"
_OUT = frozenset({
    "del", "moveFrom", "pPr", "rPr", "sdtPr", "sdtEndPr", "tblPr", "trPr", "tcPr", "instrText", "delText", "delInstrText",
    "sectPr", "tblGrid",
})  # fmt: skip
_DRAWN = frozenset({"drawing", "pict", "object", "AlternateContent"})
_IN_PARAGRAPH = frozenset({
    "r", "p", "tbl", "hyperlink", "sdt", "ins", "moveTo", "smartTag", "customXml", "fldSimple", "oMath", "oMathPara",
})  # fmt: skip
_SIGNS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "softHyphen": ""}
_IN_RUN = _DRAWN | _SIGNS.keys() | {"t", "sym", "ruby"}
_BOLD_DEPTH = 6
_LONGEST_HEADING = 100
_BULLETS = "•▪●◦‣·○■–—-*"


def docx(content: bytes, uri: str, depth: int = 0) -> Reading:
    """Raises DocumentError: `protected`, `malformed` for a zip without a Word document in it."""
    package, path, root = opened(content, uri, "word/document.xml", "document", "Word document")
    body = child(root, "body")
    if body is None:
        raise malformed(uri, "is no Word document")
    return _Word(package, path, depth).reading(body, properties.of_office(packed(content, uri)))


@dataclass(slots=True)
class _Line:
    """A paragraph as it is read: its text so far, and what comes after it (text boxes, notes)."""

    style: str = ""
    hidden: tuple[bool | None, ...] = ()
    """What the styles of its table and of itself say of that."""
    bold: bool = False
    parts: list[str] = field(default_factory=list)
    after: list[Piece] = field(default_factory=list)
    plain: bool = False  # some of its text is not bold

    def say(self, text: str, *, bold: bool = False) -> None:
        self.parts.append(text)
        self.plain = self.plain or (not bold and bool(text.strip()))


@dataclass(slots=True)
class _Field:
    """A field that is open: its code as far as it is written, and whether its result shows anything."""

    code: list[str] = field(default_factory=list)
    is_code: bool = True
    """Whether its code (not its result) is being passed."""
    says: bool = False


class _Word:
    """One document; `_fields` are those that are open."""

    def __init__(self, package: Package, path: str, depth: int = 0) -> None:
        self._depth = depth  # of a document within documents
        self._package = package
        self._path = path
        self._related = package.related(path)
        styles, numbering = (package.first(path, kind) for kind in ("styles", "numbering"))
        self._styles = Styles(package.xml(styles) if styles else None)
        self._numbering = Numbering(package.xml(numbering) if numbering else None)
        about = package.first(path, "settings")
        self._settings = package.xml(about) if about else None
        self._notes: dict[tuple[str, str], tuple[Node, str]] = {}
        for kind, part in (("footnote", "footnotes"), ("endnote", "endnotes")):
            found = package.first(path, part)
            root = package.xml(found) if found else None
            for note in () if root is None else elements(root):
                if note.get(f"{W}type") in (None, "normal"):
                    self._notes[kind, str(note.get(f"{W}id"))] = (note, found)
        self._seen: dict[tuple[str, str], int] = {}
        self._fields: list[_Field] = []
        self._in_table = 0
        self._cell_hides: bool | None = None  # what the style of the table says of the text of the cell that is read
        self._held: list[str] = []  # text of a paragraph whose end was deleted: the next one goes on with it
        self._page: int | None = None
        self.losses: Counter[str] = Counter()

    def reading(self, body: Node, about: properties.Properties) -> Reading:
        self._page = 1 if body.find(f".//{W}lastRenderedPageBreak") is not None else None
        found = self._story(body)
        heads, feet = (self._margins(body, kind) for kind in ("header", "footer"))
        return Reading([*heads, *found, *feet], about, losses=tuple(Loss(what, n) for what, n in sorted((+self.losses).items())))

    def _story(self, root: Node) -> list[Piece]:
        _settle_fields(root)
        fields, self._fields = self._fields, []
        found = self._blocks(root)
        if self._held:
            found += [Piece("text", "".join(self._held), page=self._page)]
            self._held = []
        self._fields = fields
        return found

    def _margins(self, body: Node, kind: str) -> list[Piece]:
        """Headers or footers: each text once, however many sections and kinds of pages have it."""
        even = flag(self._settings, "evenAndOddHeaders", False)
        parts: dict[str, str] = {}  # a section without one of its own has that of the section before
        used: dict[str, None] = {}
        for section in body.iter(f"{W}sectPr"):
            for node in section.iterchildren(f"{W}{kind}Reference"):
                found = self._related.get(str(node.get(f"{R}id")))
                parts[str(node.get(f"{W}type") or "default")] = "" if found is None else found.path
            first = flag(section, "titlePg", False)
            shown = ("default", *(["first"] if first else []), *(["even"] if even else []))
            used |= dict.fromkeys(parts[which] for which in shown if which in parts)
        texts: dict[str, None] = {}
        page, self._page = self._page, None
        for path in filter(None, used):
            root = self._package.xml(path)
            if root is not None:
                related, self._related = self._related, self._package.related(path)
                texts |= dict.fromkeys(piece.text for piece in self._story(root))
                self._related = related
        self._page = page
        return [Piece("other", text) for text in texts]

    def _blocks(self, holder: Node) -> list[Piece]:
        found: list[Piece] = []
        for node in elements(holder):
            match local(node):
                case "p":
                    found += self._paragraph(node)
                case "tbl":
                    found += self._table(node)
                case "altChunk":
                    found += self._chunk(self._related.get(str(node.get(f"{R}id"))))
                case "AlternateContent":
                    found += next(filter(None, map(self._blocks, elements(node))), [])
                case "oMath" | "oMathPara":
                    found += _pieces(equation(node))
                case "r" | "hyperlink" | "fldSimple":  # runs without a paragraph: broken, and shown
                    line = _Line()
                    self._inline(holder_of(node), line)
                    found += _pieces("".join(line.parts)) + line.after
                case name if name not in _OUT:
                    found += self._blocks(node)
        return found

    def _chunk(self, found: Related | None) -> list[Piece]:
        """A document within the document (`altChunk`), which Word opens with it."""
        content = self._package.read(found.path) if found is not None and found.path else None
        reading = None if content is None or found is None else chunk(content, found.path, self._depth + 1)
        if reading is None:
            self.losses["embedded_document"] += 1
            return []
        for loss in reading.losses:
            self.losses[loss.what] += loss.count
        return reading.pieces

    def _paragraph(self, node: Node) -> list[Piece]:
        about = node.find(f"{W}pPr")
        named = None if about is None else about.find(f"{W}pStyle")
        name = self._styles.default if named is None else str(named.get(_VAL))
        style = self._styles.of(name)
        line = _Line(name, (self._cell_hides, style.hidden), style.bold, parts=self._held)
        mark = child(about, "rPr")
        ends_deleted = mark is not None and (mark.find(f"{W}del") is not None or mark.find(f"{W}moveFrom") is not None)
        ends_hidden = flag(mark, "vanish", self._styles.hides(*line.hidden))
        # A list does not count a paragraph that is hidden with its end, nor one that the next one goes on with.
        label = None if ends_hidden or ends_deleted else self._label(about, name)
        self._held = []
        page = self._page
        self._inline(node, line)
        text = "".join(line.parts).replace("\xa0", " ")
        if ends_hidden and not ends_deleted and text.strip():
            label = self._label(about, name)
        drop_cap = child(about, "framePr")
        if ends_deleted or (drop_cap is not None and drop_cap.get(f"{W}dropCap") in ("drop", "margin")):  # a large first letter
            self._held = line.parts
            return line.after
        if not text.strip():
            return line.after
        text = text.strip("\n") if label is None or not label.text else f"{label.text} {text.strip()}"
        level = outline(about, style.level)
        kind, depth = "text", 0
        if level is not None and len(text) <= 3 * _LONGEST_HEADING:
            kind, depth = "title", level
        elif label is not None or (text.lstrip()[0] in _BULLETS and text.lstrip()[1:2].isspace()):
            kind = "list"
        elif not (
            line.plain
            or style.heads_nothing
            or self._in_table
            or len(text) > _LONGEST_HEADING
            or text.rstrip()[-1] in ".,:;?!…。"
        ):
            kind, depth = "title", _BOLD_DEPTH  # what is bold as a whole is how people write headings without styles
        return [Piece(kind, text.strip(), depth, page), *line.after]

    def _label(self, about: Node | None, style: str) -> Label | None:
        chosen = numbered(about) or self._styles.of(style).numbering
        return None if chosen is None else self._numbering.label(chosen[0], chosen[1], style)

    def _inline(self, holder: Node, line: _Line) -> None:
        for node in elements(holder):
            match local(node):
                case "r":
                    self._run(node, line)
                case "oMath" | "oMathPara":
                    line.say(f" {equation(node)} ")
                case "fldSimple" if not len(node):
                    self._unsaid(str(node.get(f"{W}instr") or ""), line)
                case "AlternateContent":
                    self._alternative(node, line)
                case "p" | "tbl":
                    line.after += self._blocks(holder_of(node))
                case name if name in _DRAWN:
                    self._drawn(node, line)
                case name if name not in _OUT:
                    self._inline(node, line)

    def _alternative(self, node: Node, line: _Line) -> None:
        """The first of the ways to show something that shows anything: the others show the same again."""
        for choice in elements(node):
            losses, parts, after = self.losses.copy(), len(line.parts), len(line.after)
            names = {local(node) for node in elements(choice)}
            if names & _IN_PARAGRAPH:
                self._inline(choice, line)
            elif names & _IN_RUN:
                self._content(choice, line, bold=False)
            else:
                self._drawn(choice, line)
            if len(line.after) > after or any(part.strip() for part in line.parts[parts:]) or self.losses != losses:
                return

    def _run(self, run: Node, line: _Line) -> None:
        look = run.find(f"{W}rPr")
        named = None if look is None else look.find(f"{W}rStyle")
        style = None if named is None else self._styles.of(str(named.get(_VAL)))
        hidden = flag(look, "vanish", self._styles.hides(*line.hidden, style.hidden if style is not None else None))
        bold = flag(look, "b", line.bold or (style is not None and style.bold))
        if hidden:
            self.losses["hidden_text"] += any((node.text or "").strip() for node in run.iter(f"{W}t"))
            line = _Line(line.style)  # its fields open and close all the same; its notes are hidden with it
        self._content(run, line, bold=bold)

    def _content(self, run: Node, line: _Line, *, bold: bool) -> None:
        look = run.find(f"{W}rPr")
        fonts = None if look is None else look.find(f"{W}rFonts")
        font = "" if fonts is None else str(fonts.get(f"{W}ascii") or fonts.get(f"{W}hAnsi") or "")
        for node in elements(run):
            name = local(node)
            if name == "fldChar":
                self._field(node, line)
            elif name == "lastRenderedPageBreak":
                self._page = None if self._page is None else self._page + 1
            elif any(field.is_code for field in self._fields):
                if name == "instrText" and self._fields[-1].is_code:
                    self._fields[-1].code.append(str(node.text or ""))
                continue
            elif self._fields:
                self._fields[-1].says = True
            if name == "t":
                line.say(shown(str(node.text or ""), font), bold=bold)
            elif name in _SIGNS:
                line.say(_SIGNS[name], bold=True)
            elif name == "sym":
                known = symbol(node.get(f"{W}char"), node.get(f"{W}font"))
                self.losses["symbol"] += not known
                line.say(known, bold=bold)
            elif name in ("footnoteReference", "endnoteReference"):
                self._note(name.removesuffix("Reference"), node, line)
            elif name == "commentReference":
                self.losses["comment"] += 1
            elif name == "ruby":
                self._ruby(node, line)
            elif name == "AlternateContent":
                self._alternative(node, line)
            elif name in _DRAWN:
                self._drawn(node, line)

    def _ruby(self, node: Node, line: _Line) -> None:
        base, above = child(node, "rubyBase"), child(node, "rt")
        if base is not None:
            self._inline(base, line)
        said = _Line()
        if above is not None:
            self._inline(above, said)
        line.say(f"({''.join(said.parts)})" if said.parts else "")

    def _field(self, node: Node, line: _Line) -> None:
        match node.get(f"{W}fldCharType"):
            case "begin" if node.get("unmatched") is None:
                self._fields.append(_Field())
                if not any(field.is_code for field in self._fields[:-1]):
                    line.say(_form_field(child(node, "ffData")))
            case "separate" if self._fields:
                self._fields[-1].is_code = False
            case "end" if self._fields:
                ended = self._fields.pop()
                if not any(field.is_code for field in self._fields) and not ended.says:
                    self._unsaid("".join(ended.code), line)
                if self._fields:
                    self._fields[-1].says |= ended.says

    def _unsaid(self, code: str, line: _Line) -> None:
        """A field without a result: what its code shows."""
        line.say(shown_by(code))
        self.losses["automatic_number"] += is_number(code)

    def _note(self, kind: str, reference: Node, line: _Line) -> None:
        name = str(reference.get(f"{W}id"))
        found = self._notes.get((kind, name))
        if found is None or (kind, name) in self._seen:  # each once; and a note that refers to itself ends
            return
        has_own = str(reference.get(f"{W}customMarkFollows", "0")).lower() in (
            "1",
            "true",
            "on",
        )  # a mark that is typed, there and in the note
        self._seen[kind, name] = number = 0 if has_own else max(self._seen.values(), default=0) + 1
        mark = "" if has_own else f"[{number}]"
        line.say(mark, bold=True)
        note, path = found
        related, self._related = self._related, self._package.related(path)
        held, self._held = self._held, []
        pieces = self._story(note)
        self._related, self._held = related, held
        if pieces:
            line.after += [replace(pieces[0], kind="text", text=f"{mark} {pieces[0].text}".strip()), *pieces[1:]]

    def _drawn(self, holder: Node, line: _Line) -> None:
        """Text boxes, charts and diagrams below a drawing, after the paragraph that holds it."""
        held, self._held = self._held, []
        pictures = 0
        waiting = [holder]
        while waiting:
            node = waiting.pop()
            if drawings.is_hidden(node):
                self.losses["hidden_shape"] += drawings.holds_text(node)
                continue
            match local(node):
                case "txbxContent":
                    line.after += self._story(node)
                    continue
                case "AlternateContent":
                    self._alternative(node, line)
                    continue
                case "txBody":
                    line.after += drawings.paragraphs(node)
                    continue
                case "chart" | "relIds":
                    line.after += drawings.referred(node, self._package, self._related, self._page)
                    continue
                case "textpath":
                    line.after += _pieces(str(node.get("string") or ""))
                case "blip" | "imagedata":
                    pictures += 1
                case "OLEObject":
                    self.losses["embedded_object"] += 1
                    pictures = -100
            waiting += reversed(list(elements(node)))
        self.losses["picture"] += max(pictures, 0)
        self.losses = +self.losses
        self._held = held

    def _table(self, table: Node) -> list[Piece]:
        grid, cells, covered = Grid(), list[list[Piece]](), dict[int, str]()
        self._in_table += 1
        outer, styled = self._cell_hides, _value(child(table, "tblPr"), "tblStyle") or self._styles.default_table
        look, rows = child(table, "tblPr", "tblLook"), _below(table, "tr")
        for at, row in enumerate(rows):
            about = child(row, "trPr")
            if about is not None and about.find(f"{W}del") is not None:
                continue
            if flag(about, "hidden", False):
                self.losses["hidden_text"] += drawings.holds_text(row)
                continue
            column = whole(_value(about, "gridBefore"), 0)
            line: list[tuple[str, int, int]] = []
            below = _below(row, "tc")
            for n, cell in enumerate(below):
                about_cell = child(cell, "tcPr")
                if about_cell is not None and about_cell.find(f"{W}cellDel") is not None:
                    continue
                self._cell_hides = self._styles.hides_cell(styled, cell_places(look, at, len(rows), n, len(below)))
                pieces = self._blocks(cell)
                text = " ".join(piece.text for piece in pieces)
                merged = None if about_cell is None else about_cell.find(f"{W}vMerge")
                if merged is None:
                    covered.pop(column, None)
                elif merged.get(_VAL) == "restart":
                    covered[column] = text if len(text) <= _LONGEST_HEADING else ""
                else:
                    text = text or covered.get(column, "")
                across = max(1, whole(_value(about_cell, "gridSpan"), 1, 64))
                line.append((text, across, 1))
                cells.append(pieces)
                column += across
            grid.row(line, before=whole(_value(about, "gridBefore"), 0, 64))
        self._in_table, self._cell_hides = self._in_table - 1, outer
        return grid.or_its_pieces(cells, self._page)


def holder_of(node: Node) -> list[Node]:
    return [node]


def _pieces(text: str) -> list[Piece]:
    return [Piece("text", text.strip())] if text.strip() else []


def _below(holder: Node, name: str) -> list[Node]:
    """Rows of a table or cells of a row, whatever they are wrapped in; nothing that was deleted."""
    found: list[Node] = []
    for node in elements(holder):
        what = local(node)
        if what == name:
            found.append(node)
        elif what not in _OUT and what not in ("tbl", "p"):
            found += _below(node, name)
    return found


def _value(holder: Node | None, name: str) -> str | None:
    found = child(holder, name)
    return None if found is None else str(found.get(_VAL))


def _settle_fields(root: Node) -> None:
    """Mark the beginnings of fields that never end: what follows them is text, not code."""
    begun: list[Node] = []
    for node in root.iter(f"{W}fldChar"):
        match node.get(f"{W}fldCharType"):
            case "begin":
                begun.append(node)
            case "end" if begun:
                begun.pop()
    for node in begun:
        node.set("unmatched", "1")


def _form_field(data: Node | None) -> str:
    """What an old form field shows that has no result: a box, ticked or not, or the chosen entry of a list."""
    box, choice = child(data, "checkBox"), child(data, "ddList")
    if box is not None:
        state = box.find(f"{W}checked")
        return "☒" if is_on(box.find(f"{W}default") if state is None else state, _VAL) else "☐"
    entries = [] if choice is None else [str(entry.get(_VAL) or "") for entry in choice.iterchildren(f"{W}listEntry")]
    chosen = whole(_value(choice, "result"), 0)
    return entries[chosen] if 0 <= chosen < len(entries) else ""
