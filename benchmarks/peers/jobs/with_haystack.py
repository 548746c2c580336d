"""Haystack's splitter, embedder and writer (DuplicatePolicy.OVERWRITE): it has no notion of what is unchanged or gone."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import model
from haystack import Document, Pipeline, component
from haystack.components.preprocessors import DocumentSplitter
from haystack.components.writers import DocumentWriter
from haystack.document_stores.types import DuplicatePolicy
from haystack_integrations.document_stores.qdrant import QdrantDocumentStore

corpus, state, backend = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
state.mkdir(parents=True, exist_ok=True)


@component
class Given:
    """Embeds every document it is handed."""

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, list[Document]]:
        encode = model.fast() if backend == "fast" else model.own()
        for document, vector in zip(documents, encode([d.content for d in documents]), strict=True):
            document.embedding = vector.tolist()
        return {"documents": documents}


store = QdrantDocumentStore(path=str(state / "qdrant"), index="c", embedding_dim=384, similarity="cosine")
pipeline = Pipeline()
pipeline.add_component("split", DocumentSplitter(split_by="word", split_length=150, split_overlap=15))
pipeline.add_component("embed", Given())
pipeline.add_component("write", DocumentWriter(store, policy=DuplicatePolicy.OVERWRITE))
pipeline.connect("split", "embed")
pipeline.connect("embed", "write")
documents = [
    Document(content=file.read_text(encoding="utf-8", errors="replace"), meta={"uri": str(file.relative_to(corpus))})
    for file in sorted(corpus.rglob("*.md"))
]
pipeline.run({"split": {"documents": [d for d in documents if d.content.strip()]}})
print(json.dumps({"embedded": model.texts}))
