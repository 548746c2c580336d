"""A configuration for a gate."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sluice.settings import Settings, load
from tests.conformance.gate_suite import GOLDEN, LEAK
from tests.unit.evaluation.fakes import write_lines


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """A configuration with these gates, its golden set and leak cases beside it."""
    write_lines(tmp_path / "golden.jsonl", *GOLDEN)
    write_lines(tmp_path / "leaks.jsonl", LEAK)

    def made(*gates: dict[str, Any]) -> Settings:
        value = {"index": "t", "sources": [{"name": "s", "type": "files", "root": "."}], "gates": list(gates)}
        (tmp_path / "sluice.yaml").write_text(json.dumps(value), encoding="utf-8")
        return load(tmp_path / "sluice.yaml", {})

    return made
