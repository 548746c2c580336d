"""Points of a vector store, as written, read back and found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

# The payload fields a store filters and groups by; the rest of a payload is for readers only.
ACCESS_TAGS = "access_tags"
DOCUMENT_KEY = "document_key"
SOURCE = "source"
LANGUAGE = "language"
MODIFIED = "modified"
TEXT_ID = "text_id"
"""Of the text that a reader is given: equal for equal texts, in whatever documents and contexts they stand."""


PARENT_TEXT = "parent_text"
"""The text that a reader is given in the place of a chunk that has a parent."""


def answer(payload: Mapping[str, Any]) -> str:
    """A name of the text that a reader is given for this payload: the same is one answer. Points of old have no text id."""
    return str(payload.get(TEXT_ID) or payload.get(PARENT_TEXT) or payload["text"])


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Indices (ascending, unique) and their weights, of equal length."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One chunk as stored. `payload` holds what a reader needs to cite and filter."""

    id: str
    dense: Vector
    payload: Mapping[str, Any]
    sparse: SparseVector | None = None


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """A point read back: only the payload fields that were asked for, and the dense vector where asked for."""

    id: str
    payload: Mapping[str, Any]
    dense: Vector | None = None


@dataclass(frozen=True, slots=True)
class ScoredPoint:
    """A point that answers a query."""

    id: str
    score: float
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reader may narrow a search to, beside what they may read; empty means no narrowing. Documents `over` (their keys)
    count as those that they may not read."""

    sources: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    modified_since: datetime | None = None
    modified_until: datetime | None = None
    over: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class VectorQuery:
    """A query in the forms its search mode needs: both means server-side reciprocal rank fusion, weighted."""

    dense: Vector | None = None
    sparse: SparseVector | None = None
    dense_weight: float = 0.5
