"""Users without a home folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sluice.homes import have_a_home

NOBODY = """
import os
from pathlib import Path
from sluice.homes import have_a_home
os.environ.pop("HOME", None)
os.setgroups([])
os.setuid(2**31 - 7)
have_a_home()
print(Path.home())
"""


def test_a_home_folder_stays_what_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of who has one, nothing is changed."""
    monkeypatch.setenv("HOME", str(tmp_path))
    have_a_home()
    assert Path.home() == tmp_path


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_user_whom_the_machine_does_not_know_has_the_root() -> None:
    """`Path.home()` ended with an error, and with it whatever library asked."""
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", NOBODY], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "/"
