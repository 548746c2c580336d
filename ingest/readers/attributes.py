"""What dialects of Markdown write in braces beside a word and do not show: attributes (Pandoc, kramdown), roles (MyST).

`[text]{.underline}`, `![](a.png){width="3in"}`, `[here](x){:target="_blank"}`, `` {ref}`Label <target>` ``.
"""

from __future__ import annotations

import re
from typing import Any

_ONE = r"(?:[.#][A-Za-z_][\w:.-]*|[A-Za-z][\w-]*=(?:\"[^\"{}]*\"|'[^'{}]*'|[^\s\"'{}]+)|=[a-z]\w*)"
ATTRIBUTES = rf"\{{:?[ ]*{_ONE}(?:\s+{_ONE})*\s*\}}"
_BESIDE = re.compile(ATTRIBUTES)
_SPAN = re.compile(rf"\[([^\[\]]*)\]{ATTRIBUTES}")
_END = re.compile(rf"\]{ATTRIBUTES}")
_ROLE = re.compile(r"\{[a-z][a-z0-9:_-]*\}$")
_TARGET = re.compile(r"(?s)\s*(.*\S)\s*<[^<>]*>\s*")
_HOLDERS = frozenset(("link_close", "image", "code_inline", "em_close", "strong_close", "s_close"))


def without_attributes(children: list[Any]) -> None:
    """Take them out of the tokens of a line."""
    opened: list[Any] = []  # texts in which a `[` waits for its end
    before = None
    for child in children:
        if child.type == "text" and "{" in child.content:
            if before is not None and before.type in _HOLDERS and (beside := _BESIDE.match(child.content)):
                child.content = child.content[beside.end() :]
            child.content = _SPAN.sub(r"\1", child.content)
            while opened and (end := _END.search(child.content)):
                holder = opened.pop()
                start = holder.content.rindex("[")
                holder.content = holder.content[:start] + holder.content[start + 1 :]
                child.content = child.content[: end.start()] + child.content[end.end() :]
        if child.type == "text" and "[" in child.content:
            opened.append(child)
        if (
            child.type == "code_inline"
            and before is not None
            and before.type == "text"
            and (role := _ROLE.search(before.content))
        ):
            before.content = before.content[: role.start()]
            labelled = _TARGET.fullmatch(child.content)
            child.content = labelled[1] if labelled else child.content
        before = child
