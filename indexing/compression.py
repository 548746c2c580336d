"""Vectors kept in fewer dimensions or bits: what that does to answers, simulated exactly, and compared per set of tags.

float16 and int8 round each component; binary keeps its sign. int8 maps the range between the 0.5% and 99.5% quantiles of all
components to -127 … 127, as Qdrant's scalar quantization does with `quantile: 0.99`; queries stay whole (asymmetric).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from sluice.access import AccessTags, Principal
from sluice.points import Vector
from sluice.records import Hit

Storage = Literal["float32", "float16", "int8", "binary"]
QUANTILE = 0.995


@dataclass(frozen=True, slots=True)
class Stored:
    """How vectors are kept; `rescore` times k candidates are ranked again by the whole vectors (0: none)."""

    dimensions: int | None = None
    storage: Storage = "float32"
    rescore: int = 0

    def vectors(self, whole: Vector) -> Vector:
        """What scores are computed with, float32, shape (n, dimensions or fewer); a shortened vector is a unit vector again."""
        cut = shortened(whole, self.dimensions)
        match self.storage:
            case "float16":
                halved: Vector = cut.astype(np.float16).astype(np.float32)
                return halved
            case "int8":
                low, high = np.quantile(cut, [1 - QUANTILE, QUANTILE])
                step = max(float(max(abs(low), abs(high))) / 127, 1e-12)
                kept: Vector = (np.clip(np.round(cut / step), -127, 127) * step).astype(np.float32)
                return kept
            case "binary":
                signs: Vector = (np.where(cut > 0, 1.0, -1.0) / np.sqrt(cut.shape[-1])).astype(np.float32)
                return signs
        return cut

    def query(self, whole: Vector) -> Vector:
        """The query as it is compared with them: shortened, not rounded."""
        asked: Vector = shortened(whole[None, :], self.dimensions)[0]
        return asked


def shortened(vectors: Vector, dimensions: int | None) -> Vector:
    """The first dimensions, made unit vectors again (Kusupati et al., "Matryoshka Representation Learning", 2022)."""
    if dimensions is None or dimensions >= vectors.shape[-1]:
        return vectors
    cut = vectors[:, :dimensions]
    length = np.linalg.norm(cut, axis=1, keepdims=True)
    unit: Vector = (cut / np.maximum(length, 1e-12)).astype(np.float32)
    return unit


class Searching(Protocol):
    def search(self, query: str, principal: Principal, k: int) -> list[Hit]: ...


@dataclass(frozen=True, slots=True)
class Overlap:
    """Of the exact top k for readers of one set of tags, the share that is still found: mean and least over the questions;
    `share` is that of the documents which they may read."""

    tags: tuple[str, ...]
    share: float
    recall: float
    least: float


def overlap(
    kept: Searching, whole: Searching, queries: Sequence[str], documents: Iterable[AccessTags], k: int
) -> tuple[Overlap, ...]:
    """How filtered answers from vectors as they are kept agree with those from whole ones, for every set of tags that a document
    has and for who holds them all; the worst first."""
    tagged = [tags for tags in documents if tags]
    everything = AccessTags(tag for tags in tagged for tag in tags)
    found = []
    for tags in sorted({*tagged, everything}, key=sorted) if tagged else []:
        who = Principal(tags)
        shares = []
        for query in queries:
            exact = {hit.chunk_id for hit in whole.search(query, who, k)}
            if exact:
                shares.append(len(exact & {hit.chunk_id for hit in kept.search(query, who, k)}) / len(exact))
        if shares:
            readable = sum(not tags.isdisjoint(other) for other in tagged) / len(tagged)
            found.append(
                Overlap(tuple(sorted(tags)), round(readable, 4), round(float(np.mean(shares)), 4), round(min(shares), 4))
            )
    return tuple(sorted(found, key=lambda one: (one.recall, one.tags)))
