"""What lies in a folder for a moment's work outlives neither its owner nor a process that was killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from ingest import passing

KILLED = """
import os, signal, sys
from pathlib import Path
from ingest import passing
class Owner: pass
owner = Owner()
folder = passing.folder("test", owner, Path(sys.argv[1]))
(folder / "page").write_text("words")
print(folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


class Owner:
    """Whoever holds a folder."""


def test_a_folder_goes_with_its_owner_and_with_the_next_after_a_kill(tmp_path: Path) -> None:
    """Another owner's, and one of another kind, stay."""
    dead = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True, check=False)
    left = Path(dead.stdout.strip())
    assert (dead.returncode, (left / "page").read_text()) == (-signal.SIGKILL, "words")
    other, owner = Owner(), Owner()
    kept = passing.folder("other", other, tmp_path)
    assert left.is_dir()
    mine = passing.folder("test", owner, tmp_path)
    second = passing.folder("test", other, tmp_path)
    assert (left.exists(), kept.is_dir(), mine.is_dir(), second.is_dir()) == (False, True, True, True)
    assert mine.stat().st_mode & 0o077 == 0
    del owner
    assert (mine.exists(), kept.is_dir(), second.is_dir()) == (False, True, True)
