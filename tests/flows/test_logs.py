"""What a run leaves for who collects logs: JSON Lines on standard error, and the log in the state folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.observability.run_lines import JsonLines
from pipeline.observability.run_log import RunLog
from sluice.errors import SourceUnavailable
from tests.flows.conftest import Index


def lines(err: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in err.splitlines()]


def test_every_line_is_json_and_says_of_what_it_is(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """Index, run and command in each of a run's; release once it is known; stages with rates; a document by its uri."""
    monkeypatch.setenv("SLUICE_LOG", "json")
    index.write("people/broken.md", "---\naccess_tags: [unclosed\n---\ntext\n")
    answer = index("run")
    assert answer.out["outcome"] == "promoted", answer
    said = lines(answer.err)
    of_run = [line for line in said if "run" in line]
    assert {(line["index"], line["command"]) for line in of_run} == {("small", "run")}
    assert len({line["run"] for line in of_run}) == 1
    assert [line["event"] for line in of_run][:1] == ["run began"]
    assert of_run[-1]["event"] == "run ended"
    stages = {line["stage"]: line for line in of_run if line["event"] == "stage ended"}
    assert stages["fetch and parse"]["done"] == 13
    assert "release" not in stages["fetch and parse"]
    built = stages["chunk, embed, stage"]
    assert (built["done"], built["texts_embedded"], built["release"]) == (12, 12, answer.out["release"])
    assert built["per_second"] == pytest.approx(12 / built["seconds"], rel=0.1)
    assert built["texts_per_second"] > 0
    [gone] = [line for line in of_run if line["event"] == "document quarantined"]
    assert (gone["source"], gone["document"], gone["level"]) == ("notes", "people/broken.md", "warning")
    ended = of_run[-1]
    assert (ended["outcome"], ended["release"], ended["counts"]["parse"]["kept"]) == ("promoted", answer.out["release"], 12)
    assert all(line["time"].endswith("Z") for line in said)
    [log] = (index.folder / "state" / "runs").glob("*.log")
    assert "chunk, embed, stage: 12 of 12 documents in" in log.read_text(encoding="utf-8")
    assert "a second)" in log.read_text(encoding="utf-8")


def test_a_failure_is_a_line_too(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its type, its exit code and what to do next, whether a run had begun or not."""
    monkeypatch.setenv("SLUICE_LOG", "json")
    index.configure(sources=[{"name": "notes", "type": "files", "root": "nowhere"}])
    answer = index("run")
    said = lines(answer.err)
    assert (said[-1]["event"], said[-1]["exit_code"]) == ("command failed", answer.code) == ("command failed", 2)
    assert said[-1]["message"] == answer.out["error"]["message"]
    assert said[-1]["hint"]
    assert any(line["event"] == "run failed" and line["foreseen"] for line in said)


def test_without_it_people_are_told(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line is a sentence, and the state folder has the log all the same."""
    monkeypatch.delenv("SLUICE_LOG", raising=False)
    assert "· run: " in index("run").err
    assert len(list(Path(index.folder / "state" / "runs").glob("*.log"))) == 1


def test_a_failure_in_the_log_quotes_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """Others' errors say what they were given: a library's, with its traceback, and a source's."""
    monkeypatch.setenv("SLUICE_LOG", "json")
    key = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
    for error in (RuntimeError(f"401 for token {key}"), SourceUnavailable(f"the answer was 'password: {key}'", hint="")):
        RunLog(tmp_path / "a.log").failed(error)
        JsonLines("small", "run-1", "run", lambda: None).failed(error)
    written = (tmp_path / "a.log").read_text(encoding="utf-8") + capsys.readouterr().err
    assert written.count("[SECRET]") == 4
    assert key not in written
