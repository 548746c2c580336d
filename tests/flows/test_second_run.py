"""A second night over every source, with nothing changed: no body travels where there are validators, nothing is parsed."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ingest.sources.checked import Checked
from pipeline.operations import nightly
from pipeline.resources import Resources
from pipeline.runs import holding
from sluice.counts import StageCounts
from sluice.settings import load
from tests import mailroom
from tests.flows.conftest import Index
from tests.repository import Repository
from tests.web import Reply, Web, web
from tests.website import Page, Site, article, website

pytestmark = pytest.mark.slow

SOURCES = {
    **dict.fromkeys(("files", "git", "changes"), 2),
    **dict.fromkeys(("sql", "sql-by-content", "rest", "records", "feed", "web", "objects"), 2),
    **dict.fromkeys(("mbox", "maildir", "imap"), 3),
}
"""Each source, and how many documents it has below: two, or of mail two messages and an attachment."""


def row(n: int) -> dict[str, Any]:
    return {"id": n, "body": f"Row {n} of something.", "changed": f"2026-01-0{n}T00:00:00Z"}


def message(n: int) -> bytes:
    return mailroom.message(f"{n}@x", f"Message {n} about dials.\n", {"note.txt": b"An attached note."} if n == 1 else None)


def local(folder: Path, memory: str) -> list[dict[str, Any]]:
    """Sources that need no server: files, git, changes, sql (with and without a time), records, objects, mail."""
    import fsspec

    texts = {
        "a.md": f"---\ncanonical: https://example.org/{folder.name}\n---\n# Dials\n\nThe red dial.\n",
        "b.md": "# B\n\nBlue.\n",
    }
    repository = Repository.at(folder / "repository")
    files = fsspec.filesystem("memory")
    files.makedirs(memory)
    for name, text in texts.items():
        for root in ("files", "changes"):
            (folder / root).mkdir(exist_ok=True)
            (folder / root / name).write_text(text)
        repository.write(name, text.encode())
        files.pipe_file(f"{memory}/{name}", text.encode())
    with closing(sqlite3.connect(folder / "base.db")) as base, base:
        base.execute("CREATE TABLE page (id INTEGER PRIMARY KEY, body TEXT, changed TEXT)")
        base.executemany("INSERT INTO page VALUES (:id, :body, :changed)", [row(1), row(2)])
    (folder / "export.jsonl").write_text("".join(json.dumps(row(n)) + "\n" for n in (1, 2)))
    mailroom.mbox(folder / "archive", message(1), message(2))
    for part in ("cur", "new", "tmp"):
        (folder / "maildir" / part).mkdir(parents=True)
    for n in (1, 2):
        (folder / "maildir" / "cur" / f"{n}.host:2,S").write_bytes(message(n))
    rows = {"key": "id", "text": "body"}
    sql = {"type": "sql", "url": f"sqlite:///{folder}/base.db", "query": "SELECT * FROM page", **rows}
    queue = {"url": "memory://", "queue": f"second-run-{os.urandom(4).hex()}"}
    return [
        {"name": "files", "type": "files", "root": "files"},
        {"name": "git", "type": "git", "url": str(repository.folder)},
        {"name": "changes", "type": "changes", "of": {"type": "files", "root": "changes"}, **queue},
        {"name": "sql", "updated_at": "changed", **sql},
        {"name": "sql-by-content", **sql},
        {"name": "records", "type": "records", "path": "export.jsonl", **rows},
        {"name": "objects", "type": "objects", "url": f"memory://{memory}"},
        {"name": "mbox", "type": "mail", "path": "archive"},
        {"name": "maildir", "type": "mail", "path": "maildir"},
    ]


def remote(api: Web, site: Site, imap: int) -> list[dict[str, Any]]:
    """Sources on servers: rest, feed with one full entry and one summary, web, IMAP."""
    api.pages["/rows"] = json.dumps([row(1), row(2)]).encode()
    page = b"<html><body><h1>Two</h1><p>The whole story.</p></body></html>"
    api.pages["/two"] = Reply(page, headers={"Content-Type": "text/html"})
    entries = (
        f"<item><title>One</title><link>{api.url('one')}</link><description>x</description>"
        "<content:encoded>All of it is here.</content:encoded></item>"
        f"<item><title>Two</title><link>{api.url('two')}</link><description>in short</description></item>"
    )
    api.pages["/feed"] = (
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>t</title>'
        f"{entries}</channel></rss>"
    ).encode()
    site.pages |= {"/": Page(article("Home", links=("/guide",))), "/guide": Page(article("Guide"))}
    server = mailroom.client(imap)
    server.create("Work")
    for n in (1, 2):
        mailroom.deliver(server, "Work", message(n))
    server.logout()
    mail = {"url": f"imap://{mailroom.USER}@127.0.0.1:{imap}", "password": mailroom.PASSWORD, "plaintext": True}
    return [
        {"name": "rest", "type": "rest", "url": api.url("rows"), "key": "id", "text": "body", "updated_at": "changed"},
        {"name": "feed", "type": "feed", "url": api.url("feed")},
        {"name": "web", "type": "web", "start": [f"{site.url}/"], "delay_s": 0},
        {"name": "imap", "type": "mail", "folders": ["Work"], **mail},
    ]


@contextmanager
def opened_files(below: Path) -> Iterator[set[str]]:
    """Every file below this folder that this process opens while the block lasts."""
    seen: set[str] = set()
    listening = [True]

    def hook(event: str, arguments: Any) -> None:
        if listening and event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(f"{below}/"):
            seen.add(arguments[0])

    sys.addaudithook(hook)  # cannot be taken off again
    yield seen
    listening.clear()


def inner(w: Resources, name: str) -> Any:
    """The source itself, behind the boundary that checks its items."""
    source = w.sources[name]
    assert isinstance(source, Checked)
    return source.inner


def counted(w: Resources) -> dict[str, int]:
    """How many documents of each source a release built now contains."""
    found = dict.fromkeys(SOURCES, 0)
    for state in w.stores.documents.read():
        found[state.source] += state.in_release
    return found


def test_a_second_run_over_every_source_costs_no_body_and_no_parse(index: Index) -> None:
    """As another process would do it: what has a validator is not asked for again, what has none is read and kept nothing of."""
    pytest.importorskip("pymap", reason="pymap, an IMAP server for tests, is not installed")
    memory = f"/second-run-{os.urandom(4).hex()}"
    with web() as api, website() as site, mailroom.imap_server() as imap:
        sources = [*local(index.folder, memory), *remote(api, site, imap)]
        assert {source["name"] for source in sources} == set(SOURCES)
        index.configure(sources=sources, access={"rules": [{"match": "**", "tags": ["people"]}]}, gates=[])
        with Resources(load(index.config)) as w, holding(w, "run") as by:
            first = nightly.reindex(w, by)
            assert counted(w) == SOURCES
        total = sum(SOURCES.values())
        assert (first.outcome, first.counts["parse"].kept) == ("promoted", total)
        hits = index("search", "the red dial", "--as", "people").out["hits"]
        assert hits[0]["metadata"]["canonical_uri"] == f"https://example.org/{index.folder.name}"

        api.bodies.clear()
        site.sent()
        with Resources(load(index.config)) as w, opened_files(index.folder) as touched, holding(w, "run") as by:
            second = nightly.reindex(w, by)
            assert inner(w, "imap")._mailbox.bodies == 0
            assert inner(w, "web").bodies == 0
        assert (second.outcome, second.embedded) == ("unchanged", 0)
        assert second.counts["crawl"] == StageCounts(seen=total, unchanged=total)
        assert (second.counts["parse"].kept, second.counts["parse"].unchanged) == (0, total)
        assert site.sent() == []
        assert dict(api.bodies) == {"/rows": 1}, "a list of rows is its own bodies"
        read = {Path(file).relative_to(index.folder).parts[0] for file in touched}
        assert read & {"files", "changes", "maildir"} == set()
        assert {"export.jsonl", "archive"} <= read, "what has no validator is read"
