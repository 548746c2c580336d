"""What include and exclude do not do although somebody may think so, told with an example: nothing is listed, a pattern of
include matches nothing, one of exclude leaves out nothing of what it seems to be written for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from ingest.protocols import Source
from sluice.display import counted
from sluice.globs import WRITTEN, beginning, foreign, matches, nearly_matches

_ENOUGH = 10_000
"""So many are looked at; that there are more is said."""
_ALL = ("**/*",)
_OF_URIS = (_ALL, ("**",))


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


def _patterns(source: Source, which: str) -> tuple[str, ...]:
    """A source's include or exclude, where it has both, and they are of uris."""
    options: Any = getattr(getattr(source, "inner", source), "options", None)
    field = getattr(type(options), "model_fields", {}).get("include")
    of_uris = field is not None and field.default in _OF_URIS and hasattr(options, "exclude")
    return tuple(getattr(options, which)) if of_uris else ()


def unmatched(source: Source, there: Sequence[str]) -> Iterator[str]:
    """A sentence for each include pattern that matches none of the documents that are there, while others do."""
    for pattern in _patterns(source, "include") if there else ():
        if not any(matches(uri, pattern) for uri in there):
            yield f"source '{source.name}': include '{pattern}' matches no document{_told(pattern)}"


def not_left_out(source: Source, new: Sequence[str]) -> Iterator[str]:
    """A sentence for each exclude pattern that does not leave out what it seems to be written for, of these documents."""
    for pattern, said in _missing(_patterns(source, "exclude"), new):
        yield f"source '{source.name}': exclude '{pattern}' does not leave out {said}"


def not_ageing(source: str, patterns: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """The same for each pattern of `ttl_rules`."""
    for pattern, said in _missing(patterns, new):
        yield f"source '{source}': the ttl rule '{pattern}' does not hold for {said}"


def _missing(patterns: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The patterns that just miss some of these documents, and how many, and what would match one of them."""
    return ((pattern, said) for pattern in patterns if (said := _missed(pattern, new)))


def _missed(pattern: str, new: Sequence[str]) -> str:
    wider = _wider(pattern)
    missed = [(uri, better) for uri in new if not matches(uri, pattern) and (better := _meant(uri, pattern, wider))]
    if not missed:
        return ""
    uri, better = missed[0]
    return f"{counted(len(missed), 'document')}, e.g. {uri}, for which it may be meant: '{better}' would{_told(pattern)}"


def _wider(pattern: str) -> list[tuple[str, str]]:
    """What an exclude pattern means elsewhere (in a .gitignore), each with what a name begins with that it matches."""
    whole = pattern.strip().strip("/")
    globs = [f"{pattern}*"] if pattern.endswith("/*") else []
    globs += [f"{whole}/**", *([f"**/{whole}", f"**/{whole}/**"] if "/" not in whole else [])] if whole else []
    return [(glob, beginning(glob)) for glob in globs]


def _meant(uri: str, pattern: str, wider: Sequence[tuple[str, str]]) -> str:
    """What would leave out a document that an exclude pattern does not, if it was meant to; "" where there is no sign of that."""
    found = next((glob for glob, start in wider if uri.startswith(start) and matches(uri, glob)), "")
    return found or (uri if nearly_matches(uri, pattern) else "")


def _told(pattern: str) -> str:
    return f" ('{found}' is no glob; {WRITTEN})" if (found := foreign(pattern)) else ""


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
