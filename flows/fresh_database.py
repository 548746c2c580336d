"""The database of a Prefect server that nobody has used, kept for the next index that needs one.

Prefect makes it by all the migrations it ever had: 3.6 of 6.3 s of processor time. A copy is a file of 1 MB.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.machine_cache import cache_folder
from sluice.replacing import replacing

ELSEWHERE = ("PREFECT_API_DATABASE_", "PREFECT_SERVER_DATABASE_")
"""Environment variables by which a user has a database of their own."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """The database that a server is about to make, and the file to keep it in."""

    made: Path
    kept: Path

    def keep(self) -> None:
        """Keep the database as it is now; nothing is said of it where that cannot be done, it saves time only."""
        with (
            suppress(OSError, sqlite3.Error),
            replacing(self.kept) as copy,
            closing(sqlite3.connect(self.made)) as made,
            closing(sqlite3.connect(copy)) as target,
        ):
            made.backup(target)


def of(home: Path) -> Fresh | None:
    """What is to be kept of the server in this folder, once it is up; None when it starts with a database, or now a copy."""
    made, cache = home / "prefect.db", cache_folder("prefect")
    if made.exists() or cache is None or any(name.startswith(ELSEWHERE) for name in os.environ):
        return None
    if os.environ.get("PREFECT_HOME") != str(home):
        return None
    kept = cache / f"{importlib.metadata.version('prefect')}.db"
    try:
        with replacing(made) as copy:  # a server is started on it
            shutil.copyfile(kept, copy)
    except FileNotFoundError:
        return Fresh(made, kept)
    except OSError:
        pass
    return None
