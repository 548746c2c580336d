"""Current access tags in a collection: only what differs is written, and taking away comes before giving."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from indexing.access_sync import CurrentAccess, SyncResult, sync
from sluice.access import NOBODY, AccessTags
from sluice.points import Point
from tests.fakes import MemoryVectorStore
from tests.unit.indexing.fakes import Tap, point

TAGS = st.frozensets(st.sampled_from("abc")).map(AccessTags)
KEYS = st.sampled_from(["d1", "d2", "d3", "d4"])


class Collection:
    """One collection in memory, and what was written to it."""

    def __init__(self, **documents: Any) -> None:
        self.store, self.log = MemoryVectorStore(), list[tuple[Any, ...]]()
        self.store.create("c", dimension=2, sparse=False)
        for key, chunks in documents.items():
            self.store.upsert("c", [point("r", key, tags, text=str(i)) for i, tags in enumerate(chunks)])

    def sync(self, **current: Any) -> SyncResult:
        self.log.clear()
        return sync(Tap(self.store, self.log), "c", CurrentAccess({key: AccessTags(tags) for key, tags in current.items()}, ""))

    @property
    def written(self) -> list[dict[str, AccessTags]]:
        """What each write gave to which documents, in order."""
        return [dict(call[2]) for call in self.log if call[0] == "retag"]

    def tags(self, key: str) -> set[AccessTags]:
        points = self.store.collections["c"].points.values()
        return {AccessTags(p.payload["access_tags"]) for p in points if p.payload["document_key"] == key}


def test_only_differences_are_written() -> None:
    """A document whose tags are right is left alone, chunk by chunk the same."""
    collection = Collection(same=["a", "a"], changed=["a", "a"])
    assert collection.sync(same="a", changed="b") == SyncResult("c", revoked=1)
    assert collection.written == [{"changed": AccessTags("b")}]


def test_all_documents_that_lose_readers_are_one_write() -> None:
    """Not one for each document, nor for each set of tags: a store that takes many at once is asked once."""
    collection = Collection(d1=["a"], d2=["a"], d3=["a"])
    collection.sync(d1="b", d2="b", d3="c")
    assert collection.written == [{"d1": AccessTags("b"), "d2": AccessTags("b"), "d3": AccessTags("c")}]


def test_revocations_come_before_grants() -> None:
    """Whoever loses access, loses it before anyone gains; who both loses and gains, counts as losing."""
    collection = Collection(gains=["a"], loses=[["a", "b"]], both=["a"], opens=[""])
    assert collection.sync(gains=["a", "b"], loses="a", both="c", opens="z") == SyncResult("c", revoked=2, granted=2)
    assert [sorted(write) for write in collection.written] == [["both", "loses"], ["gains", "opens"]]


def test_what_is_not_known_any_more_is_readable_by_nobody() -> None:
    """A key that is not among the current ones: deleted and forgotten alike."""
    collection = Collection(gone=["a"])
    assert collection.sync() == SyncResult("c", revoked=1)
    assert collection.tags("gone") == {NOBODY}


def test_a_second_sync_writes_nothing() -> None:
    """What is stored is read back, so it is known to be right."""
    collection = Collection(d1=["a"], d2=["b"])
    collection.sync(d1="b")
    assert collection.sync(d1="b") == SyncResult("c")
    assert collection.written == []


def test_chunks_of_one_document_that_disagree_are_repaired() -> None:
    """An interrupted write left two answers: there is one afterwards, and it counts as a revocation where any had more."""
    collection = Collection(half=["a", "b"], most=["a", ["a", "b"]], few=["a", ""])
    assert collection.sync(half="b", most=["a", "b"], few="a") == SyncResult("c", revoked=1, granted=2)
    assert (collection.tags("half"), collection.tags("most"), collection.tags("few")) == (
        {AccessTags("b")},
        {AccessTags("ab")},
        {AccessTags("a")},
    )


def test_a_document_without_points_costs_nothing() -> None:
    """An older release does not hold every document of today."""
    assert Collection().sync(d1="a") == SyncResult("c")


def test_a_point_without_tags_at_all_is_readable_by_nobody() -> None:
    """A payload that lost the field is no reason to stop half way."""
    collection = Collection(d1=["a"])
    (stored,) = collection.store.collections["c"].points.values()
    del stored.payload["access_tags"]  # type: ignore[attr-defined]
    assert collection.sync(d1="a") == SyncResult("c", granted=1)
    assert collection.tags("d1") == {AccessTags("a")}


@given(st.dictionaries(KEYS, st.lists(TAGS, min_size=1, max_size=3), max_size=4), st.dictionaries(KEYS, TAGS, max_size=4))
def test_afterwards_the_collection_says_what_is_current(
    stored: dict[str, list[AccessTags]], current: dict[str, AccessTags]
) -> None:
    """Whatever was stored: every chunk has its document's current tags, every write was needed, nothing grew before it shrank."""
    collection = Collection(**stored)
    result = collection.sync(**current)
    wrong = {key for key, chunks in stored.items() if set(chunks) != {current.get(key, NOBODY)}}
    assert {key for write in collection.written for key in write} == wrong
    assert result.changed == len(wrong)
    for key in stored:
        assert collection.tags(key) == {current.get(key, NOBODY)}
    shrinks = [any(t - current.get(k, NOBODY) for t in stored[k]) for write in collection.written for k in write]
    assert shrinks == sorted(shrinks, reverse=True)


@given(
    st.dictionaries(KEYS, st.tuples(st.sampled_from(["1", "2"]), TAGS), min_size=1),
    st.lists(st.dictionaries(KEYS, st.tuples(st.sampled_from(["1", "2"]), TAGS)), min_size=1, max_size=5),
    st.dictionaries(st.tuples(KEYS, st.sampled_from(["1", "2"])), TAGS),
)
def test_an_older_text_gains_nobody_but_within_what_it_says_of_itself(
    held: dict[str, tuple[str, AccessTags]],
    times: list[dict[str, tuple[str, AccessTags]]],
    own: dict[tuple[str, str], AccessTags],
) -> None:
    """Whatever is said of present texts, one time after another: the present one has those tags; an older one never has more than
    they, and more than before only within its own."""
    store = MemoryVectorStore()
    store.create("c", dimension=2, sparse=False)
    store.upsert("c", [text_point(key, version, tags) for key, (version, tags) in held.items()])
    for now in times:
        before = tags_in(store)
        tags = {key: tags for key, (_, tags) in now.items()}
        texts = {key: (version, "p") for key, (version, _) in now.items()}
        current = CurrentAccess(tags, "", texts, lambda asked: {k: own[k, v] for k, (v, _) in asked.items() if (k, v) in own})
        done = sync(store, "c", current)
        for key, after in tags_in(store).items():
            version = held[key][0]
            said = tags.get(key, NOBODY)
            if key not in texts or texts[key][0] == version:
                assert after == said
            else:
                assert after <= said
                assert after <= before[key] | own.get((key, version), NOBODY)
                assert (key in done.narrowed) == (after != said)
        assert not sync(store, "c", current).changed


def text_point(key: str, version: str, tags: AccessTags) -> Point:
    made = point("r", key, tags)
    return replace(made, payload={**made.payload, "version": version, "parse_fingerprint": "p"})


def tags_in(store: MemoryVectorStore) -> dict[str, AccessTags]:
    points = store.collections["c"].points.values()
    return {p.payload["document_key"]: AccessTags(p.payload["access_tags"]) for p in points}


def test_a_masked_document_s_older_text_is_asked_about_also_where_it_gains_nobody() -> None:
    """What is known of it takes it away; of the present text nothing is asked."""
    store, asked = MemoryVectorStore(), list[Any]()
    store.create("c", dimension=2, sparse=False)
    store.upsert("c", [text_point("d1", "1", AccessTags("a")), text_point("d2", "2", AccessTags("a"))])

    def older(texts: Any) -> dict[str, AccessTags]:
        asked.append(dict(texts))
        return {"d1": NOBODY}

    both = {"d1": AccessTags("a"), "d2": AccessTags("a")}
    current = CurrentAccess(both, "root", dict.fromkeys(both, ("2", "p")), older, frozenset(both))
    done = sync(store, "c", current)
    assert asked == [{"d1": ("1", "p")}]
    assert tags_in(store) == {"d1": NOBODY, "d2": AccessTags("a")}
    assert done.narrowed == {"d1"}
    assert current.synced(done.narrowed) != current.synced(()) == "root"
    again = CurrentAccess(both, "root", {**current.texts, "d1": ("1", "p")})
    assert again.synced(done.narrowed) != current.synced(done.narrowed), "it is looked at again once that text is the present one"
