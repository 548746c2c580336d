"""A disk that is full, on a file system of its own: said with its numbers by the command line, and search goes on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from benchmarks.under_test import EMBEDDED
from tests.e2e.conftest import Shell

pytestmark = pytest.mark.slow
SIZE_MB = 320


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system in memory with room for one small index."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path, leave: int) -> None:
    """Take all room but so many bytes."""
    with (disk / f"filling-{leave}").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - leave)


def test_a_full_disk_is_said_with_its_numbers_and_search_goes_on(tmp_path: Path, disk: Path) -> None:
    """Before a build, which then begins nothing; and where not a byte is left for what a run takes in."""
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(3):
        (docs / f"{number}.md").write_text(f"# Note {number}\n\nParental leave number {number} lasts sixteen weeks.\n")
    settings = {
        "index": "small",
        "state_dir": str(disk / "state"),
        "sources": [{"name": "notes", "type": "files", "root": "docs"}],
        "access": {"rules": [{"match": "**", "tags": ["staff"]}]},
        "embedding": {"model": "hashing:64", "precision": "fp32"},
        "gates": [],
    }
    (tmp_path / "sluice.yaml").write_text(yaml.safe_dump(settings))
    shell = Shell(tmp_path, {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}, EMBEDDED)
    code, first, err = shell("run")
    assert code == 0, err
    for left, expected in ((20_000_000, r"is full \(\d+ MB free, \d+ MB needed\)"), (0, r"is full")):
        fill(disk, left)
        (docs / "0.md").write_text(f"# Note 0\n\nParental leave lasts {left} days less now. " + os.urandom(400_000).hex())
        code, answer, err = shell("run")
        assert (code, answer["error"]["type"]) == (1, "DiskFull"), (answer, err)
        assert re.search(expected, answer["error"]["message"]), answer
        assert str(disk) in answer["error"]["message"]
        assert "make room" in answer["error"]["hint"]
        code, found, err = shell("search", "parental leave", "--as", "staff")
        assert code == 0, (left, found, err)
        assert {hit["release"] for hit in found["hits"]} == {first["release"]}
    for file in disk.glob("filling-*"):
        file.unlink()
    (docs / "0.md").write_text("# Note 0\n\nParental leave lasts twenty weeks.\n")
    code, last, err = shell("run")
    assert (code, last.get("outcome")) == (0, "promoted"), (last, err)
