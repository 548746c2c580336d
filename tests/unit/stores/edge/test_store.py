"""The embedded vector store: many read while one writes, nothing acknowledged is lost, nothing erased stays on the disk."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qdrant_client import QdrantClient

from sluice.access import NOBODY, AccessTags
from sluice.errors import ConfigurationError, IndexBusy, IntegrityError, ReleaseError, StoreUnavailable
from sluice.ids import id_sum
from sluice.points import Filters, Point, ScoredPoint, SparseVector, VectorQuery
from stores import private
from stores.edge import store as edge
from stores.edge.compacting import dead_of
from stores.edge.errors import translated
from stores.edge.files import read_state
from stores.edge.shards import SEGMENT_POINTS, appended, only_read
from stores.edge.store import MANY_TAGS, EdgeStore
from stores.qdrant.store import QdrantStore
from tests.fakes import MemoryVectorStore

ROOT = Path(__file__).parents[4]
QUERY = VectorQuery(np.ones(8, dtype=np.float32))
A, B = AccessTags(["a"]), AccessTags(["b"])

WRITER = """
import sys, uuid
from pathlib import Path
import numpy as np
from sluice.points import Point
from stores.edge.store import EdgeStore
store = EdgeStore(Path(sys.argv[1]), segment_points=int(sys.argv[2]))
store.create("c", dimension=8, sparse=False)
for batch in range(10_000):
    points = [
        Point(str(uuid.UUID(int=batch * 64 + n + 1)), np.ones(8, dtype=np.float32), {"document_key": "d", "access_tags": ["a"]})
        for n in range(64)
    ]
    store.upsert("c", points)
    print(batch, flush=True)
"""


CLONER = """
import sys, uuid
from pathlib import Path
import numpy as np
from sluice.points import Point
from stores.edge.store import EdgeStore
store = EdgeStore(Path(sys.argv[1]), segment_points=60)
rng = np.random.default_rng(int(sys.argv[2]))
made = lambda n, text: Point(
    str(uuid.UUID(int=n + 1)), rng.normal(size=8).astype(np.float32),
    {"document_key": f"d{n // 5}", "access_tags": ["a"], "text": text},
)
if not store.names():
    store.create("i__1", dimension=8, sparse=False)
    store.upsert("i__1", [made(n, "1") for n in range(200)])
    store.switch({"i": "i__1"})
turn = max(int(name.rpartition("__")[2]) for name in store.names())
print("ready", flush=True)
while True:
    live, turn = store.read()["i"], turn + 1
    store.clone(live, f"i__{turn}")
    gone = [int(n) for n in rng.choice(40, size=4, replace=False)]
    store.delete(f"i__{turn}", [f"d{n}" for n in gone])
    store.upsert(f"i__{turn}", [made(5 * n + m, str(turn)) for n in gone for m in range(5)])
    store.switch({"i": f"i__{turn}"})
    print(turn, flush=True)
    for name in store.names():
        if name not in (live, f"i__{turn}"):
            store.drop(name)
"""


def points(count: int, *, per_document: int = 5, text: str = "text", tags: AccessTags = A) -> list[Point]:
    return [
        Point(
            str(uuid.UUID(int=n + 1)),
            np.full(8, 1 / np.sqrt(8), dtype=np.float32),
            {"document_key": f"d{n // per_document}", "access_tags": sorted(tags), "text": f"{text} {n}"},
        )
        for n in range(count)
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "qdrant"


@pytest.fixture(params=[SEGMENT_POINTS, 30], ids=["one segment", "segments"])
def store(request: pytest.FixtureRequest, path: Path) -> Iterator[EdgeStore]:
    """With a release `i__1` of 100 points, d0 to d19, live as `i`; as it is when it is small, and as it is when it is large."""
    found = EdgeStore(path, wait_s=0, segment_points=request.param)
    found.create("i__1", dimension=8, sparse=False)
    found.upsert("i__1", points(100))
    found.switch({"i": "i__1"})
    yield found
    found.close()


@pytest.fixture
def other(path: Path) -> Iterator[EdgeStore]:
    """The same store as another process has it open."""
    found = EdgeStore(path, wait_s=0)
    yield found
    found.close()


page = EdgeStore._page


def _without_payload(read: Any, *given: Any) -> Any:
    assert given[2] == (), "no field is read"
    return read(*given)


def search(store: EdgeStore, tags: AccessTags, k: int = 200) -> list[ScoredPoint]:
    return store.nearest("i", QUERY, tags, k, Filters())


def fingerprint(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


class TestReadersAndWriters:
    def test_nothing_is_opened_before_it_is_used(self, path: Path) -> None:
        """A command that does not search does not pay for the store."""
        EdgeStore(path).close()
        assert list(path.parent.iterdir()) == []

    def test_a_revocation_holds_for_the_next_search_of_every_process(self, store: EdgeStore, other: EdgeStore) -> None:
        """Also for a reader that has the collection open, in results, in payloads and in scans; and a grant does, too."""
        assert len(search(other, A)) == 100
        store.set_tags("i__1", AccessTags(), ["d0"])
        store.set_tags("i__1", AccessTags(["b", "c"]), ["d1"])
        assert {p.payload["document_key"] for p in search(other, A)}.isdisjoint({"d0", "d1"})
        assert [p.payload["access_tags"] for p in search(other, B)] == [["b", "c"]] * 5
        assert len(list(other.scan("i", readable_by=A))) == 90
        assert [p.payload for p in other.scan("i", ["access_tags"])][:6] == [{"access_tags": []}] * 5 + [
            {"access_tags": ["b", "c"]}
        ]

    def test_what_is_there_for_whom_is_told_without_reading_a_point(
        self, store: EdgeStore, other: EdgeStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One point more, less or other, or a tag more, less or other, of whatever document, and the answer is no."""
        expected = {A: id_sum(p.id for p in points(100))}
        with monkeypatch.context() as counted:
            counted.setattr(EdgeStore, "_page", lambda *given: _without_payload(page, *given))
            assert store.holds("i", expected)
        assert not store.holds("i", {A: id_sum(p.id for p in points(99))})
        assert not store.holds("i", {A: id_sum(p.id for p in points(101))})
        assert not store.holds("i", {NOBODY: expected[A]})
        assert not store.holds("i", {AccessTags("ab"): expected[A]})
        other.set_tags("i", B, ["d3"])
        of_d3 = id_sum(p.id for p in points(20)[15:])
        rest = id_sum(p.id for p in [*points(15), *points(100)[20:]])
        assert not store.holds("i", expected)
        assert store.holds("i", {A: rest, B: of_d3})
        assert not store.holds("i", {B: rest, A: of_d3})
        other.set_tags("i", NOBODY, ["d3"])
        assert store.holds("i", {A: rest, NOBODY: of_d3})
        many = AccessTags(f"t{n}" for n in range(MANY_TAGS + 1))
        store.set_tags("i", many, [f"d{n}" for n in range(20)])
        assert not store.holds("i", {many: expected[A]}), "nothing is shorter than reading them"
        own = {AccessTags([f"t{n}"]): id_sum(p.id for p in points(100)[5 * n : 5 * n + 5]) for n in range(20)}
        store.retag("i", {f"d{n}": AccessTags([f"t{n}"]) for n in range(20)})
        assert store.holds("i", own)
        monkeypatch.setattr(edge, "MANY_LISTS", 19)
        assert not store.holds("i", own), "a list for each of so many tags is no shorter either"

    def test_what_a_killed_process_was_removing_goes_with_the_next_change(self, store: EdgeStore, path: Path) -> None:
        """Its files are words of documents, and no collection any more."""
        left = path / "collections" / ".gone-i__0-0c2e7faf"
        (left / "1").mkdir(parents=True)
        (left / "1" / "page_0.dat").write_text("words of a document")
        assert store.names() == ["i__1"]
        store.set_tags("i__1", A, ["d0"])
        assert not left.exists()

    def test_changed_tags_leave_the_points_alone(self, store: EdgeStore, other: EdgeStore, path: Path) -> None:
        """No file of the points is written, so a process killed in it cannot harm them; the same tags again change nothing."""
        search(other, A)
        shard = path / "collections" / "i__1" / "1"
        before = fingerprint(shard)
        store.set_tags("i__1", B, [f"d{n}" for n in range(10)])
        held = read_state(path / "collections" / "i__1")
        store.set_tags("i__1", B, ["d3", "d4", "missing"])
        assert read_state(path / "collections" / "i__1") == held
        other.close()
        assert fingerprint(shard) == before

    def test_many_changed_tags_are_written_into_a_copy_of_the_points(
        self, store: EdgeStore, other: EdgeStore, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Above a number of documents; for every process from its next search; the overlay begins anew."""
        monkeypatch.setattr(edge, "OVERLAY_LIMIT", 5)
        assert len(search(other, B)) == 0
        store.set_tags("i__1", B, [f"d{n}" for n in range(5)])
        assert read_state(path / "collections" / "i__1")[1].shard == 1
        store.set_tags("i__1", AccessTags(["a", "b"]), ["d5"])
        state = read_state(path / "collections" / "i__1")[1]
        assert (state.shard, state.overlay, state.writing) == (2, 0, False)
        for reader in (store, other):
            assert (len(search(reader, A)), len(search(reader, B))) == (75, 30)

    def test_a_filter_with_changed_tags_is_what_brute_force_says(self, store: EdgeStore, other: EdgeStore) -> None:
        """Twenty-five random changes of random documents: every reader gets what the fake gives."""
        reference, rng = MemoryVectorStore(), np.random.default_rng(3)
        reference.create("i", dimension=8, sparse=False)
        reference.upsert("i", points(100))
        for _ in range(25):
            tags = AccessTags(str(t) for t in rng.choice(["a", "b", "c"], size=int(rng.integers(0, 3)), replace=False))
            keys = [f"d{n}" for n in rng.choice(22, size=3)]
            store.set_tags("i", tags, keys)
            reference.set_tags("i", tags, keys)
            reader = AccessTags(str(t) for t in rng.choice(["a", "b", "c"], size=2, replace=False))
            found = [(p.id, p.payload) for p in search(other, reader)]
            assert found == [(p.id, p.payload) for p in reference.nearest("i", QUERY, reader, 200, Filters())]

    def test_a_build_makes_no_reader_wait_and_is_seen_when_it_is_named(self, store: EdgeStore, other: EdgeStore) -> None:
        """Whoever asks for what is being written is told who is at it; the alias moves at once for everybody."""
        store.create("i__2", dimension=8, sparse=False)
        store.upsert("i__2", points(40))
        assert len(search(other, A)) == 100
        with pytest.raises(IndexBusy, match="i__2") as busy:
            other.nearest("i__2", QUERY, A, 5, Filters())
        assert busy.value.exit_code == 4
        store.switch({"i": "i__2"})
        assert len(search(other, A)) == 40
        store.drop("i__1")
        assert other.names() == ["i__2"]
        with pytest.raises(ReleaseError, match="i__1"):
            other.nearest("i__1", QUERY, A, 5, Filters())

    def test_a_search_goes_on_in_a_collection_that_is_dropped_meanwhile(self, store: EdgeStore, other: EdgeStore) -> None:
        """A scan that has begun says that its collection went away; by its alias a search finds the next one."""
        store.create("i__2", dimension=8, sparse=False)
        store.upsert("i__2", points(3000))
        store.switch({"i": "i__2"})
        scan = other.scan("i")
        next(scan)
        store.switch({"i": "i__1"})
        store.drop("i__2")
        with pytest.raises(ReleaseError, match="i__2"):
            list(scan)
        assert len(search(other, A)) == 100

    def test_threads_share_a_store(self, path: Path) -> None:
        """Searches and writes from eight threads at once: no error, and every point is there."""
        store, errors = EdgeStore(path), list[BaseException]()
        store.create("i", dimension=8, sparse=False)
        held = points(400)

        def work(number: int) -> None:
            try:
                for start in range(number * 50, number * 50 + 50, 25):
                    store.upsert("i", held[start : start + 25])
                    search(store, A, 3)
                    store.set_tags("i", B, [f"d{start // 5}"])
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert (len(list(store.scan("i"))), len(search(store, B))) == (400, 80)
        store.close()

    def test_two_changes_at_once_take_turns(self, store: EdgeStore, other: EdgeStore) -> None:
        """The tags of forty documents changed by two stores at a time: none is lost."""
        patient = [EdgeStore(store._path, wait_s=30) for _ in range(2)]

        def work(number: int) -> None:
            for n in range(10):
                patient[number].set_tags("i", B, [f"d{2 * n + number}"])

        threads = [threading.Thread(target=work, args=(n,)) for n in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(search(other, B)) == 100
        for each in patient:
            each.close()


class TestSegments:
    """What is large has its points in finished segments, which hold no memory; nothing else is different."""

    QUERIES = tuple(
        VectorQuery(found[0], SparseVector((1, n + 2), (1.0, 0.5)), dense_weight=0.5)
        for n, found in enumerate(np.random.default_rng(7).normal(size=(20, 1, 8)).astype(np.float32))
    )

    @staticmethod
    def _points(count: int, seed: int = 1, *, sparse: bool = True) -> list[Point]:
        rng = np.random.default_rng(seed)
        vectors = rng.normal(size=(count, 8)).astype(np.float32)
        tags = (["a"], ["b"], ["a", "b"])
        return [
            Point(
                str(uuid.UUID(int=n + 1)),
                vectors[n],
                {"document_key": f"d{n // 5}", "access_tags": tags[n // 5 % 3], "text": f"text {n}"},
                SparseVector((n % 7, 7 + n % 11), (1.0, 2.0)) if sparse else None,
            )
            for n in range(count)
        ]

    def _held(self, store: EdgeStore, *, sparse: bool) -> tuple[object, ...]:
        points = [
            (p.id, p.payload, np.asarray(p.dense).tolist()) for p in store.scan("i", ["document_key", "text"], vectors=True)
        ]
        answers = [
            [(hit.id, round(hit.score, 6)) for hit in store.nearest("i", query, tags, 10, Filters())]
            for query in (self.QUERIES if sparse else [replace(query, sparse=None) for query in self.QUERIES])
            for tags in (A, B, AccessTags(["a", "b"]))
        ]
        return points, answers

    @pytest.mark.parametrize("sparse", [False, True])
    def test_answers_are_those_of_one_segment(self, tmp_path: Path, sparse: bool) -> None:
        """After a build, a delta on it, changed tags beside it and an erasure: ids, payloads, vectors, order and scores."""
        stores = [EdgeStore(tmp_path / str(size), wait_s=0, segment_points=size) for size in (SEGMENT_POINTS, 60)]

        def same() -> None:
            first, second = (self._held(store, sparse=sparse) for store in stores)
            assert first == second

        for store in stores:
            store.create("i__1", dimension=8, sparse=sparse)
            store.upsert("i__1", self._points(300, sparse=sparse))
            store.switch({"i": "i__1"})
        same()
        for store in stores:
            store.clone("i__1", "i__2")
            store.delete("i__2", ["d3", "d40"])
            store.upsert("i__2", self._points(100, seed=2, sparse=sparse)[50:])
            store.switch({"i": "i__2"})
        same()
        for store in stores:
            store.retag("i__2", {"d7": AccessTags(), "d8": A, "d30": B})
        same()
        for store in stores:
            store.clone("i__2", "i__3")  # with those tags written into its points
            store.switch({"i": "i__3"})
        same()
        for store in stores:
            store.delete("i__3", ["d11"])
        same()
        for store in stores:
            store.close()

    @pytest.mark.parametrize("sparse", [False, True])
    def test_points_are_in_finished_segments_when_they_are_sealed(self, path: Path, sparse: bool) -> None:
        """But for fewer than are worth one; and so in a clone, and in what was written anew. With sparse vectors none are."""
        store = EdgeStore(path, wait_s=0, segment_points=60)
        made = self._points(110) if sparse else points(110)
        store.create("i__1", dimension=8, sparse=sparse)
        store.upsert("i__1", made[:100])
        store.clone("i__1", "i__2")
        store.upsert("i__2", made[100:])
        store.clone("i__2", "i__3")
        store.delete("i__2", ["d1"])
        store.close()
        left = {
            name: appended(path / "collections" / name / str(number)) for name, number in (("i__1", 1), ("i__2", 2), ("i__3", 1))
        }
        assert left == ({"i__1": 100, "i__2": 105, "i__3": 110} if sparse else {"i__1": 0, "i__2": 0, "i__3": 10})

    def test_points_that_move_when_their_tags_change_are_counted(self, path: Path) -> None:
        """The engine writes them anew, as it does replaced ones; they become a segment again."""
        store = EdgeStore(path, wait_s=0, segment_points=60)
        store.create("i__1", dimension=8, sparse=False)
        store.upsert("i__1", points(100))
        store.clone("i__1", "i__2")
        store.retag("i__2", {f"d{n}": B for n in range(12)})
        store.close()
        assert appended(path / "collections" / "i__2" / "1") == 0
        store.clone("i__2", "i__3")
        store.retag("i__3", {f"d{n}": A for n in range(2)})
        store.upsert("i__3", points(15)[10:])
        store.close()
        assert appended(path / "collections" / "i__3" / "1") == 15

    @pytest.mark.parametrize("files", ["matrix.dat", "page_*.dat", "*.bin"])
    def test_a_clone_has_the_bulk_of_finished_segments_and_never_writes_it(self, path: Path, files: str) -> None:
        """The same files, not copies, whatever is done to the clone; and an erasure takes them from each."""
        store = EdgeStore(path, wait_s=0, segment_points=60)
        store.create("i__1", dimension=8, sparse=False)
        store.upsert("i__1", points(120))
        store.switch({"i": "i__1"})

        def bulk(name: str) -> dict[int, bytes]:
            segments = (path / "collections" / name).glob("*/segments/*")
            finished = (segment for segment in segments if (segment / "id_tracker.i2e").exists())
            return {file.stat().st_ino: file.read_bytes() for segment in finished for file in segment.rglob(files)}

        before = bulk("i__1")
        store.clone("i__1", "i__2")
        store.delete("i__2", ["d1"])
        store.upsert("i__2", points(60, text="other")[30:])
        store.set_tags("i__2", B, ["d2"])
        store.switch({"i": "i__2"})
        store.close()
        search(store, A)
        store.upsert("i__2", points(130)[120:])  # a sealed one opened again
        store.close()
        assert bulk("i__1") == before
        assert before.items() <= bulk("i__2").items()
        assert before
        store.delete("i__2", ["d3"])
        assert not before.keys() & bulk("i__2").keys()
        assert bulk("i__1") == before
        store.close()

    def test_a_clone_needs_room_for_what_it_copies_only(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Not for what it shares: a large collection must not need its size again every night."""
        store = EdgeStore(path, wait_s=0, segment_points=60)
        store.create("i__1", dimension=8, sparse=False)
        store.upsert("i__1", points(240))
        store.switch({"i": "i__1"})
        asked = list[int]()
        monkeypatch.setattr("stores.edge.making.private.room_for", lambda _folder, needed: asked.append(needed))
        store.clone("i__1", "i__2")
        folder = path / "collections" / "i__1" / "1"
        shared = sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file() and only_read(file))
        everything = sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())
        assert asked == [everything - shared]
        assert shared
        store.close()

    def test_segments_of_leftovers_are_written_anew_one_after_the_other(self, path: Path) -> None:
        """Nights that remove some of everything make each segment one of leftovers: no clone pays for all of them."""
        store = EdgeStore(path, wait_s=0, segment_points=60)
        store.create("i__1", dimension=8, sparse=False)
        for start in range(0, 1080, 60):
            store.upsert("i__1", points(1080)[start : start + 60])
        store.clone("i__1", "i__2")
        store.delete("i__2", [f"d{12 * segment + n}" for segment in range(6) for n in range(3 + segment)])
        kept, left, name = [p.payload for p in store.scan("i__2", ["text"])], list[list[int]](), "i__2"
        for number in range(3, 6):
            left.append(sorted(dead for dead, _ in dead_of(path / "collections" / name / "1").values() if dead))
            store.clone(name, f"i__{number}")
            name = f"i__{number}"
            assert [p.payload for p in store.scan(name, ["text"])] == kept
        assert left == [[15, 20, 25, 30, 35, 40], [15, 20], []]
        store.close()

    def test_night_after_night_leaves_few_segments_and_few_leftovers(self, path: Path) -> None:
        """And what is there is what was written last."""
        store = EdgeStore(path, wait_s=0, segment_points=60)
        store.create("i__0", dimension=8, sparse=False)
        store.upsert("i__0", points(300))
        store.switch({"i": "i__0"})
        texts, chosen = {str(p.payload["document_key"]): "text" for p in points(300)}, np.random.default_rng(3)
        for night in range(1, 11):
            store.clone(f"i__{night - 1}", f"i__{night}")
            documents = [int(document) for document in chosen.choice(60, 15, replace=False)]
            store.delete(f"i__{night}", [f"d{document}" for document in documents])
            every = points(300, text=f"night {night}")
            store.upsert(f"i__{night}", [point for document in documents for point in every[5 * document : 5 * document + 5]])
            texts |= {f"d{document}": f"night {night}" for document in documents}
            store.switch({"i": f"i__{night}"})
            store.drop(f"i__{night - 1}")
        held = dead_of(path / "collections" / "i__10" / "1")
        assert len(held) <= 2 * (300 // 60 + 1) + 1
        assert sum(count for _, count in held.values()) < 2 * 300
        found = [p.payload for p in store.scan("i", ["document_key", "text"])]
        assert len(found) == 300
        assert all(str(payload["text"]).startswith(texts[str(payload["document_key"])]) for payload in found)
        store.close()

    def test_what_an_older_version_made_is_written_anew_by_its_first_clone(self, store: EdgeStore, path: Path) -> None:
        """Its payload indexes are in memory for good otherwise."""
        file = path / "collections" / "i__1" / "state.json"
        said = json.loads(file.read_text())
        del said["segment"]
        file.write_text(json.dumps(said))
        store.clone("i__1", "i__2")
        store.switch({"i": "i__2"})
        assert read_state(path / "collections" / "i__1")[1].segment == 0
        assert read_state(path / "collections" / "i__2")[1].segment == SEGMENT_POINTS
        assert len(search(store, A)) == 100


class TestErasure:
    @staticmethod
    def _holding(path: Path, word: str) -> list[Path]:
        return [file for file in path.rglob("*") if file.is_file() and word.encode() in file.read_bytes()]

    def test_no_byte_of_a_removed_document_stays_in_any_collection(self, store: EdgeStore, other: EdgeStore, path: Path) -> None:
        """Nor of what a clone had replaced before, where the document has no point any more; the rest is as it was."""
        secret = points(5, text="xyzzy-secret")
        store.create("i__2", dimension=8, sparse=False)
        store.upsert("i__2", points(100)[5:] + secret)
        store.switch({"i": "i__2"})
        store.clone("i__2", "i__3")
        store.delete("i__3", ["d0"])
        store.switch({"i": "i__3"})
        assert self._holding(path, "xyzzy-secret")
        assert len(search(other, A)) == 95
        for name in store.names():
            store.delete(name, ["d0"])
        assert self._holding(path, "xyzzy-secret") == []
        assert len(search(other, A)) == 95
        assert {name: len(list(other.scan(name))) for name in other.names()} == {"i__1": 95, "i__2": 95, "i__3": 95}

    def test_what_a_kill_left_of_a_removed_document_goes_when_it_is_removed_again(
        self, store: EdgeStore, other: EdgeStore, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between the state that names the new points and the removal of the old ones, which lie there with what was noted."""
        store.note("i", "held", b"d3 is there")

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
            dying.setattr("stores.edge.files.sweep", killed)
            store.delete("i", ["d3"])
        left = {entry.name for entry in (path / "collections" / "i__1").iterdir()}
        assert {"1", "2", "notes-1-held"} <= left
        other.delete("i", ["d3"])
        left = {entry.name for entry in (path / "collections" / "i__1").iterdir()}
        assert "2" in left
        assert not left & {"1", "files-1.json", "notes-1-held"}

    def test_a_clone_that_was_killed_in_the_making_keeps_no_word_of_what_is_removed(
        self, store: EdgeStore, other: EdgeStore, path: Path
    ) -> None:
        """It has no name yet that anybody asks for, and may never be made again."""
        copied = path / "collections" / ".new-i__2"
        shutil.copytree(path / "collections" / "i__1", copied)
        (copied / "1" / "words").write_text("xyzzy-secret")
        assert self._holding(path, "xyzzy-secret")
        other.delete("i", ["d3"])
        assert not copied.exists()

    def test_a_clone_of_a_collection_of_leftovers_is_written_anew(self, store: EdgeStore, path: Path) -> None:
        """A night after night of deltas does not make a store that holds everything it ever held."""
        store.clone("i__1", "i__2")
        store.delete("i__2", [f"d{n}" for n in range(10)])
        store.clone("i__2", "i__3")
        assert read_state(path / "collections" / "i__2")[1].dead == 50
        assert read_state(path / "collections" / "i__3")[1].dead <= 1
        assert not any(dead for dead, _ in dead_of(path / "collections" / "i__3" / "1").values())
        assert [p.payload for p in store.scan("i__3", ["text"])] == [p.payload for p in store.scan("i__2", ["text"])]


class TestFailure:
    def test_a_directory_that_cannot_be_written_is_a_matter_of_configuration(self, tmp_path: Path) -> None:
        """The message names the path."""
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(ConfigurationError, match="file"):
            EdgeStore(tmp_path / "file" / "qdrant").names()

    def test_what_a_killed_process_had_begun_is_not_there_and_in_nobodys_way(self, store: EdgeStore, path: Path) -> None:
        """A clone or a collection in the making has another name until it is whole."""
        begun = path / "collections" / ".new-i__2"
        begun.mkdir()
        (begun / "state.json").write_text("{")
        assert store.names() == ["i__1"]
        store.clone("i__1", "i__2")
        assert store.names() == ["i__1", "i__2"]
        assert not begun.exists()

    @pytest.mark.parametrize("damage", ["state.json", "files-1.json", "points", "missing"])
    def test_a_truncated_collection_says_what_it_is_and_how_to_come_back(
        self, store: EdgeStore, other: EdgeStore, path: Path, damage: str
    ) -> None:
        """Also where the engine would open it and find fewer points; the others can be searched; it can be dropped."""
        store.clone("i__1", "i__2")
        store.close()
        folder = path / "collections" / "i__1"
        if damage == "missing":
            next((folder / "1").rglob("version.info")).unlink()
        else:
            points = (file for name in ("id_tracker.e2i", "*.mappings") for file in (folder / "1").rglob(name))
            file = next(points) if damage == "points" else folder / damage
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        with pytest.raises(IntegrityError, match="i__1"):
            other.describe()
        with pytest.raises(IntegrityError, match="i__1") as error:
            search(other, A)
        assert str(folder) in error.value.hint
        assert "MongoDB" in error.value.hint
        other.switch({"i": "i__2"})
        assert len(search(other, A)) == 100
        other.drop("i__1")
        assert other.names() == ["i__2"]

    def test_truncated_aliases_are_said_to_be_that(self, store: EdgeStore, path: Path) -> None:
        """Not an index without a live release."""
        (path / "aliases.json").write_text('{"i": ')
        with pytest.raises(IntegrityError, match="aliases") as error:
            search(store, A)
        assert str(path / "aliases.json") in error.value.message

    def test_a_full_disk_is_called_a_full_disk(self, path: Path) -> None:
        """Before anything is written that could not be finished."""
        path.mkdir()
        private.room_for(path, 0)
        with pytest.raises(StoreUnavailable, match="full") as error:
            private.room_for(path, 1 << 60)
        assert "gc" in error.value.hint

    @pytest.mark.slow
    @pytest.mark.parametrize("segment", [SEGMENT_POINTS, 64, 150])
    def test_a_killed_writer_loses_no_acknowledged_batch_and_is_in_nobodys_way(self, path: Path, segment: int) -> None:
        """kill -9 while it writes, or makes a segment: the next one opens at once, what was acknowledged is there and searched as
        it is stored.
        """
        command = [sys.executable, "-c", WRITER, str(path), str(segment)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
            assert writer.stdout is not None
            acknowledged = [int(writer.stdout.readline()) for _ in range(20)][-1]
            writer.kill()
            acknowledged = max([acknowledged, *(int(line) for line in writer.stdout.read().split())])
        store = EdgeStore(path, wait_s=0)
        stored = {p.id for p in store.scan("c")}
        assert {str(uuid.UUID(int=n + 1)) for n in range((acknowledged + 1) * 64)} <= stored
        assert {p.id for p in store.scan("c", readable_by=A)} == stored
        store.upsert("c", points(3))
        store.close()

    @pytest.mark.slow
    def test_a_delta_that_is_killed_harms_no_collection_that_shares_its_files(self, path: Path) -> None:
        """kill -9 at any moment of clones, segments and switches: what is live is whole, and the next delta goes on from it."""
        for kill in range(6):
            command = [sys.executable, "-c", CLONER, str(path), str(kill)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as cloner:
                assert cloner.stdout is not None
                cloner.stdout.readline()
                time.sleep(0.05 + 0.11 * kill)
                cloner.kill()
            store = EdgeStore(path, wait_s=0)
            for name in store.names():
                if name in store.read().values():
                    found = list(store.scan(name, ["text", "document_key"], vectors=True))
                    assert [p.id for p in found] == [str(uuid.UUID(int=n + 1)) for n in range(200)]
                    assert all(p.dense is not None and np.isfinite(p.dense).all() and p.dense.any() for p in found)
                    texts = {p.payload["document_key"]: p.payload["text"] for p in found}
                    assert all(p.payload["text"] == texts[p.payload["document_key"]] for p in found)
            assert len(search(store, A)) == 200
            store.close()


class TestTakingOver:
    # qdrant-client's local mode does not close the connection by which it asks SQLite about threads: Python says so from 3.13 on.
    @pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
    def test_a_store_of_the_old_kind_is_taken_over_and_nothing_is_lost(
        self, path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Points, tags, sparse weights and aliases of qdrant-client's local mode, with one line; once; its files are gone."""
        held = [replace(p, sparse=SparseVector((1, 2 + n % 3), (0.5, 1.0))) for n, p in enumerate(points(30))]
        client = QdrantClient(path=str(path))
        old = QdrantStore("local mode", client=client)
        for name in ("i__1", "i__2"):
            old.create(name, dimension=8, sparse=True)
            old.upsert(name, held if name == "i__1" else held[:10])
        old.set_tags("i__1", B, ["d1"])
        old.switch({"i": "i__1", "i__candidate": "i__2"})
        fields = ["document_key", "access_tags", "text"]
        before = [(p.id, p.payload) for p in old.scan("i", fields)]
        query = VectorQuery(sparse=held[1].sparse)
        answer = [p.id for p in old.nearest("i", query, A, 30, Filters())]
        client.close()

        for _again in range(2):
            store = EdgeStore(path)
            assert store.names() == ["i__1", "i__2"]
            assert store.read() == {"i": "i__1", "i__candidate": "i__2"}
            assert [(p.id, p.payload) for p in store.scan("i", fields)] == before
            assert [p.id for p in store.nearest("i", query, A, 30, Filters())] == answer
            store.close()
        assert len(caplog.messages) == 1
        assert "2 collections with 40 points" in caplog.text
        assert not list(path.rglob("*.sqlite"))

    def test_one_that_cannot_be_read_says_how_to_come_back(self, path: Path) -> None:
        """It is not taken for an empty one."""
        path.mkdir()
        (path / "meta.json").write_text("{")
        with pytest.raises(IntegrityError, match="older version") as error:
            EdgeStore(path).names()
        assert "MongoDB" in error.value.hint


LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np, psutil
from stores.edge.store import EdgeStore
store, making = EdgeStore(Path(sys.argv[1])), sys.argv[2] == "making"
if not making:
    store.create("i__1", dimension=4, sparse=True)
    store.close()
limit = psutil.Process().memory_info().vms + int(sys.argv[3]) * 1_000_000
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    store.create("i__2", dimension=4, sparse=True) if making else list(store.scan("i__1"))
except MemoryError as error:
    print(error)
"""


@pytest.mark.parametrize(("doing", "left"), [("making", 10), ("making", 750), ("opening", 10), ("opening", 200)])
def test_want_of_memory_is_said_as_such_and_nothing_waits_for_it(path: Path, doing: str, left: int) -> None:
    """Under `ulimit -v`: where the engine stood still for ever, or called a whole collection damaged."""
    command = [sys.executable, "-c", LIMITED, str(path), doing, str(left)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.stdout.startswith(f"{doing} a collection of the embedded vector store needs "), done.stderr
    assert re.search(r"needs [\d,]+ MB of address space, the limit of this process leaves \d+", done.stdout)


@pytest.mark.parametrize(
    "said",
    [
        "failed to load segment /s: Failed to open mmap payload storage: Cannot allocate memory (os error 12)",
        "Service runtime error: failed to build edge edge-search thread pool: Resource temporarily unavailable (os error 11)",
        "Out of memory, free: 23162966016, IO Error: Cannot allocate memory (os error 12)",
    ],
)
def test_what_the_engine_says_of_memory_is_no_damage(path: Path, said: str) -> None:
    """As it was seen to say it, wherever: not a reason to restore anything from a backup."""
    with pytest.raises(MemoryError), translated(path, "searching", "i__1"):
        raise Exception(said)


@pytest.mark.parametrize("said", ["Read-only file system (os error 30)", "Permission denied (os error 13)"])
def test_a_collection_that_may_not_be_opened_is_not_damaged(
    store: EdgeStore, path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """The engine writes where it opens, also for who only reads; nothing is to be removed for that."""
    store.close()

    class Engine:
        @staticmethod
        def load(_path: str) -> None:
            raise Exception(f"Failed to open mutable id tracker: {said}")

    monkeypatch.setattr("stores.edge.shards.EdgeShard", Engine)
    with pytest.raises(ConfigurationError, match="cannot be written") as error:
        list(EdgeStore(path).scan("i__1"))
    assert "right to write" in error.value.hint
