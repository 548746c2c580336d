"""How the cells of an XLSX look: the format of their numbers, and whether their text has the colour of its ground."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ingest.readers import numbers
from ingest.readers.package import Node, child, elements, local, whole

_WHITE, _BLACK = "FFFFFF", "000000"
_INDEXED = {0: _BLACK, 1: _WHITE, 8: _BLACK, 9: _WHITE, 64: _BLACK, 65: _WHITE}
_THEME = {0: _WHITE, 1: _BLACK}
"""Themes have any colours, but their first two are nearly always what paper and ink are."""

_HIDES_ALL = ";;;"


@dataclass(slots=True)
class Looks:
    """The number format of each cell style, and the styles whose text has the colour of its ground."""

    codes: list[str] = field(default_factory=list)
    unseen: frozenset[int] = frozenset()

    @classmethod
    def of(cls, root: Node | None) -> Looks:
        if root is None:
            return cls()
        own = {whole(n.get("numFmtId"), 0): str(n.get("formatCode") or "") for n in root.iter() if local(n) == "numFmt"}
        inks = [_colour(child(node, "color"), _BLACK) for node in _all(root, "fonts")]
        grounds = [_ground(child(node, "patternFill")) if len(node) else _WHITE for node in _all(root, "fills")]
        codes, unseen = [], set()
        for at, node in enumerate(_all(root, "cellXfs")):
            form, font, fill = (whole(node.get(f"{name}Id"), 0) for name in ("numFmt", "font", "fill"))
            codes.append(own.get(form, numbers.BUILT_IN.get(form, numbers.GENERAL)))
            ink, ground = _at(inks, font, _BLACK), _at(grounds, fill, _WHITE)
            if codes[-1].strip() == _HIDES_ALL or (ink and ink == ground):
                unseen.add(at)
        return cls(codes, frozenset(unseen))

    def code(self, style: str | None) -> str:
        return _at(self.codes, whole(style, 0), numbers.GENERAL)

    def may_hide(self, style: str | None) -> bool:
        """Whether this style hides text, unless a table or a condition gives the cell another look."""
        return whole(style, 0) in self.unseen

    def always_hides(self, style: str | None) -> bool:
        """Whether the format itself (`;;;`) shows nothing of anything."""
        return self.code(style).strip() == _HIDES_ALL


def _all(root: Node, name: str) -> Iterable[Node]:
    found = child(root, name)
    return [] if found is None else elements(found)


def _at(found: list[str], place: int, otherwise: str) -> str:
    return found[place] if 0 <= place < len(found) else otherwise


def _ground(fill: Node | None) -> str:
    """The colour behind a cell's text; "" for one that is not one colour."""
    kind = "" if fill is None else str(fill.get("patternType") or "none")
    if kind == "none":
        return _WHITE
    return _colour(child(fill, "fgColor"), _BLACK) if kind == "solid" else ""


def _colour(node: Node | None, otherwise: str) -> str:
    """A colour as six digits where it is known, or as what names it."""
    if node is None or node.get("auto"):
        return otherwise
    if rgb := node.get("rgb"):
        return str(rgb)[-6:].upper()
    tint = float(node.get("tint") or 0)
    known, name = (_THEME, "theme") if node.get("theme") else (_INDEXED, "indexed")
    at = whole(node.get(name), 64)
    return known[at] if at in known and not tint else f"{name} {at} {tint:.3f}"
