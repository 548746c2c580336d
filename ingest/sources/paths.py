"""Where a value lies in a row or a JSON document: `title`, `author.name`, `fields[0]`, `labels[*].name`, `$.data.items`.

A small part of JSONPath: names joined by dots, `[n]` (negative from the end), `[*]` for every element, `['a name']`,
and an optional leading `$`. A name with dots that is a key as it stands wins (`"a.b"` of a CSV's heading).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator

_STEP = re.compile(r"\.?([^.\[\]'\"*]+)|\[(-?\d+|\*)\]|\['([^']+)'\]")

Step = str | int | None
"""A name, a position, or None for every element."""


def steps(path: str) -> tuple[Step, ...]:
    """A path taken apart; raises ValueError for what is none."""
    rest = path.removeprefix("$")
    found: list[Step] = []
    at = 0
    while at < len(rest):
        match = _STEP.match(rest, at)
        if match is None or (at == 0 and rest.startswith(".") and not path.startswith("$")):
            raise ValueError(f"'{path}' is no path: write it like author.name, fields[0] or labels[*].name")
        name, position, quoted = match.groups()
        found.append(None if position == "*" else int(position) if position else name or quoted)
        at = match.end()
    return tuple(found)


def _checked(path: str) -> str:
    steps(path)
    return path


FieldPath = Annotated[str, AfterValidator(_checked)]
"""A path in a configuration."""


def value_at(row: Any, path: str) -> Any:
    """The value at a path; None where there is none; a list for a path with `[*]`."""
    if isinstance(row, Mapping) and path in row:
        return row[path]
    return _walk(row, steps(path))


def _walk(value: Any, rest: tuple[Step, ...]) -> Any:
    for n, step in enumerate(rest):
        if step is None:
            if not isinstance(value, list):
                return None
            return [found for element in value if (found := _walk(element, rest[n + 1 :])) is not None]
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and -len(value) <= step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
        if value is None:
            return None
    return value
