"""A small corpus for some questions: what is judged, what competes with it, and a random part of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from evaluation.labels import ResolvedQuery
from indexing.exact import ExactSearch
from indexing.models import sparse_encoder
from sluice.access import AccessTags
from sluice.ids import digest
from sluice.points import ACCESS_TAGS, DOCUMENT_KEY, Filters, Point, VectorQuery
from sluice.records import Document, DocumentState


class Sampling:
    """The documents of an experiment, of which some questions need few. The same seed and documents give the same sample."""

    def __init__(self, documents: Sequence[tuple[DocumentState, Document]], share: float, hard: int, seed: int) -> None:
        self._documents, self._share, self._hard, self._seed = documents, share, hard, seed

    def of(self, queries: Iterable[ResolvedQuery]) -> list[tuple[DocumentState, Document]]:
        """The judged documents of these questions, `hard` for each that share its words, and the drawn share of the others."""
        wanted = self._drawn | self._certain(queries)
        return [(state, document) for state, document in self._documents if state.key in wanted]

    def by_chance(self, queries: Iterable[ResolvedQuery]) -> frozenset[str]:
        """The keys of those documents that are in the sample of these questions because they were drawn, and for nothing else."""
        return self._drawn - self._certain(queries)

    def _certain(self, queries: Iterable[ResolvedQuery]) -> set[str]:
        wanted = set[str]()
        for query in queries:
            wanted |= {label.key for label in query.labels if label.key is not None}
            wanted |= self._competing(query.query.query)
        return wanted

    @cached_property
    def _drawn(self) -> frozenset[str]:
        """Each document is in or out by a hash of its own: one more document changes nothing about the others."""
        limit = self._share * 16**12
        keys = (state.key for state, _ in self._documents)
        return frozenset(key for key in keys if int(digest("sample", self._seed, key)[:12], 16) < limit)

    def _competing(self, query: str) -> set[str]:
        asked = VectorQuery(None, sparse_encoder().query(query))
        found = self._words.nearest_documents("", asked, AccessTags({"all"}), self._hard, Filters())
        return {str(point.payload[DOCUMENT_KEY]) for point in found}

    @cached_property
    def _words(self) -> ExactSearch:
        """Whole documents, searched by words: no model is needed to find what competes."""
        weights = sparse_encoder().documents([document.text for _, document in self._documents])
        nothing = np.zeros(1, dtype=np.float32)
        return ExactSearch([
            Point(state.key, nothing, {DOCUMENT_KEY: state.key, ACCESS_TAGS: ["all"]}, sparse)
            for (state, _), sparse in zip(self._documents, weights, strict=True)
        ])  # fmt: skip
