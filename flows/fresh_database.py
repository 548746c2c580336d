"""The database of a Prefect server that nobody has used, kept for the next index that needs one.

Prefect makes it by all the migrations it ever had: 3.6 of 6.3 s of processor time. A copy is a file of 1 MB.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.machine_cache import cache_folder

ELSEWHERE = ("PREFECT_API_DATABASE_", "PREFECT_SERVER_DATABASE_")
"""Environment variables by which a user has a database of their own."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """The database that a server is about to make, and the file to keep it in."""

    made: Path
    kept: Path

    def keep(self) -> None:
        """Keep the database as it is now; nothing is said of it where that cannot be done, it saves time only."""
        with suppress(OSError, sqlite3.Error), tempfile.TemporaryDirectory(dir=self.kept.parent) as folder:
            copy = Path(folder) / "copy.db"
            with closing(sqlite3.connect(self.made)) as made, closing(sqlite3.connect(copy)) as target:
                made.backup(target)
            os.replace(copy, self.kept)


def of(home: Path) -> Fresh | None:
    """What is to be kept of the server in this folder, once it is up; None when it starts with a database, or now a copy."""
    made, cache = home / "prefect.db", cache_folder("prefect")
    if made.exists() or cache is None or any(name.startswith(ELSEWHERE) for name in os.environ):
        return None
    if os.environ.get("PREFECT_HOME") != str(home):
        return None
    kept = cache / f"{importlib.metadata.version('prefect')}.db"
    try:
        part = made.with_suffix(f".{os.getpid()}")
        shutil.copyfile(kept, part)
        os.replace(part, made)  # whole or not at all: a server is started on it
    except FileNotFoundError:
        return Fresh(made, kept)
    except OSError:
        pass
    return None
