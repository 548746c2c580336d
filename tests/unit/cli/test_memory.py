"""What is taken for want of memory."""

from __future__ import annotations

import errno

import pytest

from cli.memory import is_out


@pytest.mark.parametrize(
    ("error", "out"),
    [
        (MemoryError(), True),
        (OSError(errno.ENOMEM, "no memory"), True),
        (ImportError("libx.so: failed to map segment from shared object"), True),
        (RuntimeError("can't start new thread"), True),
        (RuntimeError("something else"), False),
        (OSError(errno.ENOSPC, "disk full"), False),
    ],
    ids=["python", "system", "library", "thread", "another", "disk"],
)
def test_want_of_memory_by_whatever_name(error: Exception, out: bool) -> None:
    """Also where it is only the cause of what is raised."""
    assert is_out(error) is out
    wrapped = ValueError("wrapped")
    wrapped.__cause__ = error
    assert is_out(wrapped) is out
