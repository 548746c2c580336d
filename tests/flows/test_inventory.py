"""What became of each document and of each run: said, and with the reason."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from pipeline.resources import Resources, utc_now
from sluice.settings import load
from tests.flows.conftest import TOPICS, Index

pytestmark = pytest.mark.slow


def of(index: Index, *arguments: str) -> dict[str, dict[str, Any]]:
    """Documents by uri."""
    answer = index("documents", *arguments)
    assert answer.code == 0, answer
    return {document["uri"]: document for document in answer.out["documents"]}


def printed(index: Index, *arguments: str) -> str:
    """What a person sees of a command."""
    index.capture.readouterr()
    with pytest.raises(SystemExit):
        main(["--config", str(index.config), *arguments])
    return index.capture.readouterr().out


def test_every_document_says_what_it_is_and_why(index: Index) -> None:
    """Served, empty, quarantined, stale, unreadable, deleted, excluded, forgotten, unknown: asked for by uri or glob."""
    index.configure(sources=[{**index.settings["sources"][0], "exclude": ["travel/**"]}])
    index.write("people/empty.md", "\n")
    index.write("people/broken.md", "---\naccess_tags: [unclosed\n---\ntext\n")
    index.write("people/own.md", "---\naccess_tags: [boss]\n---\n# Own\n\nFor the boss only.\n")
    index.write("other/free.md", "# Free\n\nNo rule is about this.\n")
    index.write("travel/plan.md", "# Plan\n\nSecret.\n")
    index.run()
    index.write("people/1.md", "---\naccess_tags: [unclosed\n---\ntext\n")
    (index.corpus / "people" / "2.md").unlink()
    index.run()
    assert index("forget", "security/3.md").code == 0
    found = of(index)
    assert found["people/0.md"]["status"] == "served"
    assert found["people/0.md"]["tags"] == ["people"]
    assert found["people/0.md"]["chunks"] == 1
    assert (found["people/empty.md"]["status"], found["people/empty.md"]["why"]) == ("empty", "no text was found in it")
    assert found["people/broken.md"]["status"] == "quarantined"
    assert "front" in found["people/broken.md"]["why"]
    assert (found["people/own.md"]["status"], found["people/own.md"]["tags"]) == ("unreadable", [])
    assert "[boss]" in found["people/own.md"]["why"]
    assert "[people]" in found["people/own.md"]["why"]
    assert "no rule" in found["other/free.md"]["why"]
    assert "people/2.md" not in found
    assert of(index, "people/2.md")["people/2.md"]["status"] == "deleted"
    assert "travel/**" in of(index, "travel/plan.md")["travel/plan.md"]["why"]
    assert of(index, "security/3.md")["security/3.md"]["status"] == "forgotten"
    assert set(of(index, "people/*", "--status", "unreadable")) == {"people/own.md"}
    missing = index("documents", "no/such.md")
    assert (missing.code, "no/such.md" in missing.out["error"]["message"]) == (2, True)
    assert "no text was found" in printed(index, "documents", "people/empty.md")


def test_documents_that_nobody_may_read_are_said_in_run_report_and_doctor(index: Index) -> None:
    """How many of which source, one of them by name, and why; once in the terminal; not only where a gate looks for it."""
    index.configure(gates=[])
    for i in range(3):
        index.write(f"other/{i}.md", f"# Other {i}\n\nNo rule is about number {i}.\n")
    result = index.run()
    line = "3 documents of source 'notes' are readable by nobody, e.g. other/0.md: no rule under access.rules matches it"
    assert line in result["warnings"]
    assert line in result["verdicts"][0]["warnings"]
    assert "are readable by nobody" in (index.folder / "state" / "releases" / f"{result['release']}.html").read_text()
    readers = next(check for check in index("doctor").out["checks"] if check["check"] == "readers")
    assert line in readers["detail"]
    assert line in index.run("unchanged")["warnings"]
    index.write("people/0.md", "# People note 0\n\nRemember something else.\n")
    assert printed(index, "run").count("are readable by nobody") == 1


def test_a_gates_warning_is_printed(index: Index) -> None:
    """Not only in JSON."""
    gate = {"type": "data_quality"}
    index.configure(gates=[*index.settings["gates"], gate])
    index.write("other/0.md", "# Other\n\nNo rule is about this.\n")
    seen = printed(index, "run")
    warned = [w for v in index("releases", "show", _live(index)).out["verdicts"] for w in v["warnings"]]
    assert warned
    assert all(warning in seen for warning in warned)


def test_status_doctor_and_the_list_of_documents_count_the_same(index: Index) -> None:
    """What a release built now would hold: not what is empty, refused, deleted, excluded or over, whoever counts."""
    index.write("people/empty.md", "\n")
    index.write("people/broken.md", "---\naccess_tags: [unclosed\n---\ntext\n")
    index.write("people/over.md", "---\nexpires: 2020-01-01\n---\n# Over\n\nLong ago.\n")
    index.write("other/free.md", "# Free\n\nNo rule is about this.\n")
    index.run()
    index.write("people/1.md", "---\naccess_tags: [unclosed\n---\ntext\n")
    (index.corpus / "people" / "2.md").unlink()
    index.run()
    source = {**index.settings["sources"][0], "exclude": ["security/0.md"]}
    index.configure(sources=[{**source, "ttl_rules": [{"match": "security/1.md", "ttl": 0.00001}]}])
    index("ingest")
    listed = index("documents").out["statuses"]
    held = sum(listed.get(status, 0) for status in ("served", "stale", "unreadable", "waiting"))
    assert (held, listed["expired"], listed["empty"]) == (9, 2, 1), listed
    status = index("status").out
    assert (status["freshness"]["notes"]["documents"], status["freshness"]["notes"]["expired"]) == (held, 2)
    [readers] = [check for check in index("doctor").out["checks"] if check["check"] == "readers"]
    assert "1 document of source 'notes' is readable by nobody" in readers["detail"]
    index.configure(access={"rules": [{"match": "**", "tags": ["all"]}]})
    [readers] = [check for check in index("doctor").out["checks"] if check["check"] == "readers"]
    assert readers["detail"] == f"each of {held} documents that a run took in has a reader"
    [quarantined] = [line for line in status["attention"] if "could not be processed" in line]
    assert quarantined.startswith("2 documents"), "each once"


def test_the_history_says_what_was_done_and_what_never_ended(index: Index) -> None:
    """Newest first; a run whose process is gone is interrupted, one that holds the index is running; each has its log."""
    live = index.run()["release"]
    index.write("people/0.md", "# People note 0\n\nRemember something else.\n")
    index("promote", live, "--canary", "0.5")
    with Resources(load(index.config)) as r:
        rows = {"command": "run", "parameters": {}, "actor": "test", "outcome": "running", "started": utc_now()}
        r.stores.runs.record("20200101-000000-dead", rows)
        listed = index("runs").out["runs"]
        assert index("runs", "-n", "1").out["runs"] == listed[:1]
        assert index.shown("runs", "-n", "1")[1].splitlines()[-1] == "1 of 3 shown, the newest: -n 3 shows all"
        assert "shown, the newest" not in index.shown("runs")[1]
        with r.stores.lease.acquire("run"):
            r.stores.runs.record("20200101-000001-live", {**rows, "started": utc_now()})
            mine = index("runs").out["runs"][0]
    assert [(run["command"], run["outcome"]) for run in listed] == [
        ("run", "interrupted"),
        ("promote", "failed"),
        ("run", "promoted"),
    ]
    assert "a canary is a staged release" in listed[1]["error"]
    assert (mine["run"], mine["outcome"]) == ("20200101-000001-live", "running")
    shown = index("runs", "show", listed[2]["run"]).out
    assert any("fetch and parse: 12 documents" in line for line in shown["lines"])
    assert shown["lines"][-1].endswith(f"promoted, release {listed[2]['release']}")
    assert index("runs", "show", "none").code == 2


def test_a_forgotten_document_is_in_no_log(index: Index) -> None:
    """Logs name documents; what is erased is not named any more."""
    index.write("other/salaries-2026.md", "# Other\n\nNo rule is about this.\n")
    index.run()
    logs = index.folder / "state" / "runs"
    assert any("salaries-2026" in log.read_text() for log in logs.iterdir())
    assert index("forget", "other/salaries-2026.md").code == 0
    assert not any("salaries-2026" in log.read_text() for log in logs.iterdir())


def test_releases_say_which_are_pinned_and_which_are_removed(index: Index) -> None:
    """Of a removed one the manifest is left, and nothing can be searched."""
    index.configure(retention={"keep": 1})
    first = index.run()["release"]
    assert index("releases", "pin", first).code == 0
    for text in TOPICS["people"]:
        index.write("people/0.md", f"# People note 0\n\nParental leave lasts sixteen weeks; {text}.\n")
        index.run()
    seen = printed(index, "releases")
    assert "held: " not in seen
    assert "retired, pinned" in seen
    assert "retired, removed" in seen


def _live(index: Index) -> str:
    return next(str(r["id"]) for r in index("releases").out["releases"] if r["live"])


def test_the_shell_completes_ids_of_releases(index: Index) -> None:
    """After a command that takes one, of the configuration that the line names; commands and options as click does."""
    release = index.run()["release"]
    words = f"sluice --config {index.config} releases show 20"
    environment = os.environ | {"_SLUICE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "5"}
    sluice = Path(sys.executable).with_name("sluice")
    done = subprocess.run([str(sluice)], env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == (f"plain,{release}\n", "")


def test_sluice_s_own_files_are_never_documents(index: Index) -> None:
    """Where the root holds the state folder and the configuration: they hold everybody's texts, and are nobody's documents."""
    index.configure(sources=[{"name": "notes", "type": "files", "root": ".", "exclude": ["*.jsonl"]}], gates=[])
    index.configure(access={"rules": [{"match": "**", "tags": ["people"]}]})
    (index.folder / "door").symlink_to(index.folder / "state")
    for outcome in ("promoted", "unchanged"):
        assert index.run(outcome)["counts"]["crawl"]["seen"] == 12
    assert {d["uri"].split("/")[0] for d in index("documents").out["documents"]} == {"corpus"}


def test_what_the_configuration_does_not_ask_for_is_excluded_and_not_waiting(index: Index) -> None:
    """Before the next release it is said to leave with it, and afterwards nobody is told to run again for it."""
    index.run()
    index.configure(sources=[{"name": "notes", "type": "files", "root": "corpus", "exclude": ["people/**"]}], gates=[])
    index("ingest")
    [before] = index("documents", "people/0.md").out["documents"]
    assert (before["status"], "next release" in before["why"]) == ("excluded", True)
    index.run()
    [after] = index("documents", "people/0.md").out["documents"]
    assert (after["status"], after["why"]) == ("excluded", "the configuration does not ask for it any more")
    assert "people/0.md" not in {d["uri"] for d in index("documents").out["documents"]}
