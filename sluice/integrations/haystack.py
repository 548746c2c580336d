"""A Haystack component: `pip install 'sluice[haystack]'`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from haystack import Document, component

from sluice.access import Principal
from sluice.integrations import asked_by, cited
from sluice.library import Searcher
from sluice.records import Hit


@component
class SluiceRetriever:
    """Finds what a principal may read. A pipeline outlives a question, so the principal is an input of each run, mandatory.

    A document's `id` is the chunk's, its `meta` the fields of a `Hit` but for text and score. Haystack raises ValueError for
    a run without a principal, this ConfigurationError for anything else in its place. What a search raises: `sluice.Searcher`.
    """

    def __init__(self, searcher: Searcher, k: int = 5) -> None:
        self._searcher, self._k = searcher, k

    @component.output_types(documents=list[Document])
    def run(
        self,
        query: str,
        principal: Principal,
        k: int | None = None,
        sources: Sequence[str] = (),
        languages: Sequence[str] = (),
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> dict[str, Any]:
        found = self._searcher.search(
            query, asked_by(principal), k or self._k, sources=sources, languages=languages, since=since, until=until
        )
        return {"documents": [_document(hit) for hit in found]}

    @component.output_types(documents=list[Document])
    async def run_async(
        self,
        query: str,
        principal: Principal,
        k: int | None = None,
        sources: Sequence[str] = (),
        languages: Sequence[str] = (),
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> dict[str, Any]:
        found = await self._searcher.asearch(
            query, asked_by(principal), k or self._k, sources=sources, languages=languages, since=since, until=until
        )
        return {"documents": [_document(hit) for hit in found]}


def _document(hit: Hit) -> Document:
    return Document(id=hit.chunk_id, content=hit.text, score=hit.score, meta=cited(hit))
