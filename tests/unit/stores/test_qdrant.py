"""The embedded vector store belongs to one process at a time; a served one that is not there is said to be so."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import numpy as np
import pytest

from sluice.access import AccessTags
from sluice.errors import ConfigurationError, IndexBusy, Permanent, StoreUnavailable
from sluice.points import Filters, Point, VectorQuery
from stores.locks import FileLock
from stores.qdrant import QdrantStore

ROOT = Path(__file__).parents[3]
HOLDER = """
import sys, time
from pathlib import Path
from stores.qdrant import QdrantStore
store = QdrantStore(path=Path(sys.argv[1]))
store.create("held", dimension=4, sparse=False)
print("open", flush=True)
time.sleep(float(sys.argv[2]))
store.close()
"""
WRITER = """
import sys, uuid
from pathlib import Path
import numpy as np
from sluice.points import Point
from stores.qdrant import QdrantStore
store = QdrantStore(path=Path(sys.argv[1]))
store.create("c", dimension=8, sparse=False)
for batch in range(10_000):
    points = [
        Point(str(uuid.UUID(int=batch * 64 + n + 1)), np.ones(8, dtype=np.float32), {"document_key": "d", "access_tags": ["a"]})
        for n in range(64)
    ]
    store.upsert("c", points)
    print(batch, flush=True)
"""


def points(count: int) -> list[Point]:
    payload = {"document_key": "d", "access_tags": ["a"]}
    return [Point(str(uuid.UUID(int=n + 1)), np.full(8, 1 / np.sqrt(8), dtype=np.float32), payload) for n in range(count)]


def test_nothing_is_opened_before_it_is_used(tmp_path: Path) -> None:
    """A command that does not search does not pay for the store, nor take it from others."""
    QdrantStore(path=tmp_path / "qdrant").close()
    assert list(tmp_path.iterdir()) == []


def test_a_second_one_waits_and_then_says_who_holds_it(tmp_path: Path) -> None:
    """Exit code 4 after `wait_s`, with the holder's process; once it is free the same object works."""
    first, second = QdrantStore(path=tmp_path / "qdrant"), QdrantStore(path=tmp_path / "qdrant", wait_s=0.2)
    first.create("c", dimension=8, sparse=False)
    started = time.monotonic()
    with pytest.raises(IndexBusy, match="in use by process") as busy:
        second.names()
    assert time.monotonic() - started >= 0.2
    assert busy.value.exit_code == 4
    first.close()
    assert second.names() == ["c"]
    second.close()


def test_one_that_waited_sees_what_the_other_wrote_last(tmp_path: Path) -> None:
    """It opens after the other has closed, not while it still writes."""
    first, second = QdrantStore(path=tmp_path / "qdrant"), QdrantStore(path=tmp_path / "qdrant", wait_s=10)
    first.create("c", dimension=8, sparse=False)
    seen: list[int] = []
    waiting = threading.Thread(target=lambda: seen.append(len(list(second.scan("c")))))
    waiting.start()
    time.sleep(0.1)
    first.upsert("c", points(20))
    first.close()
    waiting.join()
    assert seen == [20]
    second.close()


def test_threads_share_a_store(tmp_path: Path) -> None:
    """Searches and writes from eight threads at once: no error, and every point is there."""
    store = QdrantStore(path=tmp_path / "qdrant")
    store.create("c", dimension=8, sparse=False)
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for start in range(number * 50, number * 50 + 50, 10):
                store.upsert("c", points(400)[start : start + 10])
                store.nearest("c", VectorQuery(np.ones(8, dtype=np.float32)), AccessTags(["a"]), 3, Filters())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(list(store.scan("c"))) == 400
    store.close()


def test_a_directory_that_cannot_be_written_is_a_matter_of_configuration(tmp_path: Path) -> None:
    """The message names the path."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigurationError, match="file"):
        QdrantStore(path=tmp_path / "file" / "qdrant").names()


def test_a_process_killed_while_it_made_the_store_leaves_no_obstacle(tmp_path: Path) -> None:
    """qdrant-client empties its meta.json before it first writes it; one of a store that holds something stays as it is."""
    store = QdrantStore(path=tmp_path / "qdrant")
    (tmp_path / "qdrant").mkdir()
    (tmp_path / "qdrant" / "meta.json").touch()
    store.create("c", dimension=8, sparse=False)
    store.close()
    assert store.names() == ["c"]
    store.close()
    (tmp_path / "qdrant" / "meta.json").write_text("")
    with pytest.raises(Permanent):
        store.names()


def test_what_a_process_left_that_was_killed_while_it_made_a_collection_is_removed_with_it(tmp_path: Path) -> None:
    """Local mode makes the folder first and notes the collection after it."""
    store = QdrantStore(path=tmp_path / "qdrant")
    begun = tmp_path / "qdrant" / "collection" / "c"
    begun.mkdir(parents=True)
    (begun / "storage.sqlite").touch()
    assert store.names() == []
    store.drop("c")
    assert not begun.exists()
    store.close()


@pytest.mark.slow
def test_more_points_than_local_mode_likes_are_no_warning(tmp_path: Path) -> None:
    """qdrant-client's advice above 20,000 points is silenced, exactly that one (warnings are errors here)."""
    store = QdrantStore(path=tmp_path / "qdrant")
    store.create("c", dimension=8, sparse=False)
    store.upsert("c", points(20_001))
    store.close()
    assert store.names() == ["c"]
    store.close()


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    """Host and port are named; nothing is written to the state directory."""
    store = QdrantStore("http://127.0.0.1:9", path=tmp_path / "qdrant", timeout_s=2)
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:9"):
        store.names()
    store.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_another_process_is_waited_for(tmp_path: Path) -> None:
    """A reader that arrives while a build holds the store gets it as soon as the build has ended."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "qdrant"), "1"], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        impatient = QdrantStore(path=tmp_path / "qdrant", wait_s=0)
        with pytest.raises(IndexBusy, match=str(holder.pid)):
            impatient.names()
        patient = QdrantStore(path=tmp_path / "qdrant", wait_s=30)
        assert patient.names() == ["held"]
        patient.close()


@pytest.mark.slow
def test_a_killed_holder_leaves_at_once_and_loses_no_acknowledged_batch(tmp_path: Path) -> None:
    """kill -9 while it writes: the store can be opened at once, acknowledged batches are whole, and no batch is torn."""
    path = tmp_path / "qdrant"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(20)][-1]
        writer.kill()
        acknowledged = max([acknowledged, *(int(line) for line in writer.stdout.read().split())])
    store = QdrantStore(path=path, wait_s=0)
    stored = len(list(store.scan("c")))
    assert stored % 64 == 0
    assert stored >= (acknowledged + 1) * 64
    store.close()


def test_a_lock_is_released_with_the_last_copy_of_it(tmp_path: Path) -> None:
    """Locks of one process exclude each other like those of two; closing twice is no error."""
    first, second = FileLock(tmp_path / "x.lock"), FileLock(tmp_path / "x.lock")
    assert first.acquire(shared=True)
    assert second.acquire(shared=True)
    assert not second.acquire()
    first.write("me")
    assert second.read() == "me"
    first.close()
    first.close()
    assert second.acquire()
    second.close()
    with pytest.raises(ValueError):
        second.acquire()
