"""What somebody writes in an afternoon: hashes of files in a JSON file, a splitter, an encoder, Qdrant; no failure is caught."""

from __future__ import annotations

import hashlib
import json
import sys
import uuid
from pathlib import Path

import model
from langchain_text_splitters import RecursiveCharacterTextSplitter
from qdrant_client import QdrantClient
from qdrant_client import models as q

corpus, state, backend = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
state.mkdir(parents=True, exist_ok=True)
manifest = state / "hashes.json"
known = json.loads(manifest.read_text()) if manifest.exists() else {}
contents = {str(file.relative_to(corpus)): file.read_bytes() for file in sorted(corpus.rglob("*.md"))}
hashes = {uri: hashlib.sha256(content).hexdigest() for uri, content in contents.items()}
changed = [uri for uri in contents if known.get(uri) != hashes[uri]]
gone = [uri for uri in known if uri not in hashes]
if changed or gone:
    client = QdrantClient(path=str(state / "qdrant"))
    if not client.collection_exists("c"):
        client.create_collection("c", q.VectorParams(size=384, distance=q.Distance.DOT))
    stale = [uri for uri in [*changed, *gone] if uri in known]
    if stale:
        client.delete("c", q.Filter(must=[q.FieldCondition(key="uri", match=q.MatchAny(any=stale))]))
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=model.MAX_TOKENS, chunk_overlap=model.OVERLAP_TOKENS, length_function=model.tokens
    )
    chunks = [(uri, text) for uri in changed for text in splitter.split_text(contents[uri].decode("utf-8", "replace"))]
    if chunks:
        vectors = (model.fast() if backend == "fast" else model.own())([text for _, text in chunks])
        points = [
            q.PointStruct(id=str(uuid.uuid4()), vector=vector.tolist(), payload={"uri": uri, "text": text})
            for (uri, text), vector in zip(chunks, vectors, strict=True)
        ]
        client.upload_points("c", points, batch_size=256)
    client.close()
    manifest.write_text(json.dumps(hashes))
print(json.dumps({"embedded": model.texts}))
