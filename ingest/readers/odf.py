"""OpenDocument texts (ODT) and presentations (ODP), from their XML, zipped or flat; spreadsheets are in `ods`.

Kept: insertions, sections, fields, notes (after the paragraph with their mark), text boxes, charts, formulas, printed
numbers, headers and footers (once). Out: deletions. Out and said: hidden text and slides, comments, pictures, embedded
objects.

Over 300 lines: one walk through one format, whose cases are read side by side; what formats share is in the modules beside
it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ingest import properties
from ingest.elements import Piece
from ingest.readers import odfstyles
from ingest.readers.base import Loss, Reading, malformed, protected
from ingest.readers.grid import Grid
from ingest.readers.odfstyles import DRAW, OFFICE, PRESENTATION, STYLE, TABLE, TEXT, OdfStyles
from ingest.readers.package import Node, Package, child, elements, local, whole, xml_of
from ingest.readers.symbols import shown

_SPACE = re.compile(r"[ \t\r\n]+")
_OUT = frozenset({
    "tracked-changes", "annotation", "annotation-end", "forms", "sequence-decls", "variable-decls", "user-field-decls",
    "title-decl", "desc", "script", "dde-connection-decls", "note-citation", "event-listeners", "hidden-text",
    "meta-field-decl", "table-source", "named-expressions", "alphabetical-index-auto-mark-file", "settings", "glue-point",
})  # fmt: skip
_SKIPPED_SVG = frozenset({"title", "desc"})
_XLINK = "{http://www.w3.org/1999/xlink}href"
_REPEATED = 64
_LEVELS = 10


def odt(content: bytes, uri: str) -> Reading:
    """Raises DocumentError: `protected`, `malformed` for what is no OpenDocument text."""
    odf = Odf(content, uri)
    body = odf.body("text")
    heads, feet = odf.margins("header"), odf.margins("footer")
    return Reading([*heads, *odf.blocks(body), *feet], odf.about(), losses=odf.losses())


def odp(content: bytes, uri: str) -> Reading:
    """Raises DocumentError: `protected`, `malformed` for what is no OpenDocument presentation."""
    odf = Odf(content, uri)
    body = odf.body("presentation", "drawing")
    pages = [node for node in elements(body) if local(node) == "page"]
    pieces = [piece for number, page in enumerate(pages, 1) for piece in _slide(odf, page, number)]
    said = dict.fromkeys(text for node in elements(body) if local(node) == "footer-decl" and (text := odf.words(node)))
    ground = dict.fromkeys([*said, *_grounds(odf, pages)])
    return Reading([*pieces, *(Piece("other", text) for text in ground)], odf.about(), losses=odf.losses())


def _slide(odf: Odf, page: Node, number: int) -> list[Piece]:
    if odf.styles.says("drawing-page", page.get(f"{DRAW}style-name"), f"{PRESENTATION}visibility") == "hidden":
        odf.lose("hidden_slide", f"slide {number}")
        return []
    titles: list[Piece] = []
    rest: list[Piece] = []
    notes: list[Piece] = []
    for node in elements(page):
        if local(node) == "notes":
            shapes = [below for below in elements(node) if below.get(f"{PRESENTATION}class") == "notes"]
            notes += [piece for shape in shapes for piece in odf.blocks([shape])]
        elif node.get(f"{PRESENTATION}placeholder") == "true":
            continue  # what the layout prompts for
        elif node.get(f"{PRESENTATION}class") == "title":
            text = " ".join(" ".join(piece.text.split()) for piece in odf.blocks([node]))
            titles += [Piece("title", text)] if text else []
        else:
            rest += odf.blocks([node])
    return [replace(piece, page=number) for piece in [*titles, *rest, *notes]]


def _grounds(odf: Odf, pages: Iterable[Node]) -> list[str]:
    """What the masters in use say on every slide themselves."""
    used = {page.get(f"{DRAW}master-page-name") for page in pages}
    masters = [node for node in odf.masters() if node.get(f"{STYLE}name") in used]
    own = [shape for master in masters for shape in elements(master) if shape.get(f"{PRESENTATION}class") is None]
    lost = odf.lost.copy()
    texts = [piece.text for shape in own if local(shape) not in ("notes", "forms") for piece in odf.blocks([shape])]
    odf.lost = lost  # a logo is no picture of each slide
    return texts


@dataclass(slots=True)
class _Line:
    parts: list[str] = field(default_factory=list)
    after: list[Piece] = field(default_factory=list)

    def say(self, text: str | None) -> None:
        """Text as XML has it: white space is one space, and none at the beginning of a line."""
        words = _SPACE.sub(" ", text or "")
        if words.startswith(" ") and (not self.parts or self.parts[-1].endswith((" ", "\n"))):
            words = words[1:]
        if words:
            self.parts.append(words)

    @property
    def text(self) -> str:
        return "".join(self.parts).replace("\xa0", " ").strip()


class Odf:
    """One OpenDocument file: its parts, its styles, and its blocks as pieces."""

    def __init__(self, content: bytes, uri: str) -> None:
        self.uri = uri
        self._package = Package(content, uri) if content.startswith(b"PK") else None
        if self._package is None:
            self.root = xml_of(content, uri)
            parts = [self.root]
        else:
            manifest = self._package.read("META-INF/manifest.xml") or b""
            if b"encryption-data" in manifest:
                raise protected(uri)
            root = self._package.xml("content.xml")
            if root is None:
                raise malformed(uri, "is no OpenDocument file")
            self.root = root
            styles = self._package.xml("styles.xml")
            parts = [part for part in (styles, root) if part is not None]
        self._parts = parts
        self.styles = OdfStyles(parts)
        self.lost: Counter[str] = Counter()
        self._where: dict[str, list[str]] = {}
        self._lists: dict[str, odfstyles.Counter] = {}
        self._notes = 0
        self._deletions = _deletions(self.root)
        self._deleted: set[str] = set()
        self._page: int | None = None
        self._depth = 0

    def body(self, *kinds: str) -> Node:
        """What the document holds, where it is of one of these kinds; raises DocumentError otherwise."""
        body = child(self.root, "body")
        found = next((node for kind in kinds if (node := child(body, kind)) is not None), None)
        if found is None:
            raise malformed(self.uri, f"is no OpenDocument {kinds[0]}")
        self._page = 1 if found.find(f".//{TEXT}soft-page-break") is not None else None
        return found

    def about(self) -> properties.Properties:
        meta = child(self.root, "meta") if self._package is None else self._package.xml("meta.xml")
        return properties.of_odf(meta)

    def lose(self, what: str, where: str = "", count: int = 1) -> None:
        self.lost[what] += count
        if where and count:
            self._where.setdefault(what, []).append(where)

    def losses(self) -> tuple[Loss, ...]:
        return tuple(Loss(what, n, ", ".join(self._where.get(what, [])[:5])) for what, n in sorted((+self.lost).items()))

    def masters(self) -> list[Node]:
        return [node for part in self._parts for node in part.iter(f"{STYLE}master-page")]

    def margins(self, kind: str) -> list[Piece]:
        """Headers or footers of the document's pages, each text once."""
        page, self._page = self._page, None
        found = [node for master in self.masters() for node in elements(master) if local(node).startswith(kind)]
        shown = [node for node in found if node.get(f"{STYLE}display") != "false"]
        texts = dict.fromkeys(piece.text for node in shown for piece in self.blocks(node))
        self._page = page
        return [Piece("other", text) for text in texts]

    def words(self, node: Node) -> str:
        """The text of a node as one line."""
        line = _Line()
        self._inline(node, line)
        return line.text

    def blocks(self, holder: Node | list[Node]) -> list[Piece]:
        """Paragraphs, headings, lists, tables and drawings below a node, in order."""
        found: list[Piece] = []
        for node in elements(holder):
            match local(node):
                case "p" | "h":
                    found += self._paragraph(node)
                case "list":
                    found += self._list(node, None, 1)
                case "table":
                    found += self._table(node)
                case "section" if _is_hidden_now(node):
                    self.lose("hidden_text", str(node.get(f"{TEXT}name") or ""))
                case "frame":
                    found += self._frame(node)
                case "soft-page-break":
                    self._page = (self._page or 1) + 1
                case "annotation":
                    self.lose("comment")
                case name if name not in _OUT and not (name in _SKIPPED_SVG and "svg" in str(node.tag)):
                    found += self.blocks(node)
        return found

    def _paragraph(self, node: Node) -> list[Piece]:
        page = self._page
        if self.styles.hides("paragraph", node.get(f"{TEXT}style-name")):
            self.lose("hidden_text")
            return []
        if any(local(n) == "hidden-paragraph" and n.get(f"{TEXT}is-hidden") != "false" for n in elements(node)):
            self.lose("hidden_text")
            return []
        line = _Line()
        self._inline(node, line)
        if not line.text:
            return line.after
        if local(node) == "h":
            level = min(max(whole(node.get(f"{TEXT}outline-level"), 1), 1), _LEVELS)
            label = "" if node.get(f"{TEXT}is-list-header") == "true" or self._depth else self.styles.outline.label(level)
            return [Piece("title", f"{label} {line.text}".strip(), level - 1, page), *line.after]
        is_title = self._style_name(node) == "Title"
        return [Piece("title" if is_title else "text", line.text, 0, page), *line.after]

    def _style_name(self, node: Node) -> str:
        name = str(node.get(f"{TEXT}style-name") or "")
        return self.styles.parent("paragraph", name)

    def _list(self, node: Node, counter: odfstyles.Counter | None, level: int) -> list[Piece]:
        own = node.get(f"{TEXT}style-name")
        if counter is None or (own and level > 1 and self.styles.levels(own) is not counter.levels):
            goes_on = node.get(f"{TEXT}continue-numbering") == "true" or node.get(f"{TEXT}continue-list")
            before = self._lists.get(own or "")
            held = counter
            counter = before if goes_on and before is not None else odfstyles.Counter(self.styles.levels(own))
            if held is not None and not goes_on:
                counter.counts = {at: n for at, n in held.counts.items() if at < level}
            self._lists[own or ""] = counter
        found: list[Piece] = []
        self._depth += 1
        for item in elements(node):
            if local(item) not in ("list-item", "list-header"):
                continue
            start = item.get(f"{TEXT}start-value")
            has_own = any(local(below) in ("p", "h") for below in elements(item))
            label = ""
            if local(item) == "list-item" and has_own:
                label = counter.label(level, whole(start, 1) if start else None)
            for below in elements(item):
                if local(below) == "list":
                    found += self._list(below, counter, level + 1)
                    continue
                pieces = self.blocks([below])
                if pieces and pieces[0].kind in ("text", "title"):
                    kind = "title" if pieces[0].kind == "title" else "list"
                    pieces[0] = replace(pieces[0], kind=kind, text=f"{label} {pieces[0].text}".strip())
                    label = ""
                found += pieces
        self._depth -= 1
        return found

    def _inline(self, node: Node, line: _Line, font: str = "") -> None:
        self._say(node.text, line, font)
        for below in node:
            if isinstance(below.tag, str):
                self._within(below, line)
            self._say(below.tail, line, font)

    def _say(self, text: str | None, line: _Line, font: str) -> None:
        if text and not self._deleted:
            line.say(shown(text, font) if font else text)

    def _within(self, node: Node, line: _Line) -> None:
        match local(node):
            case "s":
                line.parts.append(" " * min(whole(node.get(f"{TEXT}c"), 1), 100))
            case "tab":
                line.parts.append("\t")
            case "line-break":
                line.parts.append("\n")
            case "soft-page-break":
                self._page = (self._page or 1) + 1
            case "span" | "a" if self.styles.hides("text", node.get(f"{TEXT}style-name")):
                self.lose("hidden_text")
            case "span" if font := self._symbol_font(node):
                self._inline(node, line, font)
            case "change-start" if node.get(f"{TEXT}change-id") in self._deletions:
                self._deleted.add(str(node.get(f"{TEXT}change-id")))
            case "change-end":
                self._deleted.discard(str(node.get(f"{TEXT}change-id")))
            case "note":
                self._note(node, line)
            case "annotation":
                self.lose("comment")
            case "ruby":
                base, above = child(node, "ruby-base"), child(node, "ruby-text")
                line.say("".join(base.itertext()) if base is not None else "")
                if above is not None and (said := "".join(above.itertext()).strip()):
                    line.parts.append(f"({said})")
            case "p" | "list" | "table" | "h":
                line.after += self.blocks([node])
            case (
                "frame"
                | "custom-shape"
                | "g"
                | "rect"
                | "line"
                | "path"
                | "polygon"
                | "ellipse"
                | "circle"
                | "text-box"
                | "connector"
                | "polyline"
            ):
                line.after += self.blocks([node])
            case "hidden-text":
                self.lose("hidden_text")
            case name if name not in _OUT:
                self._inline(node, line)

    def _symbol_font(self, node: Node) -> str:
        """The symbol font of a span, by its own name (`Wingdings1` is how LibreOffice declares Wingdings a second time)."""
        name = self.styles.says("text", node.get(f"{TEXT}style-name"), f"{STYLE}font-name").rstrip("0123456789 ")
        return name.lower() if name.lower().startswith(("wingdings", "symbol")) else ""

    def _note(self, node: Node, line: _Line) -> None:
        body = child(node, "note-body")
        self._notes += 1
        mark = f"[{self._notes}]"
        line.parts.append(mark)
        pieces = [] if body is None else self.blocks(body)
        if pieces:
            line.after += [replace(pieces[0], kind="text", text=f"{mark} {pieces[0].text}"), *pieces[1:]]

    def _frame(self, frame: Node) -> list[Piece]:
        """What a frame shows: the first of its contents that can be read, the others show the same."""
        for node in elements(frame):
            match local(node):
                case "text-box" | "table":
                    return self.blocks([node] if local(node) == "table" else node)
                case "object" | "object-ole":
                    if pieces := self._object(node):
                        return pieces
                    self.lose("embedded_object")
                    return []
                case "image":
                    self.lose("picture")
                    return []
                case "plugin" | "applet" | "floating-frame":
                    self.lose("embedded_object")
                    return []
        return []

    def _object(self, node: Node) -> list[Piece]:
        """A chart, a formula or a document within this one."""
        path = str(node.get(_XLINK) or "").removeprefix("./").strip("/")
        inside = self._package.xml(f"{path}/content.xml") if self._package is not None and path else None
        here = (below for below in elements(node) if local(below) in ("document", "math"))  # in a flat file
        root = next(here, None) if inside is None else inside
        if root is None:
            return []
        if local(root) == "math":
            text = " ".join(" ".join(str(n.text or "") for n in root.iter() if local(n) in ("mi", "mn", "mo", "mtext")).split())
            return [Piece("text", text)] if text else []
        body = child(root, "body")
        return [] if body is None else self.blocks(body)

    def _table(self, table: Node) -> list[Piece]:
        grid, cells = Grid(), list[list[Piece]]()
        self._rows(table, grid, cells)
        return grid.or_its_pieces(cells, self._page)

    def _rows(self, holder: Node, grid: Grid, cells: list[list[Piece]]) -> None:
        for node in elements(holder):
            name = local(node)
            if name in ("table-header-rows", "table-rows", "table-row-group"):
                self._rows(node, grid, cells)
            elif name == "table-row":
                line: list[tuple[str, int, int]] = []
                for cell in elements(node):
                    if local(cell) != "table-cell":
                        continue
                    pieces = self.blocks(cell)
                    cells.append(pieces)
                    across, down = (whole(cell.get(f"{TABLE}number-{n}-spanned"), 1) for n in ("columns", "rows"))
                    repeated = min(whole(cell.get(f"{TABLE}number-columns-repeated"), 1), _REPEATED)
                    line += [(" ".join(piece.text for piece in pieces) or _value(cell), across, down)] * repeated
                grid.row(line)


def _deletions(root: Node) -> frozenset[str]:
    """The ids of tracked deletions; flat files leave what was deleted in its place, between two marks."""
    regions = root.iter(f"{TEXT}changed-region")
    return frozenset(str(node.get(f"{TEXT}id")) for node in regions if child(node, "deletion") is not None)


def _value(cell: Node) -> str:
    """The value of a cell without text, as charts have them."""
    return str(cell.get(f"{OFFICE}string-value") or cell.get(f"{OFFICE}value") or "")


def _is_hidden_now(section: Node) -> bool:
    """Whether a section is hidden, or was by its condition when the document was saved."""
    display = str(section.get(f"{TEXT}display") or "")
    return display == "none" or (display == "condition" and str(section.get(f"{TEXT}is-hidden")) == "true")
