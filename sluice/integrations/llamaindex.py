"""A LlamaIndex retriever: `pip install 'sluice[llamaindex]'`."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeRelationship, NodeWithScore, QueryBundle, RelatedNodeInfo, TextNode

from sluice.access import Principal
from sluice.integrations import asked_by, cited, told
from sluice.library import Searcher
from sluice.records import Hit


class SluiceRetriever(BaseRetriever):
    """Finds what one principal may read: make one for each person who asks, they cost nothing, and share the searcher.

    A node's id is the chunk's, its source the document's key, its metadata the fields of a `Hit` but for text and score. A
    language model is shown `title`, `uri` and `heading_path` of it, an embedding model nothing. `narrowed` is what
    `Searcher.search` takes further: `sources`, `languages`, `since`, `until`. Raises TypeError without a principal,
    ConfigurationError for anything else in its place.
    """

    def __init__(self, searcher: Searcher, principal: Principal, k: int = 5, **narrowed: Any) -> None:
        super().__init__()
        self._searcher, self._principal, self._k, self._narrowed = searcher, asked_by(principal), k, narrowed

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = self._searcher.search(query_bundle.query_str, self._principal, self._k, **self._narrowed)
        return [_node(hit) for hit in found]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = await self._searcher.asearch(query_bundle.query_str, self._principal, self._k, **self._narrowed)
        return [_node(hit) for hit in found]


def _node(hit: Hit) -> NodeWithScore:
    metadata = cited(hit) | told(hit)
    node = TextNode(
        id_=hit.chunk_id,
        text=hit.text,
        start_char_idx=hit.start,
        end_char_idx=hit.end,
        metadata=metadata,
        excluded_llm_metadata_keys=[name for name in metadata if name not in told(hit)],
        excluded_embed_metadata_keys=list(metadata),
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=hit.document_key)},
    )
    return NodeWithScore(node=node, score=hit.score)
