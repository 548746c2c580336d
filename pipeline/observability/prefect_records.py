"""What Prefect remembers of a document: reports as artifacts, the events of their making, parameters, messages of failures.

On this machine that is an SQLite file, from which a document's uri can be erased. What a configured server or a webhook was
told is theirs: `elsewhere` names them, so that somebody erases it there.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline import prefect_environment
from pipeline.erasure.unnaming import unnamed_text
from pipeline.resources import Resources
from sluice.errors import StoreUnavailable

WAIT_S = 30.0
"""A server that `sluice serve` runs may be writing to the same file."""

COLUMNS = (
    ("artifact", "data"),
    ("artifact", "description"),
    ("artifact_collection", "data"),
    ("artifact_collection", "description"),
    ("events", "payload"),
    ("flow_run", "parameters"),
    ("flow_run_state", "data"),
    ("flow_run_state", "message"),
    ("task_run_state", "data"),
    ("task_run_state", "message"),
    ("log", "message"),
)
"""Where words of ours end up; everything else is ids, times and Prefect's own."""


def databases(state_dir: Path) -> list[Path]:
    """Prefect's own files on this machine: that of the index, and that of the folder that the user chose."""
    homes = {state_dir / "prefect", Path(os.environ.get("PREFECT_HOME") or state_dir / "prefect").expanduser()}
    return sorted(home / "prefect.db" for home in homes if (home / "prefect.db").is_file())


def erase(state_dir: Path, uri: str) -> int:
    """Take a uri out of every row, and out of what the files still hold of earlier rows; how many cells that changed.

    Raises StoreUnavailable when another process keeps a file for longer than WAIT_S. Idempotent.
    """
    changed = 0
    for path in databases(state_dir):
        with _opened(path, uri) as database:
            database.execute("PRAGMA secure_delete = ON")
            database.execute("BEGIN IMMEDIATE")
            for table, column in _present(database):
                changed += database.execute(
                    f'UPDATE "{table}" SET "{column}" = unnamed("{column}") WHERE unnamed("{column}") IS NOT "{column}"'
                ).rowcount
            database.execute("COMMIT")
            database.execute("VACUUM")  # pages that Prefect freed keep their words
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return changed


def left(state_dir: Path, uri: str) -> int:
    """How many cells still name it."""
    found = 0
    for path in databases(state_dir):
        with _opened(path, uri) as database:
            for table, column in _present(database):
                count = f'SELECT count(*) FROM "{table}" WHERE unnamed("{column}") IS NOT "{column}"'
                found += database.execute(count).fetchone()[0]
    return found


def elsewhere(r: Resources) -> list[str]:
    """Who was told of releases with the uris of their documents, and cannot be made to forget from here."""
    told = [f"the webhook at {urlsplit(url).hostname}" for url in r.settings.events.webhooks]
    if r.settings.events.lineage is not None:
        told.append("the OpenLineage events that events.lineage names: messages of failures")
    if (server := prefect_environment.server()) is not None:
        told.append(f"the Prefect server at {urlsplit(server[0]).hostname}: artifacts and events")
    if {"PREFECT_API_DATABASE_CONNECTION_URL", "PREFECT_SERVER_DATABASE_CONNECTION_URL"} & os.environ.keys():
        told.append("the database that PREFECT_SERVER_DATABASE_CONNECTION_URL names: artifacts and events")
    return told


@contextmanager
def _opened(path: Path, uri: str) -> Iterator[sqlite3.Connection]:
    def without(value: Any) -> Any:
        return unnamed_text(value, uri) if isinstance(value, str) else value

    try:
        with closing(sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)) as database:
            database.create_function("unnamed", 1, without, deterministic=True)
            yield database
    except sqlite3.Error as error:
        raise StoreUnavailable(
            f"Prefect's records in {path} cannot be rewritten: {error}", hint="end what uses them, and forget it again"
        ) from None


def _present(database: sqlite3.Connection) -> list[tuple[str, str]]:
    """Those of the columns that this version of Prefect has."""
    held = {
        (table, column)
        for table in {table for table, _ in COLUMNS}
        for _, column, *_ in database.execute(f'PRAGMA table_info("{table}")').fetchall()
    }
    return [entry for entry in COLUMNS if entry in held]
