"""One bad item costs one entry: every source is fed one of every kind of badness among good ones.

The kinds: nesting, control characters and bytes that are no text in names, authors and metadata, lone surrogates, huge
metadata, undecodable text, wrong types, missing and doubled ids, things that are no documents. Whatever the source makes of
a bad item (an entry with source, uri and reason, or a document with what can be kept of it), the good ones come through, no
name or value that leaves the source can move a terminal's cursor, and the next run is as good.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.protocols import Source
from ingest.sources.changes import ChangesOptions, ChangesSource
from ingest.sources.checked import MOST_METADATA, Checked
from ingest.sources.feed import FeedOptions, FeedSource
from ingest.sources.files import FilesOptions, FilesSource
from ingest.sources.git import GitOptions, GitSource
from ingest.sources.mail import MailOptions, MailSource
from ingest.sources.objects import ObjectsOptions, ObjectsSource
from ingest.sources.records import RecordsOptions, RecordsSource
from ingest.sources.rest import RestOptions, RestSource
from ingest.sources.sql import SqlOptions, SqlSource
from ingest.sources.web import WebOptions, WebSource
from sluice.access import AccessTags
from sluice.errors import DocumentError, SourceUnavailable
from sluice.ids import document_key
from sluice.records import ItemRef, RawItem
from tests import mailroom
from tests.repository import Repository
from tests.unit.ingest.house import House
from tests.web import Web, web
from tests.website import Page, article, website

ESC = "\x1b[31m\x07"
GOOD = {f"good-{n}": f"The good text number {n}." for n in range(6)}
BAD_NAMES = [
    b"new\nline.md",
    b"esc\x1b[31m.md",
    b"\xff\xfe.md",
    b"quo\"te'.md",
    b"tab\there.md",
    b"c1\xc2\x85.md",
    b" .md",
    b"back\\slash.md",
]


@dataclass
class Fed:
    """A source with good and bad items in it, and the reasons that its bad ones must have, at least."""

    source: Source
    reasons: set[str] = field(default_factory=set)
    good: Mapping[str, str] = field(default_factory=lambda: GOOD)


def rows() -> list[Any]:
    """Good rows, and bad ones between them."""
    deep: Any = "x"
    for _ in range(150):
        deep = {"a": deep}
    bad: list[Any] = [
        {"body": "no id"},
        {"id": None, "body": "null id"},
        {"id": "", "body": "empty id"},
        {"id": "tags", "body": "x", "tags": {"a": 1}},
        {"id": "huge", "body": "x", "about": "m" * (MOST_METADATA + 1)},
        {"id": "deep", "body": "x", "about": deep},
        {"id": f"control{ESC}", "body": f"b{ESC}", "about": f"m{ESC}"},
        {"id": "surrogate", "body": "half \ud800", "about": "\udfff"},
        {"id": "key \ud800", "body": "x"},
        {"id": "number", "body": 12, "about": 2**80},
        {"id": {"a": 1}, "body": ["a", None]},
        {"id": "long " * 2000, "body": "x"},
        [1],
        "text",
        None,
    ]
    good: list[Any] = [{"id": ident, "body": text, "about": "fine", "tags": ["staff"]} for ident, text in GOOD.items()]
    return [row for n in range(max(len(good), len(bad))) for row in (*good[n : n + 1], *bad[n : n + 1])]


SHAPE: dict[str, Any] = {"key": "id", "text": "body", "metadata": ["about"], "tags": "tags", "prefix": ""}
ROW_REASONS = {"no_key", "bad_tags", "bad_metadata", "malformed_record", "undecodable", "bad_uri"}


@pytest.fixture
def files(tmp_path: Path) -> Fed:
    return Fed(FilesSource("s", FilesOptions(root=folder(tmp_path / "root"))), {"not_a_file", "dangling_link", "outside_root"})


def folder(root: Path) -> Path:
    root.mkdir()
    for ident, text in GOOD.items():
        (root / ident).write_text(text)
    for name in BAD_NAMES:
        (root / os.fsdecode(name)).write_bytes(name)
    os.mkfifo(root / "pipe.md")
    (root / "dangling.md").symlink_to("nowhere")
    (root / "self.md").symlink_to("self.md")
    (root / "out.md").symlink_to("/etc/hostname")
    (root / "deep" / "/".join("d" * 60)).mkdir(parents=True)
    (root / "deep" / "/".join("d" * 60) / "x.md").write_text("deep")
    return root


@pytest.fixture
def changes(tmp_path: Path) -> Fed:
    of, queue = {"type": "files", "root": str(folder(tmp_path / "root"))}, f"bad-{os.urandom(4).hex()}"
    options = ChangesOptions.model_validate({"of": of, "url": "memory://", "queue": queue})
    return Fed(ChangesSource("s", options), {"not_a_file", "dangling_link", "outside_root"})


@pytest.fixture
def git(tmp_path: Path) -> Fed:
    repository = Repository.at(tmp_path / "repository")
    for name in BAD_NAMES:
        (repository.folder / os.fsdecode(name)).write_bytes(name)
    (repository.folder / "lfs.md").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    (repository.folder / "out.md").symlink_to("/etc/hostname")
    (repository.folder / "nothing.md").symlink_to("nowhere")
    repository.commit(author=f"Ev\x01il\x02{ESC}" + "x" * 100)
    for ident, text in GOOD.items():
        (repository.folder / ident).write_text(text)
    repository.commit(author=os.fsdecode(b"Ren\xe9"))
    source = GitSource("s", GitOptions(url=str(repository.folder), cache=tmp_path / "cache"))
    return Fed(source, {"lfs_pointer", "outside_root", "dangling_link"})


@pytest.fixture
def sql(tmp_path: Path) -> Fed:
    with closing(sqlite3.connect(tmp_path / "base.db")) as base:
        base.execute("CREATE TABLE t (id, body, about, tags)")
        values = [(ident, text, "fine", "staff") for ident, text in GOOD.items()]
        base.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", values)
        base.execute("INSERT INTO t VALUES (NULL, 'x', '', '')")
        base.execute("INSERT INTO t VALUES ('', 'x', '', '')")
        base.execute("INSERT INTO t VALUES (CAST(x'ff41' AS TEXT), 'x', '', '')")
        base.execute("INSERT INTO t VALUES ('bytes', CAST(x'ff41' AS TEXT), '', '')")
        base.execute("INSERT INTO t VALUES ('about', 'x', CAST(x'ff41' AS TEXT), '')")
        base.execute("INSERT INTO t VALUES ('blob', 'x', x'ff41', x'ff')")
        base.execute("INSERT INTO t VALUES (x'00ff', x'ff41', 1e999, NULL)")
        base.execute("INSERT INTO t VALUES ('huge', 'x', ?, '')", ["m" * (MOST_METADATA + 1)])
        base.execute("INSERT INTO t VALUES (?, ?, ?, '')", [f"control{ESC}", f"b{ESC}", f"m{ESC}"])
        base.execute("INSERT INTO t VALUES (?, 'x', '', '')", ["long" * 3000])
        base.commit()
    options = SqlOptions(url=f"sqlite:///{tmp_path}/base.db", query="SELECT * FROM t -- all", **SHAPE)
    return Fed(SqlSource("s", options), {"no_key", "undecodable", "bad_metadata", "bad_uri"})


@pytest.fixture
def records(tmp_path: Path) -> Fed:
    lines = [json.dumps(row) for row in rows()]
    lines += [
        "{",
        "not json",
        "[" * 100_000,
        '{"id": 1, "id": 2, "body": "x"}',
        '{"id": "t", "body": "x", "tags": ["a"], "tags": []}',
    ]
    lines += ['{"id": "nan", "body": "x", "about": NaN}', '{"id": "big", "body": "x", "about": 1' + "0" * 5000 + "}"]
    content = "\n".join(lines).encode() + b'\n{"id": "bytes", "body": "\xff"}\n\n\x00\n'
    (tmp_path / "export.jsonl").write_bytes(content)
    return Fed(RecordsSource("s", RecordsOptions(path=tmp_path / "export.jsonl", **SHAPE)), ROW_REASONS - {"undecodable"})


@pytest.fixture
def table(tmp_path: Path) -> Fed:
    lines = [f'{ident},"{text}",fine,staff'.encode() for ident, text in GOOD.items()]
    lines += [b",no id,,", b"short", b"too,many,fields,here,now", b"bytes,\xff,,", b'quote,a"b,,', f"control{ESC},x,,".encode()]
    lines += [b"huge,x," + b"m" * (MOST_METADATA + 1) + b",", b"nul,\0,,"]
    (tmp_path / "export.csv").write_bytes(b"id,body,about,tags\r\n" + b"\r\n".join(lines) + b"\r\n")
    return Fed(
        RecordsSource("s", RecordsOptions(path=tmp_path / "export.csv", **SHAPE)), {"no_key", "malformed_record", "bad_metadata"}
    )


@pytest.fixture
def site() -> Iterator[Web]:
    with web() as made:
        yield made


@pytest.fixture
def rest(site: Web) -> Fed:
    twice = '{"id": "twice", "body": "x", "tags": ["a"], "tags": ["b"]}, {"id": "nan", "body": "x", "about": NaN}, '
    site.pages["/items"] = ("[" + twice + json.dumps(rows())[1:]).encode()
    options = RestOptions(url=site.url("items"), attempts=1, **SHAPE)
    return Fed(RestSource("s", options), ROW_REASONS - {"undecodable"})


@pytest.fixture
def feed(site: Web) -> Fed:
    entries = [f"<item><link>{site.url(ident)}</link><guid>{ident}</guid>{encoded(text)}</item>" for ident, text in GOOD.items()]
    entries += [
        "<item><title>neither link nor id</title><description>x</description></item>",
        f"<item><guid>only-id</guid>{encoded('x')}</item>",
        f"<item><guid>only-id</guid>{encoded('y')}</item>",
        f"<item><link>http://[::1</link>{encoded('bad address')}</item>",
        f"<item><link>{site.url('gone')}</link><description>short</description></item>",
        f"<item><link>{site.url('huge')}</link><title>{'m' * (MOST_METADATA + 1)}</title>{encoded('x')}</item>",
        f"<item><link>{site.url('author')}</link><author>{'m' * 99_999}</author>{encoded('x')}</item>",
        f"<item><link>{site.url('date')}</link><pubDate>Mon, 99 Foo 99999 99:99:99 XXX</pubDate>{encoded('x')}</item>",
        f"<item><link>{site.url('long')}{'x' * 5000}</link>{encoded('x')}</item>",
        f"<item><link>{site.url('control')}&#x85;</link><title>a&#x9b;31m</title>{encoded('x')}</item>",
        "<item><link>file:///etc/passwd</link><description>short</description></item>",
    ]
    head = '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>t</title>'
    site.pages["/feed"] = f"{head}{''.join(entries)}</channel></rss>".encode()
    source = FeedSource("s", FeedOptions(url=site.url("feed"), attempts=1))
    return Fed(source, {"no_key", "gone", "bad_metadata", "bad_uri"}, {site.url(ident): text for ident, text in GOOD.items()})


def encoded(text: str) -> str:
    return f"<content:encoded><![CDATA[<p>{text}</p>]]></content:encoded>"


@pytest.fixture
def mail(tmp_path: Path) -> Fed:
    raw = [mailroom.message(f"{ident}@x", text) for ident, text in GOOD.items()]
    nested = b"Message-ID: <nested@x>\r\n" + b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(300)
    )
    raw += [
        b"no headers at all",
        b"Message-ID: <\xff\xfe@x>\r\nSubject: \xff\x1b[31m\r\nDate: never\r\n\r\nx",
        b"Message-ID: <header@x>\r\nSubject: =?nosuch?q?=FF?= =?utf-8?b?////?=\r\nReferences: "
        + b"<a@b> " * 30_000
        + b"\r\n\r\nx",
        b"Message-ID: <esc\x1b[31m@x>\r\nContent-Type: text/plain; charset=nosuch\r\n\r\n\xff",
        nested,
        mailroom.message("attached@x", attached={"a\x1b[31mb/../../c.pdf": b"x", "": b"y"} | {"z" * 3000: b"z"}),
        b"Message-ID: <subject@x>\r\nSubject: "
        + b"s" * (MOST_METADATA + 1)
        + b"\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n"
        b"--q\r\nContent-Type: text/plain\r\n\r\nx\r\n--q\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\nx\r\n--q--\r\n",
    ]
    path = mailroom.mbox(tmp_path / "archive", *raw)
    return Fed(
        MailSource("s", MailOptions(path=path)), {"bad_metadata"}, {f"archive/{ident}@x": text for ident, text in GOOD.items()}
    )


@pytest.fixture
def objects() -> Iterator[Fed]:
    fsspec = pytest.importorskip("fsspec")
    root, store = f"/bad-{os.urandom(4).hex()}", fsspec.filesystem("memory")
    for ident, text in GOOD.items():
        store.pipe_file(f"{root}/{ident}", text.encode())
    for name in ("new\nline", f"esc{ESC}", "c1\x85", "long" * 2000, "\udcff"):
        store.pipe_file(f"{root}/{name}", b"x")
    yield Fed(ObjectsSource("s", ObjectsOptions(url=f"memory:/{root}", max_bytes=1000)), {"bad_uri"})
    store.rm(root, recursive=True)


@pytest.fixture
def pages() -> Iterator[Fed]:
    with website() as made:
        bad = {
            "/ports": Page(
                article("Ports", links=("http://127.0.0.1:PORT/", "http://[::1", "//", "http://", "mailto:x", "x" * 9000))
            ),
            "/deep": Page("<div>" * 5000 + "deep" + "</div>" * 5000),
            "/zero": Page(b"\0" * 1000),
            "/bytes": Page(b"<p>\xff\xfe\x81 bytes that are no text in any declared encoding" + b"\x81" * 99),
            "/control": Page(article(f"Title{ESC}", f"Text{ESC} &#27;[31m &#xd800; " * 20)),
            "/charset": Page(article("Charset"), kind="text/html; charset=nosuch"),
            "/empty": Page(b""),
            "/loop": Page(b"", 302, headers={"Location": "/loop"}),
            "/nowhere": Page(b"", 302, headers={"Location": "http://[::1"}),
            "/canonical": Page(article("Canonical", head="<link rel=canonical href='http://[bad'><link rel=canonical>")),
            "/css": Page(article("CSS", head="<style>" + "a:not(" * 500 + "{display:none} ]{ } .x{display:none" + "</style>")),
            "/big": Page(b"x" * 300_000),
        }
        made.pages |= bad
        made.pages |= {f"/{ident}": Page(article("Good", f"{text} " * 12)) for ident, text in GOOD.items()}
        made.pages["/"] = Page(article("Home", links=tuple(bad) + tuple(f"/{ident}" for ident in GOOD)))
        options = WebOptions(start=(f"{made.url}/",), delay_s=0, attempts=1, timeout_s=5, max_bytes=200_000)
        good = {f"{made.url}/{ident}": text for ident, text in GOOD.items()}
        yield Fed(WebSource("s", options), {"nested_too_deeply", "redirects", "too_large"}, good)


SOURCES = [
    "files",
    "changes",
    "git",
    "sql",
    "records",
    "table",
    "rest",
    "feed",
    "mail",
    "objects",
    pytest.param("pages", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("kind", SOURCES)
def test_one_bad_item_costs_one_entry(kind: str, request: pytest.FixtureRequest) -> None:
    """Through the real ingest: the good ones are there with their text, a bad one is an entry with source, uri and reason."""
    fed: Fed = request.getfixturevalue(kind)
    house = House()
    house.parser = Tolerant()
    source = Checked(fed.source)
    crawl, _ = house.run(source)
    states = {state.uri: state for state in house.states.read(source="s")}
    for uri, text in fed.good.items():
        assert states[uri].status == "active", uri
        assert text in house.blobs.get(states[uri].content_hash).decode(), uri
    entries = house.quarantine.entries()
    assert {entry.reason for entry in entries} >= fed.reasons
    assert all(entry.source == "s" and entry.uri and entry.error and entry.reason for entry in entries)
    assert not any("crashed" in entry.reason for entry in entries), [
        entry.error for entry in entries if entry.reason == "crashed"
    ]
    assert crawl.seen == len(states)
    shown = (
        [state.uri for state in states.values()]
        + [entry.error for entry in entries]
        + strings([s.source_metadata for s in states.values()])
    )
    assert not [text for text in shown if not text.isprintable() and not text.replace("\n", "").replace("\t", "").isprintable()]
    json.dumps([dict(state.source_metadata) for state in states.values()], allow_nan=False)
    again, _ = house.run(Checked(fed.source))
    assert again.kept == 0, "what did not change is as it was"


class Tolerant:
    """Takes any bytes: what a parser makes of them is not asked here."""

    fingerprint = "p"

    def parse(self, item: RawItem, *, source: str) -> Any:
        from sluice.records import Document

        text = item.content.decode("utf-8", "replace")
        return Document(document_key(source, item.uri), source, item.uri, "v", "t", "en", text, metadata=item.metadata)


def strings(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case Mapping():
            return [text for pair in value.items() for text in strings(list(pair))]
        case list() | tuple():
            return [text for inner in value for text in strings(inner)]
    return []


@dataclass
class Anything:
    """A user's own source, which gives whatever it was told to."""

    refs: list[Any]
    item: Callable[[ItemRef], Any] = lambda ref: RawItem(ref.uri, b"x", "v")
    name: str = "own"

    def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]:
        return (ref if isinstance(ref, ItemRef) else ItemRef(ref, "v") for ref in self.refs)

    def fetch(self, ref: ItemRef) -> RawItem:
        found: RawItem = self.item(ref)
        return found


@pytest.mark.parametrize("uri", ["", None, 7, b"bytes", "x" * 5000], ids=repr)
def test_a_uri_that_is_none_is_an_entry(uri: Any) -> None:
    """And the items before and after it are there."""
    source = Checked(Anything(["a", uri, "b"]))
    listed = list(source.scan({}))
    assert [ref.uri for ref in listed if ref.uri in "ab"] == ["a", "b"]
    with pytest.raises(DocumentError) as error:
        source.fetch(listed[1])
    assert error.value.reason == "bad_uri"


def test_a_uri_listed_twice_is_an_entry_of_its_own() -> None:
    """The first counts, and the second says so."""
    source = Checked(Anything(["a", "b", "a"]))
    first, other, twice = source.scan({})
    assert (first.uri, other.uri) == ("a", "b")
    with pytest.raises(DocumentError, match="listed twice"):
        source.fetch(twice)


def test_a_uri_with_control_characters_is_written_without_them_and_leads_back() -> None:
    """Also in another process, and where a name looks like such a writing itself."""
    names = ["a\nb", "\x1b[31m", "\x85", "\udcff", "a\\x0ab", "\\x5cx0a", "caf\\xe9", "ünï", "a\u2028b"]
    asked: list[str] = []
    inner = Anything(list(names), lambda ref: (asked.append(ref.uri), RawItem(ref.uri, b"x", "v"))[1])
    listed = [ref.uri for ref in Checked(inner).scan({})]
    assert all(uri.isprintable() for uri in listed)
    assert len(set(listed)) == len(names)
    elsewhere = Checked(inner)
    assert [elsewhere.fetch(ItemRef(uri, "v")).uri for uri in listed] == listed
    assert asked == names


@given(
    st.lists(
        st.text(st.characters(), min_size=1, max_size=20) | st.from_regex(r"(\\\\(x0a|x5c|udc80|u0085|n)){1,3}", fullmatch=True),
        unique=True,
    )
)
def test_every_uri_has_one_safe_spelling_that_leads_back(names: list[str]) -> None:
    """Whatever characters it is made of, half ones and what looks like an escape among them."""
    asked: list[str] = []
    made = Anything(list(names), lambda ref: (asked.append(ref.uri), RawItem(ref.uri, b"x", "v"))[1])
    listed = [ref.uri for ref in Checked(made).scan({})]
    assert len(set(listed)) == len(names)
    assert not [uri for uri in listed if re.search("[\x00-\x1f\x7f-\x9f\ud800-\udfff]", uri)]
    assert [Checked(made).fetch(ItemRef(uri, "v")).uri for uri in listed] == listed
    assert asked == names


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (None, "bad_item"),
        (RawItem("other", b"x", "v"), "bad_item"),
        (RawItem("a", "text", "v"), "bad_item"),  # type: ignore[arg-type]
        (RawItem("a", b"x", "v", metadata=[1]), "bad_metadata"),  # type: ignore[arg-type]
        (RawItem("a", b"x", "v", metadata={"k": "m" * (MOST_METADATA + 1)}), "bad_metadata"),
        (RawItem("a", b"x", "v", metadata={str(n): n for n in range(20_000)}), "bad_metadata"),
        (RawItem("a", b"x", "v", tags={"a", 7}), "bad_tags"),  # type: ignore[arg-type]
        (RawItem("a", b"x", "v", tags={"esc\x1b"}), "bad_tags"),  # type: ignore[arg-type]
    ],
    ids=["none", "another's", "text", "metadata: list", "metadata: long", "metadata: many", "tags: number", "tags: control"],
)
def test_an_item_that_is_none_is_an_entry(item: Any, reason: str) -> None:
    """Whatever a source of one's own gives in the place of an item."""
    with pytest.raises(DocumentError) as error:
        Checked(Anything(["a"], lambda _: item)).fetch(ItemRef("a", "v"))
    assert error.value.reason == reason
    assert "own" in error.value.message
    assert error.value.hint
    assert error.value.withdraws == (reason == "bad_tags"), "by which permissions would the version before stay?"


def test_the_tags_of_an_item_that_fails_otherwise_hold_for_what_stays() -> None:
    """Its metadata is beyond bounds, and who may read it is known."""
    item = RawItem("a", b"x", "v", metadata={"k": "m" * (MOST_METADATA + 1)}, tags=AccessTags({"hr"}))
    with pytest.raises(DocumentError) as error:
        Checked(Anything(["a"], lambda _: item)).fetch(ItemRef("a", "v"))
    assert error.value.tags == AccessTags({"hr"})


@pytest.mark.parametrize(
    "raised", [ValueError("the document's text"), KeyError("x"), RecursionError(), UnicodeError(), MemoryError()]
)
def test_what_a_source_raises_costs_this_item_and_names_the_line(raised: Exception) -> None:
    """Its type, file and line; not its message, which may quote the document."""

    def fails(_: ItemRef) -> RawItem:
        raise raised

    with pytest.raises(DocumentError) as error:
        Checked(Anything(["a"], fails)).fetch(ItemRef("a", "v"))
    assert error.value.reason == ("out_of_memory" if isinstance(raised, MemoryError) else "crashed")
    where = re.search(r"test_bad_items\.py:\d+, in fails: (\w+)", error.value.message)
    assert isinstance(raised, MemoryError) or (where is not None and where.group(1) == type(raised).__name__)
    assert "the document's text" not in error.value.message


def test_what_a_scan_raises_is_this_source_s_trouble() -> None:
    """Unavailable, like any source that does not answer: what others have to say goes on."""

    class Broken(Anything):
        def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]:
            yield ItemRef("a", "v")
            raise ZeroDivisionError

    with pytest.raises(SourceUnavailable, match=r"test_bad_items.py:\d+, in scan: ZeroDivisionError"):
        list(Checked(Broken([])).scan({}))


def test_metadata_is_plain_and_shows_as_it_is() -> None:
    """Control characters, half characters, numbers that no store keeps, bytes and times, in keys and values."""
    given = {
        "a\x1b": "b\x00\x9b",
        "s": "\ud800",
        "n": 2**70,
        "f": float("inf"),
        "t": datetime(2026, 1, 1),
        "b": b"\xff",
        None: 1,
        "l": ({"x"},),
    }
    item = Checked(Anything(["a"], lambda ref: RawItem("a", b"x", "v", metadata=given))).fetch(ItemRef("a", "v"))  # type: ignore[arg-type]
    assert item.metadata == {
        "a ": "b  ",
        "s": "\ufffd",
        "n": str(2**70),
        "f": None,
        "t": "2026-01-01T00:00:00",
        "b": "\ufffd",
        "l": [["x"]],
    }


def test_a_nesting_of_1200_folders_in_git(tmp_path: Path) -> None:
    """git stores what a checkout could not hold."""
    repository = Repository.at(tmp_path / "repository")
    (tmp_path / "x").write_text("deep")
    blob = repository.git("hash-object", "-w", str(tmp_path / "x"))
    path = "d/" * 1200 + "x.md"
    subprocess.run(
        ["git", "-C", str(repository.folder), "update-index", "--index-info"],
        input=f"100644 {blob}\t{path}\n",
        text=True,
        check=True,
    )
    repository.git("commit", "--quiet", "--message", "deep")
    (repository.folder / "good.md").write_text("good")
    repository.git("add", "good.md")
    repository.git("commit", "--quiet", "--message", "good")
    source = Checked(GitSource("s", GitOptions(url=str(repository.folder), cache=tmp_path / "cache")))
    assert {ref.uri: source.fetch(ref).content for ref in source.scan({})} == {path: b"deep", "good.md": b"good"}
