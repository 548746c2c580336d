"""Delimited files: rows as lines, every cell as written, by the delimiter that makes rows of one length."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ingest.elements import Piece, clean, row_text
from ingest.readers.base import Reading, text_of
from sluice.tables import rows_of

_DELIMITERS = (",", ";", "\t", "|", "^", "\x1f", ":")
_SEPARATOR = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_NOTHING = re.compile(r"(?:^|[,;\t|])\\N(?=[,;\t|\r\n]|\Z)", re.MULTILINE)
_ESCAPE = re.compile(r"\\(\r\n|.)", re.DOTALL)
_MASK = "\ue000"
_MASKED = re.compile(_MASK + "([0-9a-f]+);")
_MEANS = {"n": "\n", "t": "\t", "r": "\n", "0": "", "N": "", "b": "", "Z": ""}
_SAMPLE_ROWS = 200
_SAMPLE = 200_000
_MOST_UNCLOSED = 20
"""Quotes that are never closed are looked for one by one so often: each time the rest is read again."""


def delimited(content: bytes, uri: str, label: str = "", *, tab: bool = False) -> Reading:
    """A line for each row: unstructured's data frame makes 7 of 007 and nothing of NA."""
    found = text_of(content, uri, label=label)
    text, delimiter = found.text, "\t" if tab else ""
    if said := _SEPARATOR.match(text):  # what Excel writes for itself
        text, delimiter = text[said.end() :], said.group(1)
    if _is_escaped(text, delimiter):
        text = _masked(text)
    found_rows = (map(_unmasked, row) for row in rows(text, delimiter or sniffed(text)))
    lines = "\n".join(filter(None, (clean(row_text(row)) for row in found_rows)))
    return Reading([Piece("table", lines)] if lines else [], losses=found.losses, guess=found.guess)


def rows(text: str, delimiter: str) -> Iterator[list[str]]:
    """The rows of a delimited text; a cell may be of any size and hold line breaks.

    A quote that is never closed is a character of its cell: it would take all that follows into one cell.
    """
    rest = list(io.StringIO(text.replace("\0", ""), newline=""))
    for _ in range(_MOST_UNCLOSED):
        reader, begun = rows_of(rest, **_options(delimiter)), 0
        for row in reader:
            if reader.line_num == len(rest) > begun + 1 and _is_open(rest[begun:], delimiter):
                break
            yield row
            begun = reader.line_num
        else:
            return
        yield from rows_of(rest[begun : begun + 1], quoting=csv.QUOTE_NONE, **_options(delimiter))
        rest = rest[begun + 1 :]
    yield from rows_of(rest, quoting=csv.QUOTE_NONE, **_options(delimiter))


def _is_escaped(text: str, delimiter: str) -> bool:
    """Whether a backslash says of the next character that it is one of the cell, as MySQL writes them.

    It does where a cell is its sign for nothing, and where quotes are only in order when those behind a backslash are none.
    """
    if "\\" not in text or _MASK in text:
        return False
    sample = text[:_SAMPLE]
    if _NOTHING.search(sample):
        return True
    masked = _masked(sample)
    return '\\"' in sample and not _is_in_order(sample, delimiter) and _is_in_order(masked, delimiter)


def _is_in_order(sample: str, delimiter: str) -> bool:
    """Whether every quote opens or closes a cell, up to where the sample ends."""
    try:
        list(rows_of(io.StringIO(sample, newline=""), strict=True, **_options(delimiter or sniffed(sample))))
    except csv.Error as error:
        return "end of data" in str(error) and len(sample) == _SAMPLE
    return True


def _masked(text: str) -> str:
    """The text with other signs for what stands behind a backslash, so that nothing takes it for a quote or a line's end."""
    return _ESCAPE.sub(lambda at: f"{_MASK}{ord(at[1].replace(chr(13) + chr(10), chr(10))):x};", text)


def _unmasked(cell: str) -> str:
    if _MASK not in cell:
        return cell
    return _MASKED.sub(lambda at: _MEANS.get(chr(int(at[1], 16)), chr(int(at[1], 16))), cell)


def _options(delimiter: str) -> Any:
    return {"delimiter": delimiter, "skipinitialspace": True}


def _is_open(lines: list[str], delimiter: str) -> bool:
    """Whether the row that these lines are ends within quotes."""
    try:
        list(rows_of(lines, strict=True, **_options(delimiter)))
    except csv.Error as error:
        return "end of data" in str(error)
    return False


def sniffed(text: str) -> str:
    """The delimiter that cuts the first rows into equally many cells, and most of them; a comma where none does.

    Rows are cut as they will be, quotes and all: the standard library's sniffer counts characters and takes a comma
    within quotes for a delimiter.
    """
    sample = text[:_SAMPLE]
    return max(_DELIMITERS, key=lambda delimiter: (_consistency(sample, delimiter), -_DELIMITERS.index(delimiter)))


def _consistency(sample: str, delimiter: str) -> float:
    """How alike in length rows are, above 0 where most have several cells."""
    if delimiter not in sample:
        return 0.0
    cut = rows_of(io.StringIO(sample.replace("\0", ""), newline=""), **_options(delimiter))
    found = [row for row in itertools.islice(cut, _SAMPLE_ROWS) if any(cell.strip() for cell in row)]
    widths = Counter(len(row) for row in found)
    several = Counter({width: count for width, count in widths.items() if width > 1})
    if not several:
        return 0.0
    width, count = max(several.items(), key=lambda item: (item[1], item[0]))
    if delimiter in ":^" and count < len(found):  # times and addresses have them too
        return 0.0
    # Cells with quotes left inside were cut in the wrong place.
    torn = sum(cell.count('"') % 2 for row in found for cell in row)
    alike = count / len(found)
    return float(alike * (1 - 1 / (width + 1)) / (1 + torn) / (2 if delimiter in ":^" else 1))
