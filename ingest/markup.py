"""Markdown and XML as HTML, and HTML in the shape that unstructured's partitioner reads without losing words.

Unstructured parses Markdown with Python-Markdown, which does not see a list that follows a paragraph, nor a code
block inside a list; markdown-it reads Markdown as GitHub does (CommonMark with tables). Its HTML partitioner then
drops or distorts what matters for search: `<details>`, `<figure>` and whole `<form>`s, single characters, everything
in a table that is no cell, and it sets a space before each inline tag of a cell. `tidied` rewrites these first.
"""

from __future__ import annotations

import html
import re
from functools import cache
from typing import Any

import lxml.html
from lxml import etree

Node = Any  # lxml.html.HtmlElement; lxml ships no types

_FORMATTING_NAMES = (
    "a abbr address article aside audio b bdi bdo big blockquote br caption center cite code col colgroup dd del details dfn "
    "div dl dt em embed figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i iframe img ins kbd li main mark nav "
    "noscript object ol p path picture pre q s samp script section small source span strike strong style sub summary sup svg "
    "table tbody td tfoot th thead tr track tt u ul var video wbr"
)
_FORMATTING = frozenset(_FORMATTING_NAMES.split())
_HIDING = frozenset({"script", "style", "iframe", "noscript", "svg", "del"})
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9_:-]*)[^<>]*>?")

_DROPPED = ("script", "style", "noscript", "template", "iframe", "svg", "select", "textarea", "datalist", "dialog", "xml", "del")
_CHROME = ("nav", "button")  # what a web page has around its text
_AS_BLOCK = {
    **dict.fromkeys(("details", "figure", "form", "fieldset", "search"), "div"),
    **dict.fromkeys(("summary", "figcaption", "legend"), "p"),
}
_TRANSPARENT = ("label", "object", "video", "audio", "picture", "canvas")
_ROWS = frozenset({"tr", "thead", "tbody", "tfoot"})
_DEEPEST = 100
_GRID = _ROWS | {"caption", "colgroup", "col"}
_STRUCTURE = ".//table|.//h1|.//h2|.//h3|.//h4|.//h5|.//h6|.//pre"
_BREAKING = frozenset(("br", "p", "div", "li", "ul", "ol", "dl", "dt", "dd", "tr", "td", "th", "blockquote", "section", "hr"))


def markdown_html(text: str) -> str:
    """Markdown (CommonMark with tables and strikethrough) as tidied HTML; no word of it is lost."""
    reader, shared = _markdown(), dict[str, Any]()
    tokens = reader.parse(text, shared)
    if max((token.level for token in tokens), default=0) >= _DEEPEST - 1:
        raise ValueError(f"nested {_DEEPEST} levels deep: what lies deeper would be lost")
    return tidied(reader.renderer.render(tokens, reader.options, shared), page=False)


@cache
def _markdown() -> Any:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": True, "maxNesting": _DEEPEST}).enable(["table", "strikethrough"])
    reader.add_render_rule("html_inline", _raw_html)
    reader.add_render_rule("html_block", _raw_html)
    return reader


def _raw_html(_: Any, tokens: Any, index: int, *__: Any) -> str:
    """Raw HTML in Markdown: formatting stays, `<your-name>` and an unclosed `<script>` are words, as their author meant."""

    def closes(name: str) -> bool:
        kind = tokens[index].type
        return any(f"</{name}" in token.content.lower() for token in tokens[index:] if token.type == kind)

    def shown(tag: re.Match[str]) -> str:
        name = tag.group(1).lower()
        formatting = name in _FORMATTING and tag.group().endswith(">")
        if formatting and (name not in _HIDING or tag.group().startswith("</") or closes(name)):
            return tag.group()
        return html.escape(tag.group())

    return _TAG.sub(shown, str(tokens[index].content))


def xml_html(content: bytes) -> str:
    """The text of an XML document as paragraphs: an element with text of its own is one, with all that is inside it."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    paragraphs: list[str] = []
    waiting = [etree.fromstring(content, parser)]
    while waiting:
        node = waiting.pop()
        if not isinstance(node.tag, str):
            continue
        if _says(node.text) or any(_says(child.tail) for child in node):
            paragraphs.append(" ".join("".join(node.itertext()).split()))
        else:
            waiting.extend(reversed(node))
    return "".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in paragraphs)


def tidied(source: str, *, page: bool = True) -> str:
    """HTML that partitions without loss; `page`: drop what surrounds the text (navigation, buttons), keep to `<main>`."""
    root = parsed(source)
    if root is None:
        return ""
    etree.strip_elements(root, *_DROPPED, *(_CHROME if page else ()), with_tail=False)
    for image in list(root.iter("img")):
        image.tail = f" {image.get('alt') or ''} {image.tail or ''}"
    etree.strip_tags(root, "img", "input", "source", "track", "embed", "wbr", *_TRANSPARENT)
    body = root.find(".//body")
    body = root if body is None else body
    main = body.find(".//main") if page else None
    for node in list(body.iter()):
        if node.tag in ("main", "nav", "button") and not (node is main and _says(main.text_content())):
            node.tag = "div"
        elif node.tag in _AS_BLOCK:
            node.tag = _AS_BLOCK[node.tag]
    for line_break in list(body.iter("br")):
        following = line_break.getnext()
        if following is not None and following.tag == "br" and not _says(line_break.tail) and not _in_code(line_break):
            line_break.tag = "div"  # two in a row are how older pages and e-mail end a paragraph
    for table in list(body.iter("table")):
        _unwrapped(table) if _is_layout(table) else _flattened(table)
    for item in list(body.iter("li")):
        if len(item) and item[0].tag == "p" and not _says(item.text):
            item[0].drop_tag()  # the first paragraph of an item is the item; only sole ones are taken for it otherwise
    for node in body.iter("p", "div"):
        if len(node) == 0 and len((node.text or "").strip()) == 1:
            node.tag = "li"  # the partitioner skips a paragraph of one character, but not such an item
    return str(lxml.html.tostring(body, encoding="unicode"))


def parsed(source: str) -> Node | None:
    """The document's tree, or None where there is nothing in it."""
    source = re.sub(r"^\s*<\?xml[^>]*\?>", "", source.replace("\0", ""))
    if not source.strip():
        return None
    parser = lxml.html.HTMLParser(remove_comments=True, remove_pis=True)
    try:
        root = lxml.html.document_fromstring(source, parser=parser)
    except etree.ParserError:  # only comments or white space, or nothing within the limits
        root = None
    # The parser drops what exceeds its limits (256 levels, 10 MB of one text), and goes on as if nothing had happened.
    limits = [entry.message.strip() for entry in parser.error_log if entry.type_name == "ERR_RESOURCE_LIMIT"]
    if limits:
        raise ValueError(f"text would be lost: {limits[0]}")
    return root


def visible_text(source: str) -> str:
    """HTML without tags, scripts and styles; entities resolved; blocks on lines of their own."""
    root = parsed(source)
    if root is None:
        return ""
    etree.strip_elements(root, "script", "style", "template", with_tail=False)
    return _spaced(root, "\n")


def _is_layout(table: Node) -> bool:
    """Whether a table arranges a page (or was never closed) instead of holding rows of cells."""
    if table.xpath(_STRUCTURE) or _says(table.text):
        return True
    if any(child.tag not in _GRID or _says(child.tail) for child in table):
        return True
    for row in table.iter(*_ROWS):
        if _says(row.text) or any(child.tag not in ("td", "th", *_ROWS) or _says(child.tail) for child in row):
            return True
    rows = [sum(_says(cell.text_content()) for cell in row.xpath("./td|./th")) for row in table.iter("tr")]
    return max(rows, default=0) < 2 and table.find(".//th") is None


def _unwrapped(table: Node) -> None:
    for node in [table, *table.iterdescendants()]:
        owner = next((above for above in node.iterancestors("table")), None)
        if node is table or (owner is None and node.tag in _GRID | {"td", "th"}):
            node.tag = "div"


def _flattened(table: Node) -> None:
    for cell in table.iter("td", "th", "caption"):
        text = " ".join(_spaced(cell, " ").split())
        for child in list(cell):
            cell.remove(child)
        cell.text = text


def _spaced(node: Node, separator: str) -> str:
    parts: list[str] = []

    def walk(at: Node) -> None:
        parts.append(at.text or "")
        for child in at:
            breaking = child.tag in _BREAKING
            parts.append(separator if breaking else "")
            walk(child)
            parts.append((separator if breaking else "") + (child.tail or ""))

    walk(node)
    return "".join(parts)


def _in_code(node: Node) -> bool:
    return next(node.iterancestors("pre"), None) is not None


def _says(text: str | None) -> bool:
    return bool(text and text.strip())
