"""What is installed is what stands in a checkout: a wheel holds every module, the demo, and the data that they read."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("sluice", "ingest", "chunking", "indexing", "evaluation", "stores", "pipeline", "flows", "cli")
BUILD = "import sys, setuptools.build_meta as backend; backend.build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """The names in a wheel, built from a copy without build isolation: no network, and nothing is left in the checkout."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    for name in (*PACKAGES, "configs"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", ".sluice"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)
    done = subprocess.run([sys.executable, "-c", BUILD, str(out)], cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [wheel] = out.glob("*.whl")
    return frozenset(zipfile.ZipFile(wheel).namelist())


def _files(*folders: str) -> set[str]:
    found = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file())
    return {str(path.relative_to(ROOT)) for path in found if not {"__pycache__", ".sluice"} & set(path.parts)}


def test_every_file_of_every_package_is_in_the_wheel(held: frozenset[str]) -> None:
    """Modules, also of packages within packages, suites, probes and type markers: none is forgotten."""
    assert _files(*PACKAGES) - held == set()


def test_every_package_says_that_it_is_typed(held: frozenset[str]) -> None:
    """A user's mypy reads our annotations."""
    assert {f"{package}/py.typed" for package in PACKAGES} <= held


def test_the_demo_is_in_the_wheel_where_the_command_looks(held: frozenset[str]) -> None:
    """`sluice demo` works without a checkout: the corpus lies beside the packages, whole."""
    assert _files("configs") - held == set()
    assert "configs/demo.yaml" in held


def test_nothing_else_is_installed(held: frozenset[str]) -> None:
    """Neither tests nor benchmarks land in a user's environment."""
    folders = {name.split("/")[0] for name in held if ".dist-info" not in name}
    assert folders == {*PACKAGES, "configs"}
