"""Why a source lists nothing: the pattern, how many files there are, one of them, and what would match."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ingest.overlooked import why_none
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
