"""Delimited files: rows as lines, every cell as written, by the delimiter that makes rows of one length."""

from __future__ import annotations

import csv
import io
import itertools
import re
import sys
from collections import Counter

from ingest.elements import Piece, clean, row_text
from ingest.readers.base import Reading, text_of

_DELIMITERS = (",", ";", "\t", "|", "^", "\x1f", ":")
_SEPARATOR = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_SAMPLE_ROWS = 200
_SAMPLE = 200_000


def delimited(content: bytes, uri: str, label: str = "", *, tab: bool = False) -> Reading:
    """A line for each row: unstructured's data frame makes 7 of 007 and nothing of NA."""
    found = text_of(content, uri, label=label)
    text, delimiter = found.text, "\t" if tab else ""
    if said := _SEPARATOR.match(text):  # what Excel writes for itself
        text, delimiter = text[said.end() :], said.group(1)
    lines = "\n".join(filter(None, (clean(row_text(row)) for row in rows(text, delimiter or sniffed(text)))))
    return Reading([Piece("table", lines)] if lines else [], losses=found.losses, guess=found.guess)


def rows(text: str, delimiter: str) -> csv.Reader:  # type: ignore[name-defined]
    """The rows of a delimited text; a cell may be of any size and hold line breaks."""
    csv.field_size_limit(sys.maxsize)
    return csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=delimiter, skipinitialspace=True)


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
    found = [row for row in itertools.islice(rows(sample, delimiter), _SAMPLE_ROWS) if any(cell.strip() for cell in row)]
    widths = Counter(len(row) for row in found)
    several = Counter({width: count for width, count in widths.items() if width > 1})
    if not several:
        return 0.0
    width, count = max(several.items(), key=lambda item: (item[1], item[0]))
    # Cells with quotes left inside were cut in the wrong place.
    torn = sum(cell.count('"') % 2 for row in found for cell in row)
    alike = count / len(found)
    return float(alike * (1 - 1 / (width + 1)) / (1 + torn) / (2 if delimiter in ":^" else 1))
