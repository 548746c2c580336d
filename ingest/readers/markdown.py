"""Markdown as GitHub reads it (CommonMark with tables and strikethrough), and all of its words.

What a renderer would swallow stays text: `<your-name>`, an unclosed `<script>`, footnotes (`[^1]: short`), and
definitions of links that nothing refers to (`[Deadline]: tomorrow`), unless they are the known ways to write a comment.
"""

from __future__ import annotations

import html
import re
from functools import cache
from itertools import pairwise
from typing import Any

from ingest import frontmatter, properties
from ingest.blocks import html_blocks
from ingest.elements import Loss, Piece
from ingest.readers.attributes import ATTRIBUTES, without_attributes
from ingest.readers.base import Reading, text_of
from ingest.readers.boxes import without_boxes
from ingest.readers.dialects import as_github
from ingest.readers.mdx import without_modules
from ingest.remarks import without_remarks

_FORMATTING_NAMES = (
    "a abbr address article aside audio b bdi bdo big blockquote br caption center cite code col colgroup dd del details dfn "
    "div dl dt em embed figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i iframe img ins kbd li main mark nav "
    "noscript object ol optgroup option p path picture pre q rp rt ruby s samp script section select small source span strike "
    "strong style sub summary sup svg table tbody td tfoot th thead tr track tt u ul var video wbr math mi mn mo mrow mfrac "
    "msup msub msubsup msqrt mroot mtext mtable mtr mtd mstyle munder mover munderover semantics annotation"
)
_FORMATTING = frozenset(_FORMATTING_NAMES.split())
_HIDING = frozenset({"script", "style", "iframe", "noscript", "svg", "del"})
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9_:-]*)[^<>]*>?")
_DRAWING_NAMES = "text tspan textpath g defs use symbol rect circle line polygon polyline ellipse foreignobject desc marker"
_DRAWING = frozenset(_DRAWING_NAMES.split())
_DEEPEST = 100
_CONTAINERS = re.compile(r"^[ \t>]+")
_NAMED = re.compile(rf"(?<=\S)\s+(?:{ATTRIBUTES}|\{{-\}})\s*$")
_COMPONENT = re.compile(r"^[ \t]*</[A-Z][A-Za-z.]*>[ \t]*$", re.MULTILINE)
"""The end of a component on a line of its own: MDX that is called Markdown, as Docusaurus reads all of it."""
_PAGE = re.compile(r"\s*(?:<!doctype\s+html\b|<html[\s>])", re.IGNORECASE)
_UNPAIRED = re.compile(
    r"(?<=[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7a3\uff00-\uffef])\*\*|\*\*(?=[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7a3\uff00-\uffef])"
)
"""What is bold beside letters that know no spaces, where the rules of Markdown see no end of a word."""
_COMMENTS = frozenset(("//", "comment", "_", "-", "#"))


def markdown(content: bytes, uri: str, label: str = "") -> Reading:
    found = text_of(content, uri, label=label)
    front = frontmatter.split(found.text, uri=uri)
    has_components = "</" in front.body and _COMPONENT.search(front.body) is not None
    body = without_modules(front.body) if has_components or uri.lower().endswith(".mdx") else front.body
    if _PAGE.match(body):
        pieces, losses = html_blocks(body, page=True)
        return Reading(pieces, properties.of_html(body), front=front, losses=(*found.losses, *losses), guess=found.guess)
    pieces, losses = markdown_blocks(without_boxes(as_github(body)))
    return Reading(pieces, front=front, losses=(*found.losses, *losses), guess=found.guess)


def markdown_blocks(text: str) -> tuple[list[Piece], tuple[Loss, ...]]:
    """The pieces of Markdown, and what is missing; raises ValueError for a nesting of a hundred levels."""
    return html_blocks(markdown_html(text))


def markdown_html(text: str) -> str:
    """Markdown as HTML; no word of it is lost."""
    text = without_remarks(text)
    reader = _reader()
    used = _Used()
    shared: dict[str, Any] = {"references": used}
    tokens = reader.parse(text, shared)
    if idle := used.idle():
        shared = {"references": _Used(), "plain": idle}
        tokens = reader.parse(text, shared)
    if max((token.level for token in tokens), default=0) >= _DEEPEST - 1:
        raise ValueError(f"nested {_DEEPEST} levels deep: what lies deeper would be lost")
    return str(reader.renderer.render(tokens, reader.options, shared))


class _Used(dict[str, Any]):
    """Definitions of links by label, which remember the labels that something referred to."""

    def __init__(self) -> None:
        super().__init__()
        self._asked: set[str] = set()

    def __getitem__(self, label: str) -> Any:
        self._asked.add(label)
        return super().__getitem__(label)

    def get(self, label: str, default: Any = None) -> Any:
        self._asked.add(label)
        return super().get(label, default)

    def idle(self) -> frozenset[int]:
        """Lines on which a definition begins that is text: nobody refers to it, and it is no comment."""
        unused = (found for label, found in self.items() if label not in self._asked and label.lower() not in _COMMENTS)
        return frozenset(found["map"][0] for found in unused if found.get("map") and _is_said(found["href"]))


def _is_said(address: str) -> bool:
    """Whether what a definition defines is words to somebody: not a comment's, nor a picture in letters."""
    return address not in ("", "#") and not address.startswith("data:")


@cache
def _reader() -> Any:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import reference
    from markdown_it.rules_block.table import escapedSplit
    from markdown_it.token import Token

    def definition(state: Any, start: int, end: int, silent: bool) -> bool:
        def indent(line: int) -> int:
            return int(state.sCount[line])

        at = state.bMarks[start] + state.tShift[start]
        if not (state.src.startswith("[^", at) or start in state.env.get("plain", ())):
            return bool(reference(state, start, end, silent))
        if silent or state.src.find("]:", at, state.eMarks[start]) < 0:
            return False
        stop = start + 1  # a paragraph of its own: the next line may define something else
        while stop < end and not state.isEmpty(stop) and indent(stop) > indent(start):
            stop += 1
        state.push("paragraph_open", "p", 1).map = [start, stop]
        inline = state.push("inline", "", 0)
        inline.content, inline.map, inline.children = (
            state.getLines(start, stop, state.blkIndent, False).strip(),
            [start, stop],
            [],
        )
        state.push("paragraph_close", "p", -1)
        state.line = stop
        return True

    reader = MarkdownIt("commonmark", {"html": True, "maxNesting": _DEEPEST}).enable(["table", "strikethrough"])

    def excess(state: Any) -> None:
        """Cells beyond a table's last column, which a renderer drops, are cells of their row all the same."""
        lines, tokens = state.src.split("\n"), []
        row: Any = None
        count = 0
        for token in state.tokens:
            if token.type == "tr_open":
                row, count = token, 0
            count += token.type in ("td_open", "th_open")
            if token.type == "tr_close":
                cells = escapedSplit(_CONTAINERS.sub("", lines[row.map[0]]).strip())
                cells = cells[cells[0] == "" : len(cells) - (cells[-1] == "")]
                for cell in cells[count:]:
                    inline = Token("inline", "", 0, content=cell.strip(), children=[])
                    tokens += [Token("td_open", "td", 1), inline, Token("td_close", "td", -1)]
            tokens.append(token)
        state.tokens = tokens

    def unnamed(state: Any) -> None:
        """A heading without the name that links know it by (`{#id}`), which generators of sites do not show."""
        for before, token in pairwise(state.tokens):
            if before.type == "heading_open" and token.type == "inline":
                token.content = _NAMED.sub("", token.content)

    def in_tables(state: Any) -> None:
        """Tags behind an empty line in a table that is still open: rows that are indented, not code that shows them."""
        is_open = 0
        for token in state.tokens:
            if token.type == "code_block" and is_open > 0 and _TAG.match(token.content.lstrip()):
                token.type = "html_block"
            if token.type == "html_block":
                source = token.content.lower()
                is_open += source.count("<table") - source.count("</table")

    def unpaired(state: Any) -> None:
        for token in state.tokens:
            for child in token.children or () if "**" in token.content and not token.content.isascii() else ():
                if child.type == "text":
                    child.content = _UNPAIRED.sub("", child.content)

    def attributed(state: Any) -> None:
        for token in state.tokens:
            if token.children and "{" in token.content:
                without_attributes(token.children)

    reader.block.ruler.at("reference", definition)
    reader.core.ruler.before("inline", "in_tables", in_tables)
    reader.core.ruler.push("unpaired", unpaired)
    reader.core.ruler.push("attributed", attributed)
    reader.core.ruler.before("inline", "unnamed", unnamed)
    reader.core.ruler.before("inline", "excess", excess)
    reader.add_render_rule("html_inline", _raw_html)
    reader.add_render_rule("html_block", _raw_html)
    return reader


def _raw_html(_: Any, tokens: Any, index: int, __: Any, shared: dict[str, Any]) -> str:
    """Raw HTML in Markdown: formatting stays, `<your-name>` and an unclosed `<script>` are words, as their author meant."""

    def closes(name: str) -> bool:
        kind = tokens[index].type
        return any(f"</{name}" in token.content.lower() for token in tokens[index:] if token.type == kind)

    def shown(tag: re.Match[str]) -> str:
        name = tag.group(1).lower()
        formatting = (name in _FORMATTING or (name in _DRAWING and in_drawing)) and tag.group().endswith(">")
        if formatting and (name not in _HIDING or tag.group().startswith("</") or closes(name)):
            return tag.group()
        return html.escape(tag.group())

    source = str(tokens[index].content)
    lower = source.lower()
    in_drawing = "<svg" in lower or shared.get("in_drawing", False)  # in a line each tag is a token
    shared["in_drawing"] = in_drawing and lower.rfind("</svg") < lower.rfind("<svg") if "svg" in lower else in_drawing
    return _TAG.sub(shown, source)
