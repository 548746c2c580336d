"""HTML pages, and XML."""

from __future__ import annotations

from lxml import etree

from ingest import properties
from ingest.blocks import html_blocks
from ingest.elements import Piece, clean
from ingest.markup import Node, says
from ingest.readers.base import Reading, text_of


def html(content: bytes, uri: str, label: str = "") -> Reading:
    found = text_of(content, uri, declared=True, label=label)
    pieces, losses = html_blocks(found.text, page=True)
    return Reading(pieces, properties.of_html(found.text), losses=(*found.losses, *losses), guess=found.guess)


def xml(content: bytes, uri: str, label: str = "") -> Reading:
    """The text of an XML document as paragraphs: an element with text of its own is one, with all that is inside it."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    paragraphs: list[str] = []
    waiting = [etree.fromstring(content, parser)]
    while waiting:
        node = waiting.pop()
        if not isinstance(node.tag, str):
            continue
        if says(node.text) or any(says(child.tail) for child in node):
            paragraphs.append(" ".join(clean(_inside(node)).split()))
        else:
            waiting.extend(reversed(node))
    return Reading([Piece("text", paragraph) for paragraph in paragraphs if paragraph])


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
            parts.append(at.text or (" " if len(at) else ""))
            for child in reversed(at):
                waiting += [(child, True), (child, False)]
    return "".join(parts)
