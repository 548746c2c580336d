"""Every source passes the suite of its protocol."""

from __future__ import annotations

import csv
import itertools
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from ingest.protocols import Source
from ingest.sources.changes import ChangesOptions, ChangesSource
from ingest.sources.feed import FeedOptions, FeedSource
from ingest.sources.files import FilesOptions, FilesSource
from ingest.sources.git import GitOptions, GitSource
from ingest.sources.records import RecordsOptions, RecordsSource
from ingest.sources.rest import RestOptions, RestSource
from ingest.sources.sql import SqlOptions, SqlSource
from ingest.testing import Renamed, SourceSuite, Stage
from tests.repository import Repository
from tests.web import Asked, Reply, web


class Folder:
    """Files below a root, by uri."""

    def __init__(self, tmp_path: Path) -> None:
        self.root = tmp_path / "root"
        self.root.mkdir()

    def put(self, uri: str, content: bytes) -> None:
        (self.root / uri).parent.mkdir(parents=True, exist_ok=True)
        (self.root / uri).write_bytes(content)

    def remove(self, uri: str) -> None:
        (self.root / uri).unlink()


class TestFiles(SourceSuite):
    @pytest.fixture
    def stage(self, tmp_path: Path) -> Stage:
        folder = Folder(tmp_path)
        return Stage(FilesSource("files", FilesOptions(root=folder.root)), folder.put, folder.remove)


class TestChanges(SourceSuite):
    """With no message waiting: the source itself, under another name."""

    @pytest.fixture
    def stage(self, tmp_path: Path) -> Stage:
        folder = Folder(tmp_path)
        of, queue = {"type": "files", "root": str(folder.root)}, f"suite-{os.urandom(4).hex()}"
        options = ChangesOptions.model_validate({"of": of, "url": "memory://", "queue": queue})
        return Stage(ChangesSource("changes", options), folder.put, folder.remove)


class TestGit(SourceSuite):
    @pytest.fixture
    def stage(self, tmp_path: Path) -> Stage:
        repository = Repository.at(tmp_path / "repository")
        source = GitSource("git", GitOptions(url=str(repository.folder), cache=tmp_path / "cache"))
        return Stage(source, lambda u, c: void(repository.write(u, c)), lambda u: void(repository.delete(u)), snapshot=True)

    def test_two_threads_fetch_at_once(self, tmp_path: Path) -> None:  # type: ignore[override]  # of another fixture
        """Fetching is safe from several threads (forty files in one commit)."""
        repository = Repository.at(tmp_path / "repository")
        source = GitSource("git", GitOptions(url=str(repository.folder), cache=tmp_path / "cache"))

        def put(uri: str, content: bytes) -> None:
            (repository.folder / uri).write_bytes(content)
            if uri == "39.txt":
                repository.commit()

        super().test_two_threads_fetch_at_once(Stage(source, put, void, snapshot=True))


class TestSql(SourceSuite):
    """On SQLite; with PostgreSQL in tests/unit/ingest/sources/test_sql.py."""

    @pytest.fixture(params=["by content", "by updated_at"])
    def stage(self, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
        with closing(sqlite3.connect(tmp_path / "base.db", isolation_level=None)) as base:
            base.execute("PRAGMA synchronous = OFF")
            base.execute("CREATE TABLE page (path TEXT PRIMARY KEY, body BLOB, changed INTEGER)")
            clock = itertools.count(1)

            def put(uri: str, content: bytes) -> None:
                base.execute("INSERT OR REPLACE INTO page VALUES (?, ?, ?)", (uri, content, next(clock)))

            options = SqlOptions(
                url=f"sqlite:///{tmp_path}/base.db",
                query="SELECT * FROM page;",
                key="path",
                text="body",
                prefix="",
                updated_at="changed" if request.param == "by updated_at" else None,
            )
            yield Stage(
                SqlSource("sql", options), put, lambda u: void(base.execute("DELETE FROM page WHERE path = ?", [u])), True
            )


class TestRest(SourceSuite):
    @pytest.fixture
    def stage(self) -> Iterator[Stage]:
        held: dict[str, str] = {}

        def page(asked: Asked) -> Reply:
            at = int(asked.query.get("page", "1"))
            uris = sorted(held)[(at - 1) * 3 : at * 3]
            return Reply(json.dumps({"items": [{"id": uri, "body": held[uri]} for uri in uris]}).encode())

        with web() as site:
            site.pages["/pages"] = page
            pages = {"by": "page", "size": 3}
            options = RestOptions(url=site.url("pages"), key="id", text="body", items="items", prefix="", pages=pages)
            put = lambda uri, content: held.update({uri: content.decode()})  # noqa: E731
            yield Stage(RestSource("rest", options), put, lambda u: void(held.pop(u)), snapshot=True, binary=False)


class TestRecords(SourceSuite):
    @pytest.fixture(params=["jsonl", "csv"])
    def stage(self, tmp_path: Path, request: pytest.FixtureRequest) -> Stage:
        held: dict[str, str] = {}
        file = tmp_path / f"export.{request.param}"

        def write() -> None:
            rows = [{"id": uri, "body": content} for uri, content in held.items()]
            with open(file, "w", encoding="utf-8", newline="") as lines:
                if request.param == "csv":
                    table = csv.DictWriter(lines, ["id", "body"])
                    table.writeheader()
                    table.writerows(rows)
                else:
                    lines.writelines(json.dumps(row) + "\n" for row in rows)

        def put(uri: str, content: bytes) -> None:
            held[uri] = content.decode()
            write()

        def delete(uri: str) -> None:
            del held[uri]
            write()

        write()
        options = RecordsOptions(path=file, key="id", text="body", prefix="")
        return Stage(RecordsSource("records", options), put, delete, snapshot=True, binary=False)


class TestFeed(SourceSuite):
    """A feed of summaries: the documents are the articles that they link to."""

    @pytest.fixture
    def stage(self, tmp_path: Path) -> Iterator[Stage]:
        with web() as site:
            entries: dict[str, int] = {}
            clock = itertools.count(1)

            def write() -> None:
                items = "".join(
                    f"<item><title>{uri}</title><link>{site.url(uri)}</link><description>short</description>"
                    f"<pubDate>Thu, 01 Jan 2026 00:{second // 60:02}:{second % 60:02} GMT</pubDate></item>"
                    for uri, second in entries.items()
                )
                site.pages["/feed"] = f'<rss version="2.0"><channel><title>t</title>{items}</channel></rss>'.encode()

            def put(uri: str, content: bytes) -> None:
                site.pages[f"/{uri}"] = Reply(content, headers={"Content-Type": "text/plain"})
                entries[uri] = next(clock)
                write()

            def delete(uri: str) -> None:
                del site.pages[f"/{uri}"], entries[uri]
                write()

            write()
            source = FeedSource("feed", FeedOptions(url=site.url("feed"), keep=False, cache=tmp_path / "cache"))
            yield Stage(cast(Source, Renamed(source, site.url())), put, delete, snapshot=True)


def void(_: object) -> None:
    """Nothing, of whatever."""
