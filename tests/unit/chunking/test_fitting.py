"""Spans made lawful."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from chunking.fitting import CHARACTERS_PER_TOKEN, fitted
from chunking.spans import Ruler, Span
from chunking.testing import BundledTokenizer
from sluice.errors import DocumentError


class Expanding:
    """Each character is as many tokens as its digit says."""

    fingerprint = "expanding"
    window = 100
    special_tokens = 0

    def spans(self, text: str) -> NDArray[np.int32]:
        return np.array([(i, i + 1) for i, c in enumerate(text) for _ in range(int(c))], dtype=np.int32).reshape(-1, 2)

    def counts(self, texts: Sequence[str]) -> list[int]:
        return [sum(map(int, text)) for text in texts]


def fit(text: str, *spans: Span, max_tokens: int = 8) -> list[str]:
    return [text[start:end] for (start, end), _ in fitted(Ruler(BundledTokenizer()), text, spans, max_tokens)]


def test_whole_document_as_one_span() -> None:
    """A strategy that ignores the limit gets windows."""
    text = "one two three four five six seven eight nine ten"
    assert fit(text, (0, len(text))) == ["one two three four five six seven eight", "nine ten"]


def test_duplicates_and_order() -> None:
    """The same place twice, before or after trimming, is one chunk; chunks are ordered whatever the order of spans."""
    assert fit("one two three", (8, 13), (0, 8), (0, 7), (0, 8)) == ["one two", "three"]


def test_part_of_a_word_has_tokens_of_its_own() -> None:
    """A very long word is one unknown token within the text, but many when a span holds only part of it."""
    word = "internationalisation" * 8
    pieces = fitted(Ruler(BundledTokenizer()), word, [(0, 90), (90, len(word))], 8)
    assert max(tokens for _, tokens in pieces) <= 8
    assert "".join(word[start:end] for (start, end), _ in pieces) == word


def test_no_chunk_is_a_book() -> None:
    """However few tokens a megabyte without a space has, a chunk's length in characters has a limit too."""
    text = "0123456789abcdef" * 2000
    assert max(map(len, fit(text, (0, len(text))))) <= 8 * CHARACTERS_PER_TOKEN


def test_nothing_the_model_can_see() -> None:
    """A span of invisible characters alone is left out."""
    assert fit("one \u200b\u200b two", (0, 4), (4, 6), (6, 10)) == ["one", "two"]


def test_character_larger_than_a_chunk() -> None:
    """One character above the limit is an error that names it, and what to do."""
    with pytest.raises(DocumentError, match=r"U\+0039 at offset 2 alone has 9 tokens, 8 are allowed"):
        fitted(Ruler(Expanding()), "119", [(0, 3)], 8)
