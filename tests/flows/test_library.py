"""Sluice from Python: the page of the guide as it stands, and what it promises."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import sluice
from sluice.errors import ConfigurationError, ReleaseError
from tests.flows.conftest import Index

pytestmark = pytest.mark.slow

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)

PEOPLE = sluice.Principal.of(["people"])


def run_block(code: str, name: str) -> dict[str, Any]:
    """A block of the page, as a module of its own."""
    held: dict[str, Any] = {"__name__": name}
    exec(compile(code, f"{PAGE.name}: {name}", "exec", dont_inherit=True), held)
    return held


def said(client: TestClient, groups: str) -> list[dict[str, Any]]:
    """What an agent of these groups finds, step by step as a client of MCP asks."""

    def call(method: str, **more: Any) -> Any:
        sent = {"jsonrpc": "2.0", "method": method, **more}
        return client.post("/mcp", json=sent, headers={"X-Groups": groups, "Accept": "application/json, text/event-stream"})

    version = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    began = call("initialize", id=1, params=version).json()
    assert (began["id"], began["result"]["protocolVersion"]) == (1, "2025-06-18")
    assert call("notifications/initialized").status_code == 202
    [tool] = call("tools/list", id=2).json()["result"]["tools"]
    answer = call("tools/call", id=3, params={"name": tool["name"], "arguments": {"query": "parental leave"}}).json()
    return list(json.loads(answer["result"]["content"][0]["text"]))


def test_the_examples_of_the_page_run_as_they_stand(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first search, the web service and the retriever, in the folder of a configuration; each finds what it may read."""
    index.run()
    monkeypatch.chdir(index.folder)
    first, service, retriever = BLOCKS
    assert len([line for line in service.splitlines() if line]) <= 40, "an example, not a product"
    index.capture.readouterr()
    run_block(first, "first")
    assert "people/0.md" in index.capture.readouterr().out
    run_block(retriever, "retriever")
    assert index.capture.readouterr().out == "people/0.md\n"
    held = run_block(service, "service")
    with TestClient(held["app"]) as client:
        found = client.get("/search", params={"q": "parental leave"}, headers={"X-Groups": "people"}).json()
        other = client.get("/search", params={"q": "parental leave"}, headers={"X-Groups": "security"}).json()
        asked = [said(client, "people"), said(client, "security")]
        odd = client.post("/mcp", json={"jsonrpc": "2.0", "id": 4, "method": "prompts/list"}, headers={"X-Groups": "people"})
        nobody = client.post("/mcp", json={"jsonrpc": "2.0", "id": 5, "method": "tools/list"})
    assert found[0]["uri"] == "people/0.md"
    assert all(hit["uri"].startswith("security/") for hit in other)
    assert asked == [found, other]
    assert odd.json()["error"]["code"] == -32601
    assert nobody.status_code == 422


def test_an_open_index_stops_no_run_and_answers_from_what_it_put_live(index: Index) -> None:
    """A run in another process builds and promotes while a searcher is open; the next search finds it, sync and async."""
    live = index.run()["release"]
    with sluice.open(index.config) as opened:
        searcher = opened.searcher()
        assert searcher.search("parental leave", PEOPLE, k=1)[0].release == live
        index.write("people/9.md", "# People note 9\n\nRemember the zeppelin allowance.\n")
        command = [str(Path(sys.executable).with_name("sluice")), "--config", str(index.config), "run"]
        subprocess.run(command, check=True, capture_output=True, timeout=240)
        [hit] = searcher.search("zeppelin allowance", PEOPLE, k=1)
        assert (hit.uri, hit.release != live) == ("people/9.md", True)
        assert asyncio.run(searcher.asearch("zeppelin allowance", PEOPLE, k=1)) == [hit]
        assert opened.searcher(live).search("zeppelin allowance", PEOPLE, k=1)[0].uri != "people/9.md"
        with pytest.raises(ConfigurationError, match="no source is named 'none'"):
            searcher.search("zeppelin", PEOPLE, k=3, sources=["none"])
        assert opened.name == "small"
    for refused in (
        lambda: searcher.search("leave", PEOPLE),
        lambda: asyncio.run(searcher.asearch("leave", PEOPLE)),
        opened.searcher,
    ):
        with pytest.raises(ConfigurationError, match="index 'small' is closed"):
            refused()
    opened.close()


def test_an_index_that_was_never_built_says_so(index: Index) -> None:
    """As the command line does."""
    with sluice.open(index.config) as opened, pytest.raises(ReleaseError, match="no live release"):
        opened.searcher().search("anything", PEOPLE)
