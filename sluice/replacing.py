"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path, mode: int = 0o600) -> Iterator[Path]:
    """An empty file beside `path` to write, which takes its place at the end; on an error `path` stays as it was.

    Whoever reads `path` meanwhile has the one before. The new file is its owner's alone unless `mode`, less the umask, says
    otherwise. Nothing is said of a power cut: what must outlive one is written by `stores.private.replace`.
    """
    made = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    made.touch(mode, exist_ok=False)
    try:
        yield made
        os.replace(made, path)
    except BaseException:
        made.unlink(missing_ok=True)
        raise
