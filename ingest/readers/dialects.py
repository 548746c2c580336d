"""Markdown of other programs as GitHub's: highlighted code of Jekyll and Hugo, directives of MyST, tables drawn with `+`, alerts.

What GitHub's rules would run together in one line, or show as code, is what its own program makes of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from ingest.readers.boxes import KNOWN

_HINTS = ("highlight", "+--", "+==", "```{", "~~~{", "[!", "{%", "{{<", "{{%")
_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})(.*)")
_HIGHLIGHTS = (
    (re.compile(r"[ \t]*\{%-?\s*highlight\b[^%]*%\}\s*"), re.compile(r"[ \t]*\{%-?\s*endhighlight\s*-?%\}\s*")),
    (re.compile(r"[ \t]*\{\{[<%]\s*highlight\b[^<>%]*[>%]\}\}\s*"), re.compile(r"[ \t]*\{\{[<%]\s*/\s*highlight\s*[>%]\}\}\s*")),
)
_DIRECTIVE = re.compile(r"\{(?P<kind>[a-z][\w-]*)\}[ \t]*(?P<title>[^`]*)")
_HOLDER_NAMES = (
    "admonition dropdown card margin sidebar epigraph topic versionadded versionchanged deprecated tab-item tab-set grid"
)
_HOLDERS = KNOWN | frozenset(_HOLDER_NAMES.split())
_OPTION = re.compile(r"\s*:[\w-]+:(?:\s.*)?")
_WITHIN = r"/?(?!(?:end|/)?comment\b)(?P<{}>[a-z][\w-]*)\b(?:[^{{}}%/\"]|%(?!\}})|/(?!\*)|\"[^\"\n]*\")*?"
_TAG = re.compile(rf"\{{%-?\s*{_WITHIN.format('kind')}-?%\}}|\{{\{{[<%]\s*{_WITHIN.format('named')}[>%]\}}\}}")
"""A tag of Liquid (`{% hint %}`) or Hugo (`{{< tab >}}`); comments are `ingest.remarks`'."""
_TAG_TITLE = re.compile(r"\b(?:title|caption|label|summary|header|alt)\s*=\s*\"([^\"]*)\"")
_TAG_WORDS = re.compile(r"\"([^\"]*)\"")
_TITLED = frozenset(("expand", "tab", "details", "accordion", "collapse", "callout"))
_ALERT = re.compile(r"(?P<quote>(?:[ \t]*>)+[ \t]*)\[!(?P<kind>[A-Za-z][\w -]*)\][+-]?[ \t]*(?P<title>[^.]{0,60})[ \t]*")
"""Only Obsidian (which writes its kind small) knows a title, and that is short: what GitHub makes a sentence of stays one."""
BORDER = re.compile(r"[ \t]{0,3}\+(?:[-=:]{2,}\+)+[ \t]*")
_LONGEST_FENCE = "`" * 12


def as_github(text: str) -> str:
    """The Markdown with these as GitHub writes them; linear in its length."""
    if not any(hint in text for hint in _HINTS):
        return text
    lines = text.split("\n")
    ends = [_last(lines, end) for _, end in _HIGHLIGHTS]
    kept: list[str] = []
    fence = ""
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if mark := _FENCE.fullmatch(line):
            if fence:
                fence = "" if mark[1].startswith(fence) and not mark[2].strip() else fence
            elif box := _directive(lines, at - 1, mark):
                directive, after = box
                kept += _as_box(lines[at : after - 1], directive, ":" * len(mark[1]))
                at = after
                continue
            else:
                fence = mark[1]
            kept.append(line)
        elif fence:
            kept.append(line)
        elif (code := _highlighted(lines, at - 1, ends)) > at:
            kept += ["", _LONGEST_FENCE, *lines[at : code - 1], _LONGEST_FENCE, ""]
            at = code
        elif BORDER.fullmatch(line) and (table := drawn(lines, at - 1)):
            rows, at = table
            kept += ["", *(_between_pipes(row) for row in (rows[0], ["---"] * len(rows[0]), *rows[1:])), ""]
        elif ("{%" in line or "{{" in line) and "`" not in line and not line.startswith(("    ", "\t")):
            kept += _untagged(line)
        elif (alert := _ALERT.fullmatch(line)) and not (alert["title"].strip() and alert["kind"].isupper()):
            title = alert["title"].strip() or alert["kind"].strip().capitalize()
            kept += [f"{alert['quote']}{title}", alert["quote"]]
        else:
            kept.append(line)
    return "\n".join(kept)


def _untagged(line: str) -> list[str]:
    """A line without the tags of Jekyll, GitBook and Hugo: their titles are shown, and what stands between them."""

    def shown(tag: re.Match[str]) -> str:
        title = _TAG_TITLE.search(tag[0]) or (_TAG_WORDS.search(tag[0]) if (tag["kind"] or tag["named"]) in _TITLED else None)
        return f" {title[1]} " if title else " "

    rest = _TAG.sub(shown, line)
    if rest == line:
        return [line]
    return ["", rest.strip(), ""] if not _TAG.sub("", line).strip() else [rest]


def _last(lines: list[str], end: re.Pattern[str]) -> int:
    """The last line that ends such a piece of code; -1 for none."""
    return next((at for at in range(len(lines) - 1, -1, -1) if "highlight" in lines[at] and end.fullmatch(lines[at])), -1)


def _highlighted(lines: list[str], begin: int, ends: list[int]) -> int:
    """The line behind the code that is highlighted from this one on; 0 where it is none."""
    if "highlight" not in lines[begin]:
        return 0
    for (opens, closes), last in zip(_HIGHLIGHTS, ends, strict=True):
        if last > begin and opens.fullmatch(lines[begin]):
            return next(at for at in range(begin + 1, last + 1) if closes.fullmatch(lines[at])) + 1
    return 0


def _directive(lines: list[str], begin: int, mark: re.Match[str]) -> tuple[re.Match[str], int] | None:
    """A directive that holds text (MyST writes it as a fence), and the line behind it; None for code, and where it never ends."""
    found = _DIRECTIVE.fullmatch(mark[2].strip())
    if found is None or found["kind"] not in _HOLDERS:
        return None
    for at in range(begin + 1, len(lines)):
        end = _FENCE.fullmatch(lines[at])
        if end and end[1].startswith(mark[1]) and not end[2].strip():
            return found, at + 1
    return None


def _as_box(held: list[str], directive: re.Match[str], colons: str) -> list[str]:
    """A directive as a box between colons (`ingest.readers.boxes`), without its options; what it holds may hold others."""
    while held and _OPTION.fullmatch(held[0]):
        held.pop(0)
    head = f"{colons}{{{directive['kind']}}} {directive['title'].strip()}".rstrip()
    return ["", head, "", *as_github("\n".join(held)).split("\n"), "", colons, ""]


def drawn(lines: Sequence[str], begin: int) -> tuple[list[list[str]], int] | None:
    """The rows of a table that is drawn with `+`, `-` and `|` (Pandoc, reStructuredText), and the line behind them; None where
    it is none.

    A cell of several lines is one; its borders are those of its first line, so that a `|` within a cell is a character.
    """
    if not lines[begin + 1 : begin + 2] or not lines[begin + 1].lstrip().startswith("|"):
        return None
    border = lines[begin].rstrip()
    places = [at for at, sign in enumerate(border) if sign == "+"]
    rows: list[list[str]] = []
    held: list[list[str]] = []
    at = begin + 1
    while at < len(lines):
        line = lines[at].rstrip()
        if BORDER.fullmatch(line):
            rows += _one(held)
            held = []
        elif line.lstrip().startswith("|") and line.endswith("|"):
            cells = [line[left + 1 : right].strip().strip("|").strip() for left, right in pairwise(places)]
            held.append(cells)
        else:
            break
        at += 1
    rows += _one(held)
    return (rows, at) if rows else None


def _between_pipes(row: list[str]) -> str:
    cells = (cell.replace("\\|", "|").replace("|", "\\|") for cell in row)
    return f"| {' | '.join(cells)} |"


def _one(lines: list[list[str]]) -> list[list[str]]:
    """The lines of a row as one row; none for none."""
    return [[" ".join(filter(None, parts)) for parts in zip(*lines, strict=True)]] if lines else []
