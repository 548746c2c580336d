"""Standard streams that are closed, full, or that nobody reads any more: exit codes hold, and no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SLUICE = Path(sys.executable).with_name("sluice")
CONFIG = """\
index: streams
state_dir: state
sources: [{name: notes, type: files, root: corpus}]
access: {rules: [{match: "**", tags: [all]}]}
embedding: {model: "hashing:64", precision: fp32}
gates: []
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "a.md").write_text("# A\n\nRemember the dial.\n", encoding="utf-8")
    (tmp_path / "sluice.yaml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("releases show x --json > /dev/full", 2),
        ("--help > /dev/full", 1),
        ("--version >&-", 0),
        ("nonsense 2> /dev/full", 2),
        ("nonsense --json 0<&- >&- 2>&-", 2),
    ],
)
def test_what_cannot_be_written_changes_no_exit_code_to_a_traceback(folder: Path, command: str, code: int) -> None:
    """An answer that nobody can have is a failure; an error that cannot be said keeps its own code."""
    ended = subprocess.run(["bash", "-c", f"{SLUICE} {command}"], cwd=folder, capture_output=True, text=True, check=False)
    assert (ended.returncode, "Traceback" in ended.stderr) == (code, False), ended


@pytest.mark.skipif(
    not str(Path(__file__)).isascii(), reason="Python reads in the locale's encoding where Sluice's checkout lies"
)
@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "POSIX", "PYTHONIOENCODING": "latin-1"},
    ],
    ids=lambda environment: ",".join(environment),
)
def test_names_and_answers_are_utf_8_whatever_the_locale_says(folder: Path, locale: dict[str, str]) -> None:
    """What cron or an old machine sets: the same file is found, its name is told whole in JSON, and for people nothing fails."""
    (folder / "sluice.yaml").write_text(CONFIG.replace("corpus", "wörter–★"), encoding="utf-8")
    (folder / "corpus" / "a.md").rename(folder / "corpus" / "ä.md")
    (folder / "corpus").rename(folder / "wörter–★")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "PYTHON", "LANG"))} | locale
    environment["PYTHONPATH"] = os.environ.get("PYTHONPATH", "")

    def sluice(*command: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([str(SLUICE), *command], cwd=folder, env=environment, capture_output=True, check=False)

    if "PYTHONUTF8" in locale:
        told = json.loads(sluice("doctor", "--json").stdout.decode("utf-8"))
        assert [check["detail"] for check in told["checks"] if check["check"] == "sources"] == ["notes lists 1 document"]
    asked = sluice("releases", "show", "ü–★", "--json")
    assert (asked.returncode, "ü–★" in json.loads(asked.stdout.decode("utf-8"))["error"]["message"]) == (2, True), asked
    for_people = sluice("releases", "show", "ü–★")
    assert (for_people.returncode, b"Traceback" in for_people.stderr, b"error:" in for_people.stderr) == (2, False, True)


@pytest.mark.slow
def test_a_run_goes_on_when_nobody_hears_of_its_progress(folder: Path) -> None:
    """A log whose disk is full, a reader that left, a descriptor that was closed: a night is not lost over it."""
    for redirected in ("2> /dev/full", "2>&-"):
        (folder / "corpus" / "a.md").write_text(f"# A\n\nRemember the dial {redirected}.\n", encoding="utf-8")
        ended = subprocess.run(
            ["bash", "-c", f"{SLUICE} run {redirected}"], cwd=folder, capture_output=True, text=True, check=False
        )
        assert (ended.returncode, "promoted" in ended.stdout) == (0, True), ended
    (folder / "corpus" / "a.md").write_text("# A\n\nRemember the last dial.\n", encoding="utf-8")
    reads, writes = os.pipe()
    os.close(reads)
    run = subprocess.run([str(SLUICE), "run"], cwd=folder, stdout=subprocess.PIPE, stderr=writes, text=True, check=False)
    os.close(writes)
    assert (run.returncode, "promoted" in run.stdout) == (0, True), run
