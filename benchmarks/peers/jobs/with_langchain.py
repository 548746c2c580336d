"""LangChain's indexing API (SQLRecordManager, cleanup="full"), as its guide has it."""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path

import model
from langchain_classic.indexes import SQLRecordManager, index
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_qdrant import QdrantVectorStore
from langchain_text_splitters import RecursiveCharacterTextSplitter
from qdrant_client import QdrantClient
from qdrant_client import models as q

corpus, state, backend = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
state.mkdir(parents=True, exist_ok=True)


class Given(Embeddings):
    """Loaded when the first text comes."""

    encode = None

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        if self.encode is None:
            self.encode = model.fast() if backend == "fast" else model.own()
        return self.encode(texts).tolist()

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def key(document: Document) -> str:
    """Qdrant takes UUIDs, and sha256 of the library is none."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([document.page_content, document.metadata], sort_keys=True)))


client = QdrantClient(path=str(state / "qdrant"))
if not client.collection_exists("c"):
    client.create_collection("c", q.VectorParams(size=384, distance=q.Distance.COSINE))
store = QdrantVectorStore(client, "c", Given(), validate_collection_config=False)
records = SQLRecordManager("qdrant/c", db_url=f"sqlite:///{state / 'records.sql'}")
records.create_schema()
splitter = RecursiveCharacterTextSplitter(
    chunk_size=model.MAX_TOKENS, chunk_overlap=model.OVERLAP_TOKENS, length_function=model.tokens
)
documents = [
    Document(file.read_text(encoding="utf-8", errors="replace"), metadata={"source": str(file.relative_to(corpus))})
    for file in sorted(corpus.rglob("*.md"))
]
index(
    splitter.split_documents(documents),
    records,
    store,
    cleanup="full",
    source_id_key="source",
    key_encoder=key,
    batch_size=256,
)
client.close()
print(json.dumps({"embedded": model.texts}))
