"""A text as patterns read it: ASCII where it looks like ASCII, without what nobody sees, and with the way back.

Digits of every script and width become 0 to 9, dashes `-`, blanks a space, middle dots `.`, fullwidth and mathematical letters
themselves; invisible characters go. So a pattern over digits and separators holds however a number is typeset.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass

from sluice.spelling import IGNORABLE

Span = tuple[int, int]

_INVISIBLE = re.compile(f"[{IGNORABLE}\u2800]+")
"""What no font shows, and the blank of Braille."""
_DOTS = frozenset("\u00b7\u2022\u2024\u2027\u2219\u22c5\u30fb\uff65")


class _Table(dict[int, int]):
    """Code point → code point, found out when first met."""

    def __missing__(self, point: int) -> int:
        self[point] = ord(_plain(chr(point))) if point > 0x7F else point
        return self[point]


def _plain(character: str) -> str:
    if character in _DOTS:
        return "."
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Pd" or character == "\u2212":
        return "-"
    if category == "Zs":
        return " "
    if category in ("Zl", "Zp") or character == "\x85":
        return "\n"
    folded = unicodedata.normalize("NFKC", character)
    return folded if len(folded) == 1 and folded.isascii() else character


_TABLE = _Table()


@dataclass(frozen=True, slots=True)
class Plain:
    """The plain form of a text; `removed` are places in `text` before which so many characters of the original are gone."""

    text: str
    _places: tuple[int, ...] = ()
    _gone: tuple[int, ...] = ()

    def original(self, span: Span) -> Span:
        """Where a span of the plain form lies in the original."""
        start, end = span
        return (self._place(start), self._place(end - 1) + 1) if end > start else (self._place(start),) * 2

    def _place(self, position: int) -> int:
        before = bisect_right(self._places, position)
        return position + (self._gone[before - 1] if before else 0)


def plain(text: str) -> Plain:
    """The plain form of a text; its lines end in one way."""
    if "\r" in text:
        text = text.replace("\r\n", " \n").replace("\r", "\n")
    if text.isascii():
        return Plain(text)
    places: list[int] = []
    gone: list[int] = []
    total = 0
    for run in _INVISIBLE.finditer(text):
        places.append(run.start() - total)
        total += run.end() - run.start()
        gone.append(total)
    shown = _INVISIBLE.sub("", text) if places else text
    return Plain(shown.translate(_TABLE), tuple(places), tuple(gone))
