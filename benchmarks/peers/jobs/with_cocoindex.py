"""CocoIndex v1: one component a file, chunks memoised, points declared into Qdrant, as its Qdrant example has it."""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import sys
import uuid
from collections.abc import AsyncIterator
from typing import Any

import model
import numpy as np

corpus, state, backend = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
state.mkdir(parents=True, exist_ok=True)
os.environ["COCOINDEX_DB"] = str(state / "coco.db")

import cocoindex as coco  # noqa: E402
from cocoindex.connectors import localfs, qdrant  # noqa: E402
from cocoindex.ops.text import RecursiveSplitter  # noqa: E402
from cocoindex.resources.file import FileLike, PatternFilePathMatcher  # noqa: E402
from cocoindex.resources.schema import VectorSchema  # noqa: E402
from qdrant_client import QdrantClient  # noqa: E402
from qdrant_client.http import models as q  # noqa: E402

CLIENT = coco.ContextKey[QdrantClient]("qdrant")
BYTES = 860
"""Of a chunk of 200 tokens in these texts: its splitter counts bytes."""

held: dict[str, Any] = {}
splitter = RecursiveSplitter()


@coco.lifespan
async def lifespan(builder: coco.EnvironmentBuilder) -> AsyncIterator[None]:
    client = QdrantClient(path=str(state / "qdrant"))
    builder.provide(CLIENT, client)
    yield
    client.close()


@coco.fn.as_async(batching=True, max_batch_size=256 if backend == "fast" else 64)
def _embed(texts: list[str]) -> list[Any]:
    if "encode" not in held:
        held["encode"] = model.fast() if backend == "fast" else model.own()
    return list(held["encode"](texts))


@coco.fn(memo=True)
async def embed(text: str) -> np.ndarray:
    return await _embed(text)


@coco.fn
async def chunk(text: str, number: int, uri: str, target: Any) -> None:
    vector = await embed(text)
    identity = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{uri}#{number}"))
    target.declare_point(q.PointStruct(id=identity, vector=vector.tolist(), payload={"uri": uri, "text": text}))


@coco.fn(memo=True)
async def process(file: FileLike, target: Any) -> None:
    text = await file.read_text()
    chunks = splitter.split(text, chunk_size=BYTES, chunk_overlap=90, language="markdown")
    uri = str(file.file_path.path)
    await asyncio.gather(*(chunk(c.text, n, uri, target) for n, c in enumerate(chunks)))


@coco.fn
async def main(source: pathlib.Path) -> None:
    vector = VectorSchema(dtype=np.dtype(np.float32), size=384)
    schema = await qdrant.CollectionSchema.create(qdrant.QdrantVectorDef(schema=vector))
    target = await qdrant.mount_collection_target(CLIENT, "c", schema)
    files = localfs.walk_dir(source, recursive=True, path_matcher=PatternFilePathMatcher(included_patterns=["**/*.md"]))
    await coco.mount_each(process, files.items(), target)


app = coco.App(coco.AppConfig(name="peers"), main, source=corpus)
app.update_blocking()
print(json.dumps({"embedded": model.texts}))
