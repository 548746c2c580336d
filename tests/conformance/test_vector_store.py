"""What every implementation of the vector store promises, and that an independent brute force agrees with it."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from qdrant_client import QdrantClient

from sluice.access import AccessTags
from sluice.errors import IntegrityError, ReleaseError
from sluice.points import Filters, Point, SparseVector, Vector, VectorQuery
from sluice.settings import QdrantSettings
from stores.edge.shards import SEGMENT_POINTS
from stores.edge.store import EdgeStore
from stores.qdrant.store import TAGS_BATCH, UNTUNED, QdrantStore
from tests.fakes import MemoryVectorStore
from tests.served import apart, serving_both

DIMENSION = 16
TAGS = ("public", "hr", "finance", "security")
NO_FILTER = Filters()


SERVERS = ["server", "server by grpc"] if "SLUICE_TEST_QDRANT_URL" in os.environ else []
"""A real server to run the suite on as well, by both its interfaces: gRPC's port is 6334 or SLUICE_TEST_QDRANT_GRPC_PORT."""


@pytest.fixture(scope="module")
def stand_in() -> Iterator[tuple[str, int]]:
    with serving_both() as served:
        yield served


def _server() -> tuple[str, int, str | None]:
    named = os.environ
    port = int(named.get("SLUICE_TEST_QDRANT_GRPC_PORT", "6334"))
    return named["SLUICE_TEST_QDRANT_URL"], port, named.get("SLUICE_TEST_QDRANT_API_KEY")


@pytest.fixture(params=["memory", "edge", "edge in segments", "local", "http", "grpc", *SERVERS])
def store(request: pytest.FixtureRequest, state_dir: Path) -> Iterator[Any]:
    """Each, empty: the fake; the embedded one, also as it is when it is large; qdrant-client's local mode, and the same by HTTP
    and by gRPC; a server.
    """
    match request.param:
        case "memory":
            yield MemoryVectorStore()
        case "edge" | "edge in segments":
            large = 40 if request.param != "edge" else SEGMENT_POINTS
            found = EdgeStore(state_dir / "qdrant", wait_s=0, segment_points=large)
            yield found
            found.close()
        case "local":
            yield QdrantStore("local mode", client=QdrantClient(":memory:"))
        case kind:
            url, port, key = _server() if kind in SERVERS else (*request.getfixturevalue("stand_in"), None)
            if kind == "grpc":
                url = "http://127.0.0.1:9"  # nobody is there: whatever went by REST would fail
            # Patient: the stand-in thinks for seconds about a batch, and on a busy machine for minutes.
            served = QdrantStore(url, api_key=key, timeout_s=600, tuning=QdrantSettings(grpc="grpc" in kind, grpc_port=port))
            with apart(served) as alone:
                yield alone
            served.close()


def unit(rng: np.random.Generator, count: int, dimension: int = DIMENSION) -> Vector:
    vectors = rng.standard_normal((count, dimension)).astype(np.float32)
    found: Vector = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return found


def corpus(count: int, seed: int = 7, *, per_document: int = 5, sparse: bool = False) -> list[Point]:
    rng = np.random.default_rng(seed)
    points = []
    for n, vector in enumerate(unit(rng, count)):
        terms = sorted(int(t) for t in rng.choice(40, size=6, replace=False))
        weights = SparseVector(tuple(terms), tuple(float(w) for w in rng.random(6).astype(np.float32)))
        payload = {
            "document_key": f"d{n // per_document}",
            "access_tags": sorted(str(t) for t in rng.choice(TAGS, size=int(rng.integers(0, 3)), replace=False)),
            "source": f"s{n % 3}",
            "language": ("en", "de")[n % 2],
            "modified": datetime(2026, 1 + n % 12, 1, tzinfo=UTC).isoformat() if n % 5 else None,
            "text": f"text {n}",
            "page": None,
            "metadata": {"a.b": n},
        }
        points.append(Point(str(uuid.UUID(int=int(rng.integers(1 << 60)))), vector, payload, weights if sparse else None))
    return points


def filled(store: Any, points: list[Point], name: str = "handbook__r1") -> str:
    store.create(name, dimension=DIMENSION, sparse=points[0].sparse is not None)
    store.upsert(name, points)
    return name


class TestCollections:
    def test_collections_come_and_go(self, store: Any) -> None:
        """Creating and dropping are idempotent; a collection that is made again is empty."""
        assert store.names() == []
        for _again in range(2):
            store.create("b", dimension=4, sparse=True)
            store.create("a", dimension=DIMENSION, sparse=False)
        assert store.names() == ["a", "b"]
        filled(store, corpus(3), "a")
        for _again in range(2):
            store.drop("a")
            assert store.names() == ["b"]
        store.create("a", dimension=DIMENSION, sparse=False)
        assert list(store.scan("a")) == []

    def test_a_clone_is_the_same_and_a_collection_of_its_own(self, store: Any) -> None:
        """Ids, payloads and vectors, through an alias too; changed apart; neither without a source nor over a target."""
        points = corpus(300, sparse=True)
        first = filled(store, points, "i__1")
        store.switch({"i": first})
        store.clone("i", "i__2")
        fields = ["text", "metadata", "access_tags", "document_key"]

        def held(name: str) -> list[Any]:
            return [(p.id, dict(p.payload), p.dense.tobytes()) for p in store.scan(name, fields, vectors=True)]

        assert held("i__2") == held(first)
        query = VectorQuery(points[0].dense, points[0].sparse)
        found = [store.nearest(name, query, AccessTags(TAGS), 5, NO_FILTER) for name in (first, "i__2")]
        assert [p.id for p in found[0]] == [p.id for p in found[1]]
        before = held(first)
        store.delete("i__2", ["d0", "d1"])
        store.set_tags("i__2", AccessTags({"new"}), ["d2"])
        assert held(first) == before
        with pytest.raises(ReleaseError, match="i__2"):
            store.clone(first, "i__2")
        with pytest.raises(ReleaseError, match="gone"):
            store.clone("gone", "i__3")
        assert store.names() == ["i__1", "i__2"]

    @pytest.mark.parametrize(("dimension", "sparse"), [(5, True), (4, False)])
    def test_another_shape_under_the_same_name_is_refused(self, store: Any, dimension: int, sparse: bool) -> None:
        """A collection of another model or mode is never written to."""
        store.create("a", dimension=4, sparse=True)
        with pytest.raises(IntegrityError, match="a"):
            store.create("a", dimension=dimension, sparse=sparse)

    def test_a_missing_collection_is_named(self, store: Any) -> None:
        """Reading, writing and searching what is not there is a ReleaseError, with or without tags."""
        query = VectorQuery(np.ones(DIMENSION, dtype=np.float32))
        for tags in (AccessTags(), AccessTags(["public"])):
            with pytest.raises(ReleaseError, match="gone"):
                store.nearest("gone", query, tags, 3, NO_FILTER)
            with pytest.raises(ReleaseError, match="gone"):
                store.nearest_documents("gone", query, tags, 3, NO_FILTER)
            with pytest.raises(ReleaseError, match="gone"):
                list(store.scan("gone", readable_by=tags))
        with pytest.raises(ReleaseError, match="gone"):
            store.upsert("gone", corpus(1))
        with pytest.raises(ReleaseError, match="gone"):
            store.set_tags("gone", AccessTags(), ["d0"])


class TestClones:
    def test_a_clone_is_the_same_and_lives_its_own_life(self, store: Any) -> None:
        """Ids, payloads, vectors, tags that were changed since, and answers; what is done to one is not seen in the other."""
        points = corpus(130, sparse=True)
        name, query = filled(store, points, "i__1"), VectorQuery(points[3].dense, points[4].sparse)
        store.switch({"i": name})
        store.set_tags(name, AccessTags(["z"]), ["d0"])
        store.clone("i", "i__2")
        assert store.names() == ["i__1", "i__2"]
        assert everything(store, "i__2") == everything(store, name)
        reader = AccessTags(["z", "hr"])
        before = store.nearest(name, query, reader, 30, NO_FILTER)
        assert store.nearest("i__2", query, reader, 30, NO_FILTER) == before

        store.delete("i__2", ["d1", "d2"])
        store.set_tags("i__2", AccessTags(), ["d3"])
        store.upsert("i__2", [replace(points[-1], payload={**points[-1].payload, "text": "changed"})])
        assert len(everything(store, "i__2")) == 120
        store.switch({"i": "i__2"})
        assert store.nearest(name, query, reader, 30, NO_FILTER) == before
        store.drop(name)
        assert len(everything(store, "i")) == 120

    def test_a_delta_on_a_clone_is_what_a_full_build_is(self, store: Any) -> None:
        """Documents replaced, removed and added: the same points, and the same answers in the same order, in every mode."""
        points, other = corpus(100, sparse=True), corpus(40, seed=11, sparse=True)
        changed = [replace(p, payload={**p.payload, "document_key": f"d{n // 5}"}) for n, p in enumerate(other[:20])]
        added = [replace(p, payload={**p.payload, "document_key": f"new{n // 5}"}) for n, p in enumerate(other[20:])]
        store.switch({"i": filled(store, points, "i__1")})
        store.clone("i__1", "i__2")
        store.delete("i__2", [f"d{n}" for n in range(6)])  # four that changed, two that are gone
        store.upsert("i__2", changed + added)
        full = filled(store, points[30:] + changed + added, "i__3")
        assert everything(store, "i__2") == everything(store, full)
        for tags in (AccessTags(["hr"]), AccessTags(TAGS)):
            for p in points[:5]:
                for query in (VectorQuery(p.dense), VectorQuery(sparse=p.sparse), VectorQuery(p.dense, p.sparse, 0.7)):
                    found = [(q.id, round(q.score, 5)) for q in store.nearest("i__2", query, tags, 20, NO_FILTER)]
                    assert found == [(q.id, round(q.score, 5)) for q in store.nearest(full, query, tags, 20, NO_FILTER)]

    def test_nothing_is_cloned_from_nothing_or_over_something(self, store: Any) -> None:
        """No such source, or a target that is there: ReleaseError, and both are as they were."""
        first, second = filled(store, corpus(4), "i__1"), filled(store, corpus(6), "i__2")
        with pytest.raises(ReleaseError, match="gone"):
            store.clone("gone", "i__3")
        with pytest.raises(ReleaseError, match="i__2"):
            store.clone(first, second)
        assert store.names() == ["i__1", "i__2"]
        assert len(everything(store, second)) == 6


def everything(store: Any, name: str) -> list[Any]:
    """Every point with its payload and vector."""
    fields = ["document_key", "access_tags", "source", "language", "modified", "text", "page", "metadata"]
    return [(p.id, p.payload, p.dense.tobytes()) for p in store.scan(name, fields, vectors=True)]


class TestAliases:
    def test_aliases_move(self, store: Any) -> None:
        """Set, moved and removed; an alias that is removed twice is no error; readers may use the name."""
        first, second = filled(store, corpus(4), "i__1"), filled(store, corpus(6), "i__2")
        store.switch({"i": first, "i__candidate": second})
        assert store.read() == {"i": first, "i__candidate": second}
        assert len(list(store.scan("i"))) == 4
        store.switch({"i": second, "i__candidate": None, "never": None})
        assert store.read() == {"i": second}
        assert len(list(store.scan("i"))) == 6
        store.switch({})
        store.switch({"i": second})
        assert store.read() == {"i": second}

    def test_no_alias_moves_where_a_collection_is_not_there(self, store: Any) -> None:
        """It is looked for first: every alias stays, also the one that is to move and those before it."""
        first, second = filled(store, corpus(4), "i__1"), filled(store, corpus(6), "i__2")
        store.switch({"i": first})
        for changes in ({"other": second, "i": "i__3"}, {"i": "i__3"}, {"i": None, "other": "i__3"}):
            with pytest.raises(ReleaseError, match="i__3"):
                store.switch(changes)
            assert store.read() == {"i": first}
        assert len(list(store.scan("i"))) == 4

    def test_an_alias_is_never_missing_while_it_moves(self, store: Any) -> None:
        """A reader that looks all the while finds one collection or the other."""
        first, second = filled(store, corpus(4), "i__1"), filled(store, corpus(6), "i__2")
        store.switch({"i": first})
        seen, done = set[str | None](), threading.Event()

        def look() -> None:
            while not done.is_set():
                seen.add(store.read().get("i"))

        reader = threading.Thread(target=look)
        reader.start()
        for _ in range(20):
            store.switch({"i": second})
            store.switch({"i": first})
        done.set()
        reader.join()
        assert seen <= {first, second}

    def test_a_dropped_collection_loses_its_aliases_only(self, store: Any) -> None:
        """Retention removes what no alias names; the live alias is untouched."""
        first, second = filled(store, corpus(4), "i__1"), filled(store, corpus(6), "i__2")
        store.switch({"i": second})
        store.drop(first)
        assert store.read() == {"i": second}


class TestTexts:
    def test_every_place_of_a_text_that_may_be_read(self, store: Any) -> None:
        """By id, with the fields that were asked for; nothing without tags, without texts, or beyond the filters."""
        points = [replace(p, payload={**p.payload, "text_id": f"t{n % 7}"}) for n, p in enumerate(corpus(120))]
        name = filled(store, points)
        readers, wanted = AccessTags({"hr", "public"}), ["t1", "t3", "t9"]
        for filters in (
            NO_FILTER,
            Filters(sources=("s1",)),
            Filters(languages=("de",), sources=("s0", "s2")),
            Filters(over=frozenset({"d1"})),
        ):
            found = store.with_texts(name, wanted, readers, filters, ["text_id", "document_key"])
            expected = sorted(
                (p.id, {"text_id": p.payload["text_id"], "document_key": p.payload["document_key"]})
                for p in points
                if p.payload["text_id"] in wanted
                and not readers.isdisjoint(p.payload["access_tags"])
                and p.payload["document_key"] not in filters.over
                and (not filters.sources or p.payload["source"] in filters.sources)
                and (not filters.languages or p.payload["language"] in filters.languages)
            )
            assert [(p.id, dict(p.payload)) for p in found] == expected
            assert expected
        assert store.with_texts(name, wanted, AccessTags(), NO_FILTER, ["text_id"]) == []
        assert store.with_texts(name, [], readers, NO_FILTER, ["text_id"]) == []


class TestPoints:
    def test_points_come_back_once_each_in_the_order_of_ids_bit_for_bit(self, store: Any) -> None:
        """Every vector and every payload field that was asked for, and no other."""
        points = corpus(2 * UNTUNED.batch + 3)
        name = filled(store, points)
        stored = list(store.scan(name, ["text", "metadata", "page", "access_tags"], vectors=True))
        assert [p.id for p in stored] == sorted(p.id for p in points)
        by_id = {p.id: p for p in points}
        for p in stored:
            assert p.dense.tobytes() == by_id[p.id].dense.tobytes()
            assert p.payload == {key: by_id[p.id].payload[key] for key in ("text", "metadata", "page", "access_tags")}
        bare = next(iter(store.scan(name)))
        assert (bare.payload, bare.dense) == ({}, None)

    def test_upserting_again_replaces(self, store: Any) -> None:
        """The number of points stays; vector and payload are the last ones."""
        points = corpus(10)
        name = filled(store, points)
        other = [replace(p, dense=-p.dense, payload={**p.payload, "text": "new"}) for p in points]
        store.upsert(name, other)
        store.upsert(name, [])
        stored = list(store.scan(name, ["text"], vectors=True))
        assert {p.payload["text"] for p in stored} == {"new"}
        assert {p.id: p.dense.tobytes() for p in stored} == {p.id: p.dense.tobytes() for p in other}

    def test_a_scan_as_a_reader_is_what_the_filter_admits(self, store: Any) -> None:
        """Exactly the points that share a tag; nobody reads nothing."""
        points = corpus(200)
        name = filled(store, points)
        for tags in ([], ["public"], ["hr", "security"], ["unknown"], list(TAGS)):
            seen = {p.id for p in store.scan(name, readable_by=AccessTags(tags))}
            assert seen == {p.id for p in points if not set(tags).isdisjoint(p.payload["access_tags"])}

    def test_a_scan_of_some_documents_is_theirs_and_of_nobody_else(self, store: Any) -> None:
        """However many are named, as whoever reads; a document that is not there has none, no documents have none."""
        points = corpus(1400, per_document=2)
        name = filled(store, points)
        assert store.count(name) == 1400
        for keys in ([], ["nobody"], ["d3"], [f"d{n}" for n in range(0, 700, 2)], [f"d{n}" for n in range(650)] + ["nobody"]):
            theirs = {p.id: p for p in points if p.payload["document_key"] in keys}
            seen = list(store.scan(name, ["text"], vectors=True, documents=keys))
            assert sorted(p.id for p in seen) == sorted(theirs)
            assert all(p.payload == {"text": theirs[p.id].payload["text"]} for p in seen)
            assert all(np.abs(p.dense - theirs[p.id].dense).max() < 1e-6 for p in seen)
            public = {p.id for p in store.scan(name, documents=keys, readable_by=AccessTags(["public"]))}
            assert public == {id for id, p in theirs.items() if "public" in p.payload["access_tags"]}
        store.delete(name, ["d3"])
        assert store.count(name) == 1398
        with pytest.raises(ReleaseError):
            store.count("nothing")

    def test_tags_are_replaced_for_every_point_of_a_document_and_nothing_else_changes(self, store: Any) -> None:
        """Search sees it at once; other documents, vectors and fields stay; no tags means nobody."""
        points = corpus(60)
        name = filled(store, points)
        store.set_tags(name, AccessTags(["z", "a"]), ["d0", "d3", "missing"])
        store.set_tags(name, AccessTags(), ["d1"])
        store.set_tags(name, AccessTags(["z"]), [])
        store.retag(name, {})
        for p in store.scan(name, list(points[0].payload), vectors=True):
            before = next(q for q in points if q.id == p.id)
            expected = {"d0": ["a", "z"], "d3": ["a", "z"], "d1": []}.get(before.payload["document_key"])
            assert p.payload == {**before.payload, **({} if expected is None else {"access_tags": expected})}
            assert p.dense.tobytes() == before.dense.tobytes()
        found = store.nearest_documents(name, VectorQuery(points[0].dense), AccessTags(["z"]), 9, NO_FILTER)
        assert {p.payload["document_key"] for p in found} == {"d0", "d3"}
        assert {p.payload["document_key"] for p in store.scan(name, ["document_key"], readable_by=AccessTags(TAGS))}.isdisjoint(
            {"d1"}
        )

    def test_tags_of_more_documents_than_a_batch(self, store: Any) -> None:
        """All of them, whichever number of requests that takes."""
        points = corpus(TAGS_BATCH + 40, per_document=1)
        name = filled(store, points)
        store.set_tags(name, AccessTags(["new"]), {p.payload["document_key"] for p in points})
        assert len(list(store.scan(name, readable_by=AccessTags(["new"])))) == len(points)

    def test_documents_may_each_be_given_tags_of_their_own_at_once(self, store: Any) -> None:
        """More of them than a batch; what is not there is no error, and who is not named keeps theirs."""
        points = corpus(TAGS_BATCH + 40, per_document=1)
        name = filled(store, points)
        keys = [p.payload["document_key"] for p in points]
        wanted = {key: AccessTags([] if n % 7 == 0 else [f"t{n}", f"u{n % 3}"]) for n, key in enumerate(keys[5:])}
        store.retag(name, {**wanted, "missing": AccessTags(["t1"])})
        kept = {p.payload["document_key"]: p.payload["access_tags"] for p in points[:5]}
        expected = kept | {key: sorted(tags) for key, tags in wanted.items()}
        assert {
            p.payload["document_key"]: p.payload["access_tags"] for p in store.scan(name, ["document_key", "access_tags"])
        } == (expected)
        assert [p.payload["document_key"] for p in store.scan(name, ["document_key"], readable_by=AccessTags(["t9"]))] == [
            keys[14]
        ]

    def test_deleted_documents_are_gone_and_the_others_are_as_they_were(self, store: Any) -> None:
        """No scan and no search finds a point of theirs, whoever asks; deleting what is not there is no error."""
        points = corpus(60)
        name = filled(store, points)
        before = {p.id: p.payload for p in store.scan(name, list(points[0].payload))}
        store.delete(name, ["d0", "d3", "missing"])
        store.delete(name, ["d0"])
        store.delete(name, [])
        after = {p.id: p.payload for p in store.scan(name, list(points[0].payload))}
        assert after == {id: held for id, held in before.items() if held["document_key"] not in ("d0", "d3")}
        found = store.nearest(name, VectorQuery(points[0].dense), AccessTags(TAGS), 100, NO_FILTER)
        assert {p.payload["document_key"] for p in found}.isdisjoint({"d0", "d3"})


class TestSearch:
    def test_dense_search_agrees_with_brute_force_for_every_reader(self, store: Any) -> None:
        """Same points, same order, scores that are the cosine; for chunks and for documents; through the filter."""
        points = corpus(300)
        name, rng = filled(store, points), np.random.default_rng(1)
        for query in unit(rng, 12):
            tags = AccessTags(str(t) for t in rng.choice(TAGS, size=int(rng.integers(1, 4)), replace=False))
            readable = [p for p in points if not tags.isdisjoint(p.payload["access_tags"])]
            ranked = sorted(readable, key=lambda p: (-round(float(p.dense @ query), 6), p.id))
            found = store.nearest(name, VectorQuery(query), tags, 10, NO_FILTER)
            assert [p.id for p in found] == [p.id for p in ranked[:10]]
            np.testing.assert_allclose([p.score for p in found], [p.dense @ query for p in ranked[:10]], atol=1e-6)
            assert found[0].payload == ranked[0].payload
            documents = list(dict.fromkeys(p.payload["document_key"] for p in ranked))
            best = store.nearest_documents(name, VectorQuery(query), tags, 7, NO_FILTER)
            assert [p.payload["document_key"] for p in best] == documents[:7]

    def test_without_tags_nothing_is_found(self, store: Any) -> None:
        """Default deny: no tags, unknown tags, and points without tags."""
        points = [replace(p, payload={**p.payload, "access_tags": []}) for p in corpus(5)]
        name = filled(store, points)
        for tags in ([], ["public"]):
            assert store.nearest(name, VectorQuery(points[0].dense), AccessTags(tags), 3, NO_FILTER) == []
            assert store.nearest_documents(name, VectorQuery(points[0].dense), AccessTags(tags), 3, NO_FILTER) == []

    def test_equal_scores_are_ordered_by_id_also_at_the_cut(self, store: Any) -> None:
        """Forty copies of one text: the same five are found every time, whatever order they were written in."""
        one = corpus(1)[0]
        copies = [
            replace(one, id=str(uuid.UUID(int=n + 1)), payload={**one.payload, "access_tags": ["a"], "document_key": f"d{n}"})
            for n in range(100)
        ]
        name = filled(store, [*copies[50:], *corpus(30, seed=3), *copies[:50]])
        for search in (store.nearest, store.nearest_documents):
            found = search(name, VectorQuery(one.dense), AccessTags(["a"]), 5, NO_FILTER)
            assert [p.id for p in found] == [p.id for p in copies[:5]]

    def test_children_of_one_parent_are_one_answer_also_in_points_of_old(self, store: Any) -> None:
        """By their text id, without one by the parent's text, without that by their own."""
        points = [replace(p, payload={**p.payload, "access_tags": ["a"]}) for p in corpus(6)]
        said = [{"text_id": "t"}, {"text_id": "t"}, {"parent_text": "whole"}, {"parent_text": "whole"}, {}, {}]
        points = [replace(p, payload={**p.payload, **more}) for p, more in zip(points, said, strict=True)]
        found = store.nearest_texts(filled(store, points), VectorQuery(points[0].dense), AccessTags(["a"]), 6, NO_FILTER)
        assert len(found) == 4

    def test_documents_are_found_behind_a_document_of_many_chunks(self, store: Any) -> None:
        """One document may hold all of the best hundred chunks, in dense and in hybrid search."""
        rng, points = np.random.default_rng(5), corpus(20, per_document=1, sparse=True)
        query = unit(rng, 1)[0]
        points = [replace(p, payload={**p.payload, "access_tags": ["a"]}) for p in points]
        crowd = [
            replace(points[0], id=str(uuid.UUID(int=n + 1)), dense=query, payload={**points[0].payload, "document_key": "crowd"})
            for n in range(400)
        ]
        name = filled(store, points + crowd)
        for form in (VectorQuery(query), VectorQuery(query, points[0].sparse)):
            found = store.nearest_documents(name, form, AccessTags(["a"]), 6, NO_FILTER)
            keys = [p.payload["document_key"] for p in found]
            assert keys[0] == "crowd"
            assert len(set(keys)) == 6
            texts = store.nearest_texts(name, form, AccessTags(["a"]), 9, NO_FILTER)
            assert [p.payload["text"] for p in texts[:1]] == ["text 0"]
            assert len({p.payload["text"] for p in texts}) == 9
            assert store.nearest_both(name, form, AccessTags(["a"]), 6, 9, NO_FILTER) == (found, texts)

    @pytest.mark.parametrize(
        "filters",
        [
            Filters(sources=("s1",)),
            Filters(languages=("de", "fr")),
            Filters(modified_since=datetime(2026, 6, 1, tzinfo=UTC)),
            Filters(modified_until=datetime(2026, 3, 1, tzinfo=UTC)),
            Filters(("s0", "s2"), ("en",), datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)),
            Filters(sources=("none",)),
        ],
    )
    def test_filters_narrow_and_never_widen(self, store: Any, filters: Filters) -> None:
        """Source, language and period, each and together; a document without a date is in no period."""
        points, reference = corpus(300), MemoryVectorStore()
        name = filled(store, points)
        filled(reference, points)
        tags = AccessTags(["hr", "public"])
        query = VectorQuery(points[0].dense)
        found = store.nearest(name, query, tags, 300, filters)
        assert [p.id for p in found] == [p.id for p in reference.nearest(name, query, tags, 300, filters)]
        assert all(not tags.isdisjoint(p.payload["access_tags"]) for p in found)
        assert len(found) < len(store.nearest(name, query, tags, 300, NO_FILTER))

    def test_sparse_and_hybrid_search_agree_with_brute_force(self, store: Any) -> None:
        """BM25 weights under the store's IDF; both fused by reciprocal rank; the filter holds inside and outside."""
        points, reference = corpus(250, sparse=True), MemoryVectorStore()
        name = filled(store, points)
        filled(reference, points)
        rng = np.random.default_rng(2)
        for dense in unit(rng, 8):
            terms = tuple(sorted(int(t) for t in rng.choice(45, size=4, replace=False)))
            sparse = SparseVector(terms, (1.0,) * 4)
            tags = AccessTags(str(t) for t in rng.choice(TAGS, size=2, replace=False))
            for query in (VectorQuery(sparse=sparse), VectorQuery(dense, sparse)):
                found = store.nearest(name, query, tags, 10, NO_FILTER)
                expected = reference.nearest(name, query, tags, 10, NO_FILTER)
                assert [p.id for p in found] == [p.id for p in expected]
                np.testing.assert_allclose([p.score for p in found], [p.score for p in expected], rtol=1e-4)
                documents = store.nearest_documents(name, query, tags, 5, NO_FILTER)
                assert [p.id for p in documents] == [p.id for p in reference.nearest_documents(name, query, tags, 5, NO_FILTER)]
                texts = store.nearest_texts(name, query, tags, 10, NO_FILTER)
                assert [p.id for p in texts] == [p.id for p in reference.nearest_texts(name, query, tags, 10, NO_FILTER)]
                assert store.nearest_both(name, query, tags, 5, 10, NO_FILTER) == (documents, texts)

    def test_what_a_reader_may_not_read_changes_nothing_of_what_they_get(self, store: Any) -> None:
        """Ids, order and scores in every mode are those of a collection that never held the others: also BM25's statistics.
        Documents whose time is over are such others, whatever tags they have or were just given."""
        points = [
            replace(p, payload={**p.payload, "access_tags": p.payload["access_tags"] or ["hr"]}) for p in corpus(200, sparse=True)
        ]
        tags = AccessTags(["public"])
        name = filled(store, points, "all")
        readable = [p for p in points if "public" in p.payload["access_tags"]]
        mine = filled(store, readable, "mine")
        over = frozenset(f"d{n}" for n in range(0, 40, 3))
        still = filled(store, [p for p in readable if p.payload["document_key"] not in over], "still")
        for p in points[:6]:
            for query in (VectorQuery(p.dense), VectorQuery(sparse=p.sparse), VectorQuery(p.dense, p.sparse, 0.3)):
                for other, filters in ((mine, NO_FILTER), (mine, Filters(("s1",))), (still, Filters(("s1",), over=over))):
                    found = store.nearest(name, query, tags, 20, filters)
                    expected = store.nearest(other, query, tags, 20, Filters(filters.sources))
                    assert [q.id for q in found] == [q.id for q in expected]
                    np.testing.assert_allclose([q.score for q in found], [q.score for q in expected], rtol=1e-5)
        store.retag(name, {"d0": tags, "d3": tags})
        everything = VectorQuery(points[0].dense), tags, 200
        assert {"d0", "d3"} <= {q.payload["document_key"] for q in store.nearest(name, *everything, NO_FILTER)}
        assert over.isdisjoint(q.payload["document_key"] for q in store.nearest(name, *everything, Filters(over=over)))

    def test_a_query_without_a_vector_is_refused(self, store: Any) -> None:
        """An empty query is a mistake, not an empty answer."""
        name = filled(store, corpus(3))
        with pytest.raises(ValueError):
            store.nearest(name, VectorQuery(), AccessTags(["a"]), 3, NO_FILTER)


class TestEmbeddedOnly:
    def test_everything_survives_closing_and_opening(self, state_dir: Path) -> None:
        """Points, tags and aliases, and the same answers in the same order."""
        points = corpus(120, sparse=True)
        store = EdgeStore(state_dir / "qdrant")
        name = filled(store, points)
        store.switch({"i": name})
        store.set_tags(name, AccessTags(["z"]), ["d0"])
        query, tags = VectorQuery(points[5].dense, points[6].sparse), AccessTags(["z", "hr", "public"])
        before = store.nearest("i", query, tags, 20, NO_FILTER)
        scanned = {p.id: p.payload for p in store.scan("i", ["access_tags", "metadata"])}
        store.close()
        assert store.read() == {"i": name}
        assert [p.id for p in store.nearest("i", query, tags, 20, NO_FILTER)] == [p.id for p in before]
        assert {p.id: p.payload for p in store.scan("i", ["access_tags", "metadata"])} == scanned
        assert [cast(Vector, p.dense).tobytes() for p in store.scan("i", vectors=True)] == [
            p.dense.tobytes() for p in sorted(points, key=lambda p: p.id)
        ]
        store.close()

    def test_a_tag_change_is_seen_by_a_filter_that_was_used_before(self, state_dir: Path) -> None:
        """What a filter admits is remembered only until the next write."""
        points = [replace(p, payload={**p.payload, "access_tags": ["a"]}) for p in corpus(20)]
        store = EdgeStore(state_dir / "qdrant")
        name, query = filled(store, points), VectorQuery(points[0].dense)
        for _again in range(2):
            assert len(store.nearest(name, query, AccessTags(["a"]), 50, NO_FILTER)) == 20
        store.set_tags(name, AccessTags(), ["d0"])
        assert len(store.nearest(name, query, AccessTags(["a"]), 50, NO_FILTER)) == 15
        store.upsert(name, points[:1])
        assert len(store.nearest(name, query, AccessTags(["a"]), 50, NO_FILTER)) == 16
        store.close()

    def test_a_batch_that_fails_leaves_nothing(self, state_dir: Path) -> None:
        """A point of the wrong dimension refuses its batch whole; the store stays usable."""
        points = corpus(10)
        store = EdgeStore(state_dir / "qdrant")
        name = filled(store, points[:3])
        with pytest.raises(Exception, match="dimension"):
            store.upsert(name, [*points[3:], replace(points[0], id=str(uuid.uuid4()), dense=np.ones(3, dtype=np.float32))])
        assert {p.id for p in store.scan(name)} == {p.id for p in points[:3]}
        store.close()
