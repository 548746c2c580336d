"""Rows of a SQL query, one document each, through SQLAlchemy.

Rows are read by a server-side cursor in one read-only transaction, so that the listing is one consistent moment. With
`updated_at`, a run after the first reads keys and times only, and then the rows that changed; what is deleted is missing
among the keys, and needs no query of its own.
"""

from __future__ import annotations

import itertools
import os
import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationInfo, field_validator

from ingest.sources.rows import RowOptions, Rows
from ingest.sources.snapshot import Listed, Snapshot
from ingest.sources.statement import first_table, one_query
from sluice.errors import ConfigurationError, SluiceError, SourceUnavailable
from sluice.ids import digest
from sluice.records import ItemRef, RawItem

if TYPE_CHECKING:
    import sqlalchemy

_BATCH = 200
_FEW = 0.2
"""Up to this share of changed rows they are read by key; above it, the whole query is cheaper."""


class SqlOptions(RowOptions):
    url: str = Field(repr=False)
    """An SQLAlchemy URL; its password belongs in the environment: postgresql+psycopg://reader:${PASSWORD}@host/base"""
    query: str
    timeout_s: float = Field(default=300, gt=0)
    """For one statement, where the database can limit it (PostgreSQL, MySQL)."""

    @field_validator("url")
    @classmethod
    def _resolved(cls, value: str, info: ValidationInfo) -> str:
        """A SQLite file's path is relative to the configuration, like every path."""
        scheme, slashes, path = value.partition(":///")
        if not (scheme.startswith("sqlite") and slashes and path) or path.startswith(("/", "file:", ":memory:")):
            return value
        return f"{scheme}:///{os.path.normpath(os.path.join((info.context or {}).get('base', ''), path))}"

    @field_validator("query")
    @classmethod
    def _reads(cls, value: str) -> str:
        return one_query(value)


class SqlSource:
    """Every row of `query`. A uri is `<table>/<key>`; `prefix` changes what stands before the key."""

    Options = SqlOptions

    def __init__(self, name: str, options: SqlOptions) -> None:
        self.name = name
        self.options = options
        self._rows = Rows(name, options, first_table(options.query) or name)
        self._snapshot = Snapshot(name, self._read)

    def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]:
        """Each row once. Raises ConfigurationError for a query that does not run or a key that is not unique,
        SourceUnavailable when the database does not answer to the end."""
        return self._snapshot.scan(known)

    def fetch(self, ref: ItemRef) -> RawItem:
        """The row as it was listed; raises DocumentError (`gone`, `bad_tags`, `no_key`, `too_large`)."""
        return self._snapshot.fetch(ref)

    def _read(self, known: Mapping[str, str]) -> Iterator[Listed]:
        import sqlalchemy as sa
        from sqlalchemy import exc

        try:
            engine = sa.create_engine(self.options.url, poolclass=sa.pool.NullPool, hide_parameters=True)
        except (exc.ArgumentError, exc.NoSuchModuleError, ImportError) as error:
            raise ConfigurationError(
                f"sources.{self.name}.url: SQLAlchemy cannot use it: {self._clean(error)}",
                hint="write dialect+driver://user:${PASSWORD}@host/database, and install the driver "
                "(PostgreSQL's, in Sluice's folder: pip install -e '.[postgres]')",
            ) from None
        file = engine.url.database if engine.dialect.name == "sqlite" else None
        if file and not file.startswith((":", "file:")) and not os.path.isfile(file):  # SQLite would make an empty one
            raise ConfigurationError(
                f"sources.{self.name}.url: {file} does not exist", hint="correct it, or mount it; nothing was changed"
            )
        try:
            with engine.connect() as connection:
                self._prepare(connection)
                with closing(self._items(connection, known)) as items:  # its cursor is closed before the connection is
                    yield from self._unique(items)
        except ConfigurationError as error:
            said = error.message.removeprefix(f"source '{self.name}': ")
            raise ConfigurationError(f"source '{self.name}': {said}", hint=error.hint) from None
        except exc.DBAPIError as error:
            if _refused_credentials(error.orig):
                raise ConfigurationError(
                    f"source '{self.name}': the database refused the user or the password: {self._clean(error)}",
                    hint=f"both are in sources.{self.name}.url: correct them there, or the environment variable that it names",
                ) from None
            raise self._not_read(error, engine.dialect.name) from None
        except exc.SQLAlchemyError as error:
            raise self._not_read(error, engine.dialect.name) from None
        finally:
            engine.dispose()

    def _not_read(self, error: sqlalchemy.exc.SQLAlchemyError, dialect: str) -> SluiceError:
        """What went wrong: the query's fault, which waits for somebody, or the database's, which may be over soon."""
        from sqlalchemy import exc

        if isinstance(error, exc.ProgrammingError | exc.ArgumentError | exc.NoSuchColumnError):
            return ConfigurationError(
                f"source '{self.name}': the query does not run: {self._clean(error)}", hint="try it in the database's own shell"
            )
        wrong = dialect == "sqlite" and re.search(r"no such|syntax error|unable to open", str(error))
        kind = ConfigurationError if wrong else SourceUnavailable
        return kind(
            f"source '{self.name}': the database did not answer to the end: {self._clean(error)}",
            hint="is it up, is the user allowed to read, and is the query right? run again when it is",
        )

    def _prepare(self, connection: sqlalchemy.Connection) -> None:
        limit = int(self.options.timeout_s * 1000)
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {limit}")
        elif connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA query_only = 1")
            connection.exec_driver_sql("BEGIN")
            # Text that is no UTF-8 would end the whole result; so it fails its own row (see `Rows.listed`).
            driver: Any = connection.connection.driver_connection
            driver.text_factory = _text_or_surrogates
        elif connection.dialect.name == "mysql":
            connection.exec_driver_sql(f"SET SESSION max_execution_time = {limit}")
            connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    def _items(self, connection: sqlalchemy.Connection, known: Mapping[str, str]) -> Generator[Listed]:
        if not self.options.updated_at or not known or any(_column(path) != path for path in self.options.key):
            return self._whole(connection)
        return self._changed(connection, known)

    def _whole(self, connection: sqlalchemy.Connection) -> Generator[Listed]:
        """Every row, with its body."""
        for number, row in enumerate(_stream(connection, self._text(self.options.query)), start=1):
            self._check_columns(row)
            yield self._rows.listed(row, f"row {number}")

    def _changed(self, connection: sqlalchemy.Connection, known: Mapping[str, str]) -> Generator[Listed]:
        """Every row by key and time; with a body only those whose validator is not the known one."""
        import sqlalchemy as sa
        from sqlalchemy import exc

        o = self.options
        names = [_column(path) for path in (*o.key, o.updated_at, o.tags) if path]
        # On lines of its own: a last line may end in a comment.
        table = self._text(f"\n{o.query}\n").columns(*(sa.column(name) for name in names)).subquery("sluice")
        changed: list[list[Any]] = []
        unchanged = 0
        listing = sa.select(*(table.c[name] for name in dict.fromkeys(names)))
        rows = _stream(connection, listing)
        try:
            first = list(itertools.islice(rows, 1))
        except exc.DBAPIError:  # not every query that a database takes may stand in another one
            connection.rollback()
            self._prepare(connection)
            yield from self._whole(connection)
            return
        for row in itertools.chain(first, rows):
            uri, validator = self._rows.uri(row), self._rows.version(row)
            if uri is not None and validator is not None and known.get(uri) == validator:
                unchanged += 1
                yield Listed(ItemRef(uri, validator))
            else:
                changed.append([row[name] for name in o.key])
        if len(changed) > max((unchanged + len(changed)) * _FEW, _BATCH) or any(None in key for key in changed):
            seen = {self._rows.uri(dict(zip(o.key, key, strict=True))) for key in changed}
            yield from (item for item in self._whole(connection) if item.ref.uri in seen or "#" in item.ref.uri)
            return
        whole = sa.select(sa.text("sluice.*")).select_from(table)
        for start in range(0, len(changed), _BATCH):
            keys = changed[start : start + _BATCH]
            wanted = sa.or_(*(sa.and_(*(table.c[n] == v for n, v in zip(o.key, key, strict=True))) for key in keys))
            for row in _stream(connection, whole.where(wanted)):
                yield self._rows.listed(row, f"the row {[row[name] for name in o.key]}")

    def _unique(self, items: Iterable[Listed]) -> Iterator[Listed]:
        seen: set[bytes] = set()
        for item in items:
            mark = bytes.fromhex(digest(item.ref.uri))[:16]
            if mark in seen and "#" not in item.ref.uri:
                raise ConfigurationError(
                    f"source '{self.name}': the query gives several rows for {item.ref.uri}",
                    hint="name the columns that tell rows apart: key: [id, language], or group the query by the key",
                )
            seen.add(mark)
            yield item

    def _check_columns(self, row: Mapping[str, Any]) -> None:
        missing = [path for path in self.options.columns() if path not in row and _column(path) not in row]
        if missing:
            raise ConfigurationError(
                f"source '{self.name}': the query has no column {', '.join(missing[:5])}; it has {', '.join(list(row)[:20])}",
                hint="select it, or correct its name (upper and lower case count)",
            )

    @staticmethod
    def _text(query: str) -> sqlalchemy.TextClause:
        import sqlalchemy as sa

        return sa.text(query.replace(":", r"\:"))  # a colon is the database's own: ::casts, '12:30'

    def _clean(self, error: Exception) -> str:
        """What the database said, on one line, without the statement and its values, nor the password."""
        said = " ".join(str(getattr(error, "orig", None) or error).split())[:300]
        said = said.encode("utf-8", "replace").decode()
        password = re.search(r"//[^/@]*?:([^/]+)@", self.options.url)
        return said.replace(self.options.url, "the url").replace(password.group(1) if password else "\0", "***")


_REFUSED = re.compile(
    r"(password|peer|ident) authentication failed|authentication failed|no password supplied|role .* does not exist"
    r"|no pg_hba\.conf entry|access denied for user|login failed for user|ORA-0(1017|28000)",
    re.IGNORECASE,
)
_CODES = (1045, 1698, 18456)
"""What MySQL (twice) and SQL Server call it."""


def _refused_credentials(error: BaseException | None) -> bool:
    """Whether a driver says that a user or password is wrong: by the standard's class 28, a number, or its words."""
    state = str(getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or "")
    numbered = any(argument in _CODES for argument in getattr(error, "args", ()) if isinstance(argument, int))
    return state.startswith("28") or numbered or bool(_REFUSED.search(str(error)))


def _text_or_surrogates(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _stream(connection: sqlalchemy.Connection, statement: Any) -> Iterator[dict[str, Any]]:
    with closing(connection.execution_options(stream_results=True, max_row_buffer=_BATCH).execute(statement)) as result:
        twice = [name for name, times in Counter(result.keys()).items() if times > 1]
        if twice:
            raise ConfigurationError(
                f"the query gives several columns the name {', '.join(twice[:5])}",
                hint="name each once: SELECT a.id AS account_id, …",
            )
        for row in result.mappings():
            yield dict(row)


def _column(path: str) -> str:
    """The column that a path begins with."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]
