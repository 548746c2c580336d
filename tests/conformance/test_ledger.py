"""What every implementation of the release ledger, the vector cache, runs, decisions and the lease promises."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from sluice.access import AccessTags, TagChange
from sluice.errors import IndexBusy, ReleaseError
from sluice.releases import Release, ReleaseEvent, Transition
from stores.mongo.connection import MongoDatabase
from stores.mongo.endings import MongoEndings
from stores.mongo.judgements import MongoJudgements
from stores.mongo.lease import MongoLease
from stores.mongo.ledger import MongoDecisions, MongoReleaseLedger, MongoRuns
from stores.mongo.marks import MongoAccessAudit, MongoOutbox
from stores.mongo.vectors import Evicted, MongoVectorCache
from stores.processes import ProcessId
from tests.fakes import MemoryAccessAudit, MemoryDecisions, MemoryOutbox, MemoryReleaseLedger, MemoryRuns, MemoryVectorCache

NOW = datetime(2026, 11, 21, 12, 0, 0, 123000, tzinfo=UTC)


@pytest.fixture(params=["memory", "mongo"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ledger(kind: str, request: pytest.FixtureRequest) -> Any:
    return MemoryReleaseLedger() if kind == "memory" else MongoReleaseLedger(request.getfixturevalue("database"), "handbook")


@pytest.fixture
def outbox(kind: str, request: pytest.FixtureRequest) -> Any:
    return MemoryOutbox() if kind == "memory" else MongoOutbox(request.getfixturevalue("database"), "handbook")


@pytest.fixture
def audit(kind: str, request: pytest.FixtureRequest) -> Any:
    return MemoryAccessAudit() if kind == "memory" else MongoAccessAudit(request.getfixturevalue("database"), "handbook")


@pytest.fixture
def cache(kind: str, request: pytest.FixtureRequest) -> Any:
    return MemoryVectorCache() if kind == "memory" else MongoVectorCache(request.getfixturevalue("database"))


@pytest.fixture
def runs(kind: str, request: pytest.FixtureRequest) -> Any:
    return MemoryRuns() if kind == "memory" else MongoRuns(request.getfixturevalue("database"), "handbook")


@pytest.fixture
def decisions(kind: str, request: pytest.FixtureRequest) -> Any:
    return MemoryDecisions() if kind == "memory" else MongoDecisions(request.getfixturevalue("database"), "handbook")


def release(id: str, **changes: Any) -> Release:
    made = Release(id, "handbook", f"handbook__{id}", "building", "f" * 64, "a" * 64, NOW)
    return replace(made, **changes)


def full_release() -> Release:
    return release(
        "r1",
        history=(Transition("building", NOW, "me"), Transition("staged", NOW + timedelta(seconds=1), "\udc80")),
        fingerprints={"model": "m", "parse": {"a.b": "$x"}},
        configuration={"sources": [{"include": ["**/*.md"]}], "n": 0.1 + 0.2},
        documents=3,
        chunks=5,
        counts={"parse": {"seen": 3, "dropped": {"empty": 1}}},
        seconds={"embed": 1.25},
        verdicts=({"gate": "retrieval", "passed": True, "evidence": {"recall": 0.8181818181818182}},),
        held="rejected",
        pinned=True,
        replaced="r0",
        removed=NOW,
    )


class TestReleaseLedger:
    def test_every_field_comes_back_as_it_was(self, ledger: Any) -> None:
        """The manifest survives, nested configuration, verdicts and history included."""
        ledger.add(full_release())
        assert ledger.read() == [full_release()]

    def test_releases_are_read_oldest_first(self, ledger: Any) -> None:
        """By the time they were created, whatever their ids."""
        for number, id in enumerate(["c", "a", "b"]):
            ledger.add(release(id, created=NOW + timedelta(milliseconds=number)))
        assert [r.id for r in ledger.read()] == ["c", "a", "b"]

    def test_an_id_is_used_once(self, ledger: Any) -> None:
        """A second release with the id of a first is refused, and changes nothing."""
        ledger.add(release("r1"))
        with pytest.raises(ReleaseError, match="r1"):
            ledger.add(release("r1", documents=9))
        assert ledger.read() == [release("r1")]

    def test_an_update_sets_the_fields_named_and_returns_the_release(self, ledger: Any) -> None:
        """Every kind of field can be set; the others stay."""
        ledger.add(release("r1"))
        full = full_release()
        names = ("history", "fingerprints", "configuration", "seconds", "verdicts", "pinned", "removed", "replaced", "chunks")
        changed = ledger.update("r1", {name: getattr(full, name) for name in names})
        assert changed == replace(release("r1"), **{name: getattr(full, name) for name in names})
        assert ledger.read() == [changed]
        assert ledger.update("r1", {"removed": None, "pinned": False}).removed is None

    def test_a_release_that_is_not_in_the_expected_state_is_left_alone(self, ledger: Any) -> None:
        """Compare-and-set: the message says what it was and what it should have been."""
        ledger.add(release("r1"))
        ledger.update("r1", {"state": "staged"}, expect="building")
        with pytest.raises(ReleaseError, match=r"staged.*building"):
            ledger.update("r1", {"state": "abandoned", "chunks": 7}, expect="building")
        assert [(r.state, r.chunks) for r in ledger.read()] == [("staged", 0)]

    def test_an_unknown_release_or_field_is_refused(self, ledger: Any) -> None:
        """No row appears by updating it, and no row is given a field that a release does not have."""
        with pytest.raises(ReleaseError, match="r9"):
            ledger.update("r9", {"state": "staged"})
        ledger.add(release("r1"))
        with pytest.raises(ReleaseError):
            ledger.update("r1", {"no_such_field": 1})
        with pytest.raises(ReleaseError):
            ledger.update("r1", {"id": "r2"})
        assert ledger.read() == [release("r1")]

    def test_of_many_that_race_for_a_transition_one_wins(self, database: MongoDatabase) -> None:
        """Eight threads promote the same staged release; seven are told that it is no longer staged."""
        ledger = MongoReleaseLedger(database, "handbook")
        ledger.add(release("r1", state="staged"))
        outcomes: list[str] = []

        def promote(number: int) -> None:
            try:
                outcomes.append(ledger.update("r1", {"state": "promoted", "chunks": number}, expect="staged").state)
            except ReleaseError:
                outcomes.append("lost")

        threads = [threading.Thread(target=promote, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["lost"] * 7 + ["promoted"]

    def test_two_indexes_may_have_releases_of_the_same_id(self, database: MongoDatabase) -> None:
        """They share a database without interference."""
        first, second = MongoReleaseLedger(database, "first"), MongoReleaseLedger(database, "second")
        first.add(release("r1", index="first"))
        second.add(release("r1", index="second", chunks=2))
        second.update("r1", {"state": "staged"}, expect="building")
        assert [(r.index, r.state) for r in first.read()] == [("first", "building")]


class TestOutbox:
    def test_events_come_back_as_they_were_oldest_first_until_delivered(self, outbox: Any) -> None:
        """Put twice is once; what is delivered or removed does not wait any more."""
        document = {"key": "k", "uri": "a/b.md", "source": "s"}
        late = ReleaseEvent("e2", "handbook", "promoted", "r2", "r1", NOW + timedelta(seconds=1), "me", added=(document,))
        early = ReleaseEvent("e1", "handbook", "rolled back", "r1", None, NOW, "me", everything=True, taken=("x",))
        for event in (late, early, late):
            outbox.put(event)
        assert outbox.open() == [early, late]
        outbox.put(replace(late, state="confirmed"))
        assert [event.state for event in outbox.open()] == ["intended", "confirmed"]
        outbox.put(replace(late, state="delivered"))
        assert outbox.open() == [early]
        outbox.remove("e1")
        outbox.remove("e1")
        assert outbox.open() == []


class TestAccessAudit:
    def test_a_line_for_each_change_in_the_order_of_time(self, audit: Any) -> None:
        """The same change at the same time is one line; at another time it is another."""
        lost = TagChange("k1", AccessTags(["a", "b"]), AccessTags(["b"]))
        gained = TagChange("k2", AccessTags(), AccessTags(["a"]))
        for at in (NOW + timedelta(seconds=1), NOW, NOW):
            audit.record([lost, gained], at, "me")
        audit.record([], NOW, "me")
        assert [(row["document_key"], row["at"]) for row in audit.read()] == [
            (key, at) for at in (NOW, NOW + timedelta(seconds=1)) for key in ("k1", "k2")
        ]
        assert audit.read("k1")[0] == {"document_key": "k1", "before": ["a", "b"], "after": ["b"], "at": NOW, "actor": "me"}


class TestVectorCache:
    def test_vectors_come_back_bit_for_bit(self, cache: Any) -> None:
        """NaN, infinities, denormals and negative zero included; what is not there is left out."""
        vectors = {
            "odd": np.array([np.nan, np.inf, -0.0, 1e-45, 0.1], dtype=np.float32),
            "unit": np.full(384, 1 / np.sqrt(384), dtype=np.float32),
        }
        cache.put("model", vectors)
        cache.put("model", vectors)
        found = cache.get("model", ["unit", "missing", "odd", "unit"])
        assert found.keys() == vectors.keys()
        for text, vector in vectors.items():
            assert found[text].dtype == np.float32
            assert found[text].tobytes() == vector.tobytes()
        assert cache.get("model", []) == {}

    def test_models_are_apart(self, cache: Any) -> None:
        """A vector of one model is never another's."""
        cache.put("one", {"text": np.zeros(3, dtype=np.float32)})
        assert cache.get("two", ["text"]) == {}

    def test_thousands_at_once(self, cache: Any) -> None:
        """More than any batch holds."""
        vectors = {f"{n:064x}": np.full(8, n, dtype=np.float32) for n in range(2500)}
        cache.put("model", vectors)
        found = cache.get("model", list(vectors))
        assert all(found[text][0] == vector[0] for text, vector in vectors.items())

    def test_a_vector_that_is_there_stays_as_it_is(self, cache: Any) -> None:
        """Rows are named by their content: of two puts that overlap, the second adds what is new, and no request fails."""
        cache.put("m", {f"{n}": np.full(3, n, dtype=np.float32) for n in range(10)})
        cache.put("m", {f"{n}": np.full(3, 7, dtype=np.float32) for n in range(5, 1500)})
        found = cache.get("m", [f"{n}" for n in range(1500)])
        assert [found[f"{n}"][0] for n in range(1500)] == [*range(10), *[7] * 1490]

    def test_what_nothing_uses_is_evicted_down_to_a_size(self, cache: Any) -> None:
        """Never what is used; no more than has to go; what went is said."""
        cache.put("one", {f"{n}": np.ones(4, dtype=np.float32) for n in range(10)})
        cache.put("two", {f"{n}": np.ones(2, dtype=np.float32) for n in range(10)})
        used = [f"{n}" for n in range(4)]
        assert cache.evict(used, max_bytes=1000) == Evicted(0, 0, 20, 240)
        some = cache.evict(used, max_bytes=200)
        assert 160 < some.kept_bytes <= 200
        assert cache.evict(used) == Evicted(12 - some.vectors, 144 - some.bytes, 8, 96)
        assert sorted(cache.get("one", [f"{n}" for n in range(10)])) == used
        assert sorted(cache.get("two", [f"{n}" for n in range(10)])) == used

    def test_a_text_is_erased_of_every_model(self, cache: Any) -> None:
        """Erasing a text's vectors leaves those of other texts."""
        for model in ("one", "two"):
            cache.put(model, {"secret": np.ones(3, dtype=np.float32), "other": np.ones(3, dtype=np.float32)})
        cache.delete(["secret", "missing"])
        assert [sorted(cache.get(model, ["secret", "other"])) for model in ("one", "two")] == [["other"], ["other"]]


class TestRuns:
    def test_a_run_is_recorded_added_to_and_listed_newest_first(self, runs: Any) -> None:
        """Values are merged; times come back as ISO 8601 text."""
        runs.record("first", {"command": "run", "started": NOW, "counts": {"a.b": {"$x": 1}}})
        runs.record("second", {"command": "gc"})
        runs.record("first", {"outcome": "promoted"})
        assert runs.get("first") == {
            "run": "first",
            "command": "run",
            "started": "2026-11-21T12:00:00.123000Z",
            "counts": {"a.b": {"$x": 1}},
            "outcome": "promoted",
        }
        assert [run["run"] for run in runs.read()] == ["second", "first"]
        assert [run["run"] for run in runs.read(limit=1)] == ["second"]
        assert runs.get("third") is None


class TestDecisions:
    def test_the_first_decision_holds(self, decisions: Any) -> None:
        """Whoever decides later is told what was decided; before that there is nothing."""
        assert decisions.get("precision") is None
        assert decisions.decide("precision", "openvino-bf16") == "openvino-bf16"
        assert decisions.decide("precision", "fp32") == "openvino-bf16"
        assert decisions.get("precision") == "openvino-bf16"
        assert decisions.decide("other", {"a.b": [1, 0.5]}) == {"a.b": [1, 0.5]}

    def test_threads_that_decide_at_once_agree(self, database: MongoDatabase) -> None:
        """Eight proposals, one answer."""
        decisions = MongoDecisions(database, "handbook")
        answers: list[Any] = []
        threads = [threading.Thread(target=lambda n=n: answers.append(decisions.decide("x", n))) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == 8
        assert len(set(answers)) == 1


def test_endings_are_kept_whole_and_read_once(database: MongoDatabase) -> None:
    """In order, of this index alone; what a reader knows by its name is not read again, and nothing is kept of nothing."""
    endings, other = MongoEndings(database, "handbook"), MongoEndings(database, "other")
    assert endings.read() == ("", [])
    kept = [(NOW, "a" * 64), (NOW + timedelta(microseconds=1), "b" * 64)]
    endings.write(kept)
    other.write(kept[:1])
    name, read = endings.read()
    assert (bool(name), read, endings.read(name)) == (True, kept, (name, []))
    endings.write(kept)
    assert endings.read(name) == (name, [])
    endings.write([])
    assert endings.read(name) == ("", [])
    assert other.read()[1] == kept[:1]


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def elsewhere() -> ProcessId:
    return replace(ProcessId.current(), host="another-host")


def soon(condition: Callable[[], bool]) -> bool:
    waiting = threading.Event()
    return any(condition() or waiting.wait(0.02) for _ in range(250))


class TestLease:
    def test_the_second_is_told_who_holds_it_and_since_when(self, database: MongoDatabase) -> None:
        """Exit code 4, with pid, host, purpose and time; after the first has let go it is free. Also in one process."""
        lease = MongoLease(database, "handbook", Clock())
        with lease.acquire("sluice run") as held:
            assert held.holds()
            with pytest.raises(IndexBusy) as busy:
                lease.acquire("sluice gc")
            for part in (str(os.getpid()), ProcessId.current().host, "sluice run", "2026-11-21 12:00:00"):
                assert part in busy.value.message
            assert busy.value.exit_code == 4
            assert str(lease.holder()).startswith("process ")
        assert lease.holder() is None
        lease.acquire("sluice gc").close()

    def test_two_indexes_are_held_independently(self, database: MongoDatabase) -> None:
        """One database, two leases."""
        with MongoLease(database, "first").acquire("a"), MongoLease(database, "second").acquire("b"):
            assert database["leases"].count_documents({}) == 2

    def test_a_killed_holder_on_this_machine_is_replaced_at_once(self, database: MongoDatabase) -> None:
        """kill -9 leaves the row; its process is gone, so nobody waits, also while it is an unreaped zombie."""
        with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
            import psutil

            theirs = replace(ProcessId.current(), pid=process.pid, started=psutil.Process(process.pid).create_time())
            abandoned = MongoLease(database, "handbook", process=theirs).acquire("sluice run")
            with pytest.raises(IndexBusy, match=str(process.pid)):
                MongoLease(database, "handbook").acquire("sluice run")
            process.kill()
            assert soon(lambda: theirs.alive() is False)
            with MongoLease(database, "handbook").acquire("sluice run") as held:
                assert held.holds()
                assert not abandoned.holds()
                with pytest.raises(IndexBusy, match=str(os.getpid())):
                    abandoned.check()
                abandoned.close()
                assert held.holds()

    def test_a_pid_that_was_used_again_does_not_keep_it(self, database: MongoDatabase) -> None:
        """A living process with the holder's pid that started at another time is not the holder."""
        reused = replace(ProcessId.current(), started=ProcessId.current().started - 3600)
        abandoned = MongoLease(database, "handbook", process=reused).acquire("sluice run")
        MongoLease(database, "handbook").acquire("sluice run").close()
        abandoned.close()

    def test_a_holder_elsewhere_is_replaced_when_it_has_been_silent_too_long(self, database: MongoDatabase) -> None:
        """60 seconds by the heartbeat, not before: another machine's process cannot be looked at."""
        clock = Clock()
        theirs = MongoLease(database, "handbook", clock, process=elsewhere()).acquire("sluice run")
        mine = MongoLease(database, "handbook", clock)
        clock.now += timedelta(seconds=60)
        with pytest.raises(IndexBusy, match="another-host"):
            mine.acquire("sluice run")
        clock.now += timedelta(seconds=1)
        with mine.acquire("sluice run") as held:
            assert held.holds()
            assert not theirs.holds()
        theirs.close()

    def test_the_heartbeat_is_renewed_and_ends_with_the_lease(self, database: MongoDatabase) -> None:
        """A thread writes the time again and again; a lease that was taken away stops by itself."""
        clock = Clock()
        lease = MongoLease(database, "handbook", clock, heartbeat_s=0.01)
        held = lease.acquire("sluice run")
        clock.now += timedelta(seconds=30)
        assert soon(lambda: (h := lease.holder()) is not None and h.heartbeat == clock.now)
        database["leases"].update_one({"_id": "handbook"}, {"$set": {"token": "taken"}})
        assert soon(lambda: not held.holds())
        held.close()
        assert lease.holder() is not None

    def test_of_many_that_take_over_a_dead_holder_one_wins(self, database: MongoDatabase) -> None:
        """The compare-and-set lets one through; the others are told that it lives."""
        gone = replace(ProcessId.current(), started=1.0)
        MongoLease(database, "handbook", process=gone).acquire("dead").close  # noqa: B018 (left behind on purpose)
        held: list[Any] = []
        refused: list[IndexBusy] = []

        def take() -> None:
            try:
                held.append(MongoLease(database, "handbook").acquire("sluice run"))
            except IndexBusy as error:
                refused.append(error)

        threads = [threading.Thread(target=take) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(held), len(refused)) == (1, 7)
        held[0].close()


def test_what_releases_answered_is_kept_by_name_and_read_in_bulk(database: MongoDatabase) -> None:
    """Oldest first, each index by itself; kept again it takes the old one's place; a rewriting changes what differs."""
    judgements, others = MongoJudgements(database, "handbook"), MongoJudgements(database, "other")
    for release, name, content in (("r1", "a", b"1"), ("r1", "b", b"2"), ("r2", "a", b"3"), ("r1", "a", b"4")):
        judgements.keep(release, name, content)
    others.keep("r1", "a", b"theirs")
    assert judgements.read(["r1", "r2", "none"]) == {"r1": [b"2", b"4"], "r2": [b"3"]}
    assert judgements.rewrite(lambda content: content.replace(b"2", b"two")) == 1
    assert judgements.read(["r1"]) == {"r1": [b"two", b"4"]}
    assert others.read(["r1"]) == {"r1": [b"theirs"]}
