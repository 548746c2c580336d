"""Globs over uris, the same everywhere: include, exclude, access rules, backfill slices.

`*` stays within one path segment, `**` crosses segments (also none), `?` is one character, `[ab]` a set, `{a,b}` a
choice. Matching is case-sensitive on every platform, and dot files match like any other. Uri and pattern are compared as
`sluice.spelling.comparable` gives them, so that the answer does not depend on how somebody's keyboard or disk writes an ä.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from wcmatch import glob

from sluice.errors import ConfigurationError
from sluice.spelling import comparable, lookalike

_SPECIAL = re.compile(r"[*?\[{]")
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
    """Whether a uri that does not match is one that a person may have meant: case, blanks, dots, fullwidth, `folder/`.

    For warnings. Also true of what lies below a folder that a pattern names without `/**`.
    """
    seen, meant = lookalike(uri), lookalike(pattern)
    special = _SPECIAL.search(meant)
    if not seen.startswith(meant[: special.start()].rstrip("/") if special else meant.rstrip("/")):
        return False  # most: cheap, for a corpus of documents times rules
    last = meant.rstrip("/").rpartition("/")[2]
    wanted = [meant] if _SPECIAL.search(last) or not last else [meant, f"{meant.rstrip('/')}/**"]
    try:
        return not matches(uri, pattern) and any(_compiled(each).match(seen) for each in wanted)
    except ConfigurationError:  # what folding made of the pattern is none
        return False


def selected(uri: str, include: Sequence[str], exclude: Sequence[str] = ()) -> bool:
    """Whether a uri is included by at least one pattern and excluded by none."""
    return any(matches(uri, p) for p in include) and not any(matches(uri, p) for p in exclude)
