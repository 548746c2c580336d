"""How time and memory of each source grow with its worst input: 1, 4 and 16 times of it, each in a process of its own.

    python -m benchmarks.growth [SOURCE …] [--markdown]

A listing and the fetching of every item, of an input made to hurt: many tiny items where items are many, one huge or deeply
nested where one is big. Linear is a factor of about 16 from 1× to 16×; a square would be 256. Start and imports are taken off.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from ingest.protocols import Source
from ingest.sources.checked import Checked
from sluice.errors import DocumentError, SourceUnavailable
from tests import mailroom
from tests.repository import Repository
from tests.web import web

SIZES = (1, 4, 16)


def drained(source: Source) -> int:
    """Items of a source, each fetched."""
    checked, count = Checked(source), 0
    for ref in checked.scan({}):
        with contextlib.suppress(DocumentError):
            checked.fetch(ref)
        count += 1
    return count


def files(folder: Path, size: int) -> Callable[[], int]:
    from ingest.sources.files import FilesOptions, FilesSource

    for n in range(40 * size):
        (folder / "/".join(["d"] * 20) / str(n)).mkdir(parents=True)
        (folder / "/".join(["d"] * 20) / str(n) / "a.md").write_text("x")
        (folder / f"link-{n}").symlink_to("nowhere")
    return lambda: drained(FilesSource("s", FilesOptions(root=folder)))


def git(folder: Path, size: int) -> Callable[[], int]:
    from ingest.sources.git import GitOptions, GitSource

    repository = Repository.at(folder / "repository")
    for n in range(60 * size):
        (repository.folder / f"{n}.md").write_text(str(n))
        (repository.folder / f"link-{n}.md").symlink_to(f"{n}.md")
    repository.commit(author="x" * 500)
    return lambda: drained(GitSource("s", GitOptions(url=str(repository.folder), cache=folder / "cache")))


def sql(folder: Path, size: int) -> Callable[[], int]:
    from ingest.sources.sql import SqlOptions, SqlSource

    with closing(sqlite3.connect(folder / "x.db")) as base:
        base.execute("CREATE TABLE t (id, body)")
        base.executemany("INSERT INTO t VALUES (?, CAST(? AS TEXT))", ((n, b"\xff" * 500) for n in range(1000 * size)))
        base.commit()
    options = SqlOptions(url=f"sqlite:///{folder}/x.db", query="SELECT * FROM t -- x", key=("id",), text=("body",))
    return lambda: drained(SqlSource("s", options))


def records(folder: Path, size: int) -> Callable[[], int]:
    from ingest.sources.records import RecordsOptions, RecordsSource

    deep = "[" * 150 + "]" * 150
    lines = (f'{{"id": {n}, "body": {deep}, "x": "\\ud800"}}\n' for n in range(500 * size))
    (folder / "x.jsonl").write_text("".join(lines))
    return lambda: drained(RecordsSource("s", RecordsOptions(path=folder / "x.jsonl", key=("id",), text=("body",))))


def rest(folder: Path, size: int) -> Callable[[], int]:
    from ingest.sources.rest import RestOptions, RestSource

    body = b"[" + b",".join(b'{"id": %d, "a": 1, "a": 2}' % n for n in range(1000 * size)) + b"]"

    def run() -> int:
        with web() as site:
            site.pages["/x"] = body
            return drained(RestSource("s", RestOptions(url=site.url("x"), key=("id",), text=("body",))))

    return run


def feed(folder: Path, size: int) -> Callable[[], int]:
    from ingest.sources.entries import read_feed

    item = f"<item><link>http://a/x</link><author>{'m' * 3000}</author><summary>{'&lt;!--' * 50}</summary></item>"
    body = f"<rss version='2.0'><channel><title>t</title>{item * (25 * size)}</channel></rss>".encode()
    read_feed(b"<rss/>", {"headers": {}})
    return lambda: len(read_feed(body, {"headers": {}})["entries"])


def mail(folder: Path, size: int) -> Callable[[], int]:
    from ingest.sources.letters import read_message

    body = mailroom.message("a@b", attached={f"{n}.txt": b"x" for n in range(125 * size)})
    return lambda: len(read_message(body, {"contents": True})["attachments"])


def objects(folder: Path, size: int) -> Callable[[], int]:
    from ingest.sources.objects import ObjectsOptions, ObjectsSource

    for n in range(60 * size):
        (folder / str(n)).mkdir()
        (folder / str(n) / "a.md").write_text("x")
    return lambda: drained(ObjectsSource("s", ObjectsOptions(url=f"file://{folder}")))


def page(folder: Path, size: int) -> Callable[[], int]:
    from ingest.sources.webpage import read_page

    part = "<style>.a%d .b{display:none}</style><div class='nav'><p style='display:none'>x</p><a href=/%d>link</a>text</div>"
    body = "".join(part % (n, n) for n in range(150 * size)).encode()
    read_page(b"<p>x</p>", {"url": "http://a/", "main_text": True})
    return lambda: len(read_page(body, {"url": "http://a/", "main_text": True})["links"])


def claim(folder: Path, size: int) -> Callable[[], int]:
    """Two pages that say that they are one, compared in the crawl's own loop."""
    from ingest.sources.pages import same_page

    page = (b"<title>" * 500 + b"<" * 3000 + b"words of a page &amp; ") * size
    return lambda: int(same_page(page, page + b"x"))


def sitemap(folder: Path, size: int) -> Callable[[], int]:
    from ingest.sources.sitemaps import read_sitemap

    urls = "".join(f"<url><loc>http://a/{n}?a&b</loc></url>" for n in range(3000 * size))
    body = f"<urlset>{urls}</urlset>".encode()
    return lambda: len(read_sitemap(body, {"url": "http://a/"})["addresses"])


WORST: dict[str, Callable[[Path, int], Callable[[], int]]] = {
    "files": files,
    "git": git,
    "sql": sql,
    "records": records,
    "rest": rest,
    "feed": feed,
    "mail: one message": mail,
    "objects": objects,
    "web: one page": page,
    "web: one sitemap": sitemap,
    "web: two pages compared": claim,
}


def measured(name: str, size: int) -> dict[str, float]:
    """In this process: seconds of CPU and megabytes that it took on top. What workers read is measured by itself, here."""
    with tempfile.TemporaryDirectory() as folder:
        run = WORST[name](Path(folder), size)
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        try:
            items = run()
        except SourceUnavailable:
            items = -1
        took = time.process_time() - began
        return {"items": items, "seconds": took, "mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*", default=[])
    parser.add_argument("--one", nargs=2, metavar=("SOURCE", "SIZE"), help="measure one, as JSON")
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(measured(chosen.one[0], int(chosen.one[1]))))
        return
    print("| source | items at 1× | seconds 1× | 4× | 16× | factor | MB on top 1× | 4× | 16× |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for name in chosen.sources or WORST:
        found: list[dict[str, Any]] = []
        for size in SIZES:
            command = [sys.executable, "-m", "benchmarks.growth", "--one", name, str(size)]
            done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), check=True)
            found.append(json.loads(done.stdout))
        seconds = " | ".join(f"{one['seconds']:.2f}" for one in found)
        memory = " | ".join(f"{one['mb']:.0f}" for one in found)
        factor = found[-1]["seconds"] / max(found[0]["seconds"], 0.01)
        print(f"| {name} | {found[0]['items']:.0f} | {seconds} | {factor:.0f} | {memory} |", flush=True)


if __name__ == "__main__":
    main()
