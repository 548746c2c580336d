"""HTML pages, and XML."""

from __future__ import annotations

import re
from html.entities import html5
from xml.sax.saxutils import escape

from lxml import etree

from ingest import properties
from ingest.blocks import html_blocks
from ingest.elements import Piece, clean
from ingest.markup import Node, says
from ingest.readers.base import Reading, Text, text_of, without_hidden

_SVG = "{http://www.w3.org/2000/svg}"
_UNSEEN = frozenset({f"{_SVG}style", f"{_SVG}script", f"{_SVG}desc", f"{_SVG}metadata"})
_BREAKS = frozenset({"br", "lb", "linebreak", "line-break", "newline", "tab"})
"""What ends a line or parts words in the vocabularies of many (TTML, TEI, DocBook)."""
_RICH = frozenset({"description", "encoded", "content", "summary"})
_TAGS = re.compile(r"<(?:p|br|div|span|a|b|i|em|strong|ul|ol|li|img|table|h[1-6])\b[^<>]*>", re.IGNORECASE)
_DECLARATION = re.compile(r"\s*<\?xml\b[^>]*\?>")
_NAMED = re.compile(r"&([A-Za-z][A-Za-z0-9]*;)")
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def html(content: bytes, uri: str, label: str = "") -> Reading:
    found = text_of(content, uri, declared=True, label=label)
    pieces, losses = html_blocks(found.text, page=True)
    return Reading(pieces, properties.of_html(found.text), losses=(*found.losses, *losses), guess=found.guess)


def xml(content: bytes, uri: str, label: str = "") -> Reading:
    """The text of an XML document as paragraphs: an element with text of its own is one, with all that is inside it."""
    root, found = _root(content, uri, label)
    paragraphs: list[Piece] = []
    losses = list(found.losses)
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if not isinstance(node.tag, str) or node.tag in _UNSEEN:
            continue
        name = node.tag.rpartition("}")[2]
        if name in _RICH and not len(node) and _TAGS.search(node.text or ""):  # a feed's, whose HTML is text to XML
            kept, unseen = without_hidden(node.text)
            pieces, left_out = html_blocks(kept)
            paragraphs += pieces
            losses += [*unseen, *left_out]
        elif name == "outline" and says(node.get("text")):  # OPML, whose text is in attributes
            paragraphs.append(Piece("list", " ".join(str(node.get("text")).split())))
            waiting.extend(reversed(node))
        elif says(node.text) or any(says(child.tail) for child in node):
            paragraphs.append(Piece("text", " ".join(clean(_inside(node)).split())))
        else:
            waiting.extend(reversed(node))
    return Reading([piece for piece in paragraphs if piece.text], losses=tuple(losses), guess=found.guess)


def _root(content: bytes, uri: str, label: str) -> tuple[Node, Text]:
    """The tree. What XML forbids and people write all the same (a bad byte, a control character, `&nbsp;`) costs itself.

    An entity that the document declares is the text that it stands for; what is made of entities was refused before
    (`ingest.limits`), and the library bounds how far they grow.
    """
    options = {"no_network": True, "remove_comments": True, "remove_pis": True, "resolve_entities": "internal"}
    if _is_utf8(content):  # before a declaration, which is often copied from a template
        options["encoding"] = "utf-8"
    try:
        return etree.fromstring(content, etree.XMLParser(**options)), Text("")
    except etree.XMLSyntaxError:
        found = text_of(content, uri, declared=True, label=label)
        text = _DECLARATION.sub("", found.text.lstrip("\ufeff"), count=1)
        named = _NAMED.sub(lambda at: escape(html5[at[1]]) if at[1] in html5 else at[0], text)
        return etree.fromstring(_NO_XML.sub("", named), etree.XMLParser(**options)), found


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
            parts.append(at.text or (" " if len(at) or at.tag.rpartition("}")[2] in _BREAKS else ""))
            for child in reversed(at):
                waiting += [(child, True), (child, False)]
    return "".join(parts)
