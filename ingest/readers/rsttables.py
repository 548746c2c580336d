"""Tables of reStructuredText as rows: drawn with `+`, between lines of `=`, and the directives `list-table` and `csv-table`."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from ingest.elements import row_text
from ingest.readers.dialects import BORDER, drawn
from sluice.tables import rows_of

_SIMPLE = re.compile(r"[ \t]*=+(?:[ \t]+=+)+[ \t]*")
_RULE = re.compile(r"[ \t]*[-=]+(?:[ \t]+[-=]+)*[ \t]*")
_DIRECTIVE = re.compile(r"[ \t]*\.\. (?P<kind>list-table|csv-table)::[ \t]*(?P<title>.*)")
_OPTION = re.compile(r"\s+:(?P<name>[\w-]+):\s*(?P<value>.*)")
_LONGEST = 5_000
_HINTS = ("+-", "==", ".. list-table::", ".. csv-table::")


def table_at(lines: Sequence[str], at: int) -> tuple[str, str, int] | None:
    """Title and rows of the table that begins with a line, and the line behind it; None where none begins there."""
    line = lines[at]
    if not any(hint in line for hint in _HINTS):
        return None
    title, rows, end = "", list[list[str]](), at
    if BORDER.fullmatch(line):
        rows, end = drawn(lines, at) or ([], at)
    elif _SIMPLE.fullmatch(line):
        rows, end = _simple(lines, at)
    elif found := _DIRECTIVE.fullmatch(line):
        title = found["title"].strip()
        rows, end = _directive(lines, at, found["kind"])
    text = "\n".join(filter(None, map(row_text, rows)))
    return (title, text, end) if text else None


def _simple(lines: Sequence[str], at: int) -> tuple[list[list[str]], int]:
    """Columns begin where the border says; a row without a first cell goes on with the one above."""
    border = lines[at]
    starts = [found.start() for found in re.finditer(r"=+", border)]
    rows: list[list[str]] = []
    borders = 1
    for end in range(at + 1, min(len(lines), at + _LONGEST)):
        line = lines[end]
        below = lines[end + 1].strip() if end + 1 < len(lines) else ""
        if line.strip() == border.strip():
            borders += 1
            if not below or borders == 3:
                return rows, end + 1
        elif line.strip() and not _RULE.fullmatch(line):
            cells = [line[left:right].strip() for left, right in zip(starts, [*starts[1:], None], strict=True)]
            if rows and not cells[0] and line[: starts[0] + 1].isspace():
                rows[-1] = [f"{above} {cell}".strip() for above, cell in zip(rows[-1], cells, strict=True)]
            else:
                rows.append(cells)
        elif not line.strip() and borders == 1 and len(rows) > 1:
            return [], at  # an underline and an overline of something else
    return [], at


def _directive(lines: Sequence[str], at: int, kind: str) -> tuple[list[list[str]], int]:
    depth = len(lines[at]) - len(lines[at].lstrip())
    end = at + 1
    head: list[list[str]] = []
    while end < len(lines) and (option := _OPTION.fullmatch(lines[end])):
        if kind == "csv-table" and option["name"] == "header":
            head = list(rows_of([option["value"]], skipinitialspace=True))
        end += 1
    begins = end
    while end < len(lines) and (not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > depth):
        end += 1
    body = textwrap.dedent("\n".join(lines[begins:end])).strip("\n").split("\n")
    if kind == "csv-table":
        return [*head, *rows_of(body, skipinitialspace=True)], end
    rows: list[list[str]] = []
    for line in body:
        if line.startswith("* -"):
            rows.append([line[3:].strip()])
        elif line.startswith("  -") and rows:
            rows[-1].append(line[3:].strip())
        elif rows and line.strip():
            rows[-1][-1] = f"{rows[-1][-1]} {line.strip()}".strip()
    return rows, end
