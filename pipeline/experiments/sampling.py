"""A small corpus for some questions: what is judged, the passages that compete with it, and a random part of the rest.

A document that shares a question's words competes by its best passage, and only that is embedded: with 20 of them for each of the
handbook's 100 questions that is a sixth of its text, where the whole documents were two thirds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from evaluation.labels import ResolvedQuery
from indexing.exact import ExactSearch
from indexing.models import sparse_encoder
from sluice.access import AccessTags
from sluice.ids import digest
from sluice.points import ACCESS_TAGS, DOCUMENT_KEY, Filters, Point, VectorQuery
from sluice.records import Chunk, Document, DocumentState

PASSAGE = 800
"""Characters of a passage that competes: about a chunk of 200 tokens."""

START = "start"


@dataclass(frozen=True, slots=True)
class Part:
    """What some questions are measured on: `whole` documents, those `drawn` by chance, and `passages` of others, by document key.

    Passages are [start, end); they are the same for every way to cut, so that none has other competitors than another.
    """

    whole: frozenset[str]
    drawn: frozenset[str]
    passages: Mapping[str, Sequence[tuple[int, int]]]

    def documents(self, of: Iterable[tuple[DocumentState, Document]]) -> list[tuple[DocumentState, Document]]:
        """Those of these documents of which anything is in it."""
        return [(state, document) for state, document in of if state.key in self._keys]

    def holds(self, chunk: Chunk) -> bool:
        """Whether a chunk is in it."""
        return chunk.document_key in self.drawn or self.certain(chunk)

    def certain(self, chunk: Chunk) -> bool:
        """Whether a chunk is in it whatever is drawn: all of a whole document, and what the middle of a passage is in, or is in a
        passage with its own: a small chunk is not let in for touching one, a large one not left out for being larger."""
        if chunk.document_key in self.whole:
            return True
        middle = (chunk.start + chunk.end) / 2
        there = self.passages.get(chunk.document_key, ())
        return any(start <= middle < end or chunk.start <= (start + end) / 2 < chunk.end for start, end in there)

    def share_of(self, documents: Iterable[tuple[DocumentState, Document]]) -> float:
        """The share of the documents' characters that is in it."""
        held = total = 0
        for state, document in documents:
            length = len(document.text)
            total += length
            if state.key in self.whole or state.key in self.drawn:
                held += length
            else:
                held += sum(min(end, length) - start for start, end in self.passages.get(state.key, ()))
        return held / total if total else 0.0

    @property
    def _keys(self) -> set[str]:
        return {*self.whole, *self.drawn, *self.passages}


class Sampling:
    """The documents of an experiment, of which some questions need little. The same seed and documents give the same sample.

    Without `passages`, documents compete as a whole: where variants read them otherwise, a place is not the same in each.
    """

    def __init__(
        self,
        documents: Sequence[tuple[DocumentState, Document]],
        share: float,
        hard: int,
        seed: int,
        *,
        passages: bool = True,
    ) -> None:
        self._documents, self._share, self._hard, self._seed, self._passages = documents, share, hard, seed, passages

    def of(self, queries: Iterable[ResolvedQuery]) -> Part:
        """The judged documents, the best passages of `hard` others for each question, and the drawn share of all documents."""
        asked = tuple(queries)
        judged = {label.key for query in asked for label in query.labels if label.key is not None}
        competing: dict[str, set[tuple[int, int]]] = {}
        for query in asked:
            for key, place in self._competing(query):
                competing.setdefault(key, set()).add(place)
        if not self._passages:
            judged, competing = judged | competing.keys(), {}
        return Part(frozenset(judged), self._drawn, {key: sorted(places) for key, places in competing.items()})

    @cached_property
    def _drawn(self) -> frozenset[str]:
        """Each document is in or out by a hash of its own: one more document changes nothing about the others."""
        limit = self._share * 16**12
        keys = (state.key for state, _ in self._documents)
        return frozenset(key for key in keys if int(digest("sample", self._seed, key)[:12], 16) < limit)

    def _competing(self, query: ResolvedQuery) -> list[tuple[str, tuple[int, int]]]:
        """Of the documents that do not answer, those whose best passage shares most with the question, each with that passage."""
        own = {label.key for label in query.labels}
        asked = VectorQuery(None, sparse_encoder().query(query.query.query))
        found = self._words.nearest_documents("", asked, AccessTags({"all"}), self._hard + len(own), Filters())
        others = (point.payload for point in found if point.payload[DOCUMENT_KEY] not in own)
        return [(p[DOCUMENT_KEY], (p[START], p[START] + PASSAGE)) for p, _ in zip(others, range(self._hard), strict=False)]

    @cached_property
    def _words(self) -> ExactSearch:
        """Passages, searched by words: no model is needed to find what competes."""
        places = [(s.key, start) for s, d in self._documents for start in range(0, max(len(d.text), 1), PASSAGE)]
        texts = {state.key: document.text for state, document in self._documents}
        weights = sparse_encoder().documents([texts[key][start : start + PASSAGE] for key, start in places])
        nothing = np.zeros(1, dtype=np.float32)
        return ExactSearch([
            Point(f"{key} {start:012}", nothing, {DOCUMENT_KEY: key, START: start, ACCESS_TAGS: ["all"]}, sparse)
            for (key, start), sparse in zip(places, weights, strict=True)
        ])  # fmt: skip
