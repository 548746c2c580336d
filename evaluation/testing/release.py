"""A release in memory for tests of gates: documents, their chunks, a searcher that counts shared words, points read back.

Small enough to compute every figure by hand; honest about access unless it is told to leak.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.gates import GateContext, ReleaseView
from evaluation.protocols import TakenOver
from sluice.access import AccessTags, Principal
from sluice.ids import chunk_id, document_key, id_sum, text_hash
from sluice.points import StoredPoint, Vector
from sluice.records import Chunk, DocumentState, Hit, Status

PUBLIC = AccessTags({"public"})


@dataclass(frozen=True)
class Doc:
    """A document: `text` is what the release holds of it (None: nothing), `raw` what the source holds (default: the same).

    `earlier` are texts of versions before that.
    """

    uri: str
    text: str | None
    tags: AccessTags = PUBLIC
    source: str = "s"
    raw: str | None = None
    status: Status = "active"
    earlier: tuple[str, ...] = ()

    @property
    def state(self) -> DocumentState:
        return DocumentState(document_key(self.source, self.uri), self.source, self.uri, self.status, version="v", tags=self.tags)


@dataclass(frozen=True)
class _Held:
    chunks: int
    ids: int
    tags: frozenset[AccessTags]


@dataclass
class Release:
    """Documents cut at blank lines, as the protocols of evaluation see them."""

    docs: Sequence[Doc]
    leaky: bool = False
    points: list[StoredPoint] = field(default_factory=list)
    searches: list[tuple[str, Principal, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.points = self.points or [self._point(doc, chunk) for doc in self.docs for chunk in self.cut(doc)]

    def cut(self, doc: Doc) -> list[Chunk]:
        key = doc.state.key
        return [
            Chunk(chunk_id(key, "paragraphs", m.start(), m[0]), key, m.start(), m.end(), m[0], len(m[0].split()))
            for m in re.finditer(r"\S+(?: \S+|\n(?!\n)\S+)*", doc.text or "")
            if doc.status == "active"
        ]

    def _point(self, doc: Doc, chunk: Chunk) -> StoredPoint:
        payload: dict[str, Any] = {
            "document_key": chunk.document_key,
            "uri": doc.uri,
            "source": doc.source,
            "title": doc.uri.removesuffix(".md"),
            "start": chunk.start,
            "end": chunk.end,
            "text": chunk.text,
            "text_hash": text_hash(chunk.embedded_text),
            "tokens": chunk.tokens,
            "access_tags": sorted(doc.tags),
            "language": "en",
        }
        return StoredPoint(chunk.id, payload, vector(payload["text_hash"]))

    # LabelledDocuments
    def find(self, uri: str, source: str | None) -> list[DocumentState]:
        return [doc.state for doc in self.docs if doc.uri == uri and source in (None, doc.source)]

    def _doc(self, state: DocumentState) -> Doc:
        return next(doc for doc in self.docs if doc.state.key == state.key)

    def text(self, state: DocumentState) -> str | None:
        return self._doc(state).text

    def texts(self, states: Sequence[DocumentState]) -> dict[str, str]:
        return {state.key: text for state in states if (text := self.text(state)) is not None}

    def version(self, state: DocumentState) -> str | None:
        text = self.text(state)
        return None if text is None else text_hash(text)

    def raw_text(self, state: DocumentState) -> str | None:
        doc = self._doc(state)
        return doc.text if doc.raw is None else doc.raw

    def earlier(self, states: Sequence[DocumentState]) -> dict[str, tuple[str, ...]]:
        return {state.key: texts for state in states if (texts := self._doc(state).earlier)}

    # ExpectedChunks
    def chunks(self, documents: Collection[str] | None = None) -> Iterator[tuple[DocumentState, Sequence[Chunk]]]:
        for doc in self.docs:
            if doc.status == "active" and (documents is None or doc.state.key in documents):
                yield doc.state, self.cut(doc)

    def taken_over(self, documents: Collection[str] | None = None) -> TakenOver:
        """These documents (all of them) as taken over from a release that held the same."""
        held: dict[str, _Held] = {}
        for point in self.points:
            was = held.get(point.payload["document_key"], _Held(0, 0, frozenset()))
            tags = was.tags | {AccessTags(point.payload["access_tags"])}
            held[point.payload["document_key"]] = _Held(was.chunks + 1, was.ids ^ id_sum([point.id])[1], tags)
        keys = {doc.state.key for doc in self.docs} if documents is None else documents
        return TakenOver(keys, held, lambda: [(state, id_sum(c.id for c in chunks)) for state, chunks in self.chunks()])

    # ReleasePoints
    def scan(
        self,
        fields: Sequence[str] = (),
        *,
        vectors: bool = False,
        readable_by: AccessTags | None = None,
        documents: Collection[str] | None = None,
    ) -> Iterator[StoredPoint]:
        for point in self.points:
            if documents is not None and point.payload["document_key"] not in documents:
                continue
            if readable_by is None or self.leaky or not readable_by.isdisjoint(point.payload["access_tags"]):
                payload = {name: point.payload[name] for name in fields if name in point.payload}
                yield replace(point, payload=payload, dense=point.dense if vectors else None)

    # Searcher
    def search(self, query: str, principal: Principal, k: int) -> list[Hit]:
        self.searches.append((query, principal, k))
        return self._ranked(query, principal)[:k]

    def search_documents(self, query: str, principal: Principal, k: int) -> list[Hit]:
        self.searches.append((query, principal, k))
        best: dict[str, Hit] = {}
        for hit in self._ranked(query, principal):
            best.setdefault(hit.document_key, hit)
        return list(best.values())[:k]

    def search_both(self, query: str, principal: Principal, documents: int, chunks: int) -> tuple[list[Hit], list[Hit]]:
        return self.search_documents(query, principal, documents), self.search(query, principal, chunks)

    def _ranked(self, query: str, principal: Principal) -> list[Hit]:
        words = _words(query)
        hits = []
        for point in self.points:
            held = point.payload
            score = len(words & _words(held["text"]))
            if score and (self.leaky or principal.may_read(held["access_tags"])):
                hits.append(_hit(point.id, held, float(score)))
        return sorted(hits, key=lambda hit: (-hit.score, hit.uri, hit.start))

    @property
    def tags(self) -> AccessTags:
        return AccessTags(tag for point in self.points for tag in point.payload["access_tags"])

    def view(self, id: str = "r1") -> ReleaseView:
        return ReleaseView(id, self, self, self.tags)


def context(release: Release, **changes: Any) -> GateContext:
    """The context of a candidate without a live release; its tags are the known ones."""
    given: dict[str, Any] = {
        "candidate": release.view(),
        "points": release,
        "expected": release,
        "known_tags": release.tags,
        "dimension": 2,
        "recalls": lambda readers, queries, k: {tags: [1.0] * len(queries) for tags in readers},  # its searches are exact
    }
    return GateContext(**(given | changes))


def vector(hashed: str) -> Vector:
    """A unit vector for a text's hash; other texts have others."""
    angle = int(hashed[:8], 16) / 2**32 * math.tau
    return np.array([math.cos(angle), math.sin(angle)], dtype=np.float32)


def write_lines(path: Path, *lines: Mapping[str, Any] | str) -> Path:
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n", encoding="utf-8")
    return path


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def _hit(id: str, held: Mapping[str, Any], score: float) -> Hit:
    return Hit(
        chunk_id=id,
        document_key=held["document_key"],
        uri=held["uri"],
        source=held["source"],
        title="",
        score=score,
        start=held["start"],
        end=held["end"],
        text=held["text"],
        heading_path=(),
        page=None,
        language="en",
        access_tags=tuple(held["access_tags"]),
        metadata={},
        release="r1",
    )
