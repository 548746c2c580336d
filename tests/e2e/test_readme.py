"""What the README promises a newcomer, run as it stands there."""

from __future__ import annotations

import json
import re
import shlex
import subprocess

import pytest

from tests.e2e.conftest import REPOSITORY, SLUICE, Shell

pytestmark = pytest.mark.slow


def _block(language: str, containing: str) -> str:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", readme, flags=re.DOTALL | re.MULTILINE)
    return next(block for kind, block in fenced if kind == language and containing in block)


def test_the_readmes_own_documents_section_works_as_it_is_written(shell: Shell) -> None:
    """Its configuration, saved next to a folder docs/, and its commands in their order; an edit before the second run."""
    (shell.folder / "sluice.yaml").write_text(_block("yaml", "sources:"), encoding="utf-8")
    leave = shell.folder / "docs" / "hr" / "leave.md"
    leave.parent.mkdir(parents=True)
    leave.write_text("# Leave\n\nParental leave lasts sixteen weeks.\n", encoding="utf-8")
    (shell.folder / "docs" / "office.md").write_text("# Office\n\nYou have thirty days of leave each year.\n", encoding="utf-8")
    commands = [line.split("#")[0].strip() for line in _block("", "sluice doctor").splitlines() if line.startswith(".venv")]
    assert [shlex.split(command)[1] for command in commands][:2] == ["doctor", "run"]
    runs = 0
    for command in commands:
        arguments = shlex.split(command)[1:]
        if arguments == ["serve"]:
            continue  # runs until interrupted: tests/flows/test_serve.py
        if arguments == ["run"]:
            runs += 1
            if runs == 2:
                leave.write_text("# Leave\n\nParental leave lasts twenty weeks.\n", encoding="utf-8")
        done = subprocess.run(
            [str(SLUICE), *arguments],
            cwd=shell.folder,
            env=shell.environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        if arguments[0] == "search":
            assert "thirty days" in done.stdout
            assert "sixteen weeks" not in done.stdout, "staff may not read hr/"


def test_the_demo_tells_its_whole_story(shell: Shell) -> None:
    """`sluice demo` from nothing: each chapter checks its own claim, and the second version costs one document."""
    command = [str(SLUICE), "demo", "--workplace", str(shell.folder / "demo"), "--json"]
    done = subprocess.run(
        command, cwd=shell.folder, env=shell.environment, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)["chapters"]
    assert [told["1"]["outcome"], told["2"]["outcome"], told["3"]["outcome"]] == ["promoted", "promoted", "rejected"]
    assert told["2"]["embedded"] < 5
