"""What an experiment's variants are measured with: a searcher and what it took, and encoders that remember."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import chunking
from evaluation import ResolvedSet
from indexing.protocols import Encoder
from indexing.search import Searcher
from sluice.points import SparseVector, Vector
from sluice.records import Chunk, Document, DocumentState

Documents = list[tuple[DocumentState, Document]]


@dataclass(frozen=True, slots=True)
class AsRead:
    """The experiment's documents as one parser reads them, and where the golden labels are in that text.

    `cost` says what became of documents that were parsed for the experiment; empty for the index's own parsing.
    """

    documents: Documents
    resolved: ResolvedSet
    cost: Mapping[str, Any]

    def of(self, wanted: Documents) -> Documents:
        """Those of these documents that this parser gives text for."""
        keys = {state.key for state, _ in wanted}
        return [(state, document) for state, document in self.documents if state.key in keys]

    def asked(self, queries: Collection[str] | None) -> ResolvedSet:
        """The labels of some of the questions, by id; None: of all."""
        if queries is None:
            return self.resolved
        return replace(self.resolved, scored=tuple(q for q in self.resolved.scored if q.query.id in queries), unanswerable=())


@dataclass(slots=True)
class Made:
    """What variants that cut and embed alike have in common, so that it is made once and not for each way to search it.

    Chunks by document key; vectors, term weights and tokens by text hash; payloads by chunk id; texts that the strategy
    compared; and the seconds that it took, which each of the variants names as its own.
    """

    chunks: dict[str, list[Chunk]] = field(default_factory=dict)
    vectors: dict[str, Vector] = field(default_factory=dict)
    weights: dict[str, SparseVector] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    payloads: dict[str, dict[str, Any]] = field(default_factory=dict)
    compared: dict[str, None] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=lambda: {"chunk": 0.0, "embed": 0.0})


@dataclass(frozen=True, slots=True)
class Costs:
    """What it took to make a variant, and what it would take to keep it."""

    documents: int
    chunks: int
    texts: int
    tokens: int
    embedded: int
    vector_bytes: int
    contexts_cut: int
    seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Implements `evaluation.experiments.protocols.PreparedVariant`."""

    searcher: Searcher
    shown: Mapping[str, tuple[tuple[int, int], ...]]
    costs: Costs
    drawn: frozenset[str] = frozenset()
    """Ids of the chunks that only chance put into a sample."""

    def spans(self, document_key: str) -> Sequence[tuple[int, int]]:
        return self.shown.get(document_key, ())

    def by_chance(self, chunk_id: str) -> bool:
        return chunk_id in self.drawn

    def cost(self) -> Mapping[str, Any]:
        return asdict(self.costs)


class Counted:
    """The encoder that a strategy compares meanings with; it remembers what it was given, for that is a cost too."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder, self.texts = encoder, dict[str, None]()
        self.fingerprint = encoder.fingerprint

    def encode(self, texts: Sequence[str]) -> Vector:
        self.texts |= dict.fromkeys(texts)
        return self._encoder.encode(texts)


class Corpus:
    """Implements `evaluation.experiments.protocols.Texts` over the documents of an experiment."""

    def __init__(self, texts: Mapping[str, str], tokenizer: chunking.Tokenizer) -> None:
        self._texts, self._tokenizer = texts, tokenizer

    def passage(self, document_key: str, start: int, end: int) -> str:
        return self._texts.get(document_key, "")[start:end]

    def tokens(self, texts: Sequence[str]) -> Sequence[int]:
        return self._tokenizer.counts(texts)


class Unpriced:
    """Implements `evaluation.experiments.protocols.Texts` where nobody asks what is read."""

    def passage(self, document_key: str, start: int, end: int) -> str:
        return ""

    def tokens(self, texts: Sequence[str]) -> Sequence[int]:
        return [0] * len(texts)
