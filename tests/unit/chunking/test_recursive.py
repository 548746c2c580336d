"""`recursive` cuts where langchain's class cuts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
from langchain_text_splitters import Language, RecursiveCharacterTextSplitter

from chunking.recursive import Language as Ours
from chunking.testing import BundledTokenizer, build, document

HANDBOOK = Path(__file__).resolve().parents[3] / "../shared/corpora/handbook/content"

PROSE = """# Pumps

A pump moves water. It is checked every month; the check takes an hour.

If the pressure falls below 2.5 bar:
- close the valve,
- call the engineer on duty (see below),
- write down the time.

## Engineer on duty

The rota is kept in the calendar. Swaps are agreed between two people, and the calendar is changed before the shift starts.
"""


def langchain(text: str, size: int, overlap: int, language: Language | None = None) -> list[str]:
    tokenizer = BundledTokenizer()
    sizes: dict[str, Any] = {
        "chunk_size": size,
        "chunk_overlap": overlap,
        "length_function": lambda piece: tokenizer.counts([piece])[0],
    }
    if language:
        return RecursiveCharacterTextSplitter.from_language(language, **sizes).split_text(text)
    return RecursiveCharacterTextSplitter(**sizes).split_text(text)


def ours(text: str, size: int, overlap: int, **options: Any) -> list[str]:
    chunker = build(strategy="recursive", max_tokens=size, overlap_tokens=overlap, **options)
    return [chunk.text for chunk in chunker.chunk(document(text))]


@pytest.mark.parametrize("size", [12, 20, 40, 200])
@pytest.mark.parametrize("overlap", [0, 5, 10])
def test_same_chunks_as_langchain(size: int, overlap: int) -> None:
    """On prose, the chunks are those of langchain's class measuring in tokens, with and without overlap."""
    assert ours(PROSE, size, overlap) == langchain(PROSE, size, overlap)


def test_same_chunks_for_a_language() -> None:
    """A language's separators are langchain's, and the languages that a configuration may name are all that it has."""
    assert set(get_args(Ours)) == {each.value for each in Language}
    assert ours(PROSE, 30, 0, language="markdown") == langchain(PROSE, 30, 0, Language.MARKDOWN)


@pytest.mark.corpora
@pytest.mark.slow
@pytest.mark.skipif(not HANDBOOK.exists(), reason="../shared/corpora is absent")
@pytest.mark.parametrize("overlap", [0, 20])
def test_same_chunks_on_the_handbook(overlap: int) -> None:
    """On real Markdown too, but for the rare address that is longer than a chunk."""
    same = total = 0
    for file in sorted(HANDBOOK.rglob("*.md"))[::40]:
        text = file.read_text(encoding="utf-8")
        theirs = langchain(text, 200, overlap)
        same += len(set(theirs) & set(ours(text, 200, overlap)))
        total += len(set(theirs))
    assert total > 200
    assert same / total > 0.98


def test_no_separator_left() -> None:
    """A line without white space is cut between tokens, not between characters as langchain does."""
    text = "不" * 100
    assert [len(chunk) for chunk in ours(text, 32, 0)] == [32, 32, 32, 4]


def test_one_pass_of_the_tokenizer() -> None:
    """Strategy and chunker share one tokenisation of the document."""
    tokenizer = BundledTokenizer()
    build(tokenizer, strategy="recursive", max_tokens=20).chunk(document(PROSE))
    assert tokenizer.passes == 1
