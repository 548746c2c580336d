"""Boxes, tabs and contents of Markdown as generators of sites write them (MkDocs, Docusaurus, VuePress, Quarto, MyST, kramdown).

A box is its title and what it holds, which MkDocs indents like code; who reads the page sees no `!!!`, `:::` or `{:toc}`.
"""

from __future__ import annotations

import re

_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_INDENTED = re.compile(
    r"(?P<indent> *)(?:(?:!!!|\?\?\?\+?)\s+(?P<kind>[A-Za-z][\w-]*)(?: [\w-]+)*(?=\s|$)|===[!+]?(?=\s+\"))"
    r"(?:\s+\"(?P<title>[^\"]*)\")?\s*"
)
_OPENS = re.compile(
    r"\s*(?P<mark>:{3,})\s*(?:\{\s*\.?(?P<braced>[\w-]+)(?P<about>[^}]*)\}|(?P<kind>[A-Za-z][\w-]*))\s*"
    r"(?:\[(?P<boxed>[^\]]*)\]|(?P<title>[^:{}\[\]]*))\s*"
)
_CLOSES = re.compile(r"\s*(:{3,})\s*")
_NAMED = re.compile(r"\btitle=\"([^\"]*)\"")
_MARKERS = re.compile(r"\s*(?:\[TOC\]|\[\[_?TOC_?\]\]|\{:(?!:comment\}|/comment\})[^{}]*\})\s*", re.IGNORECASE)
_KNOWN_NAMES = (
    "note tip info warning caution danger important success failure error hint question example quote abstract bug seealso "
    "details attention todo"
)
KNOWN = frozenset(_KNOWN_NAMES.split())
_STEP = 4


def without_boxes(text: str) -> str:
    """The Markdown without the marks of its boxes."""
    if not any(mark in text for mark in ("!!!", "???", "===", ":::", "{:", "[TOC]", "[[")):
        return text
    lines = text.split("\n")
    closed = _closed(lines)
    kept: list[str] = []
    dedents: list[int] = []  # from which indent on lines are in a box: one for each box around them
    fence = ""
    for at, whole in enumerate(lines):
        while dedents and whole.strip() and _indent(whole) < dedents[-1]:
            dedents.pop()
        line = whole[_STEP * len(dedents) :] if whole.strip() else whole
        if found := _FENCE.match(line):
            fence = "" if fence and found[1].startswith(fence) else fence or found[1]
        if fence or found:
            kept.append(line)
        elif (box := _INDENTED.fullmatch(line)) and _indent(_below(lines, at)) >= _indent(whole) + _STEP:
            title = box["title"] if box["title"] is not None else (box["kind"] or "").capitalize()
            kept += ["", f"{box['indent']}{title}", ""]
            dedents.append(_indent(whole) + _STEP)
        elif at in closed:
            kept += ["", closed[at], ""]
        else:
            kept.append("" if _MARKERS.fullmatch(line) else line)
    return "\n".join(kept)


def _closed(lines: list[str]) -> dict[int, str]:
    """The lines that open or close a box between colons, with the title that stands in their place."""
    found: dict[int, str] = {}
    opened: list[tuple[int, str, str]] = []
    fence = ""
    for at, line in enumerate(lines):
        if mark := _FENCE.match(line):
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        elif fence:
            continue
        elif end := _CLOSES.fullmatch(line):
            while opened and len(opened[-1][1]) > len(end[1]):
                opened.pop()
            if opened:
                begun, _, title = opened.pop()
                found |= {begun: title, at: ""}
        elif box := _OPENS.fullmatch(line):
            opened.append((at, box["mark"], _title(box)))
    return found


def _title(box: re.Match[str]) -> str:
    named = _NAMED.search(box["about"] or "")
    said = (named[1] if named else "") or (box["boxed"] or box["title"] or "").strip()
    kind = str(box["kind"] or box["braced"]).removeprefix("callout-")
    return said or (kind.capitalize() if kind.lower() in KNOWN else "")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _below(lines: list[str], at: int) -> str:
    return next((line for line in lines[at + 1 : at + 3] if line.strip()), "")
