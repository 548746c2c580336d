"""Plain text and code: every word as written; what is a heading or a list is told by its form, in any language.

A heading is a short line between blank lines that ends like no sentence, does not begin small, and has text below it; or
a line that is underlined. No dictionary is asked, so that 年假 and Congés annuels are what Annual leave is.
"""

from __future__ import annotations

import json
import re
import unicodedata
from itertools import pairwise

from ingest.elements import Loss, Piece, clean
from ingest.readers.base import Reading, text_of

_ESCAPED = re.compile(r"(?<!\\)((?:\\\\)*)((?:\\u[0-9a-fA-F]{4})+)")
_BLANK = re.compile(r"\n[^\S\n]*\n\s*")
_BULLET = re.compile(r"\s*[-*+•◦▪‣●■○∙–·・]\s+(?=\S)")
_NUMBER = re.compile(
    r"\s*(?:\(?(?:\d{1,4}|[A-Za-z]|[ivxlcIVXLC]{1,6})[.)]\s+|[（(]?[一二三四五六七八九十]{1,3}[、）)]|[①-⑳㈠-㈩]\s*)(?=\S)"
)
_HASHES = re.compile(r"\s*(#{1,6})\s+(?=\S)")
_UNDERLINE = re.compile(r"\s*([=\-~^\"'`#*+:._])\1{2,}\s*")
_STOPS = frozenset(".!?。．！？｡…;；,，､、:：؟۔؛،।॥။።՞·")
_CLOSERS = "\"'”’»)]}」』）】"
_WIDEST = 80
_MOST_WORDS = 14
_LONG = 120


def plain(content: bytes, uri: str, label: str = "") -> Reading:
    from ingest.readers.lightmarkup import EXTENSIONS, light_pieces
    from ingest.readers.subtitles import are_subtitles, subtitle_pieces

    found = text_of(content, uri, label=label)
    if are_subtitles(found.text):
        return Reading(subtitle_pieces(found.text), losses=found.losses, guess=found.guess)
    extension = uri.rsplit(".", 1)[-1].lower()
    if extension not in EXTENSIONS:
        return Reading(plain_pieces(found.text), losses=found.losses, guess=found.guess, formed=True)
    pieces, comments = light_pieces(found.text, extension)
    losses = (Loss("comment", comments),) if comments else ()
    return Reading(pieces, losses=(*found.losses, *losses), guess=found.guess)


def code(content: bytes, uri: str, label: str = "") -> Reading:
    found = text_of(content, uri, label=label)
    text = clean(unescaped(found.text, always=uri.lower().endswith(".properties")), keep_indent=True)
    return Reading([Piece("code", text)] if text.strip() else [], losses=found.losses, guess=found.guess)


def unescaped(text: str, *, always: bool = False) -> str:
    """JSON with its letters instead of their numbers: what many programs write as `\\u00fc` is an ü that people search for.

    `always`: also where it does not begin as JSON does (Java's properties).
    """
    if "\\u" not in text or not (always or text.lstrip("\ufeff \t\r\n").startswith(("{", "["))):
        return text

    def letters(found: re.Match[str]) -> str:
        said = str(json.loads(f'"{found[2]}"'))
        return found[1] + "".join(c if c.isprintable() and ord(c) > 127 else json.dumps(c)[1:-1] for c in said)

    return _ESCAPED.sub(letters, text)


def plain_pieces(text: str, *, headings: bool = True, formed: bool = True, underlines: list[str] | None = None) -> list[Piece]:
    """Paragraphs, items of lists and headings; without `headings` (mail, OCR) a short line is a line.

    Without `formed` only what is underlined is a heading; `underlines` are those of the text before, outermost first.
    """
    blocks = [block for block in _BLANK.split(clean(text.replace("\f", "\n\n"))) if block.strip()]
    titles = _titles(blocks) if headings and formed else frozenset[int]()
    underlines = [] if underlines is None else underlines
    found: list[Piece] = []
    for place, block in enumerate(blocks):
        if place in titles:
            marks = _HASHES.match(block)  # of Markdown that is called text
            title = block[marks.end() :] if marks else block
            found.append(Piece("title", " ".join(title.split()), len(marks[1]) - 1 if marks else 0))
        else:
            found += _block(block.split("\n"), underlines if headings else None)
    return found


def _titles(blocks: list[str]) -> frozenset[int]:
    """Which blocks are headings: at most two in a row, with other text below."""
    alike = [_looks_like_a_heading(block) for block in blocks]
    titles: set[int] = set()
    run: list[int] = []
    for place, is_alike in enumerate(alike):
        if is_alike:
            run.append(place)
            continue
        if len(run) <= 2 and len(blocks[place].strip()) > len(blocks[run[-1]].strip() if run else ""):
            titles.update(run)
        run = []
    for before, after in pairwise(range(len(blocks))):  # numbered lines one after the other are a list
        if _NUMBER.match(blocks[before]) and _NUMBER.match(blocks[after]):
            titles -= {before, after}
    return frozenset(titles)


def _looks_like_a_heading(block: str) -> bool:
    line = block.strip()
    if "\n" in line or len(line) > _WIDEST or _BULLET.match(line) or "://" in line or "@" in line:
        return False
    first = next((character for character in line if character.isalpha()), "")
    if not first or first.islower() or line.rstrip(_CLOSERS)[-1:] in _STOPS or len(line.split()) > _MOST_WORDS:
        return False
    return (
        sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line) <= _WIDEST // 2 or line.isascii()
    )


def _block(lines: list[str], underlines: list[str] | None) -> list[Piece]:
    """The pieces of lines that no blank line separates."""
    found: list[Piece] = []
    open_lines: list[str] = []
    kind = "text"

    def close() -> None:
        text = clean("\n".join(open_lines))
        if not text:
            pass
        elif kind == "text" and len(open_lines) > 1 and len(text) > _LONG * len(open_lines):
            found.extend(Piece("text", line.strip()) for line in open_lines if line.strip())  # each line a paragraph
        else:
            found.append(Piece(kind, text))
        open_lines.clear()

    for place, line in enumerate(lines):
        below = lines[place + 1] if place + 1 < len(lines) else ""
        rule = _UNDERLINE.fullmatch(line)
        if underlines is not None and rule and (title := _above(open_lines, kind, line)):
            open_lines.pop()
            close()
            if rule.group(1) not in underlines:
                underlines.append(rule.group(1))
            found.append(Piece("title", title, underlines.index(rule.group(1))))
            kind = "text"
        elif (
            underlines is not None
            and rule
            and _UNDERLINE.fullmatch(lines[min(place + 2, len(lines) - 1)])
            and below.strip()
            and place + 2 < len(lines)
        ):
            close()  # a line above a heading that is underlined too
            kind = "text"
        elif bullet := _begins_item(line, place, open_lines, kind):
            close()
            kind = "list"
            open_lines.append(line[bullet.end() :] if bullet.re is _BULLET else line.strip())
        else:
            open_lines.append(line if kind == "text" else line.strip())
    close()
    return found


def _above(open_lines: list[str], kind: str, underline: str) -> str:
    """The line above an underline, where that is a heading's."""
    title = open_lines[-1].strip() if open_lines and kind == "text" else ""
    return (
        title
        if title and len(title) <= 2 * _WIDEST and len(underline.strip()) * 2 >= len(title) and any(map(str.isalnum, title))
        else ""
    )


def _begins_item(line: str, place: int, open_lines: list[str], kind: str) -> re.Match[str] | None:
    """An item begins a block, follows an item, or follows a line that announces it: `1986. ` within prose is none."""
    if place and kind != "list" and not (open_lines and open_lines[-1].rstrip().endswith((":", "："))):
        return None
    return _BULLET.match(line) or _NUMBER.match(line)
