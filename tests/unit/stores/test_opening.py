"""All stores of an index open and close together."""

from __future__ import annotations

from pathlib import Path

import pytest

from sluice.errors import ConfigurationError, StoreUnavailable
from sluice.records import DocumentState
from sluice.settings import Settings, load
from stores import open_stores


def settings(folder: Path, stores: str = "{}") -> Settings:
    (folder / "index.yaml").write_text(
        f"index: my-index.v2\nstores: {stores}\nsources: [{{name: docs, type: files, root: .}}]\ngates: []\n"
    )
    return load(folder / "index.yaml")


def test_the_default_needs_no_server_and_keeps_what_is_written(tmp_path: Path) -> None:
    """Embedded, in the state directory; the vector store is not opened by opening the stores."""
    configured = settings(tmp_path)
    with open_stores(configured) as stores:
        stores.documents.write([DocumentState("k", "docs", "a.md")])
        stores.lease.acquire("test").close()
        assert not (configured.state_dir / "qdrant").exists()
        assert stores.qdrant.names() == []
    stores.close()
    with open_stores(configured) as stores:
        assert [s.uri for s in stores.documents.read()] == ["a.md"]


def test_a_served_mongodb_takes_the_place_of_the_embedded_one(tmp_path: Path, mongo_uri: str) -> None:
    """Only the uri differs; nothing is started."""
    configured = settings(tmp_path, f"{{mongodb: {{uri: '{mongo_uri}', database: test_opening}}}}")
    with open_stores(configured) as stores:
        assert stores.documents.read() == []
        stores.database.client.drop_database("test_opening")
    assert not configured.state_dir.exists()


def test_a_server_that_does_not_answer_fails_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    """One clear message; no directory, no thread, no lock is left."""
    configured = settings(tmp_path, "{mongodb: {uri: 'mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=100'}}")
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:9"):
        open_stores(configured)
    assert not configured.state_dir.exists()


def test_a_name_that_is_no_database_is_refused(tmp_path: Path, mongo_uri: str) -> None:
    """Before anything is written."""
    with pytest.raises(ConfigurationError, match="database"):
        open_stores(settings(tmp_path, f"{{mongodb: {{uri: '{mongo_uri}', database: 'a b'}}}}"))
