"""PPTX, from its XML: slides in their order with all that stands on them, and their notes; what is left out is said.

Shapes come in PowerPoint's own reading order (title first, then back to front). Out: what the master only prompts for,
numbers of slides. Said: hidden slides and shapes, comments, pictures, embedded objects. What a master or a layout itself says
stands once at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from ingest import properties
from ingest.elements import Piece
from ingest.readers import drawings
from ingest.readers.base import Loss, Reading
from ingest.readers.flat import packed
from ingest.readers.grid import Grid
from ingest.readers.ooxml import opened
from ingest.readers.package import Node, Package, R, Related, child, elements, local, whole

_TITLES = frozenset({"title", "ctrTitle"})
_ONCE = frozenset({"ftr", "dt", "hdr"})
_OUTLINED = frozenset({"body", "obj", ""})
_MARKS = frozenset({"sldNum"})


def pptx(content: bytes, uri: str) -> Reading:
    """Raises DocumentError: `protected`, `malformed` for a zip without a presentation in it."""
    package, path, root = opened(content, uri, "ppt/presentation.xml", "presentation", "PowerPoint presentation")
    deck = _Deck(package)
    related = package.related(path)
    listed = child(root, "sldIdLst")
    slides = [related.get(str(node.get(f"{R}id"))) for node in elements(listed)] if listed is not None else []
    pieces = [piece for page, slide in enumerate(slides, 1) if slide is not None for piece in deck.slide(slide.path, page)]
    return Reading([*pieces, *deck.ground()], properties.of_office(packed(content, uri)), losses=deck.losses())


class _Deck:
    def __init__(self, package: Package) -> None:
        self._package = package
        self._related: dict[str, Related] = {}
        self._once: set[str] = set()
        self._grounds: dict[str, None] = {}
        self._layouts: set[str] = set()
        self._lost: Counter[str] = Counter()
        self._hidden: list[int] = []

    def losses(self) -> tuple[Loss, ...]:
        where = {"hidden_slide": ", ".join(f"slide {page}" for page in self._hidden[:5])}
        return tuple(Loss(what, count, where.get(what, "")) for what, count in sorted((+self._lost).items()))

    def slide(self, path: str, page: int) -> list[Piece]:
        """A slide's pieces, its title first, its notes last; none for a hidden one."""
        root = self._package.xml(path)
        if root is None:
            return []
        if str(root.get("show", "1")).lower() in ("0", "false"):
            self._lost["hidden_slide"] += 1
            self._hidden.append(page)
            return []
        self._related = self._package.related(path)
        found = self._shapes(root, page)
        found = [piece for piece in found if piece.kind == "title"] + [piece for piece in found if piece.kind != "title"]
        for other in list(self._related.values()):
            match other.kind:
                case "slideLayout":
                    self._behind(root, other.path)
                case "notesSlide":
                    found += self._notes(other.path, page)
                case "comments":
                    comments = self._package.xml(other.path)
                    self._lost["comment"] += (
                        0 if comments is None else sum(local(node) in ("cm", "reply") for node in comments.iter())
                    )
        return found

    def _behind(self, slide: Node, path: str) -> None:
        """The layout and the master that are seen behind a slide: each may say that it shows none of what is behind it."""
        if _is_set(slide, "showMasterSp", "1"):
            self._grounds[path] = None
            layout = self._package.xml(path) if path not in self._layouts else None
            if layout is not None and _is_set(layout, "showMasterSp", "1"):
                self._grounds[self._package.first(path, "slideMaster")] = None
            self._layouts.add(path)

    def ground(self) -> list[Piece]:
        """What the layouts and masters in use say on every slide, once; no placeholder of theirs is shown."""
        texts: dict[str, None] = {}
        lost = self._lost.copy()
        for path in filter(None, self._grounds):
            root = self._package.xml(path)
            if root is not None:
                self._related = self._package.related(path)
                texts |= dict.fromkeys(piece.text for piece in self._shapes(root, None, ground=True))
        self._lost = lost  # a logo is no picture of each slide
        return [Piece("other", text) for text in texts]

    def _notes(self, path: str, page: int) -> list[Piece]:
        root = self._package.xml(path)
        if root is None:
            return []
        shapes = [node for node in root.iter() if local(node) == "sp" and _placeholder(node) not in _MARKS | _ONCE]
        return [piece for shape in shapes for piece in self._text(shape, page, "notes")]

    def _shapes(self, root: Node, page: int | None, *, ground: bool = False) -> list[Piece]:
        return [piece for node in _shapes(root) for piece in self._shape(node, page, ground)]

    def _shape(self, node: Node, page: int | None, ground: bool) -> list[Piece]:
        kind = _placeholder(node)
        if kind in _MARKS or (ground and kind is not None):
            return []
        if drawings.is_hidden(node):
            self._lost["hidden_shape"] += drawings.holds_text(node)
            return []
        match local(node):
            case "sp" | "cxnSp":
                pieces = self._text(node, page, kind)
                if kind in _ONCE:
                    pieces = [piece for piece in pieces if piece.text not in self._once]
                    self._once |= {piece.text for piece in pieces}
                return pieces
            case "graphicFrame":
                return self._frame(node, page)
            case "pic":
                self._lost["picture"] += 1
        return []

    def _text(self, shape: Node, page: int | None, kind: str | None) -> list[Piece]:
        body = child(shape, "txBody")
        if body is None:
            return []
        if kind in _TITLES:
            text = " ".join(" ".join(piece.text.split()) for piece in drawings.paragraphs(body))
            return [Piece("title", text, page=page)] if text else []
        pieces = drawings.paragraphs(body, page, listed=kind in _OUTLINED)
        return [replace(piece, kind="other") for piece in pieces] if kind in _ONCE else pieces

    def _frame(self, frame: Node, page: int | None) -> list[Piece]:
        pieces: list[Piece] = []
        for node in frame.iter():
            match local(node):
                case "tbl":
                    pieces += _table(node, page)
                case "chart" | "relIds" if node.get(f"{R}id") or node.get(f"{R}dm"):
                    pieces += drawings.referred(node, self._package, self._related, page)
                case "oleObj" if node.find(".//{*}pic") is not None or len(node) == 0:
                    self._lost["embedded_object"] += 1
        return pieces


def _shapes(root: Node) -> Iterator[Node]:
    """Shapes in drawing order, those in groups (unless hidden) in the place of their group; of alternatives the first."""
    tree = child(root, "cSld", "spTree")
    waiting = [] if tree is None else list(reversed(list(elements(tree))))
    while waiting:
        node = waiting.pop()
        match local(node):
            case "grpSp" if not drawings.is_hidden(node):
                waiting += reversed(list(elements(node)))
            case "AlternateContent":
                choices = [list(elements(choice)) for choice in elements(node)]
                waiting += reversed(next(filter(None, choices), []))
            case _:
                yield node


def _placeholder(node: Node) -> str | None:
    """The type of a placeholder, '' for one without a type (an object in the outline); None for other shapes."""
    for below in elements(node):
        if local(below).startswith("nv"):
            mark = child(below, "nvPr", "ph")
            return None if mark is None else str(mark.get("type") or "")
    return None


def _table(table: Node, page: int | None) -> list[Piece]:
    grid = Grid()
    for row in elements(table):
        if local(row) == "tr":
            cells: list[tuple[str, int, int]] = []
            for cell in elements(row):
                if local(cell) == "tc" and not {"hMerge", "vMerge"} & {
                    name for name in ("hMerge", "vMerge") if _is_set(cell, name)
                }:
                    body = child(cell, "txBody")
                    text = "" if body is None else " ".join(piece.text for piece in drawings.paragraphs(body))
                    cells.append((text, whole(cell.get("gridSpan"), 1), whole(cell.get("rowSpan"), 1)))
            grid.row(cells)
    return grid.piece(page)


def _is_set(node: Node, name: str, otherwise: str = "0") -> bool:
    return str(node.get(name, otherwise)).lower() in ("1", "true")
