"""Sources that speak a protocol pass the suite too, each against a real counterpart on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

import pytest

from ingest.protocols import Source
from ingest.sources.mail import MailOptions, MailSource
from ingest.sources.objects import ObjectsOptions, ObjectsSource
from ingest.sources.web import WebOptions, WebSource
from ingest.testing import Renamed, SourceSuite, Stage
from sluice.records import ItemRef, RawItem
from tests import mailroom
from tests.website import Page, article, website


def on(files: Any, source: ObjectsSource, root: str) -> Stage:
    """The stage of an fsspec file system, changed through that file system itself."""

    def put(uri: str, content: bytes) -> None:
        files.makedirs(f"{root}/{uri}".rpartition("/")[0], exist_ok=True)
        files.pipe_file(f"{root}/{uri}", content)

    return Stage(source, put, lambda uri: files.rm_file(f"{root}/{uri}"))


class TestObjectsInMemory(SourceSuite):
    @pytest.fixture
    def stage(self) -> Iterator[Stage]:
        fsspec = pytest.importorskip("fsspec")
        root = f"/sluice-{os.urandom(4).hex()}"
        files = fsspec.filesystem("memory")
        files.makedirs(root)
        yield on(files, ObjectsSource("objects", ObjectsOptions(url=f"memory://{root}")), root)
        files.rm(root, recursive=True)


class TestObjectsInAFolder(SourceSuite):
    @pytest.fixture
    def stage(self, tmp_path: Path) -> Stage:
        fsspec = pytest.importorskip("fsspec")
        source = ObjectsSource("objects", ObjectsOptions(url=f"file://{tmp_path}"))
        return on(fsspec.filesystem("file"), source, str(tmp_path))


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    """An S3-compatible server (moto) in this process."""
    pytest.importorskip("s3fs", reason="the extra sluice[s3] is not installed")
    server = pytest.importorskip("moto.server", reason="moto, an S3 server for tests, is not installed")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.mark.slow
class TestObjectsInS3(SourceSuite):
    @pytest.fixture
    def stage(self, s3_endpoint: str) -> Stage:
        import s3fs

        storage = {"key": "test", "secret": "test", "endpoint_url": s3_endpoint}
        files = s3fs.S3FileSystem(**storage, use_listings_cache=False, skip_instance_cache=True)
        bucket = f"bucket-{os.urandom(4).hex()}"
        files.mkdir(bucket)
        source = ObjectsSource("objects", ObjectsOptions(url=f"s3://{bucket}/documents", storage=storage))

        def put(uri: str, content: bytes) -> None:
            files.pipe_file(f"{bucket}/documents/{uri}", content)

        return Stage(source, put, lambda uri: files.rm_file(f"{bucket}/documents/{uri}"))


class Attached:
    """A mail source seen through its attachments: `a.md` is what is attached to the message `<a.md@suite>`."""

    name = "mail"

    def __init__(self, **options: object) -> None:
        self._mail = MailSource("mail", MailOptions.model_validate(options))
        self._uris: dict[str, str] = {}

    def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]:
        before = {uri: known[short] for short, uri in self._uris.items() if short in known}
        before |= {uri.rpartition("/")[0]: validator.replace(".1:", ".0:") for uri, validator in before.items()}
        for ref in self._mail.scan(before):
            message, _, name = ref.uri.rpartition("/")
            if name == "1-attached":
                short = unquote(message.rpartition("/")[2]).removesuffix("@suite")
                self._uris[short] = ref.uri
                yield replace(ref, uri=short)

    def fetch(self, ref: ItemRef) -> RawItem:
        return replace(self._mail.fetch(replace(ref, uri=self._uris[ref.uri])), uri=ref.uri)


def carrying(uri: str, content: bytes) -> bytes:
    return mailroom.message(f"{uri}@suite", attached={"attached": content})


class TestMailInAnMbox(SourceSuite):
    @pytest.fixture
    def stage(self, tmp_path: Path) -> Stage:
        held: dict[str, bytes] = {}
        path = mailroom.mbox(tmp_path / "archive")

        def put(uri: str, content: bytes) -> None:
            held[uri] = carrying(uri, content)
            mailroom.mbox(path, *held.values())

        def delete(uri: str) -> None:
            del held[uri]
            mailroom.mbox(path, *held.values())

        return Stage(Attached(path=path), put, delete)


class TestMailInAMaildir(SourceSuite):
    @pytest.fixture
    def stage(self, tmp_path: Path) -> Stage:
        for part in ("cur", "new", "tmp"):
            (tmp_path / part).mkdir()

        def file(uri: str) -> Path:
            return tmp_path / "cur" / f"{uri.replace('/', '_')}.host:2,S"

        def put(uri: str, content: bytes) -> None:
            file(uri).write_bytes(carrying(uri, content))

        return Stage(
            Attached(path=tmp_path),
            put,
            lambda uri: file(uri).unlink(),
        )


@pytest.fixture(scope="module")
def imap_port() -> Iterator[int]:
    """An IMAP server (pymap) in a process of its own."""
    pytest.importorskip("pymap", reason="pymap, an IMAP server for tests, is not installed")
    with mailroom.imap_server() as port:
        yield port


@pytest.mark.slow
class TestMailOnAnImapServer(SourceSuite):
    @pytest.fixture
    def stage(self, imap_port: int) -> Iterator[Stage]:
        server, folder = mailroom.client(imap_port), f"Suite-{os.urandom(4).hex()}"
        server.create(folder)

        def put(uri: str, content: bytes) -> None:
            mailroom.remove(server, folder, f"{uri}@suite")
            mailroom.deliver(server, folder, carrying(uri, content))

        url = f"imap://{mailroom.USER}@127.0.0.1:{imap_port}"
        source = Attached(url=url, password=mailroom.PASSWORD, plaintext=True, folders=[folder])
        yield Stage(source, put, lambda uri: mailroom.remove(server, folder, f"{uri}@suite"), snapshot=True)
        server.logout()


@pytest.mark.slow
class TestWeb(SourceSuite):
    @pytest.fixture
    def stage(self) -> Iterator[Stage]:
        with website() as site:
            options = {"start": [f"{site.url}/"], "include": ["**/docs/**"], "types": ["**"], "main_text": False}
            source = WebSource("web", WebOptions.model_validate({**options, "delay_s": 0}))

            def change(uri: str, page: Page | None) -> None:
                site.pages.pop(f"/docs/{uri}", None)
                if page is not None:
                    site.pages[f"/docs/{uri}"] = page
                site.pages["/"] = Page(article("Home", links=tuple(path for path in site.pages if path != "/")))

            change("", None)
            yield Stage(
                cast(Source, Renamed(source, f"{site.url}/docs/")),  # whose name is only read
                lambda uri, content: change(uri, Page(content, kind="application/octet-stream")),
                lambda uri: change(uri, None),
                snapshot=True,
            )
