"""The database that a Prefect server of our own begins with."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from flows import fresh_database


def made(file: Path, rows: int = 0) -> None:
    """What a server's first start leaves; with rows, what it has written by then."""
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("pragma journal_mode=wal")
        database.execute("create table run (name text)")
        database.executemany("insert into run values (?)", [("one",)] * rows)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder's `prefect`, which is Prefect's home, and a cache of the machine's that is empty."""
    folder = tmp_path / "state" / "prefect"
    folder.mkdir(parents=True)
    monkeypatch.setenv("SLUICE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PREFECT_HOME", str(folder))
    for name in ("PREFECT_API_DATABASE_CONNECTION_URL", "PREFECT_SERVER_DATABASE_CONNECTION_URL"):
        monkeypatch.delenv(name, raising=False)
    return folder


def test_the_first_server_makes_it_and_the_next_index_s_has_a_copy(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy is of what the server had made when it came up, with what lay in its log; an index has its own from then on."""
    fresh = fresh_database.of(home)
    assert fresh is not None
    made(home / "prefect.db")
    fresh.keep()
    with closing(sqlite3.connect(home / "prefect.db")) as database, database:
        database.execute("insert into run values ('of the first index')")
    assert fresh_database.of(home) is None
    second = home.parent.parent / "other" / "prefect"
    second.mkdir(parents=True)
    monkeypatch.setenv("PREFECT_HOME", str(second))
    assert fresh_database.of(second) is None
    with closing(sqlite3.connect(second / "prefect.db")) as database:
        assert database.execute("select count(*) from run").fetchone() == (0,)
    assert sorted(entry.name for entry in second.iterdir()) == ["prefect.db"]


@pytest.mark.parametrize(
    "variable", ["PREFECT_API_DATABASE_CONNECTION_URL", "PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_HOME"]
)
def test_a_database_that_is_not_ours_is_left_alone(home: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """A user's own database or home: nothing is put there, and nothing of it is kept."""
    monkeypatch.setenv(variable, "sqlite+aiosqlite:///elsewhere.db")
    assert fresh_database.of(home) is None
    assert list(home.iterdir()) == []
