"""Whether the embedded database's file is the one that was there: SQLite takes an empty file for a new database.

Beside `data/NAME.db` lies `data/NAME.begun` from the moment on at which that file holds something. A file that is empty or
gone beside it was cut or deleted, and an index that seems to know nothing would fetch, embed and publish everything anew.
"""

from __future__ import annotations

import os
from pathlib import Path

from sluice.errors import IntegrityError
from stores import private


def refuse_emptied(state_dir: Path, database: str) -> None:
    """Raises IntegrityError where the database's file was cut to nothing or deleted; nothing is opened or changed."""
    file, begun = _files(state_dir, database)
    if not begun.exists() or (file.exists() and file.stat().st_size):
        return
    raise IntegrityError(
        f"the embedded database {file} is damaged: it held this index, and is {'empty' if file.exists() else 'gone'}",
        hint=f"restore it from a backup: what is live is still there; without one, remove {begun} and run again: every document "
        "is fetched, parsed and embedded anew, what was forgotten, pinned or decided is no longer known, and where gates compare "
        "with what is live, the new release waits for `sluice promote ID --force`",
    )


def begin(state_dir: Path, database: str) -> None:
    """Note that the database's file holds something; durable when it returns."""
    file, begun = _files(state_dir, database)
    if not begun.exists() and file.exists() and file.stat().st_size:
        os.close(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))  # empty: there or not, never half
        private.sync(begun.parent)


def _files(state_dir: Path, database: str) -> tuple[Path, Path]:
    folder = state_dir / "mongodb" / "data"
    return folder / f"{database}.db", folder / f"{database}.begun"
