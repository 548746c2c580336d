"""A strategy's spans as chunks: lawful, identified, under their headings, with a context that fits the window."""

from __future__ import annotations

from bisect import bisect_right

from chunking.contexts import VERSION as CONTEXT_VERSION
from chunking.contexts import Fitter, Mode, Wording, names, sizes_within
from chunking.fitting import fitted
from chunking.outline import Outline
from chunking.protocols import HasHeaders, HasParents, Strategy
from chunking.spans import Ruler, Span, trimmed
from sluice.errors import NOT_CUT, DocumentError
from sluice.ids import chunk_id, digest
from sluice.records import Chunk, Document

VERSION = 2
"""Raised whenever the same spans of a strategy would give other chunks."""


class DocumentChunker:
    """Chunks that obey the laws, whatever the strategy returns.

    Every chunk is a trimmed span of its document with 1 to `max_tokens` tokens, counted on its own; no span occurs
    twice; chunks are ordered by (start, end). A larger span is split further, between tokens. `fingerprint` covers
    the strategy, the context and the tokenizer; a chunk's id only the strategy, so that a context, which is not part
    of a chunk's identity, leaves ids alone. `chunk` raises DocumentError when a strategy leaves the document, and
    when a single character is larger than `max_tokens`.
    """

    def __init__(self, strategy: Strategy, ruler: Ruler, *, max_tokens: int, context: Mode = "none") -> None:
        self._strategy = strategy
        self._ruler = ruler
        self._max_tokens = max_tokens
        self._mode: Mode = context
        self._identity = digest("chunks", VERSION, strategy.fingerprint)
        self._parents = strategy if isinstance(strategy, HasParents) else None
        self._headers = strategy if isinstance(strategy, HasHeaders) else None
        self.fingerprint = digest("chunker", VERSION, strategy.fingerprint, context, CONTEXT_VERSION, ruler.tokenizer.fingerprint)

    def chunk(self, document: Document) -> list[Chunk]:
        text = document.text
        spans = self._strategy.split(document)
        for start, end in spans:
            if not 0 <= start <= end <= len(text):
                raise DocumentError(
                    NOT_CUT,
                    f"{type(self._strategy).__name__} cut {document.uri} at ({start}, {end}), "
                    f"but its text has {len(text)} characters",
                    hint="run chunking.testing.StrategySuite on the strategy",
                )
        sized = fitted(self._ruler, text, spans, self._max_tokens)
        places = [span for span, _ in sized]
        outline = Outline(document)
        paths = [outline.path(place) for place in places]
        contexts = self._contexts(document, outline, sized, paths)
        parents = self._parents_of(document, places)
        return [
            Chunk(
                id=chunk_id(document.key, self._identity, start, text[start:end]),
                document_key=document.key,
                start=start,
                end=end,
                text=text[start:end],
                tokens=tokens,
                context=context,
                context_cut=cut,
                heading_path=path,
                page=outline.page((start, end)),
                parent=parent,
            )
            for ((start, end), tokens), path, (context, cut), parent in zip(sized, paths, contexts, parents, strict=True)
        ]

    def _parents_of(self, document: Document, places: list[Span]) -> list[Span | None]:
        """For each place the parent of the strategy that contains it; None where there is none."""
        if self._parents is None:
            return [None] * len(places)
        parents = sorted({trimmed(document.text, span) for span in self._parents.parents(document)})
        return [_holding(parents, place) for place in places]

    def _contexts(
        self, document: Document, outline: Outline, sized: list[tuple[Span, int]], paths: list[tuple[str, ...]]
    ) -> list[tuple[str, bool]]:
        """The context of each span, and whether it was cut."""
        if self._mode == "none" and self._headers is None:
            return [("", False)] * len(sized)
        headers = self._headers.headers(document, [span for span, _ in sized]) if self._headers else [""] * len(sized)
        wordings = [Wording(names(self._mode, document.title, path), header) for path, header in zip(paths, headers, strict=True)]
        fitter = Fitter(self._ruler, sizes_within(self._ruler, document, outline))
        return [
            self._context(document.text[slice(*span)], tokens, wording, fitter)
            for (span, tokens), wording in zip(sized, wordings, strict=True)
        ]

    def _context(self, text: str, tokens: int, wording: Wording, fitter: Fitter) -> tuple[str, bool]:
        window = self._ruler.tokenizer.window - self._ruler.tokenizer.special_tokens
        room = window - tokens
        while True:
            context, cut = fitter.fit(wording, room)
            if not context or self._ruler.exact:  # context and text meet at white space: their counts add up
                return context, cut
            excess = self._ruler.tokenizer.counts([f"{context}\n\n{text}"])[0] - window
            if excess <= 0:
                return context, cut
            room -= excess


def _holding(parents: list[Span], place: Span) -> Span | None:
    """The parent that contains the place, of spans in order that do not overlap."""
    index = bisect_right(parents, place) - 1
    candidates = parents[max(index, 0) : index + 2]  # a parent with the same start, but a later end, sorts behind the place
    return next((parent for parent in candidates if parent[0] <= place[0] and place[1] <= parent[1]), None)
