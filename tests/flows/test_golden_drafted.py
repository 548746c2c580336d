"""A golden set drafted from a real index, and one mended after an edit, through the command line."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from tests.flows.conftest import Index

pytestmark = pytest.mark.slow


def test_drafted_questions_are_added_once_and_measured_apart(index: Index) -> None:
    """With a live release their ranks are known; asked again, nothing is drafted twice."""
    index.write(
        "people/faq.md", "# Leave\n\n## How long is parental leave for everybody?\n\nIt is sixteen weeks for everybody here.\n"
    )
    index.run()
    made = index("golden", "draft", "--count", "10", "--to", str(index.folder / "drafted.jsonl")).out
    assert made["added"] == len(made["questions"]) > 0
    assert made["found_first"] + made["found_later"] + made["not_found"] == made["added"]
    lines = [json.loads(line) for line in (index.folder / "drafted.jsonl").read_text(encoding="utf-8").splitlines()]
    assert all(line["synthetic"] for line in lines)
    assert "How long is parental leave for everybody?" in {line["query"] for line in lines}
    measured = index("evaluate", "--golden", str(index.folder / "drafted.jsonl")).out
    assert measured["synthetic"]["queries"] == made["added"]
    assert index("golden", "draft", "--count", "10", "--to", str(index.folder / "drafted.jsonl")).out["added"] == 0


class Endpoint(BaseHTTPRequestHandler):
    """Answers every question with the same words but for a number, and every third with nothing of use."""

    asked: ClassVar[list[tuple[str | None, str]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append((self.headers["authorization"], body["messages"][-1]["content"]))
        number = len(self.asked)
        said = "" if number % 3 == 0 else f"Could somebody tell me about the matter number {number}?"
        answer = json.dumps({"choices": [{"message": {"content": said}}]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_drafts_are_put_in_other_words_by_an_endpoint(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the key from the environment; each line keeps how it was drafted; a key in the open, or none set, is refused."""
    index("ingest")
    monkeypatch.setenv("REWRITE_KEY", "sesame")
    target = index.folder / "drafted.jsonl"
    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        given = ("--rewrite", f"http://127.0.0.1:{server.server_port}/v1", "--rewrite-model", "small", "--rewrite-key")
        made = index("golden", "draft", "--count", "9", "--to", str(target), *given, "${REWRITE_KEY}").out
        server.shutdown()
    lines = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert made["rewritten"] == sum("drafted_as" in line for line in lines) == made["added"] - made["added"] // 3 > 0
    assert all(line["query"].startswith("Could somebody") == ("drafted_as" in line) for line in lines)
    assert all(line["synthetic"] for line in lines)
    assert {key for key, _ in Endpoint.asked} == {"Bearer sesame"}
    assert "sesame" not in target.read_text(encoding="utf-8")
    for wrong in ("sesame", "${NO_SUCH_KEY}"):
        refused = index("golden", "draft", "--to", str(target), *given, wrong)
        assert (refused.code, "sesame" in refused.err + str(refused.out)) == (2, False)


def test_an_edited_quote_is_proposed_anew_and_taken_when_told(index: Index) -> None:
    """Stale after the edit; listed with its new words; in the file only after --accept."""
    index.run()
    old = json.loads((index.folder / "golden.jsonl").read_text(encoding="utf-8").splitlines()[0])
    [label] = old["relevant"]
    words = label["quote"].split()
    edited = " ".join([*words[:-1], "differently", "now"])
    index.write(label["uri"], f"# Note\n\nRemember that we {edited}.\n")
    index("ingest")
    before = (index.folder / "golden.jsonl").read_bytes()
    found = index("golden", "repair").out
    [proposal] = found["proposals"]
    assert (proposal["id"], proposal["kind"]) == (old["id"], "reworded")
    assert (index.folder / "golden.jsonl").read_bytes() == before
    assert proposal["guess"]
    refused = index("golden", "repair", "--accept", old["id"])
    assert (refused.code, "--nearly" in refused.out["error"]["hint"]) == (2, True)
    assert (index.folder / "golden.jsonl").read_bytes() == before
    assert index("golden", "repair", "--accept", old["id"], "--nearly").out["accepted"] == 1
    assert index("golden", "repair").out["proposals"] == []
    assert index("golden", "repair", "--accept", "nobody").code == 2
