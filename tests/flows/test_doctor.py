"""`sluice doctor` says what is wrong, of the right thing, soon."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

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
