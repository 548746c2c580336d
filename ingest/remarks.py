"""Comments in Markdown as generators of sites write them: MDX, Hugo, Liquid (Jekyll), Obsidian, CriticMarkup
(and what that deletes). No reader of a site sees them.

HTML's own comments and `[//]: #` are the Markdown reader's. Code is left alone, and so is a comment that never ends.
"""

from __future__ import annotations

import re

_CLOSERS = (
    (r"\{/\*", re.compile(r"\*/\}")),
    (r"\{\{-?\s*/\*", re.compile(r"\*/\s*-?\}\}")),
    (r"\{\{[<%]\s*comment\s*[>%]\}\}", re.compile(r"\{\{[<%]\s*/comment\s*[>%]\}\}")),
    (r"\{%-?\s*comment\s*-?%\}", re.compile(r"\{%-?\s*endcomment\s*-?%\}")),
    (r"\{::comment\}", re.compile(r"\{:/(?:comment)?\}")),
    (r"\{>>", re.compile(r"<<\}")),
    (r"\{--(?!-)", re.compile(r"--\}")),
    (r"(?<!\S)%%(?=\s)", re.compile(r"(?<=\s)%%(?!\S)")),
)
"""How a comment begins, and how it ends."""
_HINTS = ("/*", "comment", "%%", "{>>", "{--")
_MARK = re.compile(
    r"^[ \t>]*(?P<fence>`{3,}|~{3,})|(?P<ticks>(?<!`)`+)|(?P<indented>^(?: {4}|\t)[^\n]*)|"
    + "|".join(f"(?P<open{n}>{opener})" for n, (opener, _) in enumerate(_CLOSERS)),
    re.MULTILINE,
)


def without_remarks(text: str) -> str:
    """The text without these comments; linear in its length."""
    if not any(hint in text for hint in _HINTS):
        return text
    kept: list[str] = []
    done = at = 0
    missing: set[str] = set()  # what is not closed from one place on is not closed from any later one
    while mark := _MARK.search(text, at):
        name, at = mark.lastgroup or "", mark.end()
        key = f"{name} {mark[name]}" if name in ("fence", "ticks") else name
        if name == "indented" or key in missing:
            continue
        end = _end(mark, name).search(text, at)
        if end is None:
            missing.add(key)
            at = len(text) if name == "fence" else at
            continue
        at = end.end()
        if name.startswith("open"):
            kept.append(text[done : mark.start()])
            done = at
    return "".join([*kept, text[done:]])


def _end(mark: re.Match[str], name: str) -> re.Pattern[str]:
    """What ends a piece of code or a comment."""
    if name == "fence":
        return re.compile(rf"^[ \t>]*{re.escape(mark['fence'])}", re.MULTILINE)
    if name == "ticks":
        return re.compile(rf"(?<!`){mark['ticks']}(?!`)")
    return _CLOSERS[int(name.removeprefix("open"))][1]
