"""HTML as programs export it: pages of Confluence as it stores them, and the comments that Google Docs and Word write out.

A browser knows nothing of Confluence's elements and drops the code and links in them; comments look like any paragraph.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

Node = Any  # lxml.html.HtmlElement; lxml ships no types

_CONFLUENCE = ("<ac:", "<ri:")
_REWRITTEN: tuple[tuple[str, str], ...] = (
    (r"<ac:parameter\b[^>]*ac:name=\"title\"[^>]*>(.*?)</ac:parameter>", r"<p>\1</p>"),
    (r"<ac:(parameter|task-id|task-uuid|placeholder)\b[^>/]*(?:/>|>.*?</ac:\1>)", ""),
    (r"<ac:task-status>\s*complete\s*</ac:task-status>", "☒ "),
    (r"<ac:task-status>.*?</ac:task-status>", "☐ "),
    (r"<ac:link\b[^>]*>\s*<ri:[\w-]+\b[^>]*ri:(?:content-title|filename)=\"([^\"]*)\"[^>]*/>\s*</ac:link>", r"\1"),
    (r"<ac:image\b.*?</ac:image>", "<img src='attachment'>"),
    (r"<(/?)ac:(?:link|link-body|plain-text-link-body|inline-comment-marker|emoticon|task-body)\b[^>]*?(/?)>", r"<\1span>"),
    (r"<ri:[\w-]+\b[^>]*?/>|</?ri:[\w-]+\b[^>]*>", ""),
    (r"<(/?)ac:[\w-]+\b[^>]*>", r"<\1div>"),
)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_CODE = re.compile(r"<ac:plain-text-body>\s*(<!\[CDATA\[.*?\]\]>)\s*</ac:plain-text-body>", re.DOTALL)
_REFERENCE, _COMMENT = re.compile(r"cmnt_ref\d+"), re.compile(r"cmnt\d+")
_WORDS_LIST = re.compile(r"mso-element\s*:\s*comment-list")
_WORDS_MARKS = frozenset(("MsoCommentReference", "msocomanchor"))


def from_confluence(source: str) -> str:
    """Confluence's storage format as plain HTML (Atlassian, "Confluence Storage Format"); other HTML as it is.

    Code and links are what is written in them, titles of panels and boxes of tasks are shown, settings of macros are not.
    """
    if not any(mark in source for mark in _CONFLUENCE):
        return source
    source = _CODE.sub(r"<pre>\1</pre>", source)
    source = _CDATA.sub(lambda found: escape(found[1]), source)
    for pattern, instead in _REWRITTEN:
        source = re.sub(pattern, instead, source, flags=re.DOTALL)
    return source


def without_comments(root: Node, source: str) -> int:
    """Take the comments of Google Docs and Word, and the marks that refer to them, out of a tree; how many they were."""
    gone: list[Node] = []
    count = 0
    if "cmnt_ref" in source:
        for link in root.iter("a"):
            name = str(link.get("id") or link.get("name") or "")
            if _REFERENCE.fullmatch(name):
                gone.append(link)
            elif _COMMENT.fullmatch(name):
                gone.append(next((above for above in link.iterancestors("div", "p")), link))
                count += 1
    if "mso-element" in source:
        for node in root.iter("div", "span", "a"):
            if _WORDS_LIST.search(str(node.get("style") or "")):
                gone.append(node)
                count += len(node.xpath(".//*[contains(@class, 'msocomtxt')]")) or 1
            elif _WORDS_MARKS & set(str(node.get("class") or "").split()):
                gone.append(node)
    for node in gone:
        if node.getparent() is not None:
            node.drop_tree()
    return count
