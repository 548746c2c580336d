"""Globs over uris, the same everywhere: include, exclude, access rules, backfill slices.

`*` stays within one path segment, `**` crosses segments (also none), `?` is one character, `[ab]` a set, `{a,b}` a
choice. Matching is case-sensitive on every platform, and dot files match like any other. Uri and pattern are compared as
`sluice.spelling.comparable` gives them, so that the answer does not depend on how somebody's keyboard or disk writes an ä.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from wcmatch import fnmatch, glob

from sluice.errors import ConfigurationError
from sluice.spelling import comparable, lookalike

_SPECIAL = re.compile(r"[*?\[{]")
_WEB = re.compile(r"https?://(?:www\.)?")
_GLUED = re.compile(r"[^/{,]\*\*|\*\*[^/},]")
"""A `**` that is not a whole segment, so that it stays within one."""
_FOREIGN = re.compile(
    r"^[!^~$]|\||\$$|[@+?*!]\([^)]*\)|\(\?[a-zA-Z]+\)|^(?:re|regex|regexp|glob):|^(?P<q>[\"'`]).*(?P=q)$|\{[^,{}]*\}|,(?![^{}]*\})"
)
"""What means something in regular expressions, extended globs, shells and lists of what to ignore, and is letters here."""
_CROSSING = fnmatch.DOTMATCH | fnmatch.BRACE | fnmatch.FORCEUNIX | fnmatch.CASE
_FLAGS = glob.GLOBSTAR | glob.DOTGLOB | glob.BRACE | glob.FORCEUNIX | glob.CASE


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> glob.WcMatcher[str]:
    try:
        return glob.compile(pattern, flags=_FLAGS)
    except Exception as error:  # wcmatch's own type is private
        raise ConfigurationError(f"the glob '{pattern}' cannot be used: {error}", hint="simplify its braces") from None


def matches(uri: str, pattern: str) -> bool:
    """Whether the whole uri matches the pattern."""
    return _compiled(comparable(pattern)).match(comparable(uri))


def nearly_matches(uri: str, pattern: str) -> bool:
    """Whether a uri that does not match is one that a person may have meant: case, blanks, dots, fullwidth, `folder/`, `http:`.

    For warnings. Also true of what lies below a folder that a pattern names without `/**`, of the folder itself as a page has
    it, of what a `**` within a name would match if it crossed segments, and of brackets that are meant as letters.
    """
    seen, meant = _folded(uri), _folded(pattern)
    special = _SPECIAL.search(meant)
    if not seen.startswith(meant[: special.start()].rstrip("/") if special else meant.rstrip("/")):
        return False  # most: cheap, for a corpus of documents times rules
    try:
        if matches(uri, pattern):
            return False
        return any(_compiled(each).match(seen) for each in _meant(meant)) or (
            _GLUED.search(meant) is not None and bool(fnmatch.fnmatch(seen, meant, flags=_CROSSING))
        )
    except ConfigurationError:  # what folding made of the pattern is none
        return False


def _folded(text: str) -> str:
    return _WEB.sub("", lookalike(text), count=1)


def _meant(pattern: str) -> list[str]:
    """Patterns that a person may have meant by one."""
    folder = pattern.rstrip("/")
    found = [pattern, re.sub(r"\s*,\s*", ",", pattern)]
    if (last := folder.rpartition("/")[2]) and not _SPECIAL.search(last):
        found.append(f"{folder}/**")
    if folder.endswith("/**"):
        found += [folder[:-3], f"{folder[:-3]}[?]*"]
    if "[" in pattern:
        found.append(pattern.replace("[", "[[]"))
    return found


def beginning(pattern: str) -> str:
    """The part of a pattern before its first special character."""
    special = _SPECIAL.search(pattern)
    return pattern[: special.start()] if special else pattern


def stops_short(uri: str, pattern: str) -> bool:
    """Whether `folder/*` does not match a uri because that lies deeper: who knows other globs may have meant it."""
    return pattern.endswith("/*") and not matches(uri, pattern) and matches(uri, f"{pattern}*")


def foreign(pattern: str) -> str:
    """What of a pattern is written as elsewhere and means letters here (`|`, `!(…)`, `.*`); "" of most."""
    found = _FOREIGN.search(pattern)
    return found.group() if found else ""


WRITTEN = "globs know *, **, ?, [ab] and {a,b}"


def selected(uri: str, include: Sequence[str], exclude: Sequence[str] = ()) -> bool:
    """Whether a uri is included by at least one pattern and excluded by none."""
    return any(matches(uri, p) for p in include) and not any(matches(uri, p) for p in exclude)
