"""Files that are mapped and let go of."""

from __future__ import annotations

import mmap
import os
import sys
from pathlib import Path

import pytest

from stores.edge.mapped import let_go


def resident(file: Path) -> int:
    """Kilobytes of this file that are this process's memory."""
    kept = 0
    mine = False
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        name = line.split(maxsplit=5)
        if "-" in name[0] and not name[0].endswith(":"):
            mine = name[-1] == str(file)
        elif mine and name[0] == "Rss:":
            kept += int(name[1])
    return kept


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what is mapped")
def test_what_was_read_is_let_go_of_and_nothing_that_was_written_is_lost(tmp_path: Path) -> None:
    """Also what was not flushed; a folder whose name only begins alike is left alone."""
    size = 1 << 20
    ours, theirs = tmp_path / "here" / "file", tmp_path / "here too" / "file"
    opened = []
    for file in (ours, theirs):
        file.parent.mkdir()
        file.write_bytes(bytes(size))
        with file.open("r+b") as handle:
            opened.append(mmap.mmap(handle.fileno(), size))
        opened[-1][:] = b"w" * size
    assert resident(ours) == resident(theirs) == 1024
    assert let_go(tmp_path / "here") == 1
    assert (resident(ours), resident(theirs)) == (0, 1024)
    assert opened[0][:] == b"w" * size
    assert ours.read_bytes() == b"w" * size
    for held in opened:
        held.close()
    assert os.path.getsize(ours) == size
