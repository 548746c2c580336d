"""Sources that speak a protocol pass the suite too, each against a real counterpart on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.sources.objects import ObjectsOptions, ObjectsSource
from tests.conformance.source_suite import SourceSuite, Stage


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
