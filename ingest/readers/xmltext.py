"""XML: the text of each element that has some, with headings, tables, lists and code of the vocabularies that people write in.

DocBook, DITA, JATS, TEI, FictionBook, XHTML and feeds are known by the names of their elements, wherever these stand as they
do in them; any other XML is paragraphs. Where no element has text, what attributes say is read, a line for each element.
"""

from __future__ import annotations

import re
from collections import Counter
from html.entities import html5
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from ingest import properties
from ingest.blocks import html_blocks
from ingest.elements import Loss, Piece, clean, row_text
from ingest.markup import Node, says
from ingest.readers.base import Reading, Text, text_of, without_hidden
from ingest.readers.package import local

_SVG = "{http://www.w3.org/2000/svg}"
_UNSEEN = frozenset({f"{_SVG}style", f"{_SVG}script", f"{_SVG}desc", f"{_SVG}metadata"})
_BREAKS = frozenset({"br", "lb", "linebreak", "line-break", "newline", "tab"})
"""What ends a line or parts words in the vocabularies of many (TTML, TEI, DocBook)."""
_APART = _BREAKS | {"note", "footnote", "fn"}
_RICH = frozenset({"description", "encoded", "content", "summary"})
_SECTION_NAMES = (
    "article book part chapter appendix preface section sect1 sect2 sect3 sect4 sect5 simplesect refsect1 refsect2 sec subsec "
    "topic concept task reference div div1 div2 div3 body fictionbook channel item feed entry note en-export"
)
_SECTIONS = frozenset(_SECTION_NAMES.split())
_AROUND = frozenset(("text", "front", "back", "body-matter", "rss", "rdf", "export", "set"))
_ABOUT = frozenset(
    ("info", "articleinfo", "bookinfo", "chapterinfo", "sectioninfo", "title-group", "article-meta", "front", "titlepage")
)
_HEADINGS = frozenset({"title", "head", "heading", "article-title"})
_XHTML_HEADING = re.compile(r"h([1-6])")
_CODE = frozenset(["programlisting", "screen", "literallayout", "codeblock", "verbatim", "eg", "pre"])
_TABLES = frozenset(["table", "informaltable", "simpletable", "tgroup"])
_ROWS = frozenset(["row", "tr", "strow", "sthead"])
_CELLS = frozenset(["entry", "td", "th", "cell", "stentry"])
_ITEMS = frozenset(["listitem", "li", "list-item"])
_SAID = {"outline": "text", "node": "TEXT"}
"""OPML's outlines, and the nodes of FreeMind's maps."""
_BINARY = re.compile(r"[A-Za-z0-9+/\s]{256,}={0,2}\s*")
_LINE_OF_BINARY = 40
_TAGS = re.compile(r"<(?:p|br|div|span|a|b|i|em|strong|ul|ol|li|img|table|h[1-6])\b[^<>]*>", re.IGNORECASE)
_MARK = re.compile(r"<[^<>]*>")
_DECLARATION = re.compile(r"\s*<\?xml\b[^>]*\?>")
_NAMED = re.compile(r"&([A-Za-z][A-Za-z0-9]*;)")
_BARE = re.compile(r"&(?!#?\w{1,40};)")
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOST_LOST = 0.02


def xml(content: bytes, uri: str, label: str = "") -> Reading:
    """Raises lxml's errors for XML that is cut off, or so broken that text of it would be lost."""
    root, found, broken = _root(content, uri, label)
    walk = _Walk()
    walk.pieces(root)
    if not walk.found:
        walk.attributes(root)
    losses = [*found.losses, *walk.losses, *(Loss(what, count) for what, count in walk.lost.items())]
    if broken:
        losses.append(Loss("broken_markup", 1, broken[:100]))
    return Reading([piece for piece in walk.found if piece.text], _about(root), losses=tuple(losses), guess=found.guess)


class _Walk:
    def __init__(self) -> None:
        self.found: list[Piece] = []
        self.losses: list[Loss] = []
        self.lost: Counter[str] = Counter()

    def pieces(self, root: Node) -> None:
        waiting: list[tuple[Node, int]] = [(root, -1)]
        while waiting:
            node, depth = waiting.pop()
            if not isinstance(node.tag, str) or node.tag in _UNSEEN:
                continue
            name = local(node).lower()
            if name == "description" and node.getparent() is root and local(root).lower() == "fictionbook":
                continue  # what the book says of itself (`_about`)
            depth += name in _SECTIONS
            if (level := _heading(node, name, depth)) is not None:
                self._say("title", " ".join(_inside(node).split()), level)
            elif name in _CODE:
                self._say("code", "".join(node.itertext()), keep_indent=True)
            elif name in _TABLES and self._table(node):
                pass
            elif name in _RICH and not len(node) and _TAGS.search(node.text or ""):  # a feed's, whose HTML is text to XML
                self._html(node.text)
            elif name in _SAID and says(said := node.get(_SAID[name])):  # what has its text in an attribute
                self._say("list", " ".join(_visible(str(said)).split()))
                waiting.extend((child, depth) for child in reversed(node))
            elif says(node.text) or any(says(child.tail) for child in node):
                self._paragraph(node, name)
            else:
                waiting.extend((child, depth) for child in reversed(node))

    def attributes(self, root: Node) -> None:
        """What a file says that has all of its text in attributes: a line for each element."""
        lines: list[str] = []
        if str(root.tag).startswith(_SVG):  # how a picture is drawn
            return
        for node in root.iter("*"):
            said = [_visible(str(value)) for name, value in node.items() if not name.startswith("{") and says(value)]
            if any(any(map(str.isalpha, value)) for value in said):
                lines.append(row_text(said))
        self._say("table" if any(" | " in line for line in lines) else "text", "\n".join(lines))

    def _say(self, kind: str, text: str, depth: int = 0, *, keep_indent: bool = False) -> None:
        if text := clean(text, keep_indent=keep_indent):
            self.found.append(Piece(kind, text, depth))

    def _paragraph(self, node: Node, name: str) -> None:
        if _is_binary(node):
            self.lost["embedded_object"] += 1
            return
        above = node.getparent()
        kind = "list" if name in _ITEMS or (above is not None and local(above).lower() in _ITEMS) else "text"
        self._say(kind, " ".join(clean(_inside(node)).split()))

    def _html(self, source: str) -> None:
        kept, unseen = without_hidden(source)
        pieces, left_out = html_blocks(kept)
        self.found += pieces
        self.losses += [*unseen, *left_out]

    def _table(self, node: Node) -> bool:
        """The table as rows, its title before it; whether it is one: cells in rows, no table or list within them."""
        rows = [row for row in node.iter("*") if local(row).lower() in _ROWS]
        lines = [[cell for cell in row if local(cell).lower() in _CELLS] for row in rows]
        within = (local(below).lower() for line in lines for cell in line for below in cell.iterdescendants("*"))
        if max(map(len, lines), default=0) < 2 or any(name in _ROWS | _TABLES | _CODE for name in within):
            return False
        for child in node:
            if local(child).lower() in ("title", "caption"):
                self._say("text", " ".join(_inside(child).split()))
        self._say("table", "\n".join(filter(None, (row_text(map(_inside, line)) for line in lines))))
        return True


def _heading(node: Node, name: str, depth: int) -> int | None:
    """The level of a heading: the title of a section, of a document or of an entry of a feed. None for anything else.

    `title` is a field in many files (a book's in a catalogue), so its element must stand where a vocabulary puts it.
    """
    if name[:1] == "h" and (level := _XHTML_HEADING.fullmatch(name)) and "xhtml" in str(node.tag):
        return int(level[1]) - 1
    above = node.getparent()
    if name not in _HEADINGS or above is None:
        return None
    while above is not None and local(above).lower() in _ABOUT:
        above = above.getparent()
    if above is None or local(above).lower() not in _SECTIONS:
        return None
    outer = above.getparent()
    is_placed = outer is None or local(outer).lower() in _SECTIONS | _AROUND
    return max(0, min(depth, 5)) if is_placed else None


def _is_binary(node: Node) -> bool:
    """Whether the text of an element is a file in letters (base64), which nobody reads."""
    text = node.text or ""
    if len(node) or len(text) < 256 or _BINARY.fullmatch(text) is None:
        return False
    parts = text.split()
    return len("".join(parts)) > _LINE_OF_BINARY * len(parts)


def _visible(text: str) -> str:
    return " ".join(piece.text for piece in html_blocks(without_hidden(text)[0])[0]) if _TAGS.search(text) else text


def _about(root: Node) -> properties.Properties:
    """Title, author and language of a book in FictionBook, which other vocabularies have as their first heading."""
    if local(root).lower() != "fictionbook":
        return {}

    def first(path: str) -> str:
        return " ".join(" ".join(node.itertext()) for node in root.xpath(path)[:1])

    info = "./*[local-name()='description']/*[local-name()='title-info']/*[local-name()='{}']"
    return properties.named(**{about: first(info.format(name)) for about, name in _BOOK.items()})


_BOOK = {"title": "book-title", "author": "author", "language": "lang"}


def _root(content: bytes, uri: str, label: str) -> tuple[Node, Text, str]:
    """The tree, the text it was made of, and what was wrong with it ("" for nothing that matters).

    What XML forbids and people write all the same costs itself: a bad byte, a control character, `&nbsp;`, a bare `&`, a prefix
    that nothing declares, several documents in one file, an element that nobody closed. An entity that the document declares is
    the text that it stands for; what is made of entities was refused before (`ingest.limits`), and the library bounds how far
    they grow. A file that ends within an element is cut off, and refused: the rest may be there the next time.
    """
    options: dict[str, Any] = {"no_network": True, "remove_comments": True, "remove_pis": True, "resolve_entities": "internal"}
    if _is_utf8(content):  # before a declaration, which is often copied from a template
        options["encoding"] = "utf-8"
    try:
        return etree.fromstring(content, etree.XMLParser(**options)), Text(""), ""
    except etree.XMLSyntaxError:
        found = text_of(content, uri, declared=True, label=label)
        text = _DECLARATION.sub("", found.text.lstrip("\ufeff"), count=1)
        named = _NAMED.sub(lambda at: escape(html5[at[1]]) if at[1] in html5 else at[0], text)
        legal = _BARE.sub("&amp;", _NO_XML.sub("", named))
    try:
        return etree.fromstring(legal, etree.XMLParser(**options)), found, ""
    except etree.XMLSyntaxError as error:
        several = (
            error.code in (etree.ErrorTypes.ERR_DOCUMENT_END, etree.ErrorTypes.ERR_RESERVED_XML_NAME) and "<!DOCTYPE" not in legal
        )
        source = f"<several>{_DECLARATION.sub('', legal)}</several>" if several else legal
        parser = etree.XMLParser(**options, recover=True)
        root = etree.fromstring(source, parser)
        wrong = [entry for entry in parser.error_log if entry.type_name != "NS_ERR_UNDEFINED_NAMESPACE"]
        if root is None or any(entry.type_name == "ERR_TAG_NOT_FINISHED" for entry in wrong) or _loses(root, source):
            raise
        return root, found, wrong[0].message if wrong else ""


def _loses(root: Node, source: str) -> bool:
    """Whether a tree that was mended lacks text of its source."""
    written, kept = (sum(map(str.isalnum, text)) for text in (_MARK.sub("", source), "".join(root.itertext())))
    return kept < (1 - _MOST_LOST) * written


def _is_utf8(content: bytes) -> bool:
    """Whether bytes are UTF-8 with more than ASCII in it: hardly anything else is by chance."""
    try:
        return not content.isascii() and b"\0" not in content[:200] and bool(content.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def _inside(node: Node) -> str:
    """All text of an element; two elements with nothing between them are apart, one within a word is not."""
    parts: list[str] = []
    waiting: list[tuple[Node, bool]] = [(node, False)]
    while waiting:
        at, is_tail = waiting.pop()
        if is_tail:
            parts.append(at.tail or " ")
            continue
        if isinstance(at.tag, str):
            name = local(at)
            parts.append(" " if name in _APART and at is not node else "")
            parts.append(at.text or (" " if len(at) or name in _BREAKS else ""))
            for child in reversed(at):
                waiting += [(child, True), (child, False)]
    return "".join(parts)
