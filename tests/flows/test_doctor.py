"""`sluice doctor` says what is wrong, of the right thing, soon."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import Any

import bson
import pytest

from stores.locks import FileLock
from tests.flows.conftest import Answer, Index
from tests.postgres import binaries, postgres


class Page(BaseHTTPRequestHandler):
    """A web server that has nothing to do with Qdrant."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html><body>intranet</body></html>")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def web_server() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def nobody() -> str:
    """Host and port where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def seen(answer: Answer) -> dict[str, dict[str, Any]]:
    return {check["check"]: check for check in answer.out["checks"]}


def test_doctor_says_that_a_web_server_is_no_qdrant(index: Index, web_server: str) -> None:
    """Where it answers, that it is something else, and which key to look at; everything else is found in order."""
    index.configure(stores={"qdrant": {"url": web_server}})
    answer = index("doctor")
    checks = seen(answer)
    assert checks["qdrant"]["seconds"] < 5
    assert answer.code == 2
    assert "is not Qdrant" in checks["qdrant"]["detail"]
    assert "stores.qdrant.url" in checks["qdrant"]["hint"]
    assert [name for name, check in checks.items() if not check["ok"]] == ["qdrant"]
    assert "is not Qdrant" in index("run").out["error"]["message"]


def test_doctor_blames_a_mongodb_that_is_down_and_nothing_else(index: Index, nobody: str) -> None:
    """Within 5 s; what needs it is not looked at, and the vector store is found to be in order."""
    index.configure(stores={"mongodb": {"uri": f"mongodb://{nobody}"}})
    answer = index("doctor")
    checks = seen(answer)
    assert sum(checks[name]["seconds"] for name in ("mongodb", "qdrant", "readers", "model", "chunking")) < 5
    assert answer.code == 1
    assert [name for name, check in checks.items() if check["ok"] is False] == ["mongodb"]
    assert nobody in checks["mongodb"]["detail"]
    assert checks["qdrant"]["ok"]
    assert checks["model"]["ok"] is None
    assert "needs mongodb" in checks["model"]["detail"]


def test_doctor_blames_a_qdrant_that_is_down_and_nothing_else(index: Index, nobody: str) -> None:
    """The other way round."""
    index.configure(stores={"qdrant": {"url": f"http://{nobody}"}})
    checks = seen(index("doctor"))
    assert [name for name, check in checks.items() if not check["ok"]] == ["qdrant"]
    assert f"Qdrant at {nobody} did not answer" in checks["qdrant"]["detail"]


class Refusing(BaseHTTPRequestHandler):
    """A Qdrant, or an API, that takes no key."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"status": {"error": "Must provide an API key or an Authorization bearer token"}}')

    do_PUT = do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        pass


class Guarded(socketserver.BaseRequestHandler):
    """A MongoDB that shakes hands and takes no password (OP_MSG, and the OP_QUERY that a driver begins with)."""

    def handle(self) -> None:
        while (head := self.request.recv(16, socket.MSG_WAITALL)) and len(head) == 16:
            length, asked, _, opcode = struct.unpack("<iiii", head)
            body = self.request.recv(length - 16, socket.MSG_WAITALL)
            command = bson.decode(body[5:] if opcode == 2013 else body[body.index(0, 4) + 9 :])
            if "saslStart" in command:
                said: dict[str, Any] = {"ok": 0.0, "errmsg": "Authentication failed.", "code": 18}
            else:
                said = {"ok": 1.0, "ismaster": True, "helloOk": True, "maxWireVersion": 21, "minWireVersion": 0}
                said |= {"maxBsonObjectSize": 1 << 24, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000}
            reply = bson.encode(said)
            answer = b"\0" * 5 + reply if opcode == 2013 else struct.pack("<iqii", 8, 0, 0, 1) + reply
            self.request.sendall(struct.pack("<iiii", 16 + len(answer), 1, asked, 2013 if opcode == 2013 else 1) + answer)


@pytest.fixture
def refusing() -> Iterator[dict[str, str]]:
    """Addresses of servers that are there and let nobody in."""
    servers: dict[str, socketserver.TCPServer] = {
        "qdrant": ThreadingHTTPServer(("127.0.0.1", 0), Refusing),
        "mongodb": socketserver.ThreadingTCPServer(("127.0.0.1", 0), Guarded),
    }
    for server in servers.values():
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {name: f"127.0.0.1:{server.socket.getsockname()[1]}" for name, server in servers.items()}
    for server in servers.values():
        server.shutdown()
        server.server_close()


def blamed(index: Index, check: str, *keys: str) -> None:
    """Doctor and run both say that it is the credentials, name the keys that hold them, and tell no secret."""
    found = seen(index("doctor"))[check]
    ran = index("run")
    for message, hint in ((found["detail"], found["hint"]), (ran.out["error"]["message"], ran.out["error"]["hint"])):
        assert "refused the " in message
        assert all(key in hint for key in keys), hint
        assert "s3cret" not in message + hint
    assert not found["ok"]
    assert ran.code == 2
    assert "s3cret" not in ran.err


def test_credentials_that_a_server_refuses_are_blamed_by_their_key(index: Index, refusing: dict[str, str]) -> None:
    """Qdrant's API key, and user and password of MongoDB: not the server, and never the secret."""
    index.configure(stores={"qdrant": {"url": f"http://{refusing['qdrant']}", "api_key": "s3cret"}})
    blamed(index, "qdrant", "stores.qdrant.api_key")
    index.configure(stores={"mongodb": {"uri": f"mongodb://reader:s3cret@{refusing['mongodb']}/?authMechanism=SCRAM-SHA-256"}})
    blamed(index, "mongodb", "stores.mongodb.uri")


@pytest.mark.slow
@pytest.mark.skipif(binaries() is None, reason="PostgreSQL is not installed (Debian: apt install postgresql)")
def test_a_databases_wrong_password_is_blamed_by_its_key(index: Index) -> None:
    """Of a source, on a real PostgreSQL; the other sources are looked at nonetheless."""
    pytest.importorskip("psycopg", reason="psycopg is not installed (sluice[postgres])")
    with postgres() as address:
        url = f"postgresql+psycopg://{address.replace('s3cret', 'not-s3cret')}"
        crm = {"name": "crm", "type": "sql", "url": url, "query": "SELECT 1 AS id, 'a' AS text", "key": "id", "text": "text"}
        index.configure(sources=[crm, *index.settings["sources"]])
        blamed(index, "sources", "sources.crm.url")
        assert "notes lists 12 documents" in seen(index("doctor"))["sources"]["detail"]


def test_doctor_names_every_bad_source_once_and_by_its_name(index: Index) -> None:
    """Two that cannot be read, one of a wrong type, one with an option that is wrong: all are said, each in one place."""
    good = index.settings["sources"][0]
    bad = {
        "gone": good | {"name": "gone", "root": "nowhere"},
        "lost": good | {"name": "lost", "root": "nowhere-else"},
        "odd": good | {"name": "odd", "type": "filez"},
        "wide": good | {"name": "wide", "inclode": ["*"]},
    }
    index.configure(sources=[good, *bad.values()])
    answer = index("doctor")
    checks = seen(answer)
    assert (answer.code, checks["configuration"]["ok"], checks["sources"]["ok"]) == (2, False, False)
    told = checks["configuration"]["detail"]
    assert "sources.odd.type: there is no source type 'filez'" in told
    assert "sources.wide.inclode" in told
    assert told.count(str(index.config)) == 1
    seen_of = checks["sources"]["detail"]
    assert all(word in seen_of for word in ("nowhere", "nowhere-else", "notes lists 12 documents", "odd: not looked at"))
    assert "filez" not in seen_of
    index.configure(sources=[good | {"name": "docs", "parse": "all"}, good | {"name": "more", "root": "${NO_SUCH}"}])
    assert "sources.more.root: the environment variable 'NO_SUCH'" in index("doctor").out["error"]["message"]
    index.configure(sources=[good | {"name": "docs", "parse": "all"}])
    assert "sources.docs.parse: " in index("doctor").out["error"]["message"]


@pytest.mark.parametrize("damage", ["cut to nothing", "deleted"])
def test_an_emptied_database_is_not_taken_for_a_new_one(index: Index, damage: str) -> None:
    """Every command says which file and how to come back; what is live stays, and is there again with the file."""
    index.run()
    data = index.folder / "state" / "mongodb" / "data"
    with FileLock(data.parent / "server.lock") as server:
        assert server.acquire(wait_s=20)  # the last user has left, and the server is gone
    (file,) = (path for path in data.glob("*.db") if path.name != "admin.db")
    kept, vectors = file.read_bytes(), index.folder / "state" / "qdrant"
    live = {path: path.read_bytes() for path in vectors.rglob("*.json")}
    file.unlink()
    if damage == "cut to nothing":
        file.touch()
    for command in (["run"], ["search", "parental leave", "--as", "people"], ["releases"], ["gc"], ["rollback"]):
        answer = index(*command)
        assert (answer.code, answer.out["error"]["type"]) == (1, "IntegrityError"), command
        assert str(file) in answer.out["error"]["message"]
        assert "backup" in answer.out["error"]["hint"]
    checks = seen(index("doctor"))
    assert not checks["mongodb"]["ok"]
    assert str(file) in checks["mongodb"]["detail"]
    assert "backup" in checks["mongodb"]["hint"]
    assert {path: path.read_bytes() for path in vectors.rglob("*.json")} == live
    assert not file.exists() or not file.stat().st_size
    file.write_bytes(kept)
    assert index.find("parental leave lasts sixteen weeks", "people", k=1) == ["people/0.md"]
    index.run("unchanged")


def test_without_a_backup_an_emptied_database_is_begun_anew(index: Index) -> None:
    """As the hint says: built from its sources again; where gates compare with what is live, a person lets it through."""
    index.run()
    data = index.folder / "state" / "mongodb" / "data"
    with FileLock(data.parent / "server.lock") as server:
        assert server.acquire(wait_s=20)
    (file,) = (path for path in data.glob("*.db") if path.name != "admin.db")
    file.write_bytes(b"")
    file.with_suffix(".begun").unlink()
    time.sleep(1)  # a release is named by its second and its content: within one second it would be the very one that is live
    rejected = index.run("rejected")
    assert [v["gate"] for v in rejected["verdicts"] if not v["passed"]] == ["retrieval"]  # nothing is known of what is live
    assert index("promote", rejected["release"], "--force").code == 0
    assert index.find("parental leave lasts sixteen weeks", "people", k=1) == ["people/0.md"]
    index.run("unchanged")
