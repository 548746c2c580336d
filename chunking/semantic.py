"""Cuts where the meaning turns: at the largest distances between neighbouring sentences.

Kamradt, "5 Levels of Text Splitting" (2023): each sentence is embedded with its neighbours, and a chunk ends where
the next is further away than most. `target_tokens` instead of a percentile is the variant that Smith and Troynikov,
"Evaluating Chunking Strategies for Retrieval" (Chroma, 2024), compare: sizes then do not depend on the document's length.
"""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from chunking.sentence import units
from chunking.spans import Ruler, Span
from chunking.strategy import Given
from sluice.records import Document
from sluice.settings import Section


class Options(Section):
    """Where a chunk ends.

    `percentile`: after the sentences whose distance to the next lies above it. `target_tokens`: at as many of the
    largest distances as give chunks of this size on average. `neighbours`: how many sentences on either side are
    embedded together with each.
    """

    percentile: float = Field(default=90, ge=0, le=100)
    target_tokens: int | None = Field(default=None, ge=8)
    neighbours: int = Field(default=1, ge=0, le=5)


class Semantic:
    """Runs of sentences between the largest turns of meaning; one above `max_tokens` is cut at its own largest.

    Deterministic for given vectors: of equal distances the one nearest the middle. There is no overlap: a cut is meant.
    """

    Options = Options

    def __init__(self, given: Given) -> None:
        self._given = given
        self._own = cast(Options, given.options)
        self._encoder = given.encoding()
        self.fingerprint = given.fingerprint("semantic", 1, encoder=self._encoder.fingerprint)

    def split(self, document: Document) -> list[Span]:
        ruler, text, limit = self._given.ruler, document.text, self._given.max_tokens
        sentences = units(ruler, text, limit)
        if len(sentences) < 2:
            return sentences
        vectors = self._encoder.encode(windows(ruler, text, sentences, self._own.neighbours, limit))
        distances = 1 - np.einsum("ij,ij->i", vectors[:-1], vectors[1:], dtype=np.float64)
        edges = np.array([start for start, _ in sentences] + [sentences[-1][1]])
        sizes = np.concatenate([[0], np.cumsum(ruler.tokens(text).counts(edges.tolist()))])
        cuts = self._cuts(distances, int(sizes[-1]))
        return [(int(edges[a]), int(edges[b])) for a, b in _fitting(cuts, distances, sizes, limit)]

    def _cuts(self, distances: NDArray[np.float64], total: int) -> list[int]:
        """Indices of the sentences before which a chunk starts, ascending, without the first."""
        if self._own.target_tokens is None:
            limit = np.percentile(distances, self._own.percentile)
            return (np.flatnonzero(distances > limit) + 1).tolist()
        wanted = min(round(total / self._own.target_tokens), len(distances) + 1) - 1
        return sorted((np.argsort(-distances, kind="stable")[: max(wanted, 0)] + 1).tolist())


def windows(ruler: Ruler, text: str, sentences: list[Span], neighbours: int, limit: int) -> list[str]:
    """The text of each sentence with its neighbours, or alone where that is more than `limit` tokens."""
    last = len(sentences) - 1
    wide = [(sentences[max(i - neighbours, 0)][0], sentences[min(i + neighbours, last)][1]) for i in range(last + 1)]
    sizes = ruler.sizes(text, wide)
    return [text[slice(*(w if size <= limit else s))] for w, s, size in zip(wide, sentences, sizes, strict=True)]


def _fitting(cuts: list[int], distances: NDArray[np.float64], sizes: NDArray[np.int64], limit: int) -> list[tuple[int, int]]:
    """Ranges of sentences between the cuts, those above `limit` tokens cut again at their largest distance."""
    edges = [0, *cuts, len(sizes) - 1]
    pending = list(pairwise(edges))[::-1]
    ranges: list[tuple[int, int]] = []
    while pending:
        first, last = pending.pop()
        if last - first > 1 and sizes[last] - sizes[first] > limit:
            middle = first + 1 + _largest(distances[first : last - 1])
            pending += [(middle, last), (first, middle)]
        else:
            ranges.append((first, last))
    return ranges


def _largest(distances: NDArray[np.float64]) -> int:
    """Index of the largest distance; of those within 0.0001 of it (the noise of bf16), the one nearest the middle."""
    candidates = np.flatnonzero(distances >= distances.max() - 1e-4)
    return int(candidates[np.argmin(np.abs(candidates - (len(distances) - 1) / 2))])
