"""How many cores are ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from sluice.cores import cores
from sluice.settings import RunnerSettings


@pytest.mark.parametrize(("quota", "expected"), [("100000 100000\n", 1), ("20000 100000\n", 1), ("150000 100000\n", 2)])
def test_a_container_has_as_many_cores_as_its_quota(tmp_path: Path, quota: str, expected: int) -> None:
    """A share of a core counts as one; never more than the machine has."""
    whole = cores(tmp_path / "none")
    (tmp_path / "cpu.max").write_text(quota)
    assert cores(tmp_path / "cpu.max") == min(expected, whole)


@pytest.mark.parametrize("quota", ["max 100000\n", "", "x y\n", "1 0\n"])
def test_without_a_quota_all_cores_of_the_mask_are_ours(tmp_path: Path, quota: str) -> None:
    """No quota, or one that cannot be read, takes nothing away."""
    (tmp_path / "cpu.max").write_text(quota)
    assert cores(tmp_path / "cpu.max") == cores(tmp_path / "none") >= 1


def test_parsing_takes_all_cores_and_what_asks_others_does_not() -> None:
    """Sources are asked by two at once on a machine of any size; a number in the configuration holds for everything."""
    free, told = RunnerSettings(), RunnerSettings(workers=1)
    assert (free.threads, free.few) == (max(2, cores()), 2)
    assert (told.threads, told.few) == (1, 1)
