"""LlamaIndex's IngestionPipeline with a document store (upserts and deletes), as its guide has it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import model
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import Document
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.vector_stores.qdrant import QdrantVectorStore
from qdrant_client import QdrantClient

corpus, state, backend = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
state.mkdir(parents=True, exist_ok=True)
held: dict[str, Any] = {}


class Given(BaseEmbedding):
    """Loaded when the first text comes."""

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        if "encode" not in held:
            held["encode"] = model.fast() if backend == "fast" else model.own()
        return held["encode"](texts).tolist()

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


client = QdrantClient(path=str(state / "qdrant"))
pipeline = IngestionPipeline(
    transformations=[
        SentenceSplitter(chunk_size=model.MAX_TOKENS, chunk_overlap=model.OVERLAP_TOKENS, tokenizer=model.ids),
        Given(embed_batch_size=256 if backend == "fast" else 32),
    ],
    docstore=SimpleDocumentStore(),
    vector_store=QdrantVectorStore("c", client=client),
    docstore_strategy=DocstoreStrategy.UPSERTS_AND_DELETE,
)
if (state / "pipeline").exists():
    pipeline.load(str(state / "pipeline"))
documents = [
    Document(text=file.read_text(encoding="utf-8", errors="replace"), id_=str(file.relative_to(corpus)))
    for file in sorted(corpus.rglob("*.md"))
]
pipeline.run(documents=documents)
pipeline.persist(str(state / "pipeline"))
client.close()
print(json.dumps({"embedded": model.texts}))
