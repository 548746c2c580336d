"""The best segmentation of a whole document: similar neighbours together, found by dynamic programming.

Smith and Troynikov, "Evaluating Chunking Strategies for Retrieval" (Chroma, 2024), ClusterSemanticChunker: small
pieces are embedded, and chunks are the runs of pieces that maximise the sum of their pairwise similarities, less the
document's mean, under a size limit.
"""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from chunking.fitting import fitted
from chunking.packing import Packing
from chunking.recursive import PROSE, separators
from chunking.spans import Span
from chunking.strategy import Given
from sluice.records import Document
from sluice.settings import Section


class Options(Section):
    """`piece_tokens`: the largest piece that is never cut (50 in the report)."""

    piece_tokens: int = Field(default=50, ge=4)


class Cluster:
    """Runs of pieces of at most `max_tokens` tokens with the greatest similarity inside, over the whole document.

    Unlike the report's code it limits tokens, not the number of pieces, and computes only the similarities within the
    limit, so that time and memory grow linearly with the document. Deterministic for given vectors: of equal
    segmentations the one with the longer last chunks. There is no overlap.
    """

    Options = Options

    def __init__(self, given: Given) -> None:
        self._given = given
        self._piece = min(cast(Options, given.options).piece_tokens, given.max_tokens)
        self._pack = Packing(self._piece, 0, separators(PROSE))
        self._encoder = given.encoding()
        self.fingerprint = given.fingerprint("cluster", 1, encoder=self._encoder.fingerprint)

    def split(self, document: Document) -> list[Span]:
        ruler, text = self._given.ruler, document.text
        tokens = ruler.tokens(text)
        pieces = [span for span, _ in fitted(ruler, text, self._pack.split(tokens, 0, len(text)), self._piece)]
        if len(pieces) < 2:
            return pieces
        vectors = self._encoder.encode([text[start:end] for start, end in pieces]).astype(np.float64)
        starts = [start for start, _ in pieces] + [pieces[-1][1]]
        edges = best_edges(vectors, tokens.counts(starts), self._given.max_tokens)
        return [(starts[a], starts[b]) for a, b in pairwise(edges)]


def best_edges(vectors: NDArray[np.float64], sizes: NDArray[np.int64], limit: int) -> list[int]:
    """Edges of the segmentation of n unit vectors, shape (n, d), that maximises similarity within segments.

    The gain of a segment is the sum of (cosine - mean cosine of the document) over its pairs; its sizes sum to at
    most `limit`, unless it is a single one.
    """
    count = len(vectors)
    whole = vectors.sum(axis=0)
    mean = (whole @ whole - count) / (count * (count - 1))
    best = np.zeros(count + 1)
    came_from = np.zeros(count + 1, dtype=np.int64)
    for end in range(1, count + 1):
        total = 0
        first = end
        while first > 0 and (first == end or total + sizes[first - 1] <= limit):
            first -= 1
            total += sizes[first]
        run = vectors[first:end]
        # gains[i]: of the segment from first + i to end, from the similarities below the diagonal, summed up from its end.
        below = np.tril(run @ run.T - mean, -1)
        gains = below.sum(axis=0)[::-1].cumsum()[::-1]
        options = best[first:end] + gains
        choice = int(np.argmax(options))
        best[end], came_from[end] = options[choice], first + choice
    edges = [count]
    while edges[-1] > 0:
        edges.append(int(came_from[edges[-1]]))
    return edges[::-1]
