"""What lies in a folder for a moment's work outlives neither its owner nor a process that was killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sluice import passing

KILLED = """
import os, signal, sys
from sluice import passing
class Owner: pass
owner = Owner()
folder = passing.folder("test", owner)
(folder / "page").write_text("words")
print(folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


class Owner:
    """Whoever holds a folder."""


def test_a_folder_goes_with_its_owner_and_with_the_next_after_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another owner's, and one of another kind, stay."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=False)
    left = Path(dead.stdout.strip())
    assert (dead.returncode, (left / "page").read_text()) == (-signal.SIGKILL, "words")
    other, owner = Owner(), Owner()
    kept = passing.folder("other", other)
    assert left.is_dir()
    mine = passing.folder("test", owner)
    second = passing.folder("test", other)
    assert list(mine.iterdir()) == []
    assert (left.parent.exists(), kept.is_dir(), mine.is_dir(), second.is_dir()) == (False, True, True, True)
    assert (mine.stat().st_mode & 0o077, mine.parent.stat().st_mode & 0o077) == (0, 0)
    del owner
    assert (mine.parent.exists(), kept.is_dir(), second.is_dir()) == (False, True, True)


def test_who_is_killed_while_removing_leaves_what_the_next_one_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock goes last: a folder without one is nobody's to remove."""
    removed = []
    monkeypatch.setattr("shutil.rmtree", lambda path, **_: removed.append(path))
    with passing.held("test", tmp_path) as first:
        (first / "page").write_text("words")
    assert removed == [first, first.parent]
    monkeypatch.undo()
    with passing.held("test", tmp_path) as second:
        assert [path.parent for path in tmp_path.glob("*/files")] == [second.parent]
