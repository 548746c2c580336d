"""Delimited text as strangers write it: its cells may be of any size, whoever reads them.

The longest cell that the standard library reads is the whole process's (131,072 characters, until somebody says otherwise):
what one reader allows or forbids holds for the next. So every reader begins here.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _csv import Reader


def rows_of(lines: Iterable[str], **how: Any) -> Reader:
    """`csv.reader`, for cells of any size: what bounds them is the text, or the lines that are given."""
    csv.field_size_limit(sys.maxsize)
    return csv.reader(lines, **how)


def named_rows_of(lines: Iterable[str], **how: Any) -> csv.DictReader[str]:
    """`csv.DictReader`, likewise."""
    csv.field_size_limit(sys.maxsize)
    return csv.DictReader(lines, **how)
