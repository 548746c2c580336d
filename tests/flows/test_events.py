"""Canaries and events through the command line: a share of the readers, and a webhook that hears of every promotion."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from pipeline.observability.delivering import deliver
from pipeline.resources import Resources
from pipeline.runs import holding
from sluice.access import AccessTags, TagChange
from sluice.settings import load
from tests.flows.conftest import TOPICS, Index

pytestmark = pytest.mark.slow


class Listener:
    """A webhook on this machine: what it was sent, and what it answers."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], Any]] = []
        self.answers = 200
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                listener.heard.append((self.path, dict(self.headers), body))
                self.send_response(listener.answers)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def test_every_promotion_and_rollback_is_told_at_least_once(
    index: Index, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A webhook that fails is asked again by the next command, in order, with the same key; Prefect's API hears of it too."""
    index.configure(events={"webhooks": [f"{listener.url}/hook?token=s3cret"], "timeout_s": 5})
    listener.answers = 503
    first = index.run()
    assert [w for w in first["warnings"] if "did not take the event" in w and "s3cret" not in w]
    index.write("people/0.md", "# People note 0\n\nRemember that we changed parental leave.\n")
    listener.answers = 200
    second = index.run()
    assert not [w for w in second["warnings"] if "did not take" in w]
    bodies = [body for _, _, body in listener.heard]
    keys = [headers["Idempotency-Key"] for _, headers, _ in listener.heard]
    assert [b["release"] for b in bodies] == [first["release"], first["release"], second["release"]]
    assert keys == [b["id"] for b in bodies]
    assert keys[0] == keys[1] != keys[2]
    assert bodies[0]["everything"] is True
    assert (bodies[2]["everything"], [d["uri"] for d in bodies[2]["changed"]]) == (False, ["people/0.md"])
    listener.heard.clear()
    assert index("rollback").out["warnings"] == []
    ((path, _, told),) = listener.heard
    assert (path, told["type"], told["replaced"]) == ("/hook?token=s3cret", "sluice.release.rolled-back", second["release"])
    monkeypatch.setenv("PREFECT_API_URL", f"{listener.url}/api")
    listener.heard.clear()
    with Resources(load(index.config)) as w, holding(w, "test") as by:
        w.releases_by(by.actor).promote(w.releases.get(second["release"]), w.access(w.stores.documents.read()))
        assert deliver(w) == []
        assert deliver(w) == []
        assert w.stores.outbox.open() == []
    assert sorted(path for path, _, _ in listener.heard) == ["/api/events", "/hook?token=s3cret"]
    ((event,),) = [body for path, _, body in listener.heard if path == "/api/events"]
    assert (event["event"], event["resource"]["prefect.resource.id"]) == ("sluice.release.promoted", "sluice.index.small")


def test_a_canary_serves_a_share_until_it_is_promoted_or_rolled_back(index: Index, listener: Listener) -> None:
    """Readers are split by their id, and caches hear of its start and end; a run builds nothing meanwhile and says so."""
    index.configure(events={"webhooks": [f"{listener.url}/hook"], "timeout_s": 5})
    first = index.run()
    index.write("people/0.md", "# People note 0\n\nRemember that we changed parental leave.\n")
    assert index("ingest").code == 0
    staged = index("index").out["release"]
    assert index("promote", staged, "--canary", "1.5").code == 2
    started = index("promote", staged, "--canary", "0.5")
    assert (started.code, started.out["outcome"], len(started.out["verdicts"])) == (0, "canary", 3), started
    assert index("releases", "show", staged).out["canary_share"] == 0.5
    served = set()
    for reader in range(12):
        hits = index("search", TOPICS["people"][2], "--as", "people", "--reader", f"reader-{reader}").out["hits"]
        served.add(hits[0]["release"])
    assert served == {first["release"], staged}
    index.write("people/1.md", "# People note 1\n\nRemember that we changed the travel budget.\n")
    waiting = index.run("unchanged")
    assert waiting["release"] == first["release"]
    assert any("canary" in warning for warning in waiting["warnings"])
    back = index("rollback").out
    assert (back["outcome"], back["release"], back["left"]) == ("rolled back", first["release"], staged)
    told = [(b["type"].removeprefix("sluice.release."), b["release"], b["replaced"], b["share"]) for *_, b in listener.heard]
    start, end = ("canary-started", staged, first["release"], 0.5), ("canary-ended", first["release"], staged, 0.5)
    assert told == [("promoted", first["release"], None, 0.0), start, end]
    assert [[d["uri"] for d in b["changed"]] for *_, b in listener.heard] == [[], ["people/0.md"], ["people/0.md"]]
    assert index("releases", "pin", first["release"]).out == {"release": first["release"], "pinned": True}
    third = index.run()
    assert third["release"] not in (first["release"], staged)


def test_who_loses_a_document_is_told_at_once_without_a_release(index: Index, listener: Listener) -> None:
    """Tags that shrink, a deletion, an erasure, an expiry: each an event that names the key, in order; nothing is built."""
    index.configure(events={"webhooks": [listener.url]})
    os.utime(index.corpus / "people" / "2.md", (time.time() - 7200,) * 2)
    live = index.run()["release"]
    keys = {
        uri: index("trace", uri).out["document_key"] for uri in ("people/0.md", "people/1.md", "people/2.md", "security/0.md")
    }
    listener.heard.clear()
    rules = index.settings["access"]["rules"]
    index.configure(access={"rules": [{"match": "people/0.md", "tags": ["hr"]}, *rules]})
    assert index("access", "sync").out["access_changed"] == 1
    (index.corpus / "people" / "1.md").unlink()
    index("ingest")
    index("forget", "security/0.md")
    [source] = index.settings["sources"]
    index.configure(sources=[{**source, "ttl_rules": [{"match": "people/2.md", "ttl": "1h"}]}])
    index("ingest")
    told = [(body["type"], body["release"], [d["key"] for d in body["removed"]]) for _, _, body in listener.heard]
    assert told == [
        ("sluice.release.access-changed", live, [keys["people/0.md"]]),
        ("sluice.release.access-changed", live, [keys["people/1.md"]]),
        ("sluice.release.forgotten", live, [keys["security/0.md"]]),
        ("sluice.release.access-changed", live, [keys["people/2.md"]]),
    ]
    assert not any("security/0.md" in json.dumps(body) for _, _, body in listener.heard)


def test_an_interrupted_revocation_is_told_after_the_crash(index: Index, listener: Listener) -> None:
    """Kept before the first tag is written: a run that dies in between leaves it to the next command."""
    index.run()
    with Resources(load(index.config)) as r, holding(r, "access sync"):
        live = r.releases.live()
        assert live is not None
        r.releases_by("test").events.intend_access(live, [TagChange("k", AccessTags(["a"]), AccessTags())])
    index.configure(events={"webhooks": [listener.url]})
    index("access", "sync")
    assert [[d["key"] for d in body["removed"]] for _, _, body in listener.heard] == [["k"]]
