"""What `changes` promises, on a real kombu transport: nothing but what is named, and nothing lost."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kombu
import pytest

from ingest import sources
from ingest.sources.changes import ChangesSource
from ingest.sources.checked import Checked
from sluice.errors import ConfigurationError, SourceUnavailable
from sluice.settings import load


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.slow)])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A broker's URL: kombu's own in memory, and a real Redis server where Debian's is installed."""
    if request.param == "memory":
        yield "memory://"
        return
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--save", ""]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"redis://127.0.0.1:{port}/0"
    running.kill()
    running.wait()


class Queue:
    def __init__(self, folder: Path, broker: str, **more: object) -> None:
        self.name, self.broker, self.folder = f"changes-{os.urandom(4).hex()}", broker, folder
        self.more = more
        self.inner: dict[str, Any] = {"type": "files", "root": "root", "include": ["**/*.md"]}
        (folder / "root").mkdir()

    def source(self) -> ChangesSource:
        """A source as a new process would make it."""
        section = {"name": "notes", "type": "changes", "of": self.inner, "url": self.broker, "queue": self.name, **self.more}
        file = self.folder / "sluice.yaml"
        import yaml

        file.write_text(yaml.safe_dump({"index": "x", "sources": [section], "gates": []}))
        settings = load(file)
        found = sources.build(settings.sources[0], settings)
        assert isinstance(found, Checked)
        assert isinstance(found.inner, ChangesSource)
        return found.inner

    def send(self, *events: Any) -> None:
        with kombu.Connection(self.broker) as connection:
            producer = connection.Producer()
            for event in events:
                producer.publish(event, routing_key=self.name, declare=[kombu.Queue(self.name, durable=True)])

    def waiting(self) -> int:
        with kombu.Connection(self.broker) as connection:
            queue = kombu.Queue(self.name, durable=True)(connection.channel())
            return int(queue.queue_declare().message_count)


@pytest.fixture
def queue(tmp_path: Path, broker: str) -> Queue:
    made = Queue(tmp_path, broker)
    for name in ("a.md", "b.md", "c.md"):
        (tmp_path / "root" / name).write_text(f"{name} as it was")
    return made


def known(found: ChangesSource) -> dict[str, str]:
    return {ref.uri: found.fetch(ref).validator for ref in found.scan({})}


def test_only_what_is_named_is_fetched_or_deleted(queue: Queue) -> None:
    """Without messages it is the source itself; with some, other edits wait, and files outside the patterns stay out."""
    before = known(queue.source())
    assert set(before) == {"a.md", "b.md", "c.md"}
    (queue.folder / "root" / "a.md").write_text("edited, and told of")
    (queue.folder / "root" / "b.md").write_text("edited, and not told of")
    (queue.folder / "root" / "d.md").write_text("new")
    (queue.folder / "root" / "secret.txt").write_text("no document")
    queue.send({"uri": "a.md"}, {"uris": ["d.md", "secret.txt"]}, {"uri": "c.md", "action": "deleted"})
    found = queue.source()
    refs = {ref.uri: ref for ref in found.scan(before)}
    assert set(refs) == {"a.md", "b.md", "d.md"}
    assert refs["b.md"].validator == before["b.md"]
    assert refs["a.md"].validator != before["a.md"]
    assert found.fetch(refs["a.md"]).content == b"edited, and told of"
    found.stored()
    assert queue.waiting() == 0
    refs = {ref.uri: ref for ref in queue.source().scan(before)}
    assert set(refs) == {"a.md", "b.md", "c.md", "d.md"}


def test_what_is_excluded_by_now_is_not_listed_and_not_asked_for(queue: Queue) -> None:
    """Also on a night that hears of another document only: an exclude does not wait for a full scan."""
    before = known(queue.source())
    queue.send({"uri": "a.md"})
    queue.inner["exclude"] = ["b.md"]
    found = queue.source()
    assert {ref.uri for ref in found.scan(before)} == {"a.md", "c.md"}
    assert (found.asks_for("b.md"), found.asks_for("c.md")) == (False, True)


def test_a_message_comes_again_until_its_change_is_stored(queue: Queue) -> None:
    """A run that dies between receiving and storing loses nothing; one that stored does nothing twice."""
    before = known(queue.source())
    queue.send({"uri": "a.md"})
    for _ in range(2):
        found = queue.source()
        assert {ref.uri for ref in found.scan(before) if ref.validator != before[ref.uri]} == {"a.md"}
        del found  # the process dies: its connection closes, nothing is acknowledged
    found = queue.source()
    list(found.scan(before))
    found.stored()
    assert {ref.uri: ref.validator for ref in queue.source().scan(before)} == before


def test_a_message_that_spells_a_name_otherwise_means_that_name(queue: Queue) -> None:
    """`./`, a leading slash, a zero-width space: what is said to be deleted does not stay for its spelling."""
    before = known(queue.source())
    queue.send(*({"uri": uri, "action": "deleted"} for uri in ("./a.md", "/b.md", "c\u200b.md")))
    assert list(queue.source().scan(before)) == []


def test_a_message_that_gives_a_name_twice_is_none(queue: Queue) -> None:
    """Which of its documents would be deleted?"""
    before = known(queue.source())
    queue.send('{"uri": "a.md", "uri": "b.md", "action": "deleted"}')
    assert {ref.uri for ref in queue.source().scan(before)} == set(before)


def test_the_last_word_on_a_uri_counts_and_nonsense_is_put_away(queue: Queue) -> None:
    """Deleted, then changed: changed. What is no event is rejected and blocks nothing."""
    before = known(queue.source())
    queue.send(
        "nonsense", {"uri": 7}, {"uri": "a.md", "action": "explode"}, {"uri": "a.md", "action": "deleted"}, {"uri": "a.md"}
    )
    found = queue.source()
    refs = {ref.uri: ref.validator for ref in found.scan(before)}
    assert set(refs) == set(before)
    assert refs["a.md"] != before["a.md"]
    found.stored()
    assert queue.waiting() == 0


def test_a_source_within_is_handed_what_a_source_is_handed(queue: Queue) -> None:
    """Its cache, its limits and what is never a document: so `exclude` of an export is told from what the export deleted."""
    for number in (1, 2):
        (queue.folder / "root" / f"{number}.jsonl").write_text(f'{{"id": {number}, "body": "Account {number}."}}\n')
    queue.inner = {"type": "records", "path": "root", "key": "id", "text": "body"}
    before = known(queue.source())
    assert sorted(before) == ["notes/1", "notes/2"]
    queue.inner |= {"exclude": ["2.jsonl"]}
    found = queue.source()
    assert [ref.uri for ref in found.scan(before)] == ["notes/1"]
    assert (found.asks_for("notes/1"), found.asks_for("notes/2")) == (True, False), "excluded, and not deleted"
    (queue.folder / "root" / "2.jsonl").unlink()
    found = queue.source()
    assert [ref.uri for ref in found.scan(before)] == ["notes/1"]
    assert found.asks_for("notes/2"), "deleted by the export"
    queue.send({"uri": "notes/1"})
    found = queue.source()
    [heard] = [ref for ref in found.scan(before) if ref.validator != before[ref.uri]]
    assert b"Account 1" in found.fetch(heard).content
    queue.inner = {"type": "files", "root": "."}
    uris = {ref.uri for ref in queue.source().scan({})}
    assert "root/a.md" in uris
    assert "sluice.yaml" not in uris, "the configuration is never a document"


def test_a_broker_that_does_not_answer_and_a_wrong_source_say_so(tmp_path: Path) -> None:
    """No answer is not `no changes`; the password is in no message; `of` is checked like any source."""
    made = Queue(tmp_path, "redis://user:secret-word@127.0.0.1:9/0", timeout_s=1)
    with pytest.raises(SourceUnavailable) as error:
        list(made.source().scan({"a.md": "1"}))
    assert "secret-word" not in error.value.message + error.value.hint
    made.more = {"of": {"type": "nothing"}}
    with pytest.raises(ConfigurationError, match="no source type 'nothing'"):
        made.source()
    made.more = {"of": {"type": "files", "root": "root", "colour": "red"}}
    with pytest.raises(ConfigurationError, match="colour"):
        made.source()
