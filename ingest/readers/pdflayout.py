"""Segments of text on a page as lines in reading order, and lines as paragraphs, headings, lists and tables.

Columns of prose are read one after the other; cells of a table row by row. Everything is sorted or swept once for each
level of columns: n segments cost n log n.

Over 300 lines: one reading of a page, whose rules of lines, columns and paragraphs lean on each other.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from ingest.elements import Piece, row_text
from ingest.readers.pdfglyphs import Segment

_FEWEST_LINES = 4
_PROSE = 12
"""Characters in the middle line of a column: shorter ones are cells of a table."""
_INITIAL = 1.8
_MOST_INITIALS = 20
_MOST_COLUMNS = 10  # levels of columns and bands
_BULLET = re.compile(
    r"[•▪●◦‣·○■□❑➢✓☒☐–—*-]\s+(?=\S)|(?:\(?(?:\d{1,3}(?:\.\d{1,3})*|[a-z]|[ivx]{1,5})[.)](?:[a-z][.)])?)\s+(?=\S)"
)
_LABEL = re.compile(r"[•▪●◦‣·○■□❑➢✓☒☐–—*-]|\(?(?:\d{1,3}(?:\.\d{1,3})*|[a-z]|[ivx]{1,5})[.)](?:[a-z][.)])?")
_HYPHENATED = re.compile(r"(?<=[^\W_])(?P<hyphen>[-\u00ad\u2010])$")
_LAST_WORD = re.compile(r"[^\W\d_]+(?=[-\u00ad\u2010]$)")
_FIRST_WORD = re.compile(r"[^\W\d_]+")
_LEADS = re.compile(r"(?:[.\u2026\u00b7_] ?){4,} ?[\divxlc]{1,6}$")
"""How a line of a table of contents ends."""
_ADDRESS = re.compile(r"\b(?:https?|ftp)://\S*[/=&?_]$|\bwww\.\S*[/=&?_]$")
_IN_ADDRESS = re.compile(r"[\w%~.-]*[/=&?#][\w/%=&?#.~-]*|[\w%~-]+\.\w{2,5}(?:\s|$)")
_APART, _BESIDE = 1.8, 0.7
_TIGHT = 1.5
"""Of its size, at most, from a line to the next one of the same cell."""
_CLOSER = 0.87
_NEAR = 40
_SHORTEST_WRAPPED = 10
_ENDS = tuple(".!?:。！？؟।…")
_LONGEST_HEADING = 200
_LONGEST_SEARCHED = 2000
_WHOLE_WORD = re.compile(r"\w+(?:[-\u2010]\w+)*(?![-\u00ad\u2010\w])")


@dataclass(slots=True)
class Line:
    """What stands on one line of a column: its segments from the side where reading begins."""

    segments: list[Segment]
    column: int = 0
    top: float = 0.0
    bottom: float = 0.0
    size: float = 0.0
    is_table: bool = False
    """A whole table, whose cells were drawn: its text is its rows."""
    region: int = 0
    """Parts of a column that empty strips alone hold apart are one region: a table may go on from one to the next."""
    wraps: bool = False
    """Whether it goes on with cells of the row above it."""

    @property
    def text(self) -> str:
        return " ".join(segment.text for segment in self.segments)

    @property
    def left(self) -> float:
        return min(segment.left for segment in self.segments)

    @property
    def right(self) -> float:
        return max(segment.right for segment in self.segments)


def lines(segments: Sequence[Segment]) -> list[Line]:
    """The lines of a page in reading order."""
    found: list[Line] = []
    region, was_band = 0, False
    for column, (part, is_band) in enumerate(_columns(_with_initials(list(segments)), 0)):
        region += not (is_band and was_band)
        was_band = is_band
        for row in _rows(part):
            size = max(segment.size for segment in row)
            top, bottom = max(segment.top for segment in row), min(segment.bottom for segment in row)
            found.append(Line(row, column, top, bottom, size, region=region))
    return found


def _with_initials(segments: list[Segment]) -> list[Segment]:
    """The segments, with a large first letter (which reaches down into the next lines) in the word that it begins."""
    size = median(segment.size for segment in segments) if segments else 0.0
    initials = [s for s in segments if s.size > _INITIAL * size and len(s.text) == 1 and s.text.isupper()]
    for initial in initials[:_MOST_INITIALS]:
        beside = [
            segment
            for segment in segments
            if segment is not initial
            and segment.text[:1].isalpha()
            and segment.size < initial.size / _INITIAL
            and -0.2 * initial.size < segment.left - initial.right < segment.size
            and abs(segment.top - initial.top) < 0.8 * segment.size
        ]
        if beside:
            word = min(beside, key=lambda segment: abs(segment.top - initial.top))
            # An initial that is a word itself ("A", "I") is followed by a small gap, which no letter tells from none.
            segments = [replace(s, text=initial.text + s.text) if s is word else s for s in segments if s is not initial]
    return segments


def _rows(segments: Sequence[Segment]) -> list[list[Segment]]:
    rows: list[list[Segment]] = []
    top = bottom = 0.0
    for segment in sorted(segments, key=lambda s: (-s.middle, s.left)):
        overlap = min(top, segment.top) - max(bottom, segment.bottom)
        if rows and overlap > 0.5 * min(top - bottom, segment.top - segment.bottom):
            rows[-1].append(segment)
            if segment.size > max(s.size for s in rows[-1][:1]):
                top, bottom = segment.top, segment.bottom
        else:
            rows.append([segment])
            top, bottom = segment.top, segment.bottom
    for row in rows:
        rightward = sum(len(s.text) if _is_rightward(s.text) else -len(s.text) for s in row)
        row.sort(key=lambda s: s.left, reverse=rightward < 0)
    return [_joined(row) for row in rows]


def _joined(row: list[Segment]) -> list[Segment]:
    """Neighbours that touch are one: a word in two fonts, a raised number."""
    found = row[:1]
    for segment in row[1:]:
        before = found[-1]
        gap = max(segment.left - before.right, before.left - segment.right)
        is_label = len(found) == 1 and gap < 4 * before.size and _LABEL.fullmatch(before.text)
        if gap > 0.9 * max(before.size, segment.size) and not is_label:
            found.append(segment)
            continue
        size = max(before.size, segment.size)
        touches = -0.4 * size < gap < 0.12 * size and abs(before.order - segment.order) == 1
        ends = (min(before.left, segment.left), max(before.right, segment.right), before.bottom, before.top)
        found[-1] = Segment(before.text + ("" if touches else " ") + segment.text, *ends, size, segment.order)
    return found


def _is_rightward(text: str) -> bool:
    return not any("\u0590" <= character <= "\u08ff" for character in text)


Part = tuple[list[Segment], bool]
"""Segments, and whether they are a strip over all of what they are a part of (not a column beside another one)."""


def _columns(segments: list[Segment], depth: int) -> list[Part]:
    """The segments in parts to be read one after the other."""
    gutter = _gutter(segments) if depth < _MOST_COLUMNS and len(segments) >= 2 * _FEWEST_LINES else None
    if gutter is None:
        above, below = _bands(segments) if depth < _MOST_COLUMNS else (segments, [])
        if not below:
            return [(segments, True)] if segments else []
        return [*_columns(above, depth + 1), *_columns(below, depth + 1)]
    parts: list[Part] = []
    left: list[Segment] = []
    right: list[Segment] = []
    across: list[Segment] = []
    for segment in sorted(segments, key=lambda s: -s.middle):
        if segment.right <= gutter:
            left.append(segment)
        elif segment.left >= gutter:
            right.append(segment)
        else:
            if left or right:  # what crosses the gutter ends the columns above it
                parts += _flush(across, left, right, depth)
                left, right, across = [], [], []
            across.append(segment)
            continue
        if across and not (left[1:] or right[1:]):
            parts.append((across, False))
            across = []
    return parts + _flush(across, left, right, depth)


def _bands(segments: list[Segment]) -> tuple[list[Segment], list[Segment]]:
    """The segments above and below the widest empty strip across the page; nothing below where there is none."""
    if len(segments) < 2 * _FEWEST_LINES:
        return segments, []
    order = sorted(segments, key=lambda s: -s.top)
    widest, place, bottom = order[0].size, 0, order[0].bottom
    for at, segment in enumerate(order):
        if at and bottom - segment.top > widest:
            widest, place = bottom - segment.top, at
        bottom = min(bottom, segment.bottom)
    return (order[:place], order[place:]) if place else (segments, [])


def _flush(across: list[Segment], left: list[Segment], right: list[Segment], depth: int) -> list[Part]:
    found: list[Part] = [(across, False)] if across else []
    if left and right and (len(left) < 2 or len(right) < 2):
        return [*found, (left + right, False)]
    beside = [*_columns(left, depth + 1), *_columns(right, depth + 1)]
    return [*found, *((part, False) for part, _ in beside)]


def _gutter(segments: Sequence[Segment]) -> float | None:
    """Where two columns of prose part; None where there is no such place."""
    events = sorted([(s.left, 1) for s in segments] + [(s.right, -1) for s in segments])
    total, begun, ended = len(segments), 0, 0
    best, place, before = 0.0, None, events[0][0]
    for x, kind in events:
        crossing = begun - ended
        side = min(ended, total - begun)
        score = side - 2 * crossing + min((x - before) / 1000, 0.5)
        if side >= _FEWEST_LINES and x - before > 2 and score > best:
            best, place = score, (before + x) / 2
        begun, ended = (begun + 1, ended) if kind > 0 else (begun, ended + 1)
        before = x
    if place is None:
        return None
    columns = [s for s in segments if s.right <= place], [s for s in segments if s.left >= place]
    if _are_labels(*columns) or _are_labels(*reversed(columns)):
        return None
    for column in columns:
        width = max(s.right for s in column) - min(s.left for s in column)
        is_prose = median(len(s.text) for s in column) >= _PROSE and median(s.right - s.left for s in column) >= 0.2 * width
        if not is_prose:
            return None
    return place


def _are_labels(column: Sequence[Segment], other: Sequence[Segment]) -> bool:
    """Whether the lines of a column stand far apart, each beside a line of the other one: the labels of a table's rows."""
    size = median(segment.size for segment in column)
    places = sorted(segment.middle for segment in column)
    steps = [after - before for before, after in pairwise(places) if after - before > 0.5 * size]
    if not steps or median(steps) <= _APART * size:
        return False
    beside = sorted(segment.middle for segment in other)
    near = sum(bisect_left(beside, at - 0.3 * size) < bisect_right(beside, at + 0.3 * size) for at in places)
    return near >= _BESIDE * len(places)


def vocabulary(pages: Iterable[Sequence[Line]]) -> frozenset[str]:
    """The words of a document with those that have hyphens, for telling a hyphen of a word from one of a line's end."""
    words: set[str] = set()
    for page in pages:
        for line in page:
            words.update(_WHOLE_WORD.findall(line.text.lower()[:_LONGEST_SEARCHED]))
    return frozenset(words)


def joined(texts: Sequence[str], words: Collection[str]) -> str:
    """Lines of a paragraph as one text: a word that a line's end cut in two is whole again."""
    parts = [texts[0]]
    for following in texts[1:]:
        before = parts[-1]
        found = _HYPHENATED.search(before)
        if found and following[:1].islower():
            parts[-1] = before[:-1] + ("-" if _keeps_hyphen(before, following, words) else "")
        elif found and found["hyphen"] != "\u00ad":
            pass  # Anglo-\nSaxon, 2-\n3
        elif _ADDRESS.search(before[-_LONGEST_HEADING:]) and _IN_ADDRESS.match(following):
            pass  # an address that is cut in two where it has a slash
        else:
            parts[-1] = before.removesuffix("\u00ad") + ("" if _is_unspaced(before, following) else " ")
        parts.append(following)
    return "".join(parts).replace("\u00ad", "")


def _keeps_hyphen(before: str, following: str, words: Collection[str]) -> bool:
    """Whether the hyphen at a line's end is the word's own: the document writes it so, or both halves are words of it."""
    halves = (_LAST_WORD.search(before[-_LONGEST_HEADING:]), _FIRST_WORD.match(following))
    first, last = (found.group().lower() if found else "" for found in halves)
    is_two = f"{first}-{last}" in words or (len(first) > 3 and len(last) > 3 and first in words and last in words)
    return (is_two and first + last not in words) or "-" in before[-_LONGEST_HEADING:-1].rsplit(None, 1)[-1]


def _is_unspaced(before: str, after: str) -> bool:
    """Whether a script without spaces goes on from one line to the next."""
    return all(
        "\u2e80" <= c <= "\u9fff" or "\uf900" <= c <= "\uffef" or "\u3000" <= c <= "\u30ff" for c in (before[-1:], after[:1]) if c
    )


def body_size(pages: Iterable[Sequence[Line]]) -> float:
    """The height of most of a document's text, to half a point."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page:
            sizes[round(line.size * 2) / 2] += len(line.text)
    return max(sorted(sizes), key=lambda size: sizes[size], default=0.0)


def pieces(page: Sequence[Line], number: int, body: float, sizes: Sequence[float], words: Collection[str]) -> list[Piece]:
    """The lines of a page as pieces: what is larger than the body is a heading, its level by size (`sizes`, largest first)."""
    found: list[Piece] = []
    group: list[Line] = []
    pitch, edges = _pitch(page), _edges(page)
    for line in [*page, None]:
        if line is not None and not line.is_table and group and _continues(group, line, pitch, body, edges):
            group.append(line)
            continue
        if line is not None and not line.is_table and group and _wraps(group, line):
            line.wraps = True
            group.append(line)
            continue
        if group:
            found += _piece(group, number, body, sizes, words)
        group = [line] if line is not None and not line.is_table else []
        if line is not None and line.is_table:
            found.append(Piece("table", line.text.replace("\u00ad", ""), page=number))
    return found


def goes_on(page: Sequence[Line], following: Sequence[Line], body: float) -> bool:
    """Whether the paragraph at the end of a page goes on on the next one: after a full line of the body, with a small letter."""
    if not page or not following:
        return False
    last, first = page[-1], following[0]
    if last.is_table or first.is_table or len(last.segments) > 1 or len(first.segments) > 1:
        return False
    if any(abs(line.size - body) > 0.05 * body for line in (last, first)):
        return False
    left, right = _edges(page)[last.column]
    is_full = last.right - last.left >= 0.75 * (right - left) and last.bottom <= min(line.bottom for line in page) + 0.1
    return (
        is_full
        and not last.text.endswith(_ENDS)
        and first.text[:1].islower()
        and first.top >= max(line.top for line in following)
    )


def is_heading(line: Line, body: float) -> bool:
    return (
        not line.is_table
        and body > 0
        and line.size > 1.15 * body
        and len(line.text) <= _LONGEST_HEADING
        and any(c.isalpha() for c in line.text)
    )


def _edges(page: Sequence[Line]) -> dict[int, tuple[float, float]]:
    """Column → where its lines begin and end."""
    found: dict[int, tuple[float, float]] = {}
    for line in page:
        left, right = found.get(line.column, (line.left, line.right))
        found[line.column] = (min(left, line.left), max(right, line.right))
    return found


def _pitch(page: Sequence[Line]) -> float:
    steps = [a.bottom - b.bottom for a, b in pairwise(page) if a.column == b.column and a.bottom > b.bottom]
    return median(steps) if steps else 0.0


def _continues(group: list[Line], line: Line, pitch: float, body: float, edges: dict[int, tuple[float, float]]) -> bool:
    before = group[-1]
    if is_heading(before, body) != is_heading(line, body) or abs(before.size - line.size) > 0.15 * max(before.size, line.size):
        return False
    is_row, was_row = len(line.segments) > 1, len(before.segments) > 1 or before.wraps
    if is_row or was_row:
        follows = before.column == line.column or (before.region == line.region and not is_heading(line, body))
        return is_row and was_row and follows and before.bottom - line.bottom <= 2.5 * max(pitch, line.size)
    if (_BULLET.match(line.text) and not _HYPHENATED.search(before.text)) or _LEADS.search(before.text):
        return False
    if before.column != line.column:
        return not before.text.endswith(_ENDS) and line.text[:1].islower()
    step, loosest = before.bottom - line.bottom, 1.3 * max(min(pitch, 2.0 * line.size), line.size)
    if not 0 <= step <= (max(loosest, 1.9 * line.size) if is_heading(line, body) else loosest):
        return False
    left, right = edges[line.column]
    rest = right - before.right if _is_rightward(before.text) else before.left - left
    ended_early = rest > 0.25 * (right - left)
    if ended_early and not line.text[:1].islower():
        return False
    indented = line.left > before.left + line.size and not _BULLET.match(group[0].text)
    return not (before.text.endswith(_ENDS) and (ended_early or indented))


def _wraps(group: Sequence[Line], line: Line) -> bool:
    """Whether a line is the rest of one cell of the row above: it begins where that begins, and its first word had no room there.

    In the first column, where a paragraph may follow the table, it begins small, too, and the table has two rows before.
    """
    before = group[-1]
    if len(group[0].segments) < 2 or len(line.segments) > 1 or before.region != line.region:
        return False
    if abs(before.size - line.size) > 0.15 * line.size or not 0 < before.bottom - line.bottom <= _TIGHT * line.size:
        return False
    rest = line.segments[0]
    row = next((above for above in reversed(group[-_NEAR:]) if not above.wraps), None)
    if row is None or _BULLET.match(rest.text) or not _had_no_room(group, line, rest):
        return False
    next_cell = min((cell.left for cell in row.segments if cell.left > rest.left + line.size), default=float("inf"))
    is_first = row.segments[0].left >= rest.left - 0.3 * line.size
    is_alone = row is group[0]  # one line with a wide gap in it may be a line of prose
    return rest.right <= next_cell and not (is_first and (is_alone or not rest.text[:1].islower()))


def _had_no_room(above: Sequence[Line], line: Line, rest: Segment) -> bool:
    """Whether the first word of a segment did not fit behind the words above it, in the width that its column has nearby."""
    cells = [cell for one in above[-_NEAR:] for cell in one.segments if abs(cell.left - rest.left) <= 0.3 * line.size]
    if not cells or " " not in cells[-1].text or len(cells[-1].text) < _SHORTEST_WRAPPED:
        return False
    first = rest.text.partition(" ")[0]
    width = (rest.right - rest.left) * len(first) / max(len(rest.text), 1)
    return cells[-1].right + 0.25 * line.size + width > max(cell.right for cell in [*cells, rest])


def _whole_rows(group: Sequence[Line], words: Collection[str]) -> list[list[Segment]]:
    """The rows of a table whose cells go on below: lines that wrap, and those that stand closer than rows do.

    Of these one without a first cell is no row of its own, and neither is one of which no cell had room above.
    """
    left = min(line.left for line in group)
    has_first = [line.left <= left + line.size for line in group]
    steps = [0.0, *(a.bottom - b.bottom for a, b in pairwise(group))]
    between = [step for step, begins, line in zip(steps, has_first, group, strict=True) if step and begins and not line.wraps]
    closest = _CLOSER * median(between) if len(between) > 1 else 0.0
    rows: list[list[tuple[Segment, list[str]]]] = []
    for at, line in enumerate(group):
        near = group[max(at - _NEAR, 0) : at]
        goes_below = 0 < steps[at] < closest and (
            not has_first[at] or all(_had_no_room(near, line, segment) for segment in line.segments)
        )
        if not rows or not (line.wraps or goes_below):
            rows.append([(segment, [segment.text]) for segment in line.segments])
            continue
        for segment in line.segments:
            over = [n for n, (cell, _) in enumerate(rows[-1]) if segment.left < cell.right and segment.right > cell.left]
            if len(over) == 1:
                cell, said = rows[-1][over[0]]
                said.append(segment.text)
                wider = replace(cell, left=min(cell.left, segment.left), right=max(cell.right, segment.right))
                rows[-1][over[0]] = (wider, said)
            else:
                rows[-1].append((segment, [segment.text]))
                rows[-1].sort(key=lambda one: one[0].left)
    return [[replace(cell, text=joined(said, words)) for cell, said in row] for row in rows]


def table_rows(rows: Sequence[Sequence[Segment]]) -> list[list[str]]:
    """The cells of rows without lines around them; one that is missing in a row is empty, where it can be seen which it is.

    It can where no cell of a row reaches into two columns of the widest rows.
    """
    texts = [[segment.text for segment in row] for row in rows]
    most = max(map(len, rows))
    if min(map(len, rows)) == most or not _is_rightward(" ".join(text for row in texts for text in row)):
        return texts
    wide = [row for row in rows if len(row) == most]
    columns = [(min(row[n].left for row in wide), max(row[n].right for row in wide)) for n in range(most)]
    if any(before[1] > after[0] for before, after in pairwise(columns)):
        return texts
    placed: list[list[str]] = []
    for row in rows:
        cells = [""] * most
        for segment in row:
            over = [n for n, (left, right) in enumerate(columns) if segment.left < right and segment.right > left]
            if len(over) != 1 or cells[over[0]]:
                return texts
            cells[over[0]] = segment.text
        placed.append(cells)
    return placed


def _piece(group: list[Line], number: int, body: float, sizes: Sequence[float], words: Collection[str]) -> list[Piece]:
    if len(group) > 1 and all(len(line.segments) > 1 or line.wraps for line in group):
        rows = table_rows(_whole_rows(group, words))
        if len(rows) > 1:
            return [Piece("table", "\n".join(map(row_text, rows)).replace("\u00ad", ""), page=number)]
        return [Piece("text", " ".join(rows[0]).replace("\u00ad", ""), page=number)]
    text = joined([line.text for line in group], words)
    if is_heading(group[0], body) and len(text) <= _LONGEST_HEADING:
        size = round(group[0].size * 2) / 2
        return [Piece("title", text, sizes.index(size) if size in sizes else len(sizes), number)]
    return [Piece("list" if _BULLET.match(text) else "text", text, page=number)]
