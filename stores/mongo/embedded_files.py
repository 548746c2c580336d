"""Whether the embedded database's file is the one that was there: SQLite takes an empty file for a new database.

Beside `data/NAME.db` lies `data/NAME.begun` from the moment on at which that file holds something. A file that is empty or
gone beside it was cut or deleted, and an index that seems to know nothing would fetch, embed and publish everything anew.
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from sluice.errors import IntegrityError, StoreUnavailable
from stores import private

WAIT_S = 10.0
"""How long the log waits for a moment at which nobody reads."""


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


def write_out(state_dir: Path, database: str) -> None:
    """Have what SQLite's log holds written into the file, and the log emptied: pages and log keep the words of rows that were
    deleted until then. The server may have it open.

    Raises StoreUnavailable where others read or write without a pause for longer than WAIT_S.
    """
    import sqlite3  # 5 ms, which nothing else pays

    file, _ = _files(state_dir, database)
    try:
        with closing(sqlite3.connect(file, timeout=WAIT_S)) as opened:
            found, *_ = opened.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        busy = "in use" if found else ""
    except sqlite3.Error as error:
        busy = f"not to be had ({error})"
    if busy:
        raise StoreUnavailable(
            f"{file} is {busy}: its log still has the words of what was erased",
            hint="run the same command again when nobody else works with this index",
        )


def _files(state_dir: Path, database: str) -> tuple[Path, Path]:
    folder = state_dir / "mongodb" / "data"
    return folder / f"{database}.db", folder / f"{database}.begun"
