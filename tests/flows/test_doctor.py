"""`sluice doctor` says what is wrong, of the right thing, soon."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from stores.locks import FileLock
from tests.flows.conftest import Answer, Index


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
    rejected = index.run("rejected")
    assert [v["gate"] for v in rejected["verdicts"] if not v["passed"]] == ["retrieval"]  # nothing is known of what is live
    assert index("promote", rejected["release"], "--force").code == 0
    assert index.find("parental leave lasts sixteen weeks", "people", k=1) == ["people/0.md"]
    index.run("unchanged")
