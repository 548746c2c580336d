"""What `objects` promises beyond the suite that every source passes."""

from __future__ import annotations

import os
from pathlib import Path

import fsspec
import pytest

from ingest.sources.objects import ObjectsOptions, ObjectsSource
from sluice.errors import ConfigurationError, DocumentError, SourceUnavailable
from sluice.records import ItemRef


def source(url: str, **more: object) -> ObjectsSource:
    return ObjectsSource("objects", ObjectsOptions.model_validate({"url": url, **more}))


def test_a_folder_that_is_not_there_is_a_configuration_error() -> None:
    """A mistyped URL never looks like a source whose documents were all deleted."""
    with pytest.raises(ConfigurationError, match="does not exist"):
        source(f"memory:///nowhere-{os.urandom(4).hex()}").scan({})


def test_a_web_server_and_an_unknown_protocol_are_refused() -> None:
    """What cannot be listed is no object store, and says which source or package is."""
    with pytest.raises(ConfigurationError) as web:
        source("https://example.org/files").scan({})
    assert "type: web" in web.value.hint
    with pytest.raises(ConfigurationError, match="carrier-pigeon"):
        source("carrier-pigeon://coop/letters").scan({})


def test_a_link_out_of_the_root_is_listed_and_refused(tmp_path: Path) -> None:
    """A symbolic link costs one quarantine entry; what it points to is never read."""
    (tmp_path / "root").mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "root" / "link.txt").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "root" / "folder").symlink_to(tmp_path)
    found = source(f"file://{tmp_path}/root")
    refs = list(found.scan({}))
    assert [ref.uri for ref in refs] == ["folder", "link.txt"]
    for ref in [*refs, ItemRef("folder/secret.txt", "x")]:
        with pytest.raises(DocumentError) as error:
            found.fetch(ref)
        assert error.value.reason == "outside_root"


def test_patterns_and_sizes_choose(tmp_path: Path) -> None:
    """Globs decide what is listed; an object above max_bytes is one document's failure."""
    for name, size in (("a.md", 10), ("b.log", 10), ("c.md", 2000)):
        (tmp_path / name).write_bytes(b"x" * size)
    found = source(f"file://{tmp_path}", include=["**/*.md"], max_bytes=1000)
    refs = {ref.uri: ref for ref in found.scan({})}
    assert set(refs) == {"a.md", "c.md"}
    assert found.fetch(refs["a.md"]).media_type == "text/markdown"
    with pytest.raises(DocumentError, match="max_bytes"):
        found.fetch(refs["c.md"])


def test_a_store_that_does_not_answer_is_unavailable_and_keeps_its_secret() -> None:
    """No answer is no listing; what was given to the file system is in no message."""
    pytest.importorskip("s3fs", reason="the extra sluice[s3] is not installed")
    storage = {
        "key": "AKIAsecretkey",
        "secret": "very-secret",
        "endpoint_url": "http://127.0.0.1:9",
        "config_kwargs": {"retries": {"max_attempts": 0}, "connect_timeout": 1},
    }
    with pytest.raises(SourceUnavailable) as error:
        source("s3://bucket/prefix", storage=storage).scan({})
    assert "secret" not in error.value.message + repr(source("s3://bucket", storage=storage).options)


def test_a_store_without_etags_and_times_is_refused() -> None:
    """Where a change could not be seen, nothing is ingested once and for ever."""

    class Bare(fsspec.AbstractFileSystem):  # type: ignore[misc]
        protocol = "bare"

        def ls(self, path: str, detail: bool = True, **_: object) -> list[dict[str, object]]:
            return [{"name": f"{path}/a.md", "size": 3, "type": "file"}]

    fsspec.register_implementation("bare", Bare, clobber=True)
    with pytest.raises(ConfigurationError, match="neither an etag nor a time"):
        source("bare://root").scan({})
