"""The example of a check on pull requests: it is a workflow, its commands exist, and it fails when retrieval does."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from cli.main import cli
from tests.flows.conftest import Index

WORKFLOW = Path(__file__).resolve().parents[2] / "deployments/ci/retrieval.yml"


def steps() -> list[dict[str, Any]]:
    """The steps of its only job; `on` is a boolean to YAML 1.1, and a key to GitHub."""
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert set(workflow[True]) == {"pull_request"}
    (job,) = workflow["jobs"].values()
    found: list[dict[str, Any]] = job["steps"]
    return found


def commands() -> list[list[str]]:
    """The words of each call of `sluice`, without redirections."""
    lines = [line.strip() for step in steps() for line in str(step.get("run", "")).splitlines()]
    return [shlex.split(re.sub(r"\s*>+\s*\S+$", "", line)) for line in lines if line.startswith("sluice ")]


def test_it_is_a_workflow_and_every_step_does_one_thing() -> None:
    """Each step either uses an action, named with its version, or runs something."""
    for step in steps():
        assert ("uses" in step) != ("run" in step), step
        assert "uses" not in step or re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]), step


def test_its_commands_and_their_options_exist() -> None:
    """As click knows them: a command that is renamed, or an option that goes, breaks this."""
    assert [words[3:5] for words in commands()] == [
        ["doctor"],
        ["ingest", "--json"],
        ["golden", "check"],
        ["index", "--json"],
        ["evaluate", "--release"],
    ]
    for words in commands():
        command: click.Command = cli
        context = click.Context(cli)
        for word in words[1:]:
            if word.startswith("--"):
                assert any(word in parameter.opts for parameter in command.params), (command.name, word)
            elif isinstance(command, click.Group) and (found := command.get_command(context, word)) is not None:
                command = found
        assert not isinstance(command, click.Group), words


@pytest.mark.slow
def test_it_passes_what_reaches_the_floors_and_fails_what_does_not(index: Index) -> None:
    """Its own scripts, run by the shell as a runner does, on an index that was never built."""
    here = {"CONFIG": str(index.config), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    here |= {"GITHUB_STEP_SUMMARY": str(index.folder / "summary.md")}

    def run(step: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        script = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        return subprocess.run(script, cwd=index.folder, env=os.environ | here, capture_output=True, text=True, timeout=300)

    # Without pip, and without the doctor, who has tests of their own.
    scripts = [step for step in steps() if "run" in step and not re.search("pip install|doctor", step["run"])]
    for step in scripts:
        done = run(step)
        assert done.returncode == 0, (step["name"], done.stdout, done.stderr)
    assert json.loads((index.folder / "evaluation.json").read_text(encoding="utf-8"))["outcome"] == "passed"
    assert "| Recall@5 | 1.000 |" in (index.folder / "summary.md").read_text(encoding="utf-8")
    retrieval = index.settings["gates"][0] | {"slices": {"people": {"min_recall": 1.0}}, "k": 1, "min_recall": 1.0}
    index.write("people/0.md", "# People note 0\n\nNothing that anybody asks for is said here.\n")
    (index.folder / "golden.jsonl").write_text(
        json.dumps({"id": "x", "query": "badges expire", "relevant": [{"uri": "people/0.md"}], "slice": ["people"]}) + "\n",
        encoding="utf-8",
    )
    index.configure(gates=[retrieval])
    measure, summary = scripts[-2:]
    failed = run(measure)
    assert failed.returncode == 3, (failed.stdout, failed.stderr)
    assert run(summary).returncode == 0
    assert "**below the floor**" in (index.folder / "summary.md").read_text(encoding="utf-8")
