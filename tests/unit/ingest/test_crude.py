"""The law of readers: every word that a person would see is in the text, or the document says what is missing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ingest.formats import format_of
from ingest.parse import UnstructuredParser
from sluice.errors import DocumentError
from sluice.records import RawItem
from tests.crude.texts import CRUDE
from tests.crude.words import lost

HERE = Path(__file__).resolve().parents[3]
CORPORA = HERE / "../shared/corpora"
PARSER = UnstructuredParser()


def unexplained(content: bytes, uri: str) -> Counter[str]:
    """Words that a crude reading has and ours has not; a document that is refused says so, and loses nothing in silence."""
    kind = format_of(uri, None, content)
    if kind not in CRUDE:
        return Counter()
    try:
        document = PARSER.parse(RawItem(uri, content, "v"), source="s")
    except DocumentError:
        return Counter()
    said = {loss["what"] for loss in document.metadata.get("losses", ())}
    return Counter() if "alternative" in said else lost(CRUDE[kind](content), document.text)


def check(files: list[Path]) -> None:
    assert files
    missing = {file.name: found for file in files if (found := unexplained(file.read_bytes(), file.name))}
    assert missing == {}


@pytest.mark.corpora
@pytest.mark.skipif(not CORPORA.is_dir(), reason="needs ../shared/corpora")
@pytest.mark.parametrize("folder", ["formats", "cases"])
def test_no_word_of_awkward_files_is_lost(folder: str) -> None:
    """Every text format of the samples."""
    check([file for file in sorted((CORPORA / folder).rglob("*")) if file.is_file() and "test_evaluate" not in str(file)])


@pytest.mark.corpora
@pytest.mark.skipif(not CORPORA.is_dir(), reason="needs ../shared/corpora")
def test_no_word_of_the_handbook_is_lost() -> None:
    """Every 20th of 883 pages."""
    check(sorted((CORPORA / "handbook/content").rglob("*.md"))[::20])


def test_no_word_of_the_demo_is_lost() -> None:
    check([file for file in sorted((HERE / "configs").rglob("*")) if file.suffix in (".md", ".html", ".csv", ".txt", ".eml")])
