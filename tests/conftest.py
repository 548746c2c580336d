"""Fixtures that every kind of test shares: one MongoDB server per session, a database of its own per test."""

from __future__ import annotations

import atexit
import logging
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from pipeline import prefect_environment
from stores.mongo.connection import MongoDatabase, connect
from stores.mongo.embedded import EmbeddedMongo

os.environ.pop("COLUMNS", None)  # xdist's workers have it: what they print through a pipe would be cut to it
os.environ.setdefault("SLUICE_CACHE_DIR", str(Path(tempfile.gettempdir()) / f"sluice-tests-{os.getuid()}"))
"""Models are made once for all tests of this user, and not in the home folder."""
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
"""Images of containers set it: then each of the hundreds of processes that the tests start would compile Sluice anew (0.3 s)."""

MEMORY, ROOM_BYTES = Path("/dev/shm"), 6 << 30
"""The tests write some 2 GB and sync a disk all the while: in memory, where it has so much room, they take half the time."""

settings.register_profile("sluice", deadline=None)  # a busy machine is no fault
settings.load_profile("sluice")


def pytest_configure(config: pytest.Config) -> None:
    """Where temporary files and Prefect's database lie: before anything is collected, for some of it imports Prefect, which reads
    its settings once."""
    _to_memory(config)
    home = tempfile.mkdtemp(prefix="prefect-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)  # after Prefect's own server ends, which is told so at exit, too
    os.environ["PREFECT_HOME"] = home  # of this process: xdist's workers would share what they inherit
    prefect_environment.prepare(Path(home))


def _to_memory(config: pytest.Config) -> None:
    """Temporary files go to memory where there is room for them; the workers of xdist inherit it, and every child process."""
    if "PYTEST_XDIST_WORKER" in os.environ or "TMPDIR" in os.environ or not MEMORY.is_dir():
        return
    if shutil.disk_usage(MEMORY).free > ROOM_BYTES:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(MEMORY)
        os.environ["TMPDIR"] = tempfile.tempdir = tempfile.mkdtemp(prefix="tests-", dir=MEMORY)
        os.chmod(tempfile.tempdir, 0o1777)  # as /tmp is: some tests are other users for a while
        config.add_cleanup(lambda: shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True))


def pytest_unconfigure() -> None:
    """What libraries say while this process ends has no stream any more, and would be a traceback behind pytest's last line."""
    logging.disable(logging.CRITICAL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests first: what waits for servers and killed processes waits while others work, and none of it is left for last.

    xdist hands each of n workers the next n-th of the list before they steal from one another: each begins with its share.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    slow = [item for item in items if item.get_closest_marker("slow") is not None]
    rest = [item for item in items if item.get_closest_marker("slow") is None]
    dealt: list[pytest.Item] = []
    for worker in range(workers):
        share = (len(items) - len(dealt)) // (workers - worker)
        mine = slow[worker::workers]
        mine += [rest.pop(0) for _ in range(min(share - len(mine), len(rest)))]
        dealt += mine
    items[:] = dealt + rest


MISSING_PROGRAM = re.compile(r"is not installed|\(Debian: ")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where SLUICE_TEST_COMPLETE is set (CI), a test that is skipped for a missing program fails: it would claim nothing."""
    report = yield
    if os.environ.get("SLUICE_TEST_COMPLETE") and report.skipped and isinstance(report.longrepr, tuple):
        reason = str(report.longrepr[2])
        if MISSING_PROGRAM.search(reason):
            report.outcome = "failed"
            report.longrepr = f"{reason} - and SLUICE_TEST_COMPLETE asks for every test"
    return report


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server under test: SLUICE_TEST_MONGODB_URI, or an embedded one."""
    configured = os.environ.get("SLUICE_TEST_MONGODB_URI")
    if configured:
        yield configured
        return
    with EmbeddedMongo(tmp_path_factory.mktemp("mongo")) as uri:
        yield uri


@pytest.fixture
def database(mongo_uri: str) -> Iterator[MongoDatabase]:
    """An empty database, dropped afterwards."""
    found = connect(mongo_uri, f"test_{os.urandom(6).hex()}")
    yield found
    found.client.drop_database(found.name)
    found.client.close()


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    """An empty state directory."""
    return tmp_path / "state"
