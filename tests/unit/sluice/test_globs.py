"""Globs over uris: the same everywhere, on every platform."""

from __future__ import annotations

import pytest

from sluice.errors import ConfigurationError
from sluice.globs import matches, selected


@pytest.mark.parametrize(
    ("uri", "pattern", "expected"),
    [
        ("content/a.md", "content/**/*.md", True),  # ** crosses no segment
        ("content/x/y/a.md", "content/**/*.md", True),  # or several
        ("a.md", "**/*.md", True),
        ("a.md", "**", True),
        ("x/y", "**", True),
        ("content/a.md", "content/**", True),
        ("content", "content/**", False),  # what lies in a folder, not the folder
        ("contents/a.md", "content/**", False),
        ("x/content/a.md", "content/**", False),  # the whole uri, from its beginning
        ("content/a.md.bak", "content/**/*.md", False),  # to its end
        ("a/b.md", "*.md", False),  # * stays within a segment
        ("a/b/c", "a/*/c", True),
        ("a/b/b/c", "a/*/c", False),
        (".env", "*", True),  # dot files like any other
        ("x/.git/config", "**", True),
        ("x/.git/config", "**/.git/**", True),
        ("A.md", "a.md", False),  # case counts
        ("Legal/a", "legal/**", False),
        ("a1.md", "a?.md", True),
        ("a.md", "a?.md", False),
        ("a/b", "a?b", False),
        ("b.md", "[ab].md", True),
        ("c.md", "[ab].md", False),
        ("c.md", "[!ab].md", True),
        ("a.html", "*.{md,html}", True),
        ("legal/x", "{hr,legal}/**", True),
        ("a[1].md", "a[[]1].md", True),
        ("ä/ß.md", "ä/*.md", True),
        ("two\nlines.md", "*.md", True),
        ("a\\xff.md", "*.md", True),  # a backslash is a character of a name
        ("a/b", "!a/**", False),  # no negation: a rule never matches by accident
        ("c", "!a/**", False),
        ("!a", "!a", True),
        ("https://example.org/docs/a?x=1", "https://example.org/docs/**", True),
        ("https://example.org.evil/docs/a", "https://example.org/**", False),
        ("", "**", False),
    ],
)
def test_a_pattern_means_one_thing(uri: str, pattern: str, expected: bool) -> None:
    """Each line is a promise to whoever writes include, exclude, access rules or a backfill's slice."""
    assert matches(uri, pattern) is expected


def test_selected_is_included_and_not_excluded() -> None:
    """One include is enough, one exclude is too much, and nothing included is nothing selected."""
    assert selected("a/b.md", ["x/**", "a/**"])
    assert not selected("a/b.md", ["a/**"], ["**/b.md"])
    assert not selected("a/b.md", [])
    assert not selected("a/b.md", ["x/**"], [])


def test_a_glob_that_cannot_be_used_is_a_configuration_error() -> None:
    """Exit code 2 and the pattern's name, not a traceback."""
    with pytest.raises(ConfigurationError, match=r"glob 'a\{1\.\.9999\}'"):
        matches("a", "a{1..9999}")
