"""Why a source lists nothing: the pattern, how many files there are, one of them, and what would match."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ingest.overlooked import not_ageing, not_left_out, unmatched, why_none
from ingest.sources.files import FilesOptions, FilesSource
from ingest.sources.objects import ObjectsOptions, ObjectsSource
from sluice.records import ItemRef, RawItem

FILES = ("a/1.md", "a/2.md", "b/3.txt")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for uri in FILES:
        file = tmp_path / "corpus" / uri
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("text")
    return tmp_path / "corpus"


@pytest.mark.parametrize(
    ("include", "exclude", "said"),
    [
        (["*.md"], [], "include '*.md' matches none of 3 files below {root}, e.g. a/1.md; * stops at /: '**/*.md' would match"),
        (["**/*.pdf"], [], "include '**/*.pdf' matches none of 3 files below {root}, e.g. a/1.md"),
        (["x", "y", "z", "w"], [], "include 'x' and 'y' and 'z' and 1 more match none of 3 files below {root}, e.g. a/1.md"),
        (["**/*.md"], ["a/**"], "exclude 'a/**' leaves out all that include matches of 3 files below {root}, e.g. a/1.md"),
    ],
)
def test_the_pattern_that_misses_is_named_with_what_is_there(
    root: Path, include: list[str], exclude: list[str], said: str
) -> None:
    """Of files below a folder."""
    source = FilesSource("notes", FilesOptions(root=root, include=tuple(include), exclude=tuple(exclude)))
    assert list(source.scan({})) == []
    assert why_none(source) == f"source 'notes' lists no document: {said.format(root=root)}"


def test_objects_are_told_alike_and_an_empty_place_is_one(root: Path, tmp_path: Path) -> None:
    """Through whichever file system; where there is nothing no pattern is blamed."""
    source = ObjectsSource("bucket", ObjectsOptions(url=f"file://{root}", include=("*.md",)))
    assert "include '*.md' matches none of 3 files where it looks, e.g. a/1.md" in why_none(source)
    (tmp_path / "empty").mkdir()
    empty = FilesSource("notes", FilesOptions(root=tmp_path / "empty", include=("*.md",)))
    assert why_none(empty) == f"source 'notes' lists no document: there is no file below {tmp_path / 'empty'}"


class Own:
    """A source of somebody's own without patterns."""

    name = "own"

    def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]:
        raise AssertionError("it was looked at again")

    def fetch(self, ref: ItemRef) -> RawItem:
        raise AssertionError(ref)


def test_a_source_without_such_patterns_is_not_looked_at_again() -> None:
    """Nothing is said of it: a second look might take something (a queue)."""
    assert why_none(Own()) == ""


@pytest.mark.parametrize(
    ("exclude", "said"),
    [
        ("a", "exclude 'a' does not leave out 2 documents, e.g. a/1.md, for which it may be meant: 'a/**' would"),
        ("a/", "'a/**' would"),
        ("A/**", "e.g. a/1.md"),
        ("*.md", "'**/*.md' would"),
        ("**/a", "'**/a/**' would"),
        ("a|b/**", ""),
        ("c/**", ""),
        ("a/1.md", ""),
    ],
)
def test_an_exclude_that_leaves_out_nothing_of_what_it_seems_to_mean_is_told_of(root: Path, exclude: str, said: str) -> None:
    """A folder's bare name, another case, a name that .gitignore finds at any depth; not one for what is not there yet."""
    source = FilesSource("notes", FilesOptions(root=root, exclude=(exclude,)))
    listed = [ref.uri for ref in source.scan({})]
    found = "".join(not_left_out(source, listed))
    assert said in found
    assert bool(said) == bool(found)


def test_a_ttl_rule_that_just_misses_is_told_of() -> None:
    """What it was meant for would live for ever."""
    uris = ["offers/2026/a.md", "News/b.md", "c.md"]
    said = list(not_ageing("notes", ["offers/*", "news/**", "c.md", "later/**"], uris))
    assert said == [
        "source 'notes': the ttl rule 'offers/*' does not hold for 1 document, e.g. offers/2026/a.md, for which it may be meant: "
        "'offers/**' would",
        "source 'notes': the ttl rule 'news/**' does not hold for 1 document, e.g. News/b.md, for which it may be meant: "
        "'News/b.md' would",
    ]


def test_an_include_that_matches_nothing_beside_one_that_does_is_told_of(root: Path) -> None:
    """With what is no glob in it; of a source without such patterns, and of one that has nothing, nothing is said."""
    source = FilesSource("notes", FilesOptions(root=root, include=("**/*.md", "docs/**", "a|b/**")))
    assert list(unmatched(source, ["a/1.md"])) == [
        "source 'notes': include 'docs/**' matches no document",
        "source 'notes': include 'a|b/**' matches no document ('|' is no glob; globs know *, **, ?, [ab] and {a,b})",
    ]
    assert list(unmatched(source, [])) == list(unmatched(Own(), ["x"])) == list(not_left_out(Own(), ["x"])) == []
