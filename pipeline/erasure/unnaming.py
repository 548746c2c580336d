"""A document's name taken out of what was written about it, and nothing else with it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from evaluation.reports import cell
from sluice.spelling import forms

ERASED = "(forgotten)"


def unnamed(value: Any, uri: str) -> Any:
    """Plain values with another word in the place of a uri: of whole strings, and within longer ones. Keys stay."""
    if isinstance(value, Mapping):
        return {key: unnamed(entry, uri) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [unnamed(entry, uri) for entry in value]
    if not isinstance(value, str):
        return value
    return ERASED if value in forms(uri) else _mention(uri).sub(ERASED, value)


def unnamed_text(text: str, uri: str) -> str:
    """The same for a text that is JSON, or is not."""
    try:
        held = json.loads(text)
    except ValueError:
        return str(unnamed(text, uri))
    without = unnamed(held, uri)
    return text if without == held else json.dumps(without)


@lru_cache(maxsize=16)
def _mention(uri: str) -> re.Pattern[str]:
    """A uri within a text, as such or as reports write it; one that could be any word (`7`, `a`) only in quotes."""
    written = {spelled for form in forms(uri) for spelled in (form, cell(form))}
    either = "|".join(re.escape(form) for form in sorted(written, key=len, reverse=True))
    distinctive = "/" in uri or len(uri) >= 8 or ("." in uri and any(c.isalpha() for c in uri))
    return re.compile(rf"(?<![\w-])(?:{either})(?![\w-])" if distinctive else rf"(?<=[`'\"])(?:{either})(?=[`'\"])")
