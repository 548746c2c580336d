"""What collections hold of documents, and how often it is read."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from indexing.contents import NOTES, Contents, holdings, packed, unpacked
from sluice.access import AccessTags
from sluice.points import Point
from stores.edge.store import EdgeStore
from tests.fakes import MemoryVectorStore


class Counted(MemoryVectorStore):
    scans = 0

    def scan(self, collection, fields: Sequence[str] = (), *, vectors=False, readable_by=None, documents=None):  # type: ignore[no-untyped-def]
        self.scans += 1
        return super().scan(collection, fields, vectors=vectors, readable_by=readable_by, documents=documents)


def point(number: int, key: str, **more: object) -> Point:
    payload: dict[str, object] = {
        "document_key": key,
        "uri": f"{key}.md",
        "source": "s",
        "version": "v1",
        "parse_fingerprint": "p",
    }
    payload |= {"served": "s1", "modified": None, "tokens": 3, "context_cut": False, "access_tags": ["staff"]}
    return Point(f"00000000-0000-5000-8000-{number:012d}", np.ones(2, np.float32), payload | more)


def stored() -> Counted:
    store = Counted()
    store.create("c", dimension=2, sparse=False)
    store.upsert("c", [point(1, "a"), point(2, "a", tokens=4, context_cut=True), point(3, "b", access_tags=["all"])])
    return store


def test_every_point_counts_for_its_document() -> None:
    """Chunks, tokens, cut contexts and ids are of all points of a document, and of no other."""
    found = holdings(stored(), "c")
    assert {key: (h.chunks, h.tokens, h.cut, h.alike) for key, h in found.items()} == {"a": (2, 7, 1, True), "b": (1, 3, 0, True)}
    assert found["a"].ids == 1 ^ 2
    assert (found["a"].uri, found["a"].tags, found["b"].tags) == ("a.md", {AccessTags({"staff"})}, {AccessTags({"all"})})


def test_points_of_a_document_that_differ_are_seen() -> None:
    """Other tags on one point do not become those of other documents; another version makes the document one of several."""
    store = stored()
    store.upsert("c", [point(4, "a", access_tags=["all"]), point(5, "b", version="v2"), point(6, "z")])
    found = holdings(store, "c")
    assert found["a"].tags == {AccessTags({"staff"}), AccessTags({"all"})}
    assert found["z"].tags == {AccessTags({"staff"})}
    assert [found[key].alike for key in "abz"] == [True, False, True]


def test_a_collection_is_read_once_while_it_is_remembered() -> None:
    """Within `remembered` the points are read once; before and after, whenever they are asked for; `now` always reads them."""
    store = stored()
    contents = Contents(store)
    contents.of("c"), contents.of("c")
    assert store.scans == 2
    with contents.remembered():
        assert contents.of("c") is contents.of("c")
        assert store.scans == 3
        store.retag("c", {"a": AccessTags({"boss"})})
        assert contents.now("c")["a"].tags == {AccessTags({"boss"})}
        assert contents.whole("c")["a"].tags == {AccessTags({"boss"})}
        assert store.scans == 4
        for other in ("d", "e"):
            store.create(other, dimension=2, sparse=False)
            contents.of(other)
        assert store.scans == 6
        contents.of("e"), contents.of("d"), contents.of("c")
        assert store.scans > 6, "two are remembered, whatever many are looked at"
    before = store.scans
    contents.of("c")
    assert store.scans == before + 1


def test_tags_are_read_again_when_they_have_changed() -> None:
    """`whole` is what was read last, until somebody says that tags were changed."""
    contents = Contents(store := stored())
    with contents.remembered():
        contents.of("c")
        assert contents.whole("c")["a"].tags == {AccessTags({"staff"})}
        assert store.scans == 1
        store.retag("c", {"a": AccessTags({"boss"})})
        contents.changed("c")
        assert contents.of("c").keys() == {"a", "b"}
        assert store.scans == 1
        assert contents.whole("c")["a"].tags == {AccessTags({"boss"})}
        assert store.scans == 2


def test_what_was_read_is_kept_beside_sealed_points_and_goes_with_them(tmp_path: Path) -> None:
    """The next process reads no point; tags are never taken from there; an erased document is not named any more."""
    store = EdgeStore(tmp_path)
    store.create("c", dimension=2, sparse=False)
    store.upsert("c", [point(1, "a"), point(2, "a", tokens=4), point(3, "b ü", served=None, version="v2")])
    store.switch({"live": "c"})
    contents = Contents(store)
    with contents.remembered():
        read = contents.of("c")
    fresh = Scans(EdgeStore(tmp_path))
    again = Contents(fresh)
    assert {key: replace(held, tags=set()) for key, held in read.items()} == again.of("c")
    with again.remembered():
        assert fresh.scans == 0
        assert again.whole("c") == read
        assert fresh.scans == 1
    store.delete("c", ["a"])
    assert again.of("c").keys() == {"b ü"}
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and b"a.md" in file.read_bytes()]
    for damaged in (b"", b"[]", b"{}", b'{"form":0}', packed(read).replace(b'"v2"', b"7"), packed(read).partition(b"\n")[0]):
        assert unpacked(damaged) is None
    assert unpacked(packed({})) == {}


def test_a_clone_is_believed_and_asked_and_read_only_where_it_does_not_agree(tmp_path: Path) -> None:
    """What was removed and written is all that is read of it; a point or a tag too many, and nothing is believed."""
    fresh = Scans(EdgeStore(tmp_path))
    fresh.create("c", dimension=2, sparse=False)
    fresh.upsert("c", [point(1, "a"), point(2, "a"), point(3, "b", access_tags=["all"]), point(4, "gone")])
    fresh.switch({"live": "c"})
    staff, everyone, contents = AccessTags({"staff"}), AccessTags({"all"}), Contents(fresh)
    tags = {"a": staff, "b": everyone, "new": staff}
    with contents.remembered():
        assert not contents.agree("c", tags, {}), "nothing is known of it yet"
        contents.of("c")
        fresh.clone("c", "d")
        fresh.delete("d", ["a", "gone"])
        fresh.upsert("d", [point(5, "a", version="v2"), point(6, "new")])
        fresh.switch({"next": "d"})
        scans = fresh.scans
        contents.cloned("c", "d", without=["a", "gone"], written=["a", "new"])
        assert not contents.agree("d", {**tags, "b": staff}, {})
        assert fresh.scans == scans + 1, "of the two that were written"
        assert contents.agree("d", tags, {})
        assert contents.whole("d") == holdings(fresh, "d")
        assert contents.whole("d")["a"].version == "v2"
        fresh.retag("d", {"b": staff})
        assert not contents.agree("d", tags, {})
        assert contents.agree("d", {**tags, "b": staff}, {})
    assert Contents(fresh).of("d").keys() == {"a", "b", "new"}, "it was kept beside the points"


def test_what_was_read_before_somebody_else_changed_it_is_not_kept(tmp_path: Path) -> None:
    """A thread that outlives its run by a scan, while a document is erased, keeps nothing of what it saw."""
    store = EdgeStore(tmp_path)
    store.create("c", dimension=2, sparse=False)
    store.upsert("c", [point(1, "a"), point(2, "b")])
    store.switch({"live": "c"})
    runs = ExitStack()

    class Late(Scans):
        def scan(self, *arguments: Any, **named: Any) -> Any:
            read = list(super().scan(*arguments, **named))
            runs.close()
            runs.enter_context(contents.remembered())
            store.delete("c", ["a"])
            return read

    contents = Contents(Late(store))
    runs.enter_context(contents.remembered())
    assert contents.now("c").keys() == {"a", "b"}
    runs.close()
    assert store.notes("c", NOTES) is None


class Scans:
    """A store that counts how often it is scanned."""

    def __init__(self, store: EdgeStore) -> None:
        self._store, self.scans = store, 0

    def scan(self, *arguments: Any, **named: Any) -> Any:
        self.scans += 1
        return self._store.scan(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)
