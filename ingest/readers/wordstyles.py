"""What Word's styles and numbering say of a paragraph: its level as a heading, its printed number, whether it is hidden."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from ingest.readers.package import Node, child, is_on, local, whole
from ingest.readers.wordnumbers import number

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_VAL = f"{W}val"
_LEVELS = 9
_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_HEADS_NOTHING = re.compile(
    r"(?:caption|(?:intense )?quote|table of figures|toc \d|index \d|macro(?: text)?|"
    r"header|footer|(?:foot|end)note text|date|signature)",
    re.IGNORECASE,
)
_DEEPEST_STYLE = 30


@dataclass(frozen=True, slots=True)
class Style:
    """A style with what it inherits: heading level (0 outermost, None for none), numbering, hidden (None: not said), bold."""

    level: int | None = None
    numbering: tuple[str, int | None] | None = None
    hidden: bool | None = None
    bold: bool = False
    heads_nothing: bool = False
    """Whether what it is for is no heading, however bold: a caption, a quotation, a line of a table of contents."""


class Styles:
    """The styles of a document by id; one that does not exist is plain."""

    def __init__(self, root: Node | None) -> None:
        self._nodes = {} if root is None else {str(n.get(f"{W}styleId")): n for n in root.iterchildren(f"{W}style")}
        self._found: dict[str, Style] = {}
        self._cells: dict[tuple[str, frozenset[str]], bool | None] = {}
        self.default, self.default_table = self._default("paragraph"), self._default("table")
        self._hides = flag(child(root, "docDefaults", "rPrDefault", "rPr"), "vanish", False)

    def _default(self, kind: str) -> str:
        found = next((n for n in self._nodes.values() if n.get(f"{W}type") == kind and is_on_by_default(n)), None)
        return "" if found is None else str(found.get(f"{W}styleId"))

    def of(self, name: str, depth: int = 0) -> Style:
        """The style of this id."""
        if name not in self._found:
            node = self._nodes.get(name)
            if node is None or depth > _DEEPEST_STYLE:  # also a style that is based on itself
                return Style()
            based = node.find(f"{W}basedOn")
            self._found[name] = _style(node, Style() if based is None else self.of(str(based.get(_VAL)), depth + 1))
        return self._found[name]

    def hides(self, *said: bool | None) -> bool:
        """Whether text is hidden by what the styles of its table, paragraph and run say of it (ECMA-376, 17.7.3).

        Two styles that both hide it show it again; what holds for the document holds where no style says otherwise.
        """
        return (self._hides and False not in said) or sum(map(bool, said)) % 2 == 1

    def hides_cell(self, name: str, places: frozenset[str]) -> bool | None:
        """What a table's style says of the text of a cell in these places (`firstRow`); None where it says nothing."""
        if (key := (name, places)) in self._cells:
            return self._cells[key]
        chain: list[Node] = []
        while (node := self._nodes.get(name)) is not None and len(chain) < _DEEPEST_STYLE:
            chain.append(node)
            based = node.find(f"{W}basedOn")
            name = "" if based is None else str(based.get(_VAL))
        said: bool | None = None
        for node in reversed(chain):
            for look in (node, *(n for n in node.iterchildren(f"{W}tblStylePr") if n.get(f"{W}type") in places)):
                said = flag(look.find(f"{W}rPr"), "vanish", said)
        self._cells[key] = said
        return said


def is_on_by_default(node: Node) -> bool:
    return str(node.get(f"{W}default", "0")).lower() in ("1", "true", "on")


def _style(node: Node, base: Style) -> Style:
    named = child(node, "name")
    name = "" if named is None else str(named.get(_VAL, ""))
    about, look = node.find(f"{W}pPr"), node.find(f"{W}rPr")
    level = base.level
    if found := _HEADING.fullmatch(name):
        level = int(found.group(1)) - 1
    elif name.lower() == "title":
        level = 0
    level = outline(about, level)
    numbering = numbered(about) or base.numbering
    heads_nothing = base.heads_nothing or _HEADS_NOTHING.fullmatch(name) is not None
    return Style(level, numbering, flag(look, "vanish", base.hidden), flag(look, "b", base.bold), heads_nothing)


def outline(about: Node | None, before: int | None) -> int | None:
    """The heading level that paragraph properties give, else the one before; level 9 is body text."""
    found = None if about is None else about.find(f"{W}outlineLvl")
    if found is None:
        return before
    level = whole(found.get(_VAL), 9)
    return level if 0 <= level < _LEVELS else None


def numbered(about: Node | None) -> tuple[str, int | None] | None:
    """The numbering (id, level) that paragraph properties give; None where they give none."""
    found = None if about is None else about.find(f"{W}numPr")
    if found is None:
        return None
    name, level = found.find(f"{W}numId"), found.find(f"{W}ilvl")
    if name is None:
        return None
    return str(name.get(_VAL)), None if level is None else whole(level.get(_VAL), 0)


Before = TypeVar("Before", bool, bool | None)


def flag(look: Node | None, name: str, before: Before) -> Before:
    """A switch of run properties, else what held before."""
    found = None if look is None else look.find(f"{W}{name}")
    return before if found is None else is_on(found, _VAL)


_LOOKS = (
    ("firstRow", 0x20),
    ("lastRow", 0x40),
    ("firstColumn", 0x80),
    ("lastColumn", 0x100),
    ("noHBand", 0x200),
    ("noVBand", 0x400),
)


def cell_places(look: Node | None, row: int, rows: int, column: int, columns: int) -> frozenset[str]:
    """The parts of a table's style that a cell gets, by the table's `tblLook`: the first row has a look of its own."""
    bits = int(str(look.get(_VAL) or "0"), 16) if look is not None and re.fullmatch("[0-9A-Fa-f]{1,8}", look.get(_VAL, "")) else 0
    on = {
        name: is_on(look, f"{W}{name}") if look is not None and f"{W}{name}" in look.attrib else bool(bits & bit)
        for name, bit in _LOOKS
    }
    first_row, first_column = on["firstRow"] and row == 0, on["firstColumn"] and column == 0
    parts = {
        "wholeTable": True,
        "firstRow": first_row,
        "lastRow": on["lastRow"] and row == rows - 1,
        "firstCol": first_column,
        "lastCol": on["lastColumn"] and column == columns - 1,
        f"band{(row - on['firstRow']) % 2 + 1}Horz": not on["noHBand"] and not first_row,
        f"band{(column - on['firstColumn']) % 2 + 1}Vert": not on["noVBand"] and not first_column,
    }
    return frozenset(name for name, holds in parts.items() if holds)


@dataclass(slots=True)
class _Level:
    form: str = "decimal"
    text: str = ""
    start: int = 1
    style: str = ""
    restart: int | None = None
    legal: bool = False
    """Its number is in digits, the ones above it too (`Article IV`, and within it 4.1)."""


@dataclass(slots=True)
class _List:
    levels: dict[int, _Level] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Label:
    """What is printed before a paragraph: its number, '' for a bullet."""

    text: str


class Numbering:
    """Counts the paragraphs of each list as they come, and gives their printed numbers."""

    def __init__(self, root: Node | None) -> None:
        self._lists: dict[str, _List] = {}
        self._of: dict[str, str] = {}
        self._overrides: dict[str, dict[int, int]] = {}
        self._own: dict[str, dict[int, _Level]] = {}  # what a list has instead of levels of the definition that it shares
        if root is None:
            return
        links: dict[str, str] = {}
        styled: dict[str, str] = {}
        for node in root.iterchildren(f"{W}abstractNum"):
            name = str(node.get(f"{W}abstractNumId"))
            self._lists[name] = _List(
                {
                    whole(n.get(f"{W}ilvl"), 0): _level(n)
                    for n in node.iterchildren(f"{W}lvl")
                    if whole(n.get(f"{W}ilvl"), 0) < _LEVELS
                }
            )
            for what, held in (("numStyleLink", links), ("styleLink", styled)):
                if (found := node.find(f"{W}{what}")) is not None:
                    held[name] = str(found.get(_VAL))
        defined = {style: name for name, style in styled.items()}
        for node in root.iterchildren(f"{W}num"):
            name, abstract = str(node.get(f"{W}numId")), node.find(f"{W}abstractNumId")
            used = "" if abstract is None else str(abstract.get(_VAL))
            self._of[name] = defined.get(links.get(used, ""), used)
            for override in node.iterchildren(f"{W}lvlOverride"):
                start, own, level = (
                    override.find(f"{W}startOverride"),
                    override.find(f"{W}lvl"),
                    whole(override.get(f"{W}ilvl"), 0),
                )
                if start is not None:
                    self._overrides.setdefault(name, {})[level] = whole(start.get(_VAL), 1)
                if own is not None:
                    self._own.setdefault(name, {})[level] = _level(own)

    def label(self, name: str, level: int | None, style: str) -> Label | None:
        """The label of the next paragraph of this list; None where there is no such list ('0' takes numbering away)."""
        found = self._lists.get(self._of.get(name, ""))
        if found is None:
            return None
        levels = found.levels | self._own.get(name, {})
        if level is None:
            level = next((n for n, each in levels.items() if each.style == style), 0)
        own = levels.get(level)
        if own is None:
            return None
        overrides = self._overrides.get(name, {})
        if level in overrides:  # the first paragraph of this number starts the list anew
            found.counts[level] = overrides.pop(level) - 1
        found.counts[level] = found.counts.get(level, own.start - 1) + 1
        for deeper in [n for n in found.counts if n > level]:
            restart = levels[deeper].restart if deeper in levels else None
            if restart is None or (restart > 0 and level < restart):
                del found.counts[deeper]
        if own.form == "bullet":
            return Label("")
        return Label(re.sub(r"%([1-9])", lambda m: _printed(found.counts, levels, int(m.group(1)) - 1, own), own.text).strip())


def _printed(counts: Mapping[int, int], levels: Mapping[int, _Level], level: int, own: _Level) -> str:
    at = levels.get(level, own)
    return number(counts.get(level, at.start), "decimal" if own.legal else at.form)


def _level(node: Node) -> _Level:
    said = {local(below): str(below.get(_VAL) or "") for below in node if isinstance(below.tag, str)}
    if "AlternateContent" in said:  # digits with as many zeros as its first number has, which Word knows since 2010
        own = child(node, "AlternateContent", "Choice", "numFmt")
        first = "" if own is None else str(own.get(f"{W}format") or "").partition(",")[0].strip()
        said["numFmt"] = "0" * len(first) if first.isdecimal() else said.get("numFmt", "decimal")
    restart = whole(said["lvlRestart"], 0) if "lvlRestart" in said else None
    return _Level(
        said.get("numFmt", "decimal"),
        said.get("lvlText", ""),
        whole(said.get("start"), 1),
        said.get("pStyle", ""),
        restart,
        flag(node, "isLgl", False),
    )
