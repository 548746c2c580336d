"""The first second of an installation: a Python that Sluice does not run on is told so before anything is downloaded."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import REPOSITORY

PRETENDING = """#!/bin/sh
exec {python} -c 'import sys; sys.version_info, sys.version = {version}, "{said} (main)"; exec(sys.argv[2])' "$@"
"""


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("version", [(3, 10, 14), (3, 14, 0)], ids=str)
def test_a_python_that_is_too_old_or_too_new_is_told_so_at_once(tmp_path: Path, version: tuple[int, int, int]) -> None:
    """With the command that takes another one; no environment is begun."""
    said = ".".join(map(str, version))
    python = tmp_path / "python"
    python.write_text(PRETENDING.format(python=sys.executable, version=version, said=said), encoding="utf-8")
    python.chmod(0o755)
    command = ["make", "-C", str(REPOSITORY), "demo", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert f"Sluice needs Python 3.11 to 3.13, and {python} is {said}: make PYTHON=python3.12 demo" in done.stderr
    assert not (tmp_path / "venv").exists()
