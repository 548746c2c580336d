"""Strategies that follow meaning: sentences, semantic breakpoints, optimal clusters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import chunking
from chunking.cluster import best_edges
from chunking.sentences import sentence_edges
from chunking.testing import BundledTokenizer, build, configuration, document
from sluice.errors import ConfigurationError

STORY = "The pump leaks. Oil drips from the pump. The pump is old. Lunch is at noon. The lunch is soup. Soup is good."


class Topics:
    """Two topics: pumps and lunches."""

    fingerprint = "topics"

    def __init__(self) -> None:
        self.calls: list[int] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls.append(len(texts))
        return np.array([[1, 0] if "pump" in t and "unch" not in t else [0, 1] for t in texts], dtype=np.float32)


def chunks(encoder: Topics, **section: object) -> list[str]:
    whole = configuration(**section)
    chunker = chunking.build(whole.chunking, BundledTokenizer(), whole=whole, encoder=encoder)
    return [chunk.text for chunk in chunker.chunk(document(STORY))]


@pytest.mark.parametrize(
    "sentences",
    [
        ["The pump failed. ", "See Mr. Low, e.g. at 3.14 p.m. on Monday! ", 'He said: "No." ', "Why? ", "J. R. Smith knows."],
        ["A line\n\n", "1. First item. ", "Second sentence.\n", "2. Other.\n", "- x\n", "- y\n", "# H\n\n", "Text… and more."],
        ["不要在夜间运行。", "这是第二句！", "好吗？"],
        ["Das ist z.B. gut. ", "Er kommt.\r\n\r\n", "ja."],
    ],
)
def test_sentences(sentences: list[str]) -> None:
    """Sentences end at stops, blank lines and list items; not after abbreviations, initials and numbers of a list."""
    text = "".join(sentences)
    assert [text[a:b] for a, b in pairwise(sentence_edges(text, 0, len(text)))] == sentences


def test_windows_of_sentences() -> None:
    """Whole sentences up to the limit, sharing whole sentences."""
    found = [c.text for c in build(strategy="sentence", max_tokens=13, overlap_tokens=8).chunk(document(STORY))]
    assert found[0] == "The pump leaks. Oil drips from the pump."
    assert all(text.endswith(".") and text[0].isupper() for text in found)
    assert found[1].startswith("Oil drips from the pump.")


def test_semantic_cuts_where_the_topic_turns() -> None:
    """The one turn in the story is the one cut, and the document is embedded in one batch."""
    encoder = Topics()
    assert chunks(encoder, strategy="semantic", neighbours=0, percentile=80, max_tokens=60) == [
        "The pump leaks. Oil drips from the pump. The pump is old.",
        "Lunch is at noon. The lunch is soup. Soup is good.",
    ]
    assert encoder.calls == [6]


def test_semantic_to_a_target() -> None:
    """A target size cuts at as many of the largest distances as give it."""
    assert len(chunks(Topics(), strategy="semantic", target_tokens=15, neighbours=0, max_tokens=60)) == 2
    assert len(chunks(Topics(), strategy="semantic", target_tokens=8, neighbours=0, max_tokens=60)) == 4


def test_semantic_splits_what_is_too_large() -> None:
    """A run above the limit is cut again, at its own largest distance."""
    found = chunks(Topics(), strategy="semantic", percentile=100, neighbours=0, max_tokens=20)
    assert found[0] == "The pump leaks. Oil drips from the pump. The pump is old."


def test_cluster_finds_the_topics() -> None:
    """Pieces of one topic are one chunk."""
    assert chunks(Topics(), strategy="cluster", piece_tokens=6, max_tokens=60)[0].startswith("The pump leaks. Oil drips")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=8), st.integers(1, 8))
def test_cluster_is_optimal(points: list[tuple[int, int]], limit: int) -> None:
    """No segmentation under the limit has more similarity inside: tried against all of them."""
    raw = np.array([(*point, 4) for point in points], dtype=np.float64)
    vectors = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    count = len(vectors)
    similarity = vectors @ vectors.T
    mean = float(np.mean([similarity[a, b] for a, b in combinations(range(count), 2)]))

    def worth(edges: Sequence[int]) -> float:
        inside = [pair for a, b in pairwise(edges) for pair in combinations(range(a, b), 2)]
        return float(sum(similarity[pair] - mean for pair in inside))

    every = [
        (0, *cuts, count)
        for size in range(count)
        for cuts in combinations(range(1, count), size)
        if all(b - a <= limit for a, b in pairwise((0, *cuts, count)))
    ]
    found = best_edges(vectors, np.ones(count, dtype=np.int64), limit)
    assert tuple(found) in every
    assert worth(found) == pytest.approx(max(map(worth, every)), abs=1e-9)


def test_meaning_needs_an_encoder() -> None:
    """Without an encoder the configuration is refused before any document is read."""
    whole = configuration(strategy="cluster")
    with pytest.raises(ConfigurationError, match=r"no encoder was handed"):
        chunking.build(whole.chunking, BundledTokenizer(), whole=whole)


def test_the_encoder_is_part_of_the_identity() -> None:
    """Another model cuts elsewhere, so that its chunks have other ids."""
    other = Topics()
    other.fingerprint = "other"
    whole = configuration(strategy="semantic")
    first, second = (chunking.build(whole.chunking, BundledTokenizer(), whole=whole, encoder=e) for e in (Topics(), other))
    assert first.fingerprint != second.fingerprint
