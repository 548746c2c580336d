"""Folders in memory for a moment's work."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sluice import passing

MEMORY = Path("/dev/shm")


@contextmanager
def scratch(otherwise: Path, memory: Path = MEMORY) -> Iterator[Path]:
    """An empty folder of this process, removed afterwards: in memory where that can be written to, else in `otherwise`.

    What is left in memory stays there until the machine starts again, so whoever comes next removes what nobody holds any more.
    """
    if not os.access(memory, os.W_OK):
        with tempfile.TemporaryDirectory(prefix="sluice-", dir=otherwise) as elsewhere:
            yield Path(elsewhere)
        return
    with passing.held("scratch", memory) as folder:
        yield folder
