"""A PDF page's characters through PDFium: what each one is, where it stands, and whether its font says what it is."""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from ingest.readers.pdfcovered import Box, Covers, hides
from ingest.readers.pdfrules import by_place, cell_at
from ingest.readers.symbols import shown

_FOLDED = re.compile(
    "[\u00b5\u0132\u0133\u0149\u01c4-\u01cc\u01f1-\u01f3\u2e80-\u2fdf\uf900-\ufaff\ufb00-\ufb4f\ufb50-\ufdfb\ufe70-\ufefc"
    "\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff65-\uff9f\U0001d400-\U0001d7ff]+"
)
"""Forms that fonts give a look (ligatures, Arabic letters by place, radicals, mathematical alphabets): one word all the same."""
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_SOFT_HYPHEN = 2
"""How PDFium gives a hyphen that it takes for one that only the line's end made."""
_GAP = 1.0
"""Ems between two characters of a line that make them two segments: a gutter, a column of a table."""
_WORD_GAP = 0.2
_GUESSED = "\u200a"
"""A space that PDFium puts where letters stand apart; one that the file writes is what it is."""
_TRACKED, _WIDE = 5, 0.6
"""Fewer letters than this, or gaps wider than this part of their size, are no word that is set wide."""
_LAM, _ALEFS = "ل", frozenset("اأإآ")
_ASKEW = 10
"""Degrees by which upright text may be turned."""


@dataclass(slots=True)
class Segment:
    """Text on one baseline without a wide gap, in coordinates in which it runs from left to right and down is smaller y."""

    text: str
    left: float
    right: float
    bottom: float
    top: float
    size: float
    order: int = 0
    cell: Box | None = None
    """The cell of a drawn table that it stands in."""

    @property
    def middle(self) -> float:
        return (self.bottom + self.top) / 2


@dataclass(slots=True)
class Glyphs:
    """A page's segments by the turn of their text (degrees, 0 upright), and how much of it no font explains."""

    turns: dict[int, list[Segment]] = field(default_factory=dict)
    characters: int = 0
    unknown: int = 0
    covered: int = 0
    """Stretches of text under a box that is drawn over it, or beside what is to be seen of where it is drawn."""

    @property
    def is_readable(self) -> bool:
        """Whether what the fonts explain is worth reading."""
        return self.unknown <= 0.5 * self.characters

    def main(self) -> int:
        """The turn of most of the text."""
        sizes = Counter({turn: sum(len(s.text) for s in found) for turn, found in self.turns.items()})
        return max(sorted(sizes), key=lambda turn: sizes[turn], default=0)

    def in_cells(self) -> dict[Box, list[Segment]]:
        """The segments of each cell of a drawn table."""
        found: dict[Box, list[Segment]] = {}
        for segment in chain.from_iterable(self.turns.values()):
            if segment.cell is not None:
                found.setdefault(segment.cell, []).append(segment)
        return found

    def outside(self) -> Glyphs:
        """The same without what stands in cells."""
        turns = {turn: [s for s in found if s.cell is None] for turn, found in self.turns.items()}
        return Glyphs({turn: found for turn, found in turns.items() if found}, self.characters, self.unknown)


def folded(text: str) -> str:
    """Text with compatibility forms as the letters they stand for (ﬁ as fi), and symbol fonts' bullets as bullets."""
    text = _FOLDED.sub(lambda found: unicodedata.normalize("NFKC", found.group()), text)
    return shown(text, "wingdings") if _PRIVATE.search(text) else text


@dataclass(slots=True)
class _Run:
    turn: int
    size: float
    left: float
    right: float
    bottom: float
    top: float
    parts: list[str]
    has_space: bool = False
    is_apart: bool = False
    gaps: dict[int, float] = field(default_factory=dict)
    """The places of spaces that the file does not write, and how wide they are."""
    last: Box = (0.0, 0.0, 0.0, 0.0)
    cell: Box | None = None

    def _tracked(self) -> set[int]:
        """The places of spaces that only part the letters of words that are set wide, as headings are; none in other text."""
        letters = [part for part in self.parts if part != " "]
        if len(letters) < _TRACKED or len(self.gaps) < _TRACKED - 1 or not all(map(str.isalpha, letters)):
            return set()
        usual = sorted(self.gaps.values())[len(self.gaps) // 2]
        narrow = {place for place, gap in self.gaps.items() if gap <= 1.3 * usual}
        between = self.parts.count(" ")  # any two letters stand apart
        return narrow if between == len(letters) - 1 and usual <= _WIDE * self.size else set()

    def segment(self, order: int) -> Segment:
        parts = self.parts
        if not_spaces := self._tracked():
            parts = [part for place, part in enumerate(parts) if place not in not_spaces]
        text = " ".join(folded("".join(parts)).split())
        return Segment(text, self.left, self.right, self.bottom, self.top, self.size, order, self.cell)


def glyphs(page: Any, cells: Sequence[Box] = ()) -> Glyphs:
    """The characters of a pypdfium2 page that lie on it, as segments in the order in which the file draws them.

    No segment of upright text crosses the wall of one of these `cells`.
    """
    import pypdfium2.raw as raw

    texts = page.get_textpage()
    found, covers, placed = Glyphs(), Covers.of(page), by_place(cells)
    run: _Run | None = None
    order = 0
    for turn, size, box, text in _characters(texts, page.get_bbox(), found, covers, raw):
        if run is not None and (text in "\r\n" or not _goes_on(run, turn, size, box)):
            order += _ended(found, run, order)
            run = None
        if text in "\r\n":
            continue
        left, bottom, right, top = box
        if text.isspace():
            if run is not None:
                run.has_space = run.has_space or text != _GUESSED
                run.is_apart = True
            continue
        cell = cell_at(placed, box) if placed and turn == 0 else None
        if run is not None and run.cell != cell:
            order += _ended(found, run, order)
            run = None
        if run is None:
            run = _Run(turn, size, left, right, bottom, top, [text], last=box, cell=cell)
            continue
        if box == run.last and text == _LAM and run.parts[-1] in _ALEFS:
            run.parts.insert(-1, text)  # one glyph for two letters, which PDFium turns around with the line
            continue
        run.last = box
        gap = max(left - run.right, run.left - right)
        if run.is_apart or gap > _WORD_GAP * max(size, run.size):
            if not run.has_space:
                run.gaps[len(run.parts)] = gap
            run.parts.append(" ")
        run.parts.append(text)
        run.has_space = run.is_apart = False
        run.left, run.right = min(run.left, left), max(run.right, right)
        if size >= run.size:
            run.bottom, run.top, run.size = min(run.bottom, bottom), max(run.top, top), size
    if run is not None:
        _ended(found, run, order)
    texts.close()
    return found


def _ended(found: Glyphs, run: _Run, order: int) -> int:
    segment = run.segment(order)
    if segment.text:
        found.turns.setdefault(run.turn, []).append(segment)
    return 1


def _characters(texts: Any, page: Box, found: Glyphs, covers: Covers, raw: Any) -> Iterator[tuple[int, float, Box, str]]:
    handle = texts.raw
    rect = raw.FS_RECTF()
    at = ctypes.byref(rect)
    looks: dict[int, tuple[int, float]] = {}  # of each text object: the turn and size of its characters
    last: tuple[int, float, Box] = (0, 1.0, (0.0, 0.0, 0.0, 0.0))
    high, was_covered = "", False
    for index in range(texts.count_chars()):
        code = raw.FPDFText_GetUnicode(handle, index)
        if raw.FPDFText_IsGenerated(handle, index) == 1:
            yield (*last, "\n" if code in (10, 13) else "\u00ad" if code == _SOFT_HYPHEN else _GUESSED)
            continue
        if 0xD800 <= code < 0xDC00:
            high = chr(code)
            continue
        text = (high + chr(code)).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") if high else chr(code)
        high = ""
        raw.FPDFText_GetLooseCharBox(handle, index, at)
        box = (rect.left, rect.bottom, rect.right, rect.top)
        if box[2] < page[0] or box[0] > page[2] or box[3] < page[1] or box[1] > page[3]:
            continue  # beside the page: nobody sees it
        drawn = ctypes.cast(raw.FPDFText_GetTextObject(handle, index), ctypes.c_void_p).value or -1
        if drawn not in looks:
            looks[drawn] = _look(handle, index, raw)
        if not covers.shows(drawn, box):
            found.covered += not was_covered
            was_covered = True
            continue
        over = covers.over(drawn, ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2))
        if over and any(hides(each, _tight(handle, index, raw), looks[drawn][1]) for each in over):
            found.covered += not was_covered
            was_covered = True
            continue
        was_covered = was_covered and text.isspace()
        if not text.isspace():
            found.characters += 1
        is_private = "\ue000" <= text <= "\uf8ff"
        if raw.FPDFText_HasUnicodeMapError(handle, index) == 1 or code in (0, 0xFFFD, 0xFFFE, 0xFFFF) or is_private:
            found.unknown += 1
            if not is_private:
                continue
        if code == _SOFT_HYPHEN or code == 0xAD:
            text = "\u00ad"
        elif code < 32 and not text.isspace():
            found.unknown += 1
            continue
        turn, size = looks[drawn]
        last = (turn, size, _turned(box, turn) if turn % 90 == 0 else _slanted(handle, index, turn, size, raw))
        yield (*last, "\n" if text in "\r\n" else text)


def _tight(handle: Any, index: int, raw: Any) -> Box:
    """The box of what is drawn of a character."""
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    raw.FPDFText_GetCharBox(handle, index, *map(ctypes.byref, (left, right, bottom, top)))
    return left.value, bottom.value, right.value, top.value


def _look(handle: Any, index: int, raw: Any) -> tuple[int, float]:
    """The turn (in degrees) and the size (in points) of a character, as it is drawn."""
    matrix = raw.FS_MATRIX()
    raw.FPDFText_GetMatrix(handle, index, ctypes.byref(matrix))
    degrees = -math.degrees(raw.FPDFText_GetCharAngle(handle, index))  # PDFium counts clockwise
    quarter = round(degrees / 90) * 90
    # A page scanned askew is upright, a watermark across it is not.
    turn = (quarter if abs(degrees - quarter) <= _ASKEW else round(degrees)) % 360
    return turn, max(raw.FPDFText_GetFontSize(handle, index) * math.hypot(matrix.c, matrix.d), 0.1)


def _turned(box: Box, turn: int) -> Box:
    """The box in coordinates in which its text runs from left to right."""
    left, bottom, right, top = box
    match turn:
        case 90:
            return bottom, -right, top, -left
        case 180:
            return -right, -top, -left, -bottom
        case 270:
            return -top, left, -bottom, right
    return box


def _slanted(handle: Any, index: int, turn: int, size: float, raw: Any) -> Box:
    """The box of a character of a slanted line, turned back about the page's corner."""
    x, y = ctypes.c_double(), ctypes.c_double()
    raw.FPDFText_GetCharOrigin(handle, index, ctypes.byref(x), ctypes.byref(y))
    cosine, sine = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    along, above = x.value * cosine + y.value * sine, y.value * cosine - x.value * sine
    return along, above - 0.2 * size, along + 0.6 * size, above + 0.8 * size


def _goes_on(run: _Run, turn: int, size: float, box: Box) -> bool:
    """Whether a character stands on the run's line and near it, on either side (scripts run both ways)."""
    left, bottom, right, top = box
    overlap = min(top, run.top) - max(bottom, run.bottom)
    if turn != run.turn or overlap < 0.4 * min(top - bottom, run.top - run.bottom):
        return False
    return max(left - run.right, run.left - right) <= _GAP * max(size, run.size)
