"""Folders in memory for a moment's work."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from stores.mongo.embedded_server import socket_path
from stores.scratch import scratch

DIES = """
import os, signal, sys
from pathlib import Path
from stores.scratch import scratch
with scratch(Path("/nowhere"), Path(sys.argv[1])) as folder:
    (folder / "points").write_bytes(b"points")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def folders(place: Path) -> list[Path]:
    return [path for path in place.iterdir() if path.is_dir()]


def test_it_is_empty_and_gone_afterwards(tmp_path: Path) -> None:
    """Also when the work in it fails."""
    try:
        with scratch(tmp_path / "never", tmp_path) as folder:
            assert list(folder.iterdir()) == []
            (folder / "points").write_bytes(b"points")
            raise KeyError
    except KeyError:
        assert folders(tmp_path) == []


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_holds_is_not(tmp_path: Path) -> None:
    """580 of them, 0.8 GB, lay in the memory of a machine on which runs had been killed for a day."""
    died = subprocess.run([sys.executable, "-c", DIES, str(tmp_path)], check=False, timeout=60)
    assert died.returncode == -signal.SIGKILL
    assert len(folders(tmp_path)) == 1
    with scratch(tmp_path / "never", tmp_path) as first:
        assert folders(tmp_path) == [first.parent]
        with scratch(tmp_path / "never", tmp_path) as second:
            assert sorted(folders(tmp_path)) == sorted([first.parent, second.parent])


def test_the_folder_of_a_servers_socket_is_not_taken_for_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where TMPDIR is the memory, both lie side by side; a collection that was made took the embedded database's socket away."""
    with tempfile.TemporaryDirectory(dir="/tmp") as memory:
        monkeypatch.setattr("tempfile.tempdir", memory)
        socket = socket_path(tmp_path / ("x" * 100))
        assert socket.is_relative_to(memory)
        socket.parent.mkdir()
        with scratch(tmp_path / "never", Path(memory)):
            assert socket.parent.is_dir()


def test_without_a_memory_to_write_to_it_is_made_elsewhere(tmp_path: Path) -> None:
    """In the folder that was named."""
    with scratch(tmp_path, tmp_path / "absent") as folder:
        assert folder.parent == tmp_path
