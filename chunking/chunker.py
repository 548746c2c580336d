"""A strategy's spans as chunks: lawful, identified, under their headings, with a context that fits the window."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace

from chunking import contexts
from chunking.contexts import Fitter, Mode, Wording, names
from chunking.fitting import fitted
from chunking.outline import Outline
from chunking.protocols import HasHeaders, HasParents, Strategy
from chunking.spans import Ruler, Span, trimmed
from sluice.errors import IntegrityError
from sluice.ids import chunk_id, digest
from sluice.records import Chunk, Document

VERSION = 1
"""Raised whenever the same spans of a strategy would give other chunks."""


class DocumentChunker:
    """Chunks that obey the laws, whatever the strategy returns.

    Every chunk is a trimmed span of its document with 1 to `max_tokens` tokens, counted on its own; no span occurs
    twice; chunks are ordered by (start, end). A larger span is split further, between tokens. `fingerprint` covers
    the strategy, the context and the tokenizer; a chunk's id only the strategy, so that a context, which is not part
    of a chunk's identity, leaves ids alone. `chunk` raises IntegrityError when a strategy leaves the document,
    DocumentError when a single character is larger than `max_tokens`.
    """

    def __init__(self, strategy: Strategy, ruler: Ruler, *, max_tokens: int, context: Mode = "none") -> None:
        self._strategy = strategy
        self._ruler = ruler
        self._max_tokens = max_tokens
        self._mode: Mode = context
        self._identity = digest("chunks", VERSION, strategy.fingerprint)
        self._parents = strategy if isinstance(strategy, HasParents) else None
        self._headers = strategy if isinstance(strategy, HasHeaders) else None
        self.fingerprint = digest(
            "chunker", VERSION, strategy.fingerprint, context, contexts.VERSION, ruler.tokenizer.fingerprint
        )

    def chunk(self, document: Document) -> list[Chunk]:
        text = document.text
        spans = self._strategy.split(document)
        for start, end in spans:
            if not 0 <= start <= end <= len(text):
                raise IntegrityError(
                    f"{type(self._strategy).__name__} cut {document.uri} at ({start}, {end}), "
                    f"but its text has {len(text)} characters",
                    hint="run tests/conformance/strategy_suite.py on the strategy",
                )
        outline = Outline(document)
        chunks = []
        for span, tokens in fitted(self._ruler, text, spans, self._max_tokens):
            start, end = span
            chunks.append(
                Chunk(
                    id=chunk_id(document.key, self._identity, start, text[start:end]),
                    document_key=document.key,
                    start=start,
                    end=end,
                    text=text[start:end],
                    tokens=tokens,
                    heading_path=outline.path(span),
                    page=outline.page(span),
                )
            )
        return self._with_contexts(document, self._with_parents(document, chunks))

    def _with_parents(self, document: Document, chunks: list[Chunk]) -> list[Chunk]:
        """Each chunk with the parent of its strategy that contains it; None where there is none."""
        if self._parents is None:
            return chunks
        parents = sorted({trimmed(document.text, span) for span in self._parents.parents(document)})
        return [replace(chunk, parent=_holding(parents, chunk)) for chunk in chunks]

    def _with_contexts(self, document: Document, chunks: list[Chunk]) -> list[Chunk]:
        if self._mode == "none" and self._headers is None:
            return chunks
        spans = [(chunk.start, chunk.end) for chunk in chunks]
        headers = self._headers.headers(document, spans) if self._headers else [""] * len(chunks)
        wordings = [
            Wording(names(self._mode, document.title, chunk.heading_path), header)
            for chunk, header in zip(chunks, headers, strict=True)
        ]
        fitter = Fitter(self._ruler, wordings)
        return [self._fitted(chunk, wording, fitter) for chunk, wording in zip(chunks, wordings, strict=True)]

    def _fitted(self, chunk: Chunk, wording: Wording, fitter: Fitter) -> Chunk:
        window = self._ruler.tokenizer.window - self._ruler.tokenizer.special_tokens
        room = window - chunk.tokens
        while True:
            context, cut = fitter.fit(wording, room)
            candidate = replace(chunk, context=context, context_cut=cut)
            if not context or self._ruler.exact:  # context and text meet at white space: their counts add up
                return candidate
            excess = self._ruler.tokenizer.counts([candidate.embedded_text])[0] - window
            if excess <= 0:
                return candidate
            room -= excess


def _holding(parents: list[Span], chunk: Chunk) -> Span | None:
    """The parent that contains the chunk, of spans in order that do not overlap."""
    index = bisect_right(parents, (chunk.start, chunk.end)) - 1
    candidates = parents[max(index, 0) : index + 2]  # a parent with the chunk's start, but a later end, sorts behind it
    return next((parent for parent in candidates if parent[0] <= chunk.start and chunk.end <= parent[1]), None)
