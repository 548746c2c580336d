"""What Prefect finds in the environment."""

from __future__ import annotations

import pytest

from pipeline.prefect_environment import server


def test_a_user_without_a_home_folder_has_no_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a container's user may be, whom the machine does not know: there is no folder to look in, and that is no error."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.delenv("PREFECT_PROFILES_PATH", raising=False)
    monkeypatch.setenv("PREFECT_HOME", "~nobody.of.that.name/prefect")
    assert server() is None
