"""RTF, read as the stream of groups and control words that it is (Rich Text Format specification 1.9.1).

Kept: results of fields, printed numbers, notes (after the paragraph with their mark), text boxes, headers and footers
(once), tables with merged cells. Out: deletions, codes of fields. Out and said: hidden text, comments, pictures,
embedded objects.

Over 300 lines: one machine over one stream, whose states are read side by side.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import pairwise

from ingest import labels, properties
from ingest.elements import Piece
from ingest.readers.base import Loss, Reading, malformed
from ingest.readers.fieldcodes import is_number, shown_by
from ingest.readers.grid import Grid
from ingest.readers.rtfwords import CHARSETS, INFO, READ_WITH_STAR, SIGNS, SKIPPED, SYMBOL_CHARSET, WORDS
from ingest.readers.symbols import shown

_TOKEN = re.compile(r"\\([a-zA-Z]+)(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)|\\", re.DOTALL)
_MARGINS = frozenset(["header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf"])
_DEEPEST = 50
_SAME_PLACE = 60
"""Twips between the ends of cells that are one column to the eye."""
_BULLET = re.compile("^[\ue000-\uf8ff]\\s*")
"""A bullet of a font that nobody knows here."""
_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)


def rtf(content: bytes, uri: str) -> Reading:
    """Raises DocumentError: `malformed` for what does not begin as RTF does."""
    text = content.lstrip(b"\xef\xbb\xbf \t\r\n").decode("latin-1")
    if not text.startswith("{\\rtf"):
        raise malformed(uri, "is no RTF")
    return _Rtf().reading(text)


@dataclass(slots=True)
class _Group:
    """What holds until the group's closing brace; `into`: where its text goes."""

    into: str = "text"
    skips: int = 1
    codec: str = "cp1252"
    font: str = ""
    symbols: bool = False
    hidden: bool = False
    deleted: bool = False


@dataclass(slots=True)
class _Flow:
    """A stream of paragraphs: the body, a note, a header, a text box."""

    kind: str
    depth: int
    pieces: list[Piece] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    after: list[Piece] = field(default_factory=list)
    mark: str = ""
    cells: list[str] = field(default_factory=list)
    inner: list[str] = field(default_factory=list)
    rows: list[tuple[list[tuple[str, int, int]], list[int]]] = field(default_factory=list)
    """Of the table that is open: each row's cells, and where each of them ends."""
    defined: list[str] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    covered: dict[int, str] = field(default_factory=dict)
    is_cell: bool = False


@dataclass(slots=True)
class _Field:
    """A field that is open: the depth of its group, its code, and whether its result shows anything."""

    depth: int
    code: list[str] = field(default_factory=list)
    says: bool = False


class _Rtf:
    def __init__(self) -> None:
        self._group = _Group()
        self._stack: list[_Group] = []
        self._flows = [_Flow("text", 0)]
        self._bytes = bytearray()
        self._bytes_codec = ""
        self._skip = 0
        self._star = False
        self._property, self._is_unseen = "", False  # of a shape: the name of what is said of it, and whether it is hidden
        self._default = "cp1252"
        self._fonts: dict[int, tuple[int, str]] = {}
        self._font = 0
        self._levels: dict[int, int] = {}
        self._style = 0
        self._level: int | None = None
        self._merge = ""
        self._names: list[str] = []
        self._info: dict[str, str] = {}
        self._own: list[str] = []  # what it has as properties and variables of its own, names and values in turn
        self._margins: dict[str, dict[str, None]] = {"header": {}, "footer": {}}
        self._notes = 0
        self._fields: list[_Field] = []
        self._listed = False
        self._lost: Counter[str] = Counter()

    def reading(self, text: str) -> Reading:
        position, end = 0, len(text)
        while position < end:
            token = _TOKEN.match(text, position)
            if token is None:
                break
            position = token.end()
            word, number, byte, sign, brace, plain = token.groups()
            if word:
                if word == "bin":
                    position += max(int(number or 0), 0)
                else:
                    self._word(word, None if number is None else int(number))
            elif brace:
                self._open() if brace == "{" else self._close()
            elif byte:
                self._raw(bytes([int(byte, 16)]), 1)
            elif sign == "*":
                self._star = True
            elif sign in SIGNS:
                self._paragraph() if SIGNS[sign] == "\r" else self._say(SIGNS[sign])
            elif plain:
                self._raw(plain.encode("latin-1"), len(plain))
        while len(self._flows) > 1:
            self._end_flow()
        body = self._flows[0]
        self._settle()
        body.is_cell = False  # what was said behind the last row is no part of it
        self._paragraph()
        self._end_table(body)
        heads, feet = ([Piece("other", said) for said in self._margins[kind]] for kind in ("header", "footer"))
        info = {name: " ".join(said.split()) for name, said in self._info.items() if said.strip()}
        about = {name: said for name, said in info.items() if name in ("title", "author")}
        words = [said for name, said in info.items() if name not in about]
        about |= properties.stated(self._own, words, labels.of_pairs(pairwise(self._own)))
        losses = tuple(Loss(what, count) for what, count in sorted((+self._lost).items()))
        return Reading([*heads, *body.pieces, *feet], properties.Properties(about), losses=losses)

    def _open(self) -> None:
        self._settle()
        self._stack.append(self._group)
        self._group = replace(self._group)
        self._star, self._skip = False, 0
        if self._group.into == "docvar":  # its name and its value are groups within it
            self._own.append("")

    def _close(self) -> None:
        self._settle()
        if self._group.into in ("font", "style"):
            self._named()
        if len(self._flows) > 1 and self._flows[-1].depth == len(self._stack):
            self._end_flow()
        ends = self._fields.pop() if self._fields and self._fields[-1].depth == len(self._stack) else None
        if self._stack:
            self._group = self._stack.pop()
        if ends is not None and self._group.into == "text":
            self._end_field(ends)
        self._star, self._skip = False, 0

    def _end_field(self, ended: _Field) -> None:
        """A field without a result shows what its code says."""
        if not ended.says:
            code = "".join(ended.code)
            self._put(shown_by(code))
            self._lost["automatic_number"] += is_number(code)
        elif self._fields:
            self._fields[-1].says = True

    def _raw(self, data: bytes, characters: int) -> None:
        """Bytes in the current font's encoding; those that stand in for a character already given are passed over."""
        passed = min(self._skip, characters)
        self._skip -= passed
        data = data[passed:]
        if not data:
            return
        if self._group.symbols and self._group.into == "text":
            self._say("".join(chr(0xF000 + byte) if byte > 32 else " " for byte in data))
            return
        if self._bytes and self._bytes_codec != self._group.codec:
            self._settle()
        self._bytes_codec = self._group.codec
        self._bytes += data

    def _settle(self) -> None:
        if self._bytes:
            data, self._bytes = bytes(self._bytes), bytearray()
            self._put(data.decode(self._bytes_codec, "replace"))

    def _say(self, text: str) -> None:
        self._settle()
        self._put(text)

    def _put(self, text: str) -> None:
        group = self._group
        match group.into:
            case "text" if group.deleted:
                pass
            case "text" if group.hidden:
                self._lost["hidden_text"] += bool(text.strip())
            case "text":
                self._flows[-1].line.append(shown(text, group.font) if group.symbols else text)
                if self._fields and text.strip():
                    self._fields[-1].says = True
            case "code" if self._fields:
                self._fields[-1].code.append(text)
            case "font" | "style":
                self._names.append(text)
                if ";" in text:
                    self._named()
            case "sn":
                self._property = text.strip()
            case "sv" if self._property == "fHidden" and text.strip() == "1":
                self._is_unseen = True
            case "propname" | "staticval" | "docvar":
                self._own[-1] += text
            case name if name in INFO:
                self._info[name] = self._info.get(name, "") + text

    def _named(self) -> None:
        """The end of an entry in the table of fonts or of styles."""
        name = "".join(self._names).partition(";")[0].strip()
        self._names = []
        if self._group.into == "font" and name:
            self._fonts[self._font] = (self._fonts.get(self._font, (0, ""))[0], name)
        elif self._group.into == "style" and (found := _HEADING.fullmatch(name)):
            self._levels[self._style] = int(found.group(1)) - 1
        elif self._group.into == "style" and name.lower() == "title":
            self._levels[self._style] = 0

    def _word(self, word: str, number: int | None) -> None:
        self._settle()
        if word == "u":
            self._say(chr((number or 0) & 0xFFFF))
            self._skip = self._group.skips
            return
        star, self._star = self._star, False
        self._skip = 0
        if word in WORDS:
            self._say(WORDS[word])
        elif self._destination(word, star=star):
            pass
        elif self._group.into in ("font", "style"):
            self._defined(word, number)
        elif not self._character(word, number) and self._group.into == "text":
            self._structure(word, number)

    def _destination(self, word: str, *, star: bool) -> bool:
        group = self._group
        if group.into == "gone" or word == "shprslt":  # a shape once more, for older programs
            group.into = "gone"
        elif group.into == "skip" and word in ("sn", "sv"):
            group.into = word
        elif word == "fldinst" and group.into == "text":
            group.into = "code"
        elif word == "field" and group.into == "text":
            self._fields.append(_Field(len(self._stack)))
        elif (
            word in SKIPPED
            or (word[0] == "m" and word.endswith("Pr"))
            or (star and word not in READ_WITH_STAR and word != "annotation")
        ):
            group.into = "skip"
        elif word in ("fonttbl", "stylesheet"):
            group.into = "font" if word == "fonttbl" else "style"
        elif word in ("info", "upr"):
            group.into = "skip"
        elif word in INFO and group.into == "skip" and len(self._stack) < 4:
            group.into = word
        elif word in ("propname", "staticval", "docvar"):
            group.into = word
            self._own.append("")
        elif group.into in ("skip", "code", "sn", "sv") and word not in ("ud", "shptxt", "dptxbxtext"):
            return word in ("pict", "object")
        elif word in ("pict", "object", "annotation"):
            self._lost[{"pict": "picture", "object": "embedded_object", "annotation": "comment"}[word]] += 1
            group.into = "skip"
        elif word in ("shpinst", "do", "shpgrp"):
            group.into, self._is_unseen = "skip", False
        elif word == "shptxt" and self._is_unseen:
            group.into = "gone"
            self._lost["hidden_shape"] += 1
        elif word == "ud":
            group.into = "text"
        elif (word in ("shptxt", "dptxbxtext", "footnote") or word in _MARGINS) and len(self._flows) < _DEEPEST:
            self._begin_flow("note" if word == "footnote" else "box" if word not in _MARGINS else word[:6])
        elif word in ("listtext", "pntext"):
            self._listed = True
        elif word == "result":
            group.into = "skip"  # how an object looks, as a picture or a copy
        else:
            return False
        return True

    def _defined(self, word: str, number: int | None) -> None:
        match word:
            case "f" if self._group.into == "font":
                self._font = number or 0
            case "fcharset" | "cpg" if self._group.into == "font":
                charset = number or 0
                self._fonts[self._font] = (charset if word == "fcharset" else -charset, self._fonts.get(self._font, (0, ""))[1])
            case "s" if self._group.into == "style":
                self._style = number or 0
            case "outlinelevel" if self._group.into == "style" and number is not None and 0 <= number < 9:
                self._levels[self._style] = number

    def _character(self, word: str, number: int | None) -> bool:
        group = self._group
        match word:
            case "uc":
                group.skips = max(number if number is not None else 1, 0)
            case "v":
                group.hidden = number != 0
            case "deleted" | "mvf":
                group.deleted = number != 0
            case "plain":
                group.hidden = group.deleted = False
            case "f":
                charset, group.font = self._fonts.get(number or 0, (1, ""))
                codec = f"cp{-charset}" if charset < 0 else CHARSETS.get(charset, self._default)
                group.codec = codec if _is_known(codec) else self._default
                group.symbols = charset == SYMBOL_CHARSET
            case "ansicpg" | "mac" | "pc" | "pca":
                codec = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}.get(
                    word, f"cp{number}" if number != 65001 else "utf-8"
                )
                self._default = group.codec = codec if _is_known(codec) else "cp1252"
            case _:
                return False
        return True

    def _structure(self, word: str, number: int | None) -> None:
        flow = self._flows[-1]
        match word:
            case "par" | "sect" | "page" | "column":
                self._paragraph()
            case "pard":
                self._level, flow.is_cell = None, False
            case "s":
                self._level = self._levels.get(number or 0)
            case "outlinelevel":
                self._level = number if number is not None and 0 <= number < 9 else None
            case "intbl":
                flow.is_cell = True
            case "trowd":
                flow.defined, flow.ends, self._merge = [], [], ""
            case "clmrg" | "clvmgf" | "clvmrg":
                self._merge = word
            case "cellx":
                flow.defined.append(self._merge)
                flow.ends.append(number or 0)
                self._merge = ""
            case "cell" | "nestcell":
                text, flow.line = _text(flow.line), []
                text = " ".join([*flow.inner, text]) if word == "cell" else text
                (flow.cells if word == "cell" else flow.inner).append(text)
                flow.inner = [] if word == "cell" else flow.inner
            case "row":
                self._row(flow)
            case "chftn":
                flow.line.append(flow.mark)

    def _row(self, flow: _Flow) -> None:
        line: list[tuple[str, int, int]] = []
        ends: list[int] = []  # the last place of each cell
        for column, text in enumerate(flow.cells):
            merge = flow.defined[column] if column < len(flow.defined) else ""
            if merge == "clmrg" and line:
                line[-1] = (f"{line[-1][0]} {text}".strip(), line[-1][1] + 1, 1)
                ends[-1] = column
                continue
            if merge == "clvmrg":
                text = text.strip() or flow.covered.get(column, "")
            else:
                flow.covered[column] = text if merge == "clvmgf" else ""
            line.append((text, 1, 1))
            ends.append(column)
        flow.rows.append((line, [flow.ends[column] for column in ends] if max(ends, default=0) < len(flow.ends) else []))
        flow.cells = []

    def _paragraph(self) -> None:
        self._settle()
        flow = self._flows[-1]
        if flow.is_cell:
            flow.line.append("\n")
            return
        text, flow.line = _text(flow.line), []
        listed, self._listed = self._listed, False
        if text or flow.after:
            self._end_table(flow)
        if text:
            kind = "title" if self._level is not None and len(text) <= 300 else "list" if listed else "text"
            text = _BULLET.sub("• ", text.replace("\t", " ", 1)) if listed else text
            flow.pieces.append(Piece(kind, text, (self._level or 0) if kind == "title" else 0))
        flow.pieces += flow.after
        flow.after = []

    def _end_table(self, flow: _Flow) -> None:
        if flow.cells:  # a row that never ended
            self._row(flow)
        if flow.rows:
            flow.pieces += _grid(flow.rows).piece()
            flow.rows, flow.covered = [], {}

    def _begin_flow(self, kind: str) -> None:
        mark = ""
        if kind == "note":
            self._notes += 1
            mark = f"[{self._notes}]"
            above = self._flows[-1].line
            if not (above and above[-1] == mark):
                above.append(mark)
        self._flows.append(_Flow(kind, len(self._stack), mark=mark))
        self._group.into = "text"

    def _end_flow(self) -> None:
        level, self._level = self._level, None
        self._flows[-1].is_cell = False
        self._paragraph()
        self._level = level
        ended = self._flows.pop()
        self._end_table(ended)
        if ended.kind in self._margins:
            self._margins[ended.kind] |= dict.fromkeys(piece.text for piece in ended.pieces)
            return
        if ended.mark and ended.pieces:
            text = ended.pieces[0].text
            ended.pieces[0] = replace(ended.pieces[0], text=f"{ended.mark} {text.removeprefix(ended.mark).strip()}")
        self._flows[-1].after += ended.pieces


def _grid(rows: list[tuple[list[tuple[str, int, int]], list[int]]]) -> Grid:
    """The rows as a table: a cell that ends where the next column of other rows does covers both, merged or not."""
    places: list[int] = []
    for end in sorted({end for _, ends in rows for end in ends}):
        if not places or end - places[-1] > _SAME_PLACE:
            places.append(end)
    grid = Grid()
    for line, ends in rows:
        if not ends or any(after - before <= _SAME_PLACE for before, after in pairwise(ends)):
            grid.row(line)
            continue
        columns = [bisect_right(places, end) for end in ends]
        grid.row(
            (text, column - before, down) for (text, _, down), column, before in zip(line, columns, [0, *columns], strict=False)
        )
    return grid


def _text(parts: list[str]) -> str:
    """The parts as one text; halves of surrogate pairs, each written as a character, as the characters they make."""
    text = "".join(parts).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return "\n".join(line.strip() for line in text.replace("\xa0", " ").replace("\0", "").split("\n")).strip()


def _is_known(codec: str) -> bool:
    try:
        return bool("".encode(codec) == b"")
    except (LookupError, UnicodeError):
        return False
