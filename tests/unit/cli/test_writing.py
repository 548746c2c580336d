"""Files that a command writes: whole, or as they were."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli.writing import put


def test_a_file_is_written_whole_or_stays_as_it_was(tmp_path: Path) -> None:
    """What cannot be encoded is found in the middle of writing; nothing is left beside it either way."""
    page = tmp_path / "page.html"
    put(page, "first")
    with pytest.raises(UnicodeEncodeError):
        put(page, "second \ud800")
    assert (page.read_text(encoding="utf-8"), [file.name for file in tmp_path.iterdir()]) == ("first", ["page.html"])


def test_a_link_and_a_pipe_stay_what_they_are(tmp_path: Path) -> None:
    """What the link leads to is replaced; a pipe is written to."""
    (tmp_path / "link").symlink_to("page.html")
    put(tmp_path / "link", "words")
    assert ((tmp_path / "link").is_symlink(), (tmp_path / "page.html").read_text(encoding="utf-8")) == (True, "words")
    os.mkfifo(tmp_path / "pipe")
    reads = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    put(tmp_path / "pipe", "heard")
    assert (os.read(reads, 100), (tmp_path / "pipe").is_fifo()) == (b"heard", True)
    os.close(reads)
    reads, writes = os.pipe()
    put(Path(f"/proc/self/fd/{writes}"), "as /dev/stdout is")
    assert os.read(reads, 100) == b"as /dev/stdout is"
    os.close(reads)
    os.close(writes)
