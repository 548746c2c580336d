"""What every implementation of ingestion's stores promises: document states, blobs, versions, quarantine."""

from __future__ import annotations

import random
import threading
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.testing.stores import MemoryBlobs, MemoryDocumentStates, MemoryQuarantine, MemoryVersions
from sluice.access import AccessTags
from sluice.errors import IntegrityError
from sluice.ids import content_hash, document_key, id_sum, version_id
from sluice.records import Cut, Document, DocumentState, Element, QuarantineEntry
from stores.mongo.blobs import ROW_BYTES, MongoBlobs
from stores.mongo.cuts import MongoCuts
from stores.mongo.documents import INLINE_BYTES, MongoDocumentStates, MongoQuarantine, MongoVersions
from tests.fakes import MemoryCuts

NOW = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
ODD_METADATA = {
    "a.b": 1,
    "$where": {"x.$y": [1, 2.5, None, True, {"z": "ä"}]},
    "": "empty key",
    "third": 0.1 + 0.2,
    "nul\0": "a\0b",
    "lone": "\udc80",
}


@pytest.fixture(params=["memory", "mongo"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def states(kind: str, request: pytest.FixtureRequest) -> Any:
    return MemoryDocumentStates() if kind == "memory" else MongoDocumentStates(request.getfixturevalue("database"), "handbook")


@pytest.fixture
def blobs(kind: str, request: pytest.FixtureRequest) -> Any:
    return MemoryBlobs() if kind == "memory" else MongoBlobs(request.getfixturevalue("database"))


@pytest.fixture
def versions(kind: str, request: pytest.FixtureRequest) -> Any:
    return MemoryVersions() if kind == "memory" else MongoVersions(request.getfixturevalue("database"), "handbook")


@pytest.fixture
def quarantine(kind: str, request: pytest.FixtureRequest) -> Any:
    return MemoryQuarantine() if kind == "memory" else MongoQuarantine(request.getfixturevalue("database"), "handbook")


def state(uri: str, source: str = "docs", **changes: Any) -> DocumentState:
    return replace(DocumentState(document_key(source, uri), source, uri), **changes)


def full_state() -> DocumentState:
    return state(
        "content/ä/🐟\udcff.md",
        status="quarantined",
        validator='W/"5\udc80"',
        content_hash="c" * 64,
        version="d" * 64,
        parse_fingerprint="f" * 64,
        stale=True,
        dropped="empty",
        media_type="text/markdown",
        size=2**40,
        title="$set",
        language="de",
        metadata=ODD_METADATA,
        source_tags=AccessTags(["ö", "a"]),
        own_tags=AccessTags(),
        tags=AccessTags(["a", "$b"]),
        expires=NOW + timedelta(days=30),
        modified=NOW.astimezone(tz=None),
        first_seen=NOW,
        fetched=NOW,
    )


class TestDocumentStates:
    def test_every_field_comes_back_as_it_was(self, states: Any) -> None:
        """Any Unicode, dots and dollars in keys, file names that are not UTF-8, floats, booleans and times survive."""
        full, plain = full_state(), state("plain.md")
        states.write([full, plain])
        for _again in range(2):
            assert {s.key: s for s in states.read()} == {full.key: full, plain.key: plain}
            assert type(states.read([full.key])[0].stale) is bool
            assert states.read([full.key])[0].fetched.tzinfo is not None
            states.write([full, plain])

    def test_no_tags_and_no_statement_about_tags_are_different(self, states: Any) -> None:
        """None is "says nothing", an empty set is "nobody": neither turns into the other."""
        states.write([state("silent", own_tags=None), state("nobody", own_tags=AccessTags())])
        assert {s.uri: s.own_tags for s in states.read()} == {"silent": None, "nobody": AccessTags()}

    def test_a_write_replaces_the_whole_row(self, states: Any) -> None:
        """What is not in the new row is gone, also when it was in the old one."""
        states.write([full_state()])
        after = state(full_state().uri, title="now")
        states.write([after])
        assert states.read() == [after]

    def test_rows_are_read_by_key_by_source_or_all_in_the_order_of_keys(self, states: Any) -> None:
        """A key that is not there is left out; asking for none gives none; a source narrows keys too."""
        rows = [state(f"{n}.md", source) for n in range(7) for source in ("docs", "wiki")]
        states.write(rows)
        ordered = sorted(rows, key=lambda s: s.key)
        assert states.read() == ordered
        assert states.read(source="wiki") == [s for s in ordered if s.source == "wiki"]
        assert states.read([rows[3].key, "missing", rows[0].key, rows[3].key]) == sorted([rows[0], rows[3]], key=lambda s: s.key)
        assert states.read([]) == []
        assert states.read([rows[0].key, rows[1].key], source="docs") == [rows[0]]

    def test_thousands_are_written_and_read_in_one_call(self, states: Any) -> None:
        """More rows than any batch holds."""
        rows = [state(f"{n}.md") for n in range(2500)]
        states.write(iter(rows))
        assert len(states.read()) == 2500
        assert len(states.read([s.key for s in rows])) == 2500

    def test_nothing_to_write_is_no_error(self, states: Any) -> None:
        """An empty batch is an ordinary batch."""
        states.write([])
        assert states.read() == []

    def test_who_has_certain_bytes_is_found_by_them(self, states: Any) -> None:
        """Every document whose bytes fetched last are these, and no other; nobody has none."""
        rows = [state(f"{n}.md", content_hash=str(n % 3)) for n in range(7)]
        states.write([*rows, state("none.md")])
        assert states.holding({"0", "2", "unknown"}) == sorted((s for s in rows if s.content_hash != "1"), key=lambda s: s.key)
        assert states.holding(set()) == []

    def test_erased_rows_are_gone(self, states: Any) -> None:
        """Erasing takes exactly the rows named, and no error when there is none."""
        states.write([state("a"), state("b")])
        states.delete([state("a").key, "missing"])
        assert [s.uri for s in states.read()] == ["b"]


class TestBlobs:
    @pytest.mark.parametrize("size", [0, 1, 7000, ROW_BYTES, ROW_BYTES + 1, 3_000_000])
    def test_bytes_come_back_under_their_hash(self, blobs: Any, size: int) -> None:
        """Of any size, also when put twice; deleting erases them, and deleting again is no error."""
        content = bytes(range(256)) * (size // 256) + b"\0" * (size % 256)
        name = blobs.put(content)
        assert name == content_hash(content) == blobs.put(content)
        assert blobs.get(name) == content
        assert blobs.hashes() == {name}
        for _again in range(2):
            blobs.delete(name)
            assert blobs.hashes() == set()
        with pytest.raises(IntegrityError, match=name):
            blobs.get(name)

    def test_many_are_put_read_and_erased_in_one_call(self, blobs: Any) -> None:
        """Each under its hash, in order, also those put twice; large ones too, which only `get` must give; the others stay."""
        contents = [f"number {n}".encode() for n in range(1100)] + [
            b"number 3",
            b"",
            b"L" * (ROW_BYTES + 1),
            b"M" * (ROW_BYTES + 1),
        ]
        names = [content_hash(content) for content in contents]
        for _again in range(2):
            assert blobs.put_all(contents) == names
        by_name = dict(zip(names, contents, strict=True))
        found = blobs.get_all([*names, "unknown"])
        assert found.items() <= by_name.items()
        assert len(found) >= 1101
        assert all(blobs.get(name) == content for name, content in by_name.items() if name not in found)
        assert (blobs.put_all([]), blobs.get_all([])) == ([], {})
        stay = {names[0], names[-1]}
        blobs.delete_all([*(set(names) - stay), "unknown"])
        assert blobs.hashes() == stay
        blobs.delete_all([])
        assert blobs.hashes() == stay

    @pytest.mark.parametrize("size", [1000, ROW_BYTES * 2])
    def test_threads_may_put_the_same_bytes_at_once(self, blobs: Any, size: int) -> None:
        """No error, and the bytes are whole."""
        errors: list[BaseException] = []

        def put() -> None:
            try:
                blobs.put(b"x" * size)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=put) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert blobs.get(content_hash(b"x" * size)) == b"x" * size


class TestVersions:
    def document(self, text: str = "Title\n\nText") -> Document:
        key = document_key("docs", "a.md")
        elements = (
            Element("title", 0, 5, ("Ä", "Title")),
            Element("text", 7, 11, ("Ä", "Title"), page=3),
            Element("text", 11, 11),
        )
        return Document(
            key,
            "docs",
            "a\udc80.md",
            "c" * 64,
            "Title $x",
            "de",
            text,
            elements,
            ODD_METADATA,
            AccessTags(["b", "a"]),
            expires=NOW,
        )

    def test_a_document_comes_back_whole(self, versions: Any) -> None:
        """Elements, heading paths, pages, metadata, tags, expiry, and any text."""
        full = self.document("a\0b\r\n😀\udc80" + "ä" * 50)
        bare = Document("k", "s", "u", "v", "", "", "")
        versions.put("v1", full)
        versions.put("v2", bare)
        assert versions.get(["v1", "v2", "missing", "v1"]) == {"v1": full, "v2": bare}
        assert versions.get([]) == {}

    def test_putting_again_replaces(self, versions: Any) -> None:
        """An id has one document, the last one put."""
        versions.put("v1", self.document("first"))
        versions.put("v1", self.document("second"))
        assert versions.get(["v1"])["v1"].text == "second"

    def test_versions_are_listed_and_removed(self, versions: Any) -> None:
        """By document or all; no error for one that is not there."""
        ids = [version_id("k", str(n), "f") for n in range(3)]
        for n, version in enumerate(ids):
            versions.put(version, replace(self.document(), key=f"k{n % 2}"))
        assert versions.ids() == {ids[0]: "k0", ids[1]: "k1", ids[2]: "k0"}
        assert versions.ids(["k0"]) == {ids[0]: "k0", ids[2]: "k0"}
        versions.delete([ids[0], "missing"])
        assert versions.get(ids).keys() == set(ids[1:])


class TestQuarantine:
    def entry(self, uri: str = "a.md", stage: str = "parse", **changes: Any) -> QuarantineEntry:
        made = QuarantineEntry(
            document_key("docs", uri), "docs", uri, stage, "broken", "x\0\udc80", True, "c", "f", 1, NOW, NOW, "run-1"
        )
        return replace(made, **changes)

    def test_an_entry_is_kept_once_and_counts_attempts(self, quarantine: Any) -> None:
        """The first time stays, the rest is the last time's, and attempts go up by one."""
        later = NOW + timedelta(days=1)
        quarantine.add(self.entry())
        quarantine.add(self.entry(reason="worse", first_seen=later, last_seen=later, retryable=False, run="run-2"))
        assert quarantine.entries() == [
            self.entry(reason="worse", attempts=2, first_seen=NOW, last_seen=later, retryable=False, run="run-2")
        ]

    def test_stages_are_apart(self, quarantine: Any) -> None:
        """One document may fail in two stages; each is listed and cleared by itself."""
        quarantine.add(self.entry(stage="fetch"))
        quarantine.add(self.entry(stage="parse"))
        quarantine.add(self.entry("b.md"))
        assert [(e.uri, e.stage) for e in quarantine.entries()] == [("a.md", "fetch"), ("a.md", "parse"), ("b.md", "parse")]
        assert [e.uri for e in quarantine.entries(stage="parse")] == ["a.md", "b.md"]
        for _again in range(2):
            quarantine.clear(self.entry().document_key, "parse")
        assert [(e.uri, e.stage) for e in quarantine.entries()] == [("a.md", "fetch"), ("b.md", "parse")]

    def test_many_are_added_listed_and_cleared_in_one_call(self, quarantine: Any) -> None:
        """As one by one: those that were there count up; only the documents and the stage named are cleared."""
        quarantine.add_all(self.entry(f"{n}.md") for n in range(3))
        quarantine.add_all(self.entry(f"{n}.md", reason="again") for n in range(2, 5))
        quarantine.add_all([self.entry("2.md", stage="fetch")])
        quarantine.add_all([])
        assert [(e.uri, e.stage, e.attempts, e.reason) for e in quarantine.entries()] == [
            ("0.md", "parse", 1, "broken"),
            ("1.md", "parse", 1, "broken"),
            ("2.md", "fetch", 1, "broken"),
            ("2.md", "parse", 2, "again"),
            ("3.md", "parse", 1, "again"),
            ("4.md", "parse", 1, "again"),
        ]
        keys = [self.entry(uri).document_key for uri in ("2.md", "4.md", "unknown.md")]
        assert [(e.uri, e.stage) for e in quarantine.entries(stage="parse", keys=keys)] == [("2.md", "parse"), ("4.md", "parse")]
        assert [(e.uri, e.stage) for e in quarantine.entries(keys=keys[:1])] == [("2.md", "fetch"), ("2.md", "parse")]
        assert quarantine.entries(stage="parse", keys=[]) == []
        quarantine.clear_all(keys, "parse")
        quarantine.clear_all([], "parse")
        assert [(e.uri, e.stage) for e in quarantine.entries()] == [
            ("0.md", "parse"),
            ("1.md", "parse"),
            ("2.md", "fetch"),
            ("3.md", "parse"),
        ]


class TestMongoOnly:
    def test_two_indexes_share_a_database_without_interference(self, database: Any) -> None:
        """The same document in two indexes is two rows, in every table."""
        first, second = MongoDocumentStates(database, "first"), MongoDocumentStates(database, "second")
        first.write([state("a", title="one")])
        second.write([state("a", title="two"), state("b")])
        assert [s.title for s in first.read()] == ["one"]
        assert [s.title for s in first.read([state("a").key, state("b").key])] == ["one"]
        MongoVersions(database, "first").put("v", Document("k", "s", "u", "v", "one", "", ""))
        assert MongoVersions(database, "second").get(["v"]) == {}
        MongoQuarantine(database, "first").add(TestQuarantine().entry())
        assert MongoQuarantine(database, "second").entries() == []

    def test_a_large_version_lies_in_the_blobs_and_leaves_with_the_last_row_that_needs_it(self, database: Any) -> None:
        """A text that does not compress below 1 MB costs one blob, whichever number of rows names it."""
        versions, blobs = MongoVersions(database, "handbook"), MongoBlobs(database)
        noise = "".join(chr(0x4E00 + (n * n * 7919) % 20000) for n in range(INLINE_BYTES))
        document = Document("k", "s", "u", "c" * 64, "", "", noise)
        versions.put("v1", document)
        versions.put("v2", document)
        assert len(blobs.hashes()) == 1
        assert blobs.hashes() <= blobs.references()
        versions.delete(["v1"])
        assert versions.get(["v2"]) == {"v2": document}
        versions.delete(["v2"])
        assert blobs.hashes() == set()

    @pytest.mark.parametrize("size", [1000, ROW_BYTES * 3])
    def test_damaged_bytes_are_noticed_and_putting_them_again_repairs(self, database: Any, size: int) -> None:
        """A read checks the hash; the next put of the right bytes makes it whole."""
        blobs, content = MongoBlobs(database), b"y" * size
        name = blobs.put(content)
        if size <= ROW_BYTES:
            database["blobs"].update_one({"_id": name}, {"$set": {"content": b"yz"}})
        else:
            blobs.delete(name)
            blobs._bucket.upload_from_stream(name, b"z" * size)
        with pytest.raises(IntegrityError, match="damaged"):
            blobs.get(name)
        blobs.put(content)
        assert blobs.get(name) == content

    def test_a_put_that_was_killed_half_way_does_not_stand_in_the_way(self, database: Any) -> None:
        """Chunks that no file names yet are as good as nothing."""
        blobs, content = MongoBlobs(database), b"k" * (ROW_BYTES * 4)
        stream = blobs._bucket.open_upload_stream(content_hash(content))
        stream.write(content[: ROW_BYTES * 2])
        with pytest.raises(IntegrityError, match="missing"):
            blobs.get(content_hash(content))
        assert blobs.get(blobs.put(content)) == content


class TestCuts:
    @pytest.fixture
    def cuts(self, kind: str, request: pytest.FixtureRequest) -> Any:
        return MemoryCuts() if kind == "memory" else MongoCuts(request.getfixturevalue("database"), "handbook")

    @staticmethod
    def cut(number: int, key: str = "d1", version: str = "v1", chunks: int = 3) -> Cut:
        ids = tuple(str(uuid.UUID(int=number * 100 + n)) for n in range(chunks))
        return Cut(key, version, ids, tuple(range(chunks)), tuple(content_hash(id.encode()) for id in ids), b"rest \0 of it")

    def test_cuts_come_back_as_they_were_put(self, cuts: Any) -> None:
        """Whole, or light: without `rest`; what is not there is left out; putting twice is putting once."""
        many = {f"name-{n}": self.cut(n, chunks=n % 4) for n in range(1100)}
        for _again in range(2):
            cuts.put(many)
        assert cuts.get([*many, "unknown"], whole=True) == many
        assert cuts.get(list(many)) == {name: replace(cut, rest=b"") for name, cut in many.items()}
        assert cuts.get([]) == {}
        assert cuts.sums([*many, "unknown"]) == {name: id_sum(cut.ids) for name, cut in many.items()}

    def test_cuts_go_with_their_version_and_with_their_document(self, cuts: Any) -> None:
        """The others stay; removing what is not there is no error."""
        cuts.put({"a": self.cut(1), "b": self.cut(2, version="v2"), "c": self.cut(3, key="d2", version="v3")})
        assert cuts.versions() == {"v1", "v2", "v3"}
        cuts.delete(["v1", "unknown"])
        assert cuts.get(["a", "b", "c"]).keys() == {"b", "c"}
        assert (cuts.count("d1"), cuts.count("d2")) == (1, 1)
        cuts.erase(["d2", "unknown"])
        assert (cuts.get(["a", "b", "c"]).keys(), cuts.count("d2")) == ({"b"}, 0)

    def test_what_a_writer_remembers_is_what_is_there(self, database: Any) -> None:
        """After any writes and erasures its readings are those of somebody who asks the database, and cost no request."""
        draw = random.Random(5)
        mine, other = MongoDocumentStates(database, "handbook"), MongoDocumentStates(database, "handbook")
        mine.write([state(f"{n}.md", source="ab"[n % 2]) for n in range(6)])
        with mine.remembered():
            for step in range(40):
                chosen = [state(f"{draw.randrange(9)}.md", source=draw.choice("ab"), title=str(step)) for _ in range(3)]
                mine.delete([s.key for s in chosen[:1]]) if step % 4 == 3 else mine.write([*chosen, full_state()])
                keys = [s.key for s in chosen]
                assert mine.read() == other.read()
                assert mine.read(keys) == other.read(keys)
                assert mine.read(source="a") == other.read(source="a")
            other.write([state("unseen.md")])
            assert "unseen.md" not in {s.uri for s in mine.read()}  # what it remembers was not read again
            mine.look_again()
            assert mine.read() == other.read()
        other.write([state("after.md")])
        assert mine.read() == other.read()  # outside nothing is remembered
