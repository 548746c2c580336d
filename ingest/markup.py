"""HTML's tree, and what of it a person sees."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from html import escape
from threading import Lock
from typing import Any, TypeVar

import lxml.html
from lxml import etree

T = TypeVar("T")
Node = Any  # lxml.html.HtmlElement; lxml ships no types

_UNSEEN_NAMES = "script style template noscript datalist del xml title meta link base rp desc metadata"  # the last two in SVG
UNSEEN = frozenset(_UNSEEN_NAMES.split())
"""Elements that a browser does not show, or not as text. A `head` is none: what does not belong in it is shown all the same."""
_BLOCK_NAMES = (
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure footer "
    "form frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html iframe legend li listing main menu nav noframes ol optgroup "
    "option p plaintext pre search section summary table tbody td tfoot th thead tr ul xmp"
)
BLOCKS = frozenset(_BLOCK_NAMES.split())
"""Elements that begin and end a line (HTML, "Rendering")."""


_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_XHTML = re.compile(r"\sxmlns\s*=\s*[\"']http://www\.w3\.org/1999/xhtml")
_FRAMES = 30_000
"""Calls within calls that a tree of 2,048 levels takes: tables in tables some twelve a level, in Python's own memory."""


def parsed(source: str) -> Node | None:
    """The document's tree, or None where there is nothing in it.

    Raises ValueError where the parser itself would lose text (more than 2,048 levels).
    """
    source = _DECLARATION.sub("", source.replace("\0", ""))
    if not source.strip():
        return None
    if "<![CDATA[" in source and _XHTML.search(source, 0, 4_000):
        source = _unquoted(source)
    root, limit = _tree(source, huge=False)
    if limit:  # fonts that nobody closed, quotations of quotations: the parser ends at 256 levels and 10 MB of one text
        root, limit = _tree(source, huge=True)
    if limit:
        raise ValueError(f"text would be lost: {limit}")
    return root


def walked(source: str, walk: Callable[[Node], T]) -> T | None:
    """What a walk that calls itself for what is within makes of the tree, however deep it is; None where there is none.

    Raises ValueError as `parsed`. Safe in several threads.
    """
    root = parsed(source)
    if root is None:
        return None
    try:
        return walk(root)
    except RecursionError:
        with _deeper:
            return walk(parsed(source))  # anew: the walk may have changed it


class _Deeper:
    """More calls within calls while any thread walks a deep tree, and as many as before once none does.

    The limit is the whole process's: left up, what else is read would depend on what was read before.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._walks = 0
        self._before = 0

    def __enter__(self) -> None:
        with self._lock:
            self._walks += 1
            if self._walks == 1:
                self._before = sys.getrecursionlimit()
                sys.setrecursionlimit(max(self._before, _FRAMES))

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._walks -= 1
            if not self._walks:
                sys.setrecursionlimit(self._before)


_deeper = _Deeper()


def _unquoted(source: str) -> str:
    """XHTML whose `<![CDATA[…]]>` is the text that it is there: to the parser, which is HTML's, it is a comment."""
    kept, *quoted = source.split("<![CDATA[")
    parts = [kept]
    for at, part in enumerate(quoted):
        text, ends, rest = part.partition("]]>")
        if not ends:  # nothing ends this one, so what follows is within it, as written
            return "".join([*parts, "<![CDATA[", "<![CDATA[".join(quoted[at:])])
        parts += [escape(text), rest]
    return "".join(parts)


def _tree(source: str, *, huge: bool) -> tuple[Node | None, str]:
    """The tree, and the limit of the parser that cut it ("" for none): it goes on as if nothing had happened."""
    parser = lxml.html.HTMLParser(remove_comments=True, remove_pis=True, huge_tree=huge)
    try:
        root = lxml.html.document_fromstring(source, parser=parser)
    except etree.ParserError:  # only comments or white space, or nothing within the limits
        root = None
    limits = (entry.message.strip() for entry in parser.error_log if entry.type_name == "ERR_RESOURCE_LIMIT")
    return None if root is None else rejoined(root), next(limits, "")


def rejoined(root: Node) -> Node:
    """The tree with what stands behind `</body>` and `</html>` in its body, where a browser has it.

    The parser makes a document of its own of what follows the page, and a second body of one that is opened again.
    """
    body = root.find("body")
    into, rest = (root, []) if body is None else (body, list(body.itersiblings()))
    if body is not None and says(body.tail):
        between = body.makeelement("div")
        between.text, body.tail = body.tail, None
        body.append(between)
    for node in [*rest, *root.itersiblings()]:
        into.append(node)
    return root


def visible_text(source: str) -> str:
    """HTML without tags, scripts and styles; entities resolved; blocks on lines of their own."""

    def walk(root: Node) -> str:
        etree.strip_elements(root, "script", "style", "template", with_tail=False)
        return spaced(root, "\n")

    return walked(source, walk) or ""


def spaced(node: Node, separator: str) -> str:
    """All text below a node, with the separator wherever a line begins or ends."""
    parts: list[str] = [separator]

    def add(text: str | None) -> None:
        if text:
            parts.append(text)

    def separate() -> None:
        if not parts[-1].endswith(separator):
            parts.append(separator)

    def walk(at: Node) -> None:
        add(at.text)
        for child in at:
            if not isinstance(child.tag, str):
                add(child.tail)
                continue
            is_block = child.tag in BLOCKS
            if is_block:
                separate()
            elif child.tag == "br":
                parts.append(separator)
            elif child.tag == "img":
                parts.append(f" {child.get('alt') or ''} ")
            walk(child)
            if is_block:
                separate()
            add(child.tail)

    walk(node)
    return "".join(parts[1:])


def says(text: str | None) -> bool:
    return bool(text and text.strip())
