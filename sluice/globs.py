"""Globs over uris, the same everywhere: include, exclude, access rules, backfill slices.

`*` stays within one path segment, `**` crosses segments (also none), `?` is one character, `[ab]` a set, `{a,b}` a
choice. Matching is case-sensitive on every platform, and dot files match like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from wcmatch import glob

from sluice.errors import ConfigurationError

_FLAGS = glob.GLOBSTAR | glob.DOTGLOB | glob.BRACE | glob.FORCEUNIX | glob.CASE


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> glob.WcMatcher[str]:
    try:
        return glob.compile(pattern, flags=_FLAGS)
    except Exception as error:  # wcmatch's own type is private
        raise ConfigurationError(f"the glob '{pattern}' cannot be used: {error}", hint="simplify its braces") from None


def matches(uri: str, pattern: str) -> bool:
    """Whether the whole uri matches the pattern."""
    return _compiled(pattern).match(uri)


def selected(uri: str, include: Sequence[str], exclude: Sequence[str] = ()) -> bool:
    """Whether a uri is included by at least one pattern and excluded by none."""
    return any(matches(uri, p) for p in include) and not any(matches(uri, p) for p in exclude)
