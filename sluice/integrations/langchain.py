"""A LangChain retriever: `pip install 'sluice[langchain]'`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import InstanceOf, SkipValidation

from sluice.access import Principal
from sluice.integrations import cited
from sluice.library import Searcher
from sluice.records import Hit


class SluiceRetriever(BaseRetriever):
    """Finds what one principal may read: make one for each person who asks, they cost nothing, and share the searcher.

    A document's `id` is the chunk's; its metadata holds `score`, and the fields of a `Hit` but for the text. Without a
    principal, or with anything else in its place, pydantic's ValidationError. What a search raises: `sluice.Searcher`.
    """

    searcher: SkipValidation[Searcher]
    principal: InstanceOf[Principal]
    k: int = 5
    sources: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return [_document(hit) for hit in self.searcher.search(query, self.principal, self.k, **self._narrowed())]

    async def _aget_relevant_documents(self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun) -> list[Document]:
        return [_document(hit) for hit in await self.searcher.asearch(query, self.principal, self.k, **self._narrowed())]

    def _narrowed(self) -> dict[str, Any]:
        return {"sources": self.sources, "languages": self.languages, "since": self.since, "until": self.until}


def _document(hit: Hit) -> Document:
    return Document(id=hit.chunk_id, page_content=hit.text, metadata={"score": hit.score, **cited(hit)})
