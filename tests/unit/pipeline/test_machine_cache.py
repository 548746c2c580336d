"""Where models are kept for all indexes of a machine, and when they are not."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from pipeline.machine_cache import models_folder


def test_two_indexes_share_one_folder_that_is_their_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SLUICE_CACHE_DIR before XDG_CACHE_HOME before the home folder; 0700 when it is made."""
    monkeypatch.delenv("SLUICE_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert models_folder(tmp_path / "a") == tmp_path / "home" / ".cache" / "sluice" / "models"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert models_folder(tmp_path / "a") == tmp_path / "xdg" / "sluice" / "models"
    monkeypatch.setenv("SLUICE_CACHE_DIR", str(tmp_path / "named"))
    found = models_folder(tmp_path / "a")
    assert found == models_folder(tmp_path / "b") == tmp_path / "named" / "models"
    assert stat.S_IMODE(found.stat().st_mode) == 0o700


def test_a_folder_that_others_may_write_to_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs are loaded from it: then, and where it cannot be made, each index keeps its own."""
    shared = tmp_path / "shared"
    (shared / "models").mkdir(parents=True)
    (shared / "models").chmod(0o777)
    monkeypatch.setenv("SLUICE_CACHE_DIR", str(shared))
    assert models_folder(tmp_path / "a") == tmp_path / "a" / "models"
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("SLUICE_CACHE_DIR", str(tmp_path / "file"))
    assert models_folder(tmp_path / "a") == tmp_path / "a" / "models"
