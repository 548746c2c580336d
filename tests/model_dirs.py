"""The bundled model's files, and one folder for converted models a test run, so that a run converts it once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from indexing.models.files import BUNDLED, ModelFiles, locate


def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared by the workers of one run; gone with the run's other temporary files."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "models"


def bundled() -> ModelFiles:
    return locate(BUNDLED, Path())


def hashing(dimension: int = 64) -> ModelFiles:
    return locate(f"hashing:{dimension}", Path())
