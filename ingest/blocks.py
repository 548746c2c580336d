"""HTML as pieces: every word that a browser shows, once, in reading order, under its headings.

One walk over lxml's tree. Decisions, each for what a person sees:

- Shown: `alt` texts, options of a `select`, `textarea`, closed `details`, captions, MathML, text in SVG, `aria-hidden`
  (hidden from screen readers only), `s` and `strike`, list numbers as the list counts them, cells that span repeated.
- Not shown, so not text: `script`, `style`, `template` (but a component's own), `noscript`, `datalist`, closed `dialog`, `del`,
  comments, and what stands in `video`, `audio`, `canvas`, `progress` and `meter` for browsers that do not know them. What
  styles and `hidden` hide is the poison rules' to find (`ingest.poison.markup`): they can be told to keep it.
- Around the text of a page (`page=True`): `nav`, `button`, and all that is outside `main` where there is one. They are
  left out, and said as losses; so are pictures without an `alt` and pages embedded from elsewhere.

Over 300 lines: one walk over one tree, a short method for each kind of element.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from ingest import grid, ticks
from ingest.elements import Loss, Piece, clean, row_text
from ingest.exports import from_confluence, without_comments
from ingest.formulas import formula, ruby
from ingest.markup import BLOCKS, UNSEEN, Node, says, spaced, walked
from ingest.numerals import marker
from ingest.stylesheets import style_rules
from ingest.unseen import without_hidden

_LEVELS = {f"h{level}": level - 1 for level in range(1, 7)}
_LISTS = frozenset(("ul", "ol", "menu", "dir"))
_BULLETS = ("•", "◦", "▪", "‣", "●", "■", "○", "∙", "·")
_TYPED = frozenset(("text", "email", "number", "search", "tel", "url", "date", "time", "month", "week", "datetime-local"))
_DISPLAYED = re.compile(r"display\s*:\s*(?:block|list-item|flex|grid|table(?!-c))", re.IGNORECASE)
_DISPLAYS = re.compile(r"(?:block|list-item|flex|grid|table(?!-c)).*")
_CELL = re.compile(r"display\s*:\s*table-c", re.IGNORECASE)
_TO_HERE = ("¶", "🔗", "\uf0c1")
_NUMBERS = re.compile(
    r"list-style(?:-type)?\s*:[^;]{0,80}?\b(none|(?:lower|upper)-(?:alpha|latin|roman)|decimal)\b", re.IGNORECASE
)
_TYPES = {"alpha": "a", "latin": "a", "roman": "i"}
_QUESTION = re.compile(r".*[?？؟]|(?:\S+\s+){2,}\S+", re.DOTALL)
_FORMULA = re.compile(r"math/(?:tex|asciimath)\b", re.IGNORECASE)
_QUOTED = re.compile(r"%?\s*<!\[CDATA\[|%?\s*\]\]>")
_WHERES = 3
_LONGEST_INSTEAD = 300
_MATHEMATICS = frozenset(("katex", "MathJax", "mwe-math-element"))
"""What a formula is in that its program shows twice: as MathML for readers of screens, and drawn."""


def html_blocks(source: str, *, page: bool = False) -> tuple[list[Piece], tuple[Loss, ...]]:
    """The pieces of HTML and what is missing; `page`: a whole page, whose navigation is left out.

    Raises ValueError where the parser itself would lose text (more than 2,048 levels).
    """
    source = from_confluence(source)
    return walked(source, lambda root: _blocks(root, source, page)) or ([], ())


def _blocks(root: Node, source: str, page: bool) -> tuple[list[Piece], tuple[Loss, ...]]:
    walk = _Walk(page, sheet=_line_makers(source))
    walk.lose("comment", without_comments(root, source))
    mains = [main for main in root.iter("main") if says(main.text_content())] if page else []
    if mains:
        outer = [main for main in mains if not any(above.tag == "main" for above in main.iterancestors())]
        named = _heading_above(root, outer)
        for part in [*named, *outer]:
            walk.block(part) if part.tag == "main" else walk.heading(part)
        body = root.find(".//body")
        outside = len(spaced(root if body is None else body, " ").split()) - sum(
            len(spaced(part, " ").split()) for part in [*named, *outer]
        )
        walk.lose("outside_main", max(0, outside))
    else:
        walk.block(root)  # not its body: a page may have several, and text behind them
    return walk.pieces, walk.losses()


def _line_makers(source: str) -> frozenset[str]:
    """The tags, classes (`.card`) and ids to which a page's own style sheets give lines of their own."""
    if "display" not in source or "<style" not in source.lower():
        return frozenset()
    return frozenset(name for name, look in style_rules(source)[0].items() if _DISPLAYS.fullmatch(look.get("display", "")))


def _heading_above(body: Node, mains: list[Node]) -> list[Node]:
    """The page's heading where it stands beside its main text, not in it: its one `h1`, with which its title begins.

    Another one is the name of the site, which is on all of its pages.
    """
    if any(main.find(".//h1") is not None for main in mains):
        return []
    found = [node for node in body.iter("h1") if says(node.text_content())]
    title = " ".join((body.getroottree().findtext(".//title") or "").split())
    said = " ".join(found[0].text_content().split()) if len(found) == 1 else ""
    return found if said and title.startswith(said) else []


class _Walk:
    """The walk: text waits in `_line` until a block begins or ends."""

    def __init__(self, page: bool, *, heads: bool = False, sheet: frozenset[str] = frozenset()) -> None:
        self.pieces: list[Piece] = []
        self._page = page
        self._sheet = sheet
        self._heads = heads  # within a heading
        self._line: list[str] = []
        self._item: str | None = None  # the number ("" for a bullet) of a list item of which nothing has been said yet
        self._lost: Counter[str] = Counter()
        self._where: dict[str, list[str]] = {}

    def block(self, node: Node) -> None:
        self._flush()
        self._children(node)
        self._flush()

    def lose(self, what: str, count: int = 1, where: str | None = "") -> None:
        if count:
            self._lost[what] += count
            places = self._where.setdefault(what, [])
            if where and len(places) < _WHERES:
                places.append(where[:100])

    def losses(self) -> tuple[Loss, ...]:
        return tuple(Loss(what, count, ", ".join(self._where[what])) for what, count in self._lost.items())

    def _children(self, node: Node) -> None:
        if node.text:
            self._line.append(node.text)
        for child in node:
            self._node(child)
            if child.tail:
                self._line.append(child.tail)

    def _node(self, node: Node) -> None:
        tag = node.tag
        if not isinstance(tag, str) or (tag in UNSEEN and tag not in ("template", "script")):
            return
        if (special := _SPECIAL.get(tag)) is not None:
            special(self, node)
        elif (classes := str(node.get("class") or "").split()) and not _MATHEMATICS.isdisjoint(classes):
            self._typeset(node)
        elif "mw-editsection" in classes:  # a wiki's, beside each heading
            self.lose("button")
        elif (classes or node.get("role") == "checkbox") and (box := ticks.of_box(node, classes)):
            self._line.append(f"{box} ")
        elif (role := node.get("role")) is not None and (played := _ROLES.get(role)) is not None:
            played(self, node)
        elif tag in BLOCKS or _is_block(node) or (self._sheet and self._is_in_lines(node, classes)):
            self.block(node)
        elif _CELL.search(str(node.get("style") or "")):
            self.apart(node)
        else:
            self._children(node)

    def _is_in_lines(self, node: Node, classes: list[str]) -> bool:
        """Whether the page's style sheets give an element lines of its own."""
        name = node.get("id")
        return (
            node.tag in self._sheet
            or (name is not None and f"#{name.lower()}" in self._sheet)
            or any(f".{each.lower()}" in self._sheet for each in classes)
        )

    def _flush(self) -> None:
        if not self._line:
            return
        text = " ".join(clean("".join(self._line)).split())
        self._line.clear()
        if not text:
            return
        kind = "text"
        if self._item is not None:
            kind, text, self._item = "list", f"{self._item} {text}".strip(), None
        elif text.startswith(_BULLETS) and text[1:2].isspace():
            kind, text = "list", text[1:].strip()
        self.pieces.append(Piece(kind, text))

    def _numbered(self) -> str:
        """The number of an item that begins with a heading, a table or code."""
        number, self._item = self._item or "", None
        return number

    def _text_of(self, node: Node) -> str:
        """All text below a node in one line."""
        if not len(node):
            return " ".join(clean(node.text or "").split())
        inner = _Walk(self._page, heads=self._heads, sheet=self._sheet)
        inner.block(node)
        for loss in inner.losses():
            self.lose(loss.what, loss.count, loss.where)
        return " ".join(piece.text for piece in inner.pieces)

    def _typeset(self, node: Node) -> None:
        """A formula that KaTeX, MathJax or a wiki shows: as MathML where that is beside it, so that it is said once."""
        found = next(node.iter("math"), None)
        if found is None:
            self._children(node)
        else:
            self._line.append(formula(found))

    def link(self, node: Node) -> None:
        """A link; the sign that stands beside a heading or a name to link to it (`¶`, `#`) is none of its words."""
        if str(node.get("href") or "").startswith("#"):
            text = node.text_content().strip()
            if text in _TO_HERE or (self._heads and not any(map(str.isalnum, text))):
                return
        if _is_block(node) or (self._sheet and self._is_in_lines(node, str(node.get("class") or "").split())):
            self.block(node)
        else:
            self._children(node)

    def heading(self, node: Node) -> None:
        self._flush()
        self._heads = True
        text = self._text_of(node)
        self._heads = False
        if text:
            level = _LEVELS.get(node.tag, _number(node.get("aria-level"), 2) - 1)
            self.pieces.append(Piece("title", f"{self._numbered()} {text}".strip(), max(0, min(level, 5))))

    def code(self, node: Node) -> None:
        self._flush()
        text = clean(spaced(node, "\n"), keep_indent=True)
        if text.strip():
            if number := self._numbered():
                self.pieces.append(Piece("list", number))
            self.pieces.append(Piece("code", text))

    def table(self, node: Node) -> None:
        self._flush()
        if grid.is_layout(node):
            self.block(node)
        elif text := grid.table_text(node, self._text_of):
            if number := self._numbered():
                self.pieces.append(Piece("list", number))
            self.pieces.append(Piece("table", text))

    def cells(self, node: Node) -> None:
        """A table of elements that are no table's to a browser, only to readers of screens."""
        rows = grid.rows_by_role(node)
        if max(map(len, rows), default=0) < 2:
            self.block(node)
            return
        self._flush()
        if text := "\n".join(filter(None, (row_text(map(self._text_of, row)) for row in rows))):
            self.pieces.append(Piece("table", text))

    def list(self, node: Node) -> None:
        self._flush()
        is_ordered = node.tag == "ol"
        items = [child for child in node if child.tag == "li"]
        step = -1 if node.get("reversed") is not None else 1
        number = _number(node.get("start"), len(items) if step < 0 else 1)
        if node.text:
            self._line.append(node.text)
        for child in node:
            if child.tag == "li":
                number = _number(child.get("value"), number)
                label = _numbered(number, child, node) if is_ordered else ""
                box = ticks.of_item(child, node)
                self._list_item(child, box or label)
                number += step
            else:
                self._node(child)
            if child.tail:
                self._line.append(child.tail)
        self._flush()

    def _list_item(self, node: Node, number: str) -> None:
        self._flush()
        above, self._item = self._item, number
        self.block(node)
        self._item = above

    def item(self, node: Node) -> None:
        """An item outside any list."""
        self._list_item(node, "")

    def line_break(self, node: Node) -> None:
        following = node.getnext()
        self._line.append(" ")
        if following is not None and following.tag == "br" and not says(node.tail):
            self._flush()  # two in a row are how older pages and e-mail end a paragraph

    def picture(self, node: Node) -> None:
        alt = node.get("alt")
        self._line.append(f" {alt or ''} ")
        if alt is None and node.get("width") not in ("0", "1") and node.get("height") not in ("0", "1"):
            self.lose("picture", 1, "" if (node.get("src") or "").startswith("data:") else node.get("src"))

    def options(self, node: Node) -> None:
        found = [
            str(o.get("label") or o.text_content()) if o.tag == "option" else str(o.get("label") or "")
            for o in node.iter("option", "optgroup")
        ]
        self._line.append(f" {', '.join(' '.join(text.split()) for text in found if says(text))} ")

    def field(self, node: Node) -> None:
        self._line.append(f" {node.text_content()} ")

    def box(self, node: Node) -> None:
        """What is typed into a field, and which boxes are ticked; at the head of a list's item (of tasks) also which are not."""
        kind = str(node.get("type") or "text").lower()
        if kind in _TYPED and says(node.get("value")):
            self._line.append(f" {node.get('value')} ")
        elif kind in ("checkbox", "radio") and node.get("checked") is not None:
            self._line.append(" ☒ ")
        elif kind == "checkbox" and self._item is not None and not says("".join(self._line)):
            self._line.append("☐ ")

    def template(self, node: Node) -> None:
        """The inside of a component that is written where it stands; any other is for scripts."""
        if node.get("shadowrootmode") in ("open", "closed"):
            self.block(node)

    def instead(self, node: Node) -> None:
        """What is for browsers that do not know a player or a bar; what holds headings, or much, was never closed."""
        if len(node.text_content()) > _LONGEST_INSTEAD or node.find(".//h1") is not None or node.find(".//h2") is not None:
            self._children(node)

    def quote(self, node: Node) -> None:
        self._line.append("“")
        self._children(node)
        self._line.append("”")

    def dialog(self, node: Node) -> None:
        if node.get("open") is not None:
            self.block(node)

    def embedded(self, node: Node) -> None:
        """A page within the page: read where it is written here (`srcdoc`), said where it lies elsewhere."""
        if (source := node.get("srcdoc")) is None:
            self.lose("embedded_page", 1, node.get("src"))
            return
        self._flush()
        kept, unseen = without_hidden(source)
        pieces, losses = html_blocks(kept)
        self.pieces += pieces
        for loss in (*unseen, *losses):
            self.lose(loss.what, loss.count, loss.where)

    def script(self, node: Node) -> None:
        """A formula that a program would typeset (MathJax 2), unless it stands typeset beside it."""
        if not _FORMULA.match(str(node.get("type") or "")):
            return
        before = node.getprevious()
        drawn = before is not None and "MathJax" in str(before.get("class") or "") and not says(before.tail)
        if not (drawn and says(before.text_content())):
            self._line.append(f" {' '.join(_QUOTED.sub(' ', node.text or '').split())} ")

    def chrome(self, node: Node) -> None:
        if self._heads and node.tag == "button":  # what it opens is below the heading
            self._children(node)
        elif not self._page or (node.tag == "button" and _opens_an_answer(node)):
            self.block(node)
        elif says(node.text_content()):
            self.lose("navigation" if node.tag == "nav" else "button")

    def apart(self, node: Node) -> None:
        """A drawing, and each text in it: it touches nothing."""
        self._line.append(" ")
        self._children(node)
        self._line.append(" ")

    def part(self, node: Node) -> None:
        """A part of a drawing's text, which may have a place of its own."""
        if node.get("x") is not None or node.get("y") is not None or node.get("dy") is not None:
            self._line.append(" ")
        self._children(node)

    def frameless(self, node: Node) -> None:
        """What stands there for browsers without frames, which the parser leaves as source."""
        self._flush()
        node.text = re.sub(r"<[^<>]*>", " ", node.text or "")
        self.block(node)

    def formula(self, node: Node) -> None:
        self._line.append(formula(node))

    def ruby(self, node: Node) -> None:
        self._line.append(ruby(node))


def _number(written: str | None, otherwise: int) -> int:
    text = (written or "").strip()
    return (
        int(text)
        if text.lstrip("+-").isdecimal() and text.isascii() and len(text) < 10 and text.count("-") + text.count("+") < 2
        else otherwise
    )


def _numbered(number: int, item: Node, listed: Node) -> str:
    """The number of an item as its attributes or its styles want it; none where they want none."""
    styles = (str(node.get("style") or "") for node in (item, listed))
    found = next((found for style in styles if (found := _NUMBERS.search(style))), None)
    if found is None:
        return marker(number, item.get("type") or listed.get("type") or "1")
    case, _, kind = found[1].lower().partition("-")
    sign = _TYPES.get(kind, "1")
    return "" if case == "none" else marker(number, sign.upper() if case == "upper" else sign)


def _opens_an_answer(button: Node) -> bool:
    """Whether a button is a question, or words that stand for what is folded below them, not a tool of the page."""
    text = button.text_content().strip()
    found = _QUESTION.fullmatch(text) if text else None
    return found is not None and (button.get("aria-expanded") is not None or text[-1] in "?？؟")


def _is_block(node: Node) -> bool:
    """Whether an element has lines of its own by its style."""
    style = node.get("style")
    return style is not None and "display" in style and _DISPLAYED.search(style) is not None


_ROLES: dict[str, Any] = {
    "heading": _Walk.heading,
    **dict.fromkeys(("table", "grid", "treegrid"), _Walk.cells),
    "listitem": _Walk.item,
}
_SPECIAL: dict[str, Any] = {
    **dict.fromkeys(_LEVELS, _Walk.heading),
    **dict.fromkeys(_LISTS, _Walk.list),
    **dict.fromkeys(("iframe", "frame"), _Walk.embedded),
    **dict.fromkeys(("nav", "button"), _Walk.chrome),
    **dict.fromkeys(("pre", "listing", "xmp", "plaintext"), _Walk.code),
    "a": _Walk.link,
    "input": _Walk.box,
    "template": _Walk.template,
    "script": _Walk.script,
    "q": _Walk.quote,
    **dict.fromkeys(("video", "audio", "canvas", "progress", "meter"), _Walk.instead),
    "noframes": _Walk.frameless,
    "li": _Walk.item,
    "table": _Walk.table,
    "br": _Walk.line_break,
    "img": _Walk.picture,
    "select": _Walk.options,
    "textarea": _Walk.field,
    "dialog": _Walk.dialog,
    **dict.fromkeys(("svg", "text"), _Walk.apart),
    "tspan": _Walk.part,
    "math": _Walk.formula,
    "ruby": _Walk.ruby,
}
