"""Rows of a query: on SQLite, and the same on a real PostgreSQL where it is installed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from ingest.sources.sql import SqlOptions, SqlSource
from sluice.errors import ConfigurationError, DocumentError, SourceUnavailable
from tests.postgres import binaries, postgres

TICKETS = [(n, f"Ticket {n}", f"It is {n:02}:30 and 100% done.", "staff,hr" if n % 2 else None, n) for n in range(1, 501)]
QUERY = "SELECT t.id, t.title, t.body, t.acl, t.changed FROM ticket t WHERE t.title <> ':x' ORDER BY t.id;"

Execute = Callable[..., Any]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        file = tmp_path_factory.mktemp("sql") / "base.db"
        sqlite3.connect(file).close()
        yield f"sqlite:///{file}"
    elif binaries() is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql)")
    else:
        pytest.importorskip("psycopg", reason="psycopg is not installed (sluice[postgres])")
        with postgres() as address:
            yield f"postgresql+psycopg://{address}"


@pytest.fixture
def base(server: str) -> Iterator[Execute]:
    """A table of 500 tickets; a function that runs a statement on it."""
    engine = sa.create_engine(server, poolclass=sa.pool.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:

        def execute(statement: str, *values: Any) -> Any:
            return connection.execute(sa.text(statement), *values)

        if server.startswith("sqlite"):
            execute("PRAGMA synchronous = OFF")
        execute("DROP TABLE IF EXISTS ticket")
        execute("CREATE TABLE ticket (id INTEGER PRIMARY KEY, title TEXT, body TEXT, acl TEXT, changed INTEGER)")
        names = ("id", "title", "body", "acl", "changed")
        rows = [dict(zip(names, row, strict=True)) for row in TICKETS]
        execute("BEGIN")
        execute("INSERT INTO ticket VALUES (:id, :title, :body, :acl, :changed)", rows)
        execute("COMMIT")
        yield execute
    engine.dispose()


def source(server: str, **options: Any) -> SqlSource:
    given = {"url": server, "query": QUERY, "key": "id", "title": "title", "text": "body", "tags": "acl", "metadata": ["changed"]}
    return SqlSource("crm", SqlOptions(**(given | options)))


def scanned(made: SqlSource, known: dict[str, str] | None = None) -> dict[str, str]:
    return {ref.uri: ref.validator for ref in made.scan(known or {})}


def test_a_row_is_a_document(server: str, base: Execute) -> None:
    """Title and text, the row's own tags, its metadata; the uri is table and key. Colons and percent signs stay."""
    made = source(server)
    refs = {ref.uri: ref for ref in made.scan({})}
    assert len(refs) == 500
    item = made.fetch(refs["ticket/7"])
    assert item.content == b"# Ticket 7\n\nIt is 07:30 and 100% done."
    assert (item.media_type, item.tags, item.metadata) == ("text/markdown", frozenset({"staff", "hr"}), {"changed": 7})
    assert made.fetch(refs["ticket/8"]).tags == frozenset()


def test_with_updated_at_a_second_run_reads_no_body(server: str, base: Execute) -> None:
    """Keys, times and tags are listed; only rows that changed are read, and deletions show in the keys.

    A body that changed while its time did not is not seen, which proves that it was not read.
    """
    made = source(server, updated_at="changed")
    known = scanned(made)
    base("UPDATE ticket SET body = 'unseen' WHERE id = 1")
    assert scanned(made, known) == known
    base("UPDATE ticket SET body = 'new', changed = 1000 WHERE id = 2")
    base("UPDATE ticket SET acl = 'boss' WHERE id = 4")
    base("DELETE FROM ticket WHERE id = 3")
    base("INSERT INTO ticket VALUES (501, 'T', 'added', NULL, 501)")
    refs = {ref.uri: ref for ref in made.scan(known)}
    changed = {uri for uri, ref in refs.items() if known.get(uri) != ref.validator}
    assert (changed, set(known) - set(refs)) == ({"ticket/2", "ticket/4", "ticket/501"}, {"ticket/3"})
    assert made.fetch(refs["ticket/2"]).content == b"# Ticket 2\n\nnew"
    assert made.fetch(refs["ticket/4"]).tags == frozenset({"boss"})
    base("UPDATE ticket SET changed = changed + 1")
    refs = {ref.uri: ref for ref in made.scan({uri: ref.validator for uri, ref in refs.items()})}
    assert made.fetch(refs["ticket/1"]).content == b"# Ticket 1\n\nunseen"


def test_without_updated_at_a_change_is_seen_in_the_content(server: str, base: Execute) -> None:
    """The validator is a hash of the row as a document: an edit changes one, an edit of another column none."""
    made = source(server, metadata=[])
    known = scanned(made)
    base("UPDATE ticket SET changed = 0")
    assert scanned(made, known) == known
    base("UPDATE ticket SET body = '!' WHERE id = 9")
    assert {uri for uri, validator in scanned(made, known).items() if known[uri] != validator} == {"ticket/9"}


def test_a_listing_that_is_refused_leaves_no_cursor_behind(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its cursor is closed before the connection: SQLAlchemy would say so, with a traceback, to whoever reads the message."""
    with closing(sqlite3.connect(tmp_path / "base.db")) as base:
        base.execute("CREATE TABLE t (id, body)")
        base.executemany("INSERT INTO t VALUES (?, 'x')", [(1,), (1,), *((n,) for n in range(2, 900))])
        base.commit()
    options = {"url": f"sqlite:///{tmp_path}/base.db", "query": "SELECT * FROM t", "key": "id", "text": "body"}
    with pytest.raises(ConfigurationError, match="several rows for t/1"):
        list(SqlSource("s", SqlOptions.model_validate(options)).scan({}))
    assert not caplog.records


def test_a_key_that_is_not_unique_is_a_wrong_configuration(server: str, base: Execute) -> None:
    """It would make one document of several rows; NULL is no key, and costs that row only."""
    base("UPDATE ticket SET acl = 'one' WHERE id < 3")
    with pytest.raises(ConfigurationError, match="several rows for ticket/one"):
        scanned(source(server, key="acl", query="SELECT * FROM ticket WHERE id < 3"))
    made = source(server, key="acl", query="SELECT * FROM ticket WHERE id IN (1, 4)")
    (bad,) = [ref for ref in made.scan({}) if "#" in ref.uri]
    with pytest.raises(DocumentError) as error:
        made.fetch(bad)
    assert error.value.reason == "no_key"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"query": "SELECT * FROM nowhere"}, "the query does not run|nowhere"),
        ({"query": "SELECT id FROM ticket"}, "no column body, title, changed, acl|no column body"),
        ({"url": "nosuch://x"}, "SQLAlchemy cannot use it"),
        ({"url": "sqlite:///nowhere.db"}, "does not exist"),
    ],
)
def test_what_cannot_be_right_is_a_wrong_configuration(server: str, base: Execute, options: Any, message: str) -> None:
    """Said before anything is listed, in words that name the source."""
    with pytest.raises(ConfigurationError, match=message) as error:
        scanned(source(server, **options))
    assert "source 'crm'" in error.value.message or "sources.crm." in error.value.message
    assert error.value.hint


def test_a_source_only_reads(server: str, base: Execute) -> None:
    """Anything but one SELECT is refused; what a query's functions would write is refused by the database."""
    for query in ("DELETE FROM ticket", "SELECT 1; DELETE FROM ticket", "PRAGMA user_version = 5"):
        with pytest.raises(ValidationError, match="only reads"):
            source(server, query=query)
    if server.startswith("postgresql"):
        base("CREATE SEQUENCE IF NOT EXISTS counter")
        with pytest.raises((SourceUnavailable, ConfigurationError), match="read-only"):
            scanned(source(server, query="SELECT nextval('counter') AS id, title, body, acl, changed FROM ticket"))
    assert base("SELECT count(*) FROM ticket").scalar() == 500


def test_no_password_in_an_error() -> None:
    """A server that is not there is unavailable; neither the message nor the options show the password."""
    made = source("postgresql+psycopg://reader:s3cret@127.0.0.1:1/base")
    with pytest.raises((SourceUnavailable, ConfigurationError)) as error:
        scanned(made)
    assert "s3cret" not in error.value.message + error.value.hint + repr(made.options)


def test_a_sqlite_file_is_relative_to_the_configuration(tmp_path: Path) -> None:
    """Like every path in it."""
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.executescript("CREATE TABLE a (id, body); INSERT INTO a VALUES (1, 'one')")
    given = {"url": "sqlite:///x.db", "query": "SELECT * FROM a", "key": "id", "text": "body"}
    assert scanned(SqlSource("s", SqlOptions.model_validate(given, context={"base": tmp_path}))).keys() == {"a/1"}


ACCEPTED = [
    "SELECT id, body, changed FROM t WHERE id > 0 -- only live notes",
    "-- first a word\n/* and ; another */ SELECT * FROM t",
    "SELECT * FROM t; -- that was it ;",
    "SELECT * FROM t;;\n ; ",
    "WITH x AS (SELECT * FROM t) SELECT * FROM x",
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2) SELECT t.* FROM n JOIN t ON t.id = n.i",
    "SELECT * FROM t WHERE id = 1 UNION SELECT * FROM t WHERE id = 2",
    "SELECT id, 'a; -- b /* c' AS body, changed FROM t",
    "SELECT id, 'it''s :x 100%' AS body, changed FROM t WHERE body LIKE '%o%' OR 1",
    "SELECT column1 AS id, column2 AS body, column3 AS changed FROM (VALUES (1, 'a', 1), (2, 'b', 2))",
    'SELECT id AS "id", body, changed FROM "t" ORDER BY id LIMIT 10 -- ;',
    "select/**/id,body,changed/**/from/**/t",
]


@pytest.mark.parametrize("query", ACCEPTED)
@pytest.mark.parametrize("updated_at", ["changed", None])
def test_any_query_that_the_database_takes(tmp_path: Path, query: str, updated_at: str | None) -> None:
    """Comments, semicolons, common tables, unions, values; whole, and as a listing of keys and times."""
    file = tmp_path / "x.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("CREATE TABLE t (id, body, changed); INSERT INTO t VALUES (1, 'one', 1), (2, 'two', 2)")
    made = SqlSource(
        "s", SqlOptions(url=f"sqlite:///{file}", query=query, key="id", text="body", prefix="", updated_at=updated_at)
    )
    known = scanned(made)
    assert set(known) == {"1", "2"}
    assert scanned(made, {"1": known["1"], "2": "old"}) == known


REFUSED = [
    "SELECT 1; DELETE FROM t",
    "DELETE FROM t",
    "-- SELECT\nDROP TABLE t",
    "/* select */ PRAGMA x",
    "",
    ";",
    "SELECT 'a'; SELECT 'b'",
    "EXPLAIN SELECT 1",
]


@pytest.mark.parametrize("query", REFUSED)
def test_what_is_not_one_query_is_refused(query: str) -> None:
    """Whatever stands in comments and strings around it."""
    with pytest.raises(ValidationError, match="only reads"):
        SqlOptions(url="sqlite:///x.db", query=query, key="id", text="body")


def test_columns_with_one_name_are_refused_with_the_name(tmp_path: Path) -> None:
    """Of two columns called `id` nobody can say which is the key; also where there is no row yet."""
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.executescript("CREATE TABLE a (id, body); CREATE TABLE b (id, name);")
    query = "SELECT a.id, a.body, b.id, b.name AS body FROM a JOIN b ON a.id = b.id"
    with pytest.raises(ConfigurationError, match="source 'crm': the query gives several columns the name id, body"):
        scanned(source(f"sqlite:///{tmp_path}/x.db", query=query, title=None, tags=None, metadata=[]))


CASE = Path(__file__).resolve().parents[4] / "../shared/corpora/cases/22-sql-comment/data.db"


@pytest.mark.corpora
@pytest.mark.skipif(not CASE.is_file(), reason="needs ../shared/corpora")
def test_the_query_with_a_comment_of_the_corpora() -> None:
    """Twice: the second run wraps the query."""
    query = "SELECT id, body, changed FROM note WHERE id > 0 -- only live notes"
    made = SqlSource("notes", SqlOptions(url=f"sqlite:///{CASE}", query=query, key="id", text="body", updated_at="changed"))
    known = scanned(made)
    assert set(known) == {"note/1", "note/2", "note/3"}
    assert scanned(made, known) == known
