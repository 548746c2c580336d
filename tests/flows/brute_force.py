"""A model of access that looks at every chunk, and stores that are looked at after each of their writes.

The model is told what the rules are meant to say, in words of its own (a department and its tags), and which documents
were written in which collection; never what was written. What a reader may see, and which of it is nearest, it computes
from the chunks' texts, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.embed import CachedEmbedder
from indexing.protocols import Encoder
from pipeline.resources import Resources
from sluice.access import Principal
from sluice.points import Vector
from sluice.records import Hit
from sluice.settings import Settings

K = 5
SAME = 2e-6
"""Scores of which the store may rank either first: it rounds them to six places."""

READS = {
    *("read", "names", "scan", "open", "get", "get_all", "holding", "ids", "hashes", "references", "entries", "keys"),
    *("with_texts", "embedded"),
}

Masks = NDArray[np.uint32]


class Watched:
    """A store that says what it did after each call that may have changed something."""

    def __init__(self, target: Any, told: Callable[[str, tuple[Any, ...]], None]) -> None:
        self._target, self._told = target, told

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if not callable(found) or name in READS or name.startswith(("nearest", "with_texts")):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            result = found(*arguments, **named)
            self._told(name, arguments)
            return result

        return call


class WatchedStores:
    """The stores of an index, each of them watched but the lease."""

    def __init__(self, target: Any, told: Callable[[str, tuple[Any, ...]], None]) -> None:
        self.target, self._told = target, told

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.target, name)
        return found if name in ("lease", "database", "close", "room_for") else Watched(found, self._told)


class Counting:
    """An encoder that counts how many texts it was given to embed; queries are not counted."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder, self.texts = encoder, 0
        self.fingerprint, self.dimension = encoder.fingerprint, encoder.dimension

    def encode(self, texts: Sequence[str]) -> Vector:
        self.texts += len(texts)
        return self._encoder.encode(texts)

    def encode_query(self, text: str) -> Vector:
        return self._encoder.encode_query(text)


class WatchedResources(Resources):
    """A wiring whose writes are told to `told`, one by one, in the thread that made them."""

    def __init__(self, settings: Settings, told: Callable[[str, tuple[Any, ...]], None]) -> None:
        super().__init__(settings)
        self._told = told

    @cached_property
    def stores(self) -> Any:
        return WatchedStores(super().stores, self._told)

    @cached_property
    def embedder(self) -> CachedEmbedder:
        return CachedEmbedder(Counting(self.model.encoder), self.stores.vectors, tokenizer=self.model.tokenizer)


@dataclass
class Collection:
    """Every chunk of one release: its document and its text; and each text's likeness to each query."""

    place: dict[str, int]
    document: NDArray[np.intp]
    text: NDArray[np.intp]
    documents: dict[str, int]
    uris: list[str]
    scores: NDArray[np.float64]
    """Shape (queries, distinct texts)."""
    best: dict[tuple[int, int, bytes], tuple[float, ...]] = field(default_factory=dict)

    def readable(self, masks: Masks, reader: int) -> NDArray[np.bool_]:
        """Which distinct texts somebody may read: one of the documents that hold it shares a tag with them."""
        found = np.zeros(self.scores.shape[1], dtype=np.bool_)
        found[self.text[(masks[self.document] & reader) != 0]] = True
        return found

    def nearest(self, masks: Masks, reader: int, query: int) -> tuple[float, ...]:
        """The scores of the K nearest texts that may be read, best first, by looking at all of them."""
        key = (reader, query, masks.tobytes())
        if key not in self.best:
            if len(self.best) > 20_000:
                self.best.clear()
            scores = self.scores[query][self.readable(masks, reader)]
            self.best[key] = tuple(np.sort(scores)[::-1][:K])
        return self.best[key]


@dataclass(frozen=True, slots=True)
class State:
    """What readers can be shown at one moment: which collection is live, and each document's tags in each collection."""

    live: str | None
    masks: Mapping[str, Masks]


@dataclass
class Model:
    """What is true, moment by moment; `meant` gives the tags that a document is meant to have now, by its uri."""

    meant: Callable[[str], Iterable[str]]
    tags: Sequence[str]
    queries: Vector
    index: str
    collections: dict[str, Collection] = field(default_factory=dict)
    states: list[State] = field(default_factory=lambda: [State(None, {})])
    written: list[tuple[str, str]] = field(default_factory=list)
    """Each write of tags in order: the collection, and whether it revoked or granted."""
    too_early: list[str] = field(default_factory=list)
    """Documents of a release that went live before they had the tags that they are meant to have."""

    @property
    def now(self) -> State:
        return self.states[-1]

    def bits(self, tags: Iterable[str]) -> int:
        return sum(1 << self.tags.index(tag) for tag in set(tags))

    def hold(self, name: str, points: Iterable[Any], encoder: Encoder) -> None:
        """Take in a complete release; its documents have the tags that they are meant to have."""
        texts: dict[str, int] = {}
        documents: dict[str, int] = {}
        place, document, text, uris = {}, [], [], []
        for number, point in enumerate(points):
            held = point.payload
            place[point.id] = number
            if held["document_key"] not in documents:
                documents[held["document_key"]] = len(documents)
                uris.append(held["uri"])
            document.append(documents[held["document_key"]])
            text.append(texts.setdefault(held["text"], len(texts)))
        vectors = encoder.encode(list(texts)).astype(np.float64)
        scores = self.queries.astype(np.float64) @ vectors.T
        self.collections[name] = Collection(place, np.array(document), np.array(text), documents, uris, scores)
        masks = np.array([self.bits(self.meant(uri)) for uri in uris], dtype=np.uint32)
        self.states.append(State(self.now.live, {**self.now.masks, name: masks}))

    def wrote_tags(self, name: str, keys: Iterable[str]) -> None:
        """Tags of these documents were written: from now on they are what they are meant to be, whatever was written."""
        if name not in self.collections:
            return
        held, before = self.collections[name], self.now.masks[name]
        after = before.copy()
        for key in keys:
            if key in held.documents:
                after[held.documents[key]] = self.bits(self.meant(held.uris[held.documents[key]]))
        self.written.append((name, "revoked" if (before & ~after).any() else "granted"))
        self.states.append(State(self.now.live, {**self.now.masks, name: after}))

    def switched(self, changes: Mapping[str, str | None]) -> None:
        """The alias moved: what is live now must have the tags of now."""
        live = changes.get(self.index)
        if live is not None:
            self.too_early += [entry for entry in self.behind() if entry.startswith(live)]
            self.states.append(State(live, self.now.masks))

    def behind(self) -> list[str]:
        """Documents whose tags are not, in every collection, what they are meant to be."""
        return [
            f"{name}: {uri}"
            for name, held in self.collections.items()
            for uri, mask in zip(held.uris, self.now.masks[name], strict=True)
            if mask != self.bits(self.meant(uri))
        ]

    def agrees(self, hits: Sequence[Hit], reader: Principal, query: int, name: str, masks: Masks) -> bool:
        """Whether these are the nearest that this reader may see in this collection under these tags, and nothing else."""
        held, may = self.collections[name], self.bits(reader.tags)
        expected = held.nearest(masks, may, query)
        if len(hits) != len(expected):
            return False
        seen = set()
        for hit, score in zip(hits, expected, strict=True):
            number = held.place.get(hit.chunk_id)
            if number is None:
                return False
            document, text = held.document[number], held.text[number]
            shown = (held.uris[document], self.bits(hit.access_tags))
            right = (hit.uri, int(masks[document]))
            if not masks[document] & may or shown != right or text in seen or abs(held.scores[query][text] - score) > SAME:
                return False
            seen.add(text)
        return True
