"""10,000 searches by random readers against a model that looks at every point, also in the middle of an access sync."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexing.access_sync import CurrentAccess, sync
from indexing.search import Searcher
from sluice.access import AccessTags, Principal
from sluice.points import Point, Vector
from sluice.settings import SearchSettings
from stores.edge.store import EdgeStore

pytestmark = pytest.mark.slow

DEPARTMENTS = [f"department-{n}" for n in range(12)]
DOCUMENTS, CHUNKS, DIMENSION, K, PAIRS = 60, 4, 256, 4, 2_000


class Signs:
    """A text is a seed: a unit vector of 256 signs, whose products are exact in float32, so that ties are ties."""

    fingerprint, dimension = "signs", DIMENSION

    def encode(self, texts: Iterable[str]) -> Vector:
        return np.stack([self.encode_query(text) for text in texts])

    def encode_query(self, text: str) -> Vector:
        signs = np.random.default_rng(int(text)).integers(0, 2, DIMENSION) * 2 - 1
        vector: Vector = (signs / np.sqrt(DIMENSION)).astype(np.float32)
        return vector


@dataclass
class Model:
    """Every point and its document's present tags; implements what `sync` needs of a store, and looks after each write."""

    store: EdgeStore
    points: list[Point]
    tags: dict[str, AccessTags]
    check: Any = None
    writes: int = 0
    matrix: Vector = field(init=False)

    def __post_init__(self) -> None:
        self.matrix = np.stack([point.dense for point in self.points])

    def scan(self, *arguments: Any, **named: Any) -> Any:
        return self.store.scan(*arguments, **named)

    def retag(self, collection: str, wanted: Mapping[str, AccessTags]) -> None:
        keys = list(wanted)
        for part in (keys[0::3], keys[1::3], keys[2::3]):  # as a store may that does it in parts
            some = {key: wanted[key] for key in part}
            self.store.retag(collection, some)
            self.tags |= some
            self.writes += 1
            self.check()

    def nearest(self, query: Vector, principal: Principal) -> list[str]:
        """The ids of the K best points that may be read, by looking at all of them."""
        scores = self.matrix @ query
        readable = [n for n, p in enumerate(self.points) if principal.may_read(self.tags[p.payload["document_key"]])]
        return [self.points[n].id for n in sorted(readable, key=lambda n: (-round(float(scores[n]), 6), self.points[n].id))[:K]]


def test_two_thousand_searches_agree_with_looking_at_everything(tmp_path: Path) -> None:
    """12 departments, readers of one to three of them or of none, rules that change in between: 0 differences."""
    rng, encoder = np.random.default_rng(7), Signs()

    def some() -> AccessTags:
        return AccessTags(rng.choice(DEPARTMENTS, size=rng.integers(0, 3), replace=False))

    store = EdgeStore(tmp_path / "qdrant")
    store.create("c", dimension=DIMENSION, sparse=False)
    tags = {f"d{n}": some() for n in range(DOCUMENTS)}
    about = {"uri": "u", "source": "s", "title": "", "start": 0, "end": 1, "heading_path": [], "page": None, "language": "en"}
    points = [
        Point(
            f"00000000-0000-0000-0000-{n:012}",
            encoder.encode_query(str(n)),
            {**about, "document_key": key, "access_tags": sorted(tags[key]), "text": str(n), "metadata": {}, "release": "r"},
        )
        for n, key in enumerate(key for key in tags for _ in range(CHUNKS))
    ]
    store.upsert("c", points)
    searcher = Searcher(store, "c", encoder, SearchSettings())
    readers = [Principal.of(rng.choice(DEPARTMENTS, size=rng.integers(0, 4), replace=False)) for _ in range(40)]
    queries = [encoder.encode_query(str(1000 + n)) for n in range(50)]
    asked = differences = 0
    model = Model(store, points, tags)

    def compare(pairs: int) -> None:
        nonlocal asked, differences
        for _ in range(min(pairs, PAIRS - asked)):
            reader, query = readers[rng.integers(len(readers))], int(rng.integers(len(queries)))
            hits = [hit.chunk_id for hit in searcher.search(str(1000 + query), reader, K)]
            differences += hits != model.nearest(queries[query], reader)
            asked += 1

    model.check = lambda: compare(20)
    compare(200)
    while asked < PAIRS:  # a new set of rules, applied department by department, and looked at after every step
        sync(model, "c", CurrentAccess({key: some() for key in tags}, ""))  # type: ignore[arg-type]
        compare(60)
    store.close()
    assert (asked, differences) == (PAIRS, 0)
    assert model.writes > 50
