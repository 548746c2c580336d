"""`sluice trace` and `sluice status`: from an answer back to its bytes, and an index at a glance."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.flows.conftest import TOPICS, Index


def test_a_chunk_is_traced_to_its_bytes_run_release_and_recipe(index: Index) -> None:
    """Every link of the chain is that which the stores hold, and the text stands where the chunk says."""
    report = index.run()
    hit = index("search", TOPICS["people"][0], "--as", "people", "-k", "1").out["hits"][0]
    found = index("trace", hit["chunk_id"]).out
    assert (found["uri"], found["source"], found["release"]) == (hit["uri"], "notes", report["release"])
    assert found["run"] == report["run"]
    assert found["chunk"]["offsets_hold"] is True
    assert (found["chunk"]["start"], found["chunk"]["end"]) == (hit["start"], hit["end"])
    assert found["served_version"] == found["version"] == found["content_hash"]
    assert found["bytes_kept"] == len((index.corpus / hit["uri"]).read_bytes())
    assert found["recipe"]["chunking"]["strategy"] == "recursive"
    assert found["line"].startswith(f"{hit['uri']}: served · fetch {found['content_hash'][:8]} · parse ok · chunk 1 · in ")


def test_a_document_is_told_in_one_line_at_every_stage(index: Index) -> None:
    """Served; changed and not published; failing to parse; unknown: each is said, and by whom it is read."""
    index.run()
    assert index("trace", "people/0.md").out["line"].endswith("read by people")
    index.write("people/0.md", "# Note\n\nSomething else altogether.\n")
    index("ingest")
    assert "(an older version)" in index("trace", "people/0.md").out["line"]
    (index.corpus / "people/1.md").write_bytes(b"---\ntags: [unclosed\n\nwords\n")
    index("ingest")
    line = index("trace", "people/1.md").out["line"]
    assert "parse FAILED" in line or "stale" in line or "older version" in line, line
    answer = index("trace", "people/none.md")
    assert answer.code == 2
    assert "people/none.md" in answer.out["error"]["message"]


def test_the_status_says_what_is_live_what_was_done_and_what_needs_a_person(index: Index, tmp_path: Path) -> None:
    """Before anything ran, after a good night, after a rejected one, with a document in quarantine."""
    assert index("status").out["attention"][0] == "nothing is live: sluice run"
    first = index.run()
    found = index("status").out
    assert (found["live"], found["documents"], found["attention"]) == (first["release"], 12, [])
    assert found["margins"]["retrieval: Recall@3"]["values"] == [1.0]
    assert found["margins"]["retrieval: Recall@3"]["floor"] == 0.8
    index.write("people/copy.md", (index.corpus / "people/0.md").read_text())
    for number in range(4):
        index.write(f"engineering/{number}.md", "nothing of what is asked for")
        index.write(f"people/{number}.md", "nothing of what is asked for, either")
    index("run")
    page = tmp_path / "status.html"
    found = index("status", "--html", str(page)).out
    assert found["live"] == first["release"]
    assert any("was rejected by retrieval" in line for line in found["attention"])
    assert [run["outcome"] for run in found["runs"]] == ["rejected", "promoted"]
    assert found["duplicates"] == 6
    html = page.read_text(encoding="utf-8")
    assert first["release"] in html
    assert "<svg" in html
    ends = re.findall(r'<text x="[^"]*" y="170"[^>]*>([^<]*)</text>', html)
    assert len(ends) >= 2
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", end) for end in ends), "one day twice says nothing"
    assert "width=device-width" in html
    assert not re.search(r"<script|https?://|src=", html), "it needs a network"


def test_the_status_says_how_much_of_what_is_asked_the_golden_set_covers(index: Index, tmp_path: Path) -> None:
    """Without a log nothing; with one the share of searches, and what is asked that no label covers, also on the page."""
    index.configure(search={"log": "asked.jsonl"})
    assert index("status").out["asked"] is None
    log = [TOPICS["people"][0]] * 20 + ["where may I park my bicycle?"] * 30 + ["where do I park a bicycle <b>here</b>?"] * 10
    (index.folder / "asked.jsonl").write_text("".join(json.dumps({"query": query}) + "\n" for query in log), encoding="utf-8")
    page = tmp_path / "status.html"
    found = index("status", "--html", str(page)).out
    assert (found["asked"]["asked"], found["asked"]["questions"], found["asked"]["covered"]) == (60, 3, 0.3333)
    assert found["asked"]["clusters"] == [{"query": "where may I park my bicycle?", "asked": 40, "questions": 2}]
    assert any("only 33% ask anything like a golden question" in line for line in found["attention"])
    assert "where may I park my bicycle?" in page.read_text()
    (index.folder / "golden.jsonl").write_text("no golden set\n", encoding="utf-8")
    assert index("status").out["asked"]["covered"] == 0


def test_two_gates_of_one_kind_are_two_lines(index: Index) -> None:
    """Each by the file of its golden set, with its own floor: a drafted set does not stand for the real one."""
    other = index.folder / "drafted.jsonl"
    other.write_text((index.folder / "golden.jsonl").read_text())
    gates = index.settings["gates"]
    index.configure(gates=[*gates, {**gates[0], "golden": "drafted.jsonl", "min_recall": 0.5}])
    index.run()
    found = index("status").out
    assert {name: entry["floor"] for name, entry in found["margins"].items() if "Recall" in name} == {
        "retrieval (golden.jsonl): Recall@3": 0.8,
        "retrieval (drafted.jsonl): Recall@3": 0.5,
    }
    assert {"retrieval (golden.jsonl)", "retrieval (drafted.jsonl)"} < found["releases"][-1]["gates"].keys()


def test_a_canary_and_what_a_night_cost_are_said(index: Index) -> None:
    """The status says how a canary ends, and nothing of changed gates meanwhile; a run's tokens are in its record."""
    first = index.run()
    night = index("runs", "show", first["run"]).out
    assert (night["tokens"], night["embedded"]) == (first["tokens"], first["embedded"])
    assert night["tokens"] > 0
    index.write("people/0.md", "# People note 0\n\nRemember that we renamed parental leave.\n")
    index("ingest")
    staged = index("index").out["release"]
    assert index("promote", staged, "--canary", "0.3").out["outcome"] == "canary"
    [said] = [line for line in index("status").out["attention"] if "canary" in line]
    assert f"sluice promote {staged} makes it live for all, sluice rollback ends it" in said
    again = index("promote", staged, "--canary", "0.5")
    assert (again.code, again.out["error"]["hint"].startswith(f"sluice promote {staged}")) == (1, True)
