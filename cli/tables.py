"""Tables for people, in which no word is broken: as wide as there is room, else in blocks of columns, else row below row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from sluice.display import terminal

WHOLE = ("release", "run", "document", "uri", "variant", "at (UTC)")
"""Columns that are copied from, and never broken."""

_COLOURED = re.compile(r"\[(green|red|yellow|bold|dim)\][\w -]{1,20}\[/\1\]")
_ROOMY = 14
"""Letters of a line of words in a cell, where it has more than a few: less is no line to read."""
_FEW = 3
_BETWEEN = 3
_TOGETHER = "\ue000"
"""In the place of a blank at which no line is to be broken."""


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> RenderableType:
    """A plain table; columns whose name starts with '#' are figures, aligned to the right; ids and uris stay whole.

    A cell is text, whatever is in it; only one word in one of our own colours (`[red]FAIL[/red]`) is markup. Where words leave
    no room for a table, one of figures is cut into blocks of columns, each with the first; of any other each row becomes two:
    what is whole, or else its first cell, and below it the others by their names. A column in which no row says anything is left
    out, and so is all of a table without rows; columns without names get no heading.
    """
    cells = tuple(tuple(map(_cell, row)) for row in rows)
    said = [number for number in range(len(columns)) if not cells or any(row[number].plain for row in cells)]
    return Fitting(
        terminal(title), tuple(columns[number] for number in said), tuple(tuple(row[number] for number in said) for row in cells)
    )


@dataclass(frozen=True, slots=True)
class Fitting:
    """A table that takes the form for which there is room."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Text]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not self.rows:
            return
        if self.title:
            yield Text(self.title, "bold")
        width = options.max_width
        if self._needs(self._all) <= width:
            yield self._table(self._all, width)
        elif blocks := self._blocks(width):
            yield from (self._table(block, width) for block in blocks)
        else:
            yield from self._below(width)

    @property
    def _all(self) -> list[int]:
        return list(range(len(self.columns)))

    def _name(self, column: int) -> str:
        return self.columns[column].lstrip("#")

    def _least(self, column: int) -> int:
        """The width with which no word of a column is broken, and what is whole has one line."""
        texts = [row[column].plain for row in self.rows]
        natural, words = self._natural(column), [w for text in [self._name(column), *texts] for w in text.split()]
        if self._name(column) in WHOLE or self._name(column).endswith("(UTC)"):
            return natural
        prose = any(len(text.split()) > _FEW for text in texts)
        return max([min(natural, _ROOMY) if prose else 0, *map(cell_len, words)])

    def _natural(self, column: int) -> int:
        lines = [line for row in self.rows for line in row[column].plain.splitlines()]
        return max(map(cell_len, [self._name(column), *lines]))

    def _needs(self, columns: Sequence[int]) -> int:
        return sum(map(self._least, columns)) + _BETWEEN * (len(columns) - 1)

    def _table(self, columns: Sequence[int], width: int) -> Table:
        named = any(self._name(column) for column in columns)
        made = Table(header_style="bold", show_edge=False, pad_edge=False, show_header=named)
        for column, wide in zip(columns, self._widths(columns, width), strict=True):
            figures = self.columns[column].startswith("#")
            made.add_column(Text(self._name(column)), justify="right" if figures else "left", overflow="fold", width=wide)
        for row in self.rows:
            made.add_row(*(row[column] for column in columns))
        return made

    def _widths(self, columns: Sequence[int], width: int) -> list[int]:
        """What each needs, and of the room that is left as much as each has use for, the narrowest first."""
        widths = {column: self._least(column) for column in columns}
        left = width - self._needs(columns)
        wanting = sorted(columns, key=lambda column: self._natural(column) - widths[column])
        for number, column in enumerate(wanting):
            more = min(self._natural(column) - widths[column], left // (len(wanting) - number))
            widths[column] += more
            left -= more
        return [widths[column] for column in columns]

    def _blocks(self, width: int) -> list[list[int]]:
        """The columns of a table of figures in parts for which there is room; none where it is no such table, or nothing fits."""
        first, *figures = self._all
        if len(figures) < 3 or not all(self.columns[column].startswith("#") for column in figures):
            return []
        blocks = [[first]]
        for column in figures:
            if self._needs([*blocks[-1], column]) <= width:
                blocks[-1].append(column)
            elif self._needs([first, column]) <= width:
                blocks.append([first, column])
            else:
                return []
        return blocks if len(blocks[0]) > 1 else []

    def _below(self, width: int) -> Iterator[Text]:
        names = [self._name(column) for column in self._all]
        whole = [column for column in self._all if names[column] in WHOLE] or [0]
        for row in self.rows:
            heads = [row[column] for column in whole if row[column].plain]
            if sum(cell_len(text.plain) + 2 for text in heads) <= width:
                heads = [Text("  ").join(heads)] if heads else []
            for text in heads:
                yield from filled(text, width)
            rest = [
                _together(
                    Text(f"{names[column]}: " if names[column] else "").append_text(Text(", ").join(row[column].split("\n"))),
                    names[column].endswith("(UTC)"),
                )
                for column in self._all
                if column not in whole and row[column].plain
            ]
            if rest:
                lines = filled(Text(" · ").join(rest), width - 4)
                yield from (Text("    ").append_text(Text(" ").join(line.split(_TOGETHER))) for line in lines)


def _together(text: Text, whole: bool) -> Text:
    """The text, which is broken at none of its blanks where it is to stay whole."""
    return Text(_TOGETHER).join(text.split(" ")) if whole else text


def filled(text: Text, width: int) -> Iterator[Text]:
    """Lines of at most this width, broken between words, and a word that is longer after a `/`."""
    line = Text()
    for word in text.split(" "):
        if line.plain and cell_len(line.plain) + 1 + cell_len(word.plain) > width:
            yield line
            line = Text()
        *whole, line = _at_separators(line + Text(" ") + word if line.plain else word, width)
        yield from whole
    yield line


def _at_separators(text: Text, width: int) -> Iterator[Text]:
    """Lines of at most this width, broken after a `/` where there is one."""
    while cell_len(text.plain) > width:
        cut = text.plain.rfind("/", 0, width) + 1 or width
        yield text[:cut]
        text = text[cut:]
    yield text


def _cell(value: Any) -> Text:
    if isinstance(value, Text):
        return value
    text = "" if value is None else str(value)
    return Text.from_markup(text) if _COLOURED.fullmatch(text) else Text(terminal(text))
