"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sluice.replacing import replacing


def test_a_file_is_replaced_at_the_end_and_stays_as_it_was_on_an_error(tmp_path: Path) -> None:
    """Until the end readers have the one before; nothing is left beside it either way."""
    file = tmp_path / "a.json"
    file.write_text("before")
    with replacing(file) as made:
        made.write_text("after")
        assert file.read_text() == "before"
    assert file.read_text() == "after"
    with pytest.raises(KeyboardInterrupt), replacing(file) as made:
        made.write_text("half")
        raise KeyboardInterrupt
    assert file.read_text() == "after"
    with pytest.raises(IsADirectoryError), replacing(tmp_path) as made:
        made.write_text("in the way of a folder")
    assert list(tmp_path.parent.glob(f".{tmp_path.name}.*")) == []
    assert list(tmp_path.iterdir()) == [file]


def test_two_may_write_one_file_and_it_is_its_owners_alone_unless_it_is_said(tmp_path: Path) -> None:
    """The last to end stays, whole; what is written for somebody else has the rights that the umask leaves."""
    file = tmp_path / "a.json"
    with replacing(file) as first, replacing(file) as second:
        first.write_text("first")
        second.write_text("second")
    assert file.read_text() == "first"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = os.umask(0o022)
    try:
        with replacing(file, 0o666):
            pass
    finally:
        os.umask(before)
    assert (stat.S_IMODE(file.stat().st_mode), file.read_text()) == (0o644, "")
