"""Why a source lists nothing although something is there: which patterns miss what, told with an example."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from ingest.protocols import Source
from sluice.display import counted
from sluice.globs import matches

_ENOUGH = 10_000
"""So many are looked at; that there are more is said."""
_ALL = ("**/*",)


def why_none(source: Source) -> str:
    """Why the source lists no document, as a sentence; empty of a source whose patterns cannot tell."""
    inner: Any = getattr(source, "inner", source)
    options: Any = getattr(inner, "options", None)
    field = getattr(type(options), "model_fields", {}).get("include")
    if options is None or field is None or field.default != _ALL or not hasattr(options, "exclude"):
        return ""
    try:
        whole = type(inner)(inner.name, options.model_copy(update={"include": _ALL, "exclude": ()}))
        there = [ref.uri for ref in islice(whole.scan({}), _ENOUGH + 1)]
    except Exception:  # of somebody's own source, or of a store that went away since: nothing is made up here
        return ""
    return f"source '{inner.name}' lists no document: {_why(there, options)}"


def _why(there: Sequence[str], options: Any) -> str:
    where = f"below {options.root}" if hasattr(options, "root") else "where it looks"
    if not there:
        return f"there is no file {where}"
    many = f"more than {_ENOUGH:,} files" if len(there) > _ENOUGH else counted(len(there), "file")
    include, exclude = options.include, options.exclude
    found = [uri for uri in there if any(matches(uri, pattern) for pattern in include)]
    if found:
        barring = [pattern for pattern in exclude if any(matches(uri, pattern) for uri in found)]
        verb = "leaves" if len(barring) == 1 else "leave"
        return f"exclude {_quoted(barring)} {verb} out all that include matches of {many} {where}, e.g. {found[0]}"
    told = f"include {_quoted(include)} {'matches' if len(include) == 1 else 'match'} none of {many} {where}, e.g. {there[0]}"
    wider = next((f"**/{p}" for p in include if any(matches(uri, f"**/{p}") for uri in there)), None)
    return f"{told}; * stops at /: '{wider}' would match" if wider else told


def _quoted(patterns: Sequence[str]) -> str:
    shown = " and ".join(f"'{pattern}'" for pattern in patterns[:3])
    return f"{shown} and {len(patterns) - 3} more" if len(patterns) > 3 else shown
