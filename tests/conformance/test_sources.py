"""Every source passes the suite of its protocol."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.sources.files import FilesOptions, FilesSource
from tests.conformance.source_suite import SourceSuite, Stage


class TestFiles(SourceSuite):
    @pytest.fixture
    def stage(self, tmp_path: Path) -> Stage:
        root = tmp_path / "root"
        root.mkdir()

        def put(uri: str, content: bytes) -> None:
            (root / uri).parent.mkdir(parents=True, exist_ok=True)
            (root / uri).write_bytes(content)

        return Stage(FilesSource("files", FilesOptions(root=root)), put, lambda uri: (root / uri).unlink())
