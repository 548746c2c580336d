"""What lies in a state directory is its owner's alone, while a run is on and after it; the files and the server."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from sluice.access import AccessTags
from sluice.errors import ConfigurationError, DiskFull
from sluice.points import Point
from sluice.settings import load
from stores import Stores, open_stores, private
from stores.mongo.connection import connect
from stores.mongo.embedded import EmbeddedMongo

ROOT = Path(__file__).parents[3]
SECRET = "the zanzibar ledger"
OTHER_USER = """
import os, sys
import pymongo
with pymongo.MongoClient("127.0.0.1", 9, serverSelectionTimeoutMS=1) as client:  # what it imports late, while it may
    try:
        client.list_database_names()
    except pymongo.errors.PyMongoError:
        pass
os.setgroups([]); os.setgid(65534); os.setuid(65534)
folder, uri, secret = sys.argv[1:]
seen = []
for where, folders, names in os.walk(folder, onerror=lambda error: seen.append(type(error).__name__)):
    for name in names:
        try:
            seen.append(("read", name, secret.encode() in open(os.path.join(where, name), "rb").read()))
        except OSError as error:
            seen.append(type(error).__name__)
try:
    with pymongo.MongoClient(uri, serverSelectionTimeoutMS=500) as client:
        seen.append(client.list_database_names())
except pymongo.errors.PyMongoError as error:
    seen.append(type(error).__name__)
print(seen)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter, as a home is where the umask is 022."""
    before = os.umask(0o022)
    with tempfile.TemporaryDirectory(prefix="sluice-test-") as made:
        Path(made).chmod(0o755)
        yield Path(made)
    os.umask(before)


def opened(folder: Path) -> Stores:
    (folder / "docs").mkdir(exist_ok=True)
    (folder / "index.yaml").write_text(
        "index: i\nstate_dir: state\nsources:\n  - {name: s, type: files, root: docs}\ngates: []\n"
    )
    return open_stores(load(folder / "index.yaml", {}))


def fill(stores: Stores) -> None:
    """Something everywhere: bytes, a row, points, changed tags, a clone in the making."""
    stores.blobs.put(SECRET.encode() * 20_000)
    stores.runs.record("r", {"parameters": SECRET})
    payload = {"document_key": "d", "access_tags": ["a"], "text": SECRET}
    stores.qdrant.create("i__1", dimension=4, sparse=True)
    stores.qdrant.upsert("i__1", [Point(str(uuid.UUID(int=1)), np.ones(4, dtype=np.float32), payload)])
    stores.qdrant.switch({"i": "i__1"})
    stores.qdrant.set_tags("i", AccessTags(["b"]), ["d"])
    stores.qdrant.clone("i", "i__2")


def modes(folder: Path) -> set[tuple[str, str]]:
    found = set()
    for path in [folder, *folder.rglob("*")]:
        with contextlib.suppress(FileNotFoundError):  # a file of a moment
            about = path.stat().st_mode
            found.add(("folder" if stat.S_ISDIR(about) else "file", oct(stat.S_IMODE(about) & 0o077)))
    return found


def test_everything_below_the_state_directory_is_the_owners_alone(open_folder: Path) -> None:
    """Whatever the umask was: what Sluice writes, what SQLite and Qdrant's engine write, and the server's socket."""
    with opened(open_folder) as stores:
        fill(stores)
        assert modes(open_folder / "state") == {("folder", "0o0"), ("file", "0o0")}
    assert modes(open_folder / "state") == {("folder", "0o0"), ("file", "0o0")}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_of_the_machine_finds_nothing(open_folder: Path) -> None:
    """Not in the folder, nor from the server, whose address they know; during and after; it listens on no port."""
    command = [sys.executable, "-c", OTHER_USER, str(open_folder / "state")]
    with opened(open_folder) as stores, EmbeddedMongo(open_folder / "state") as uri:
        fill(stores)
        mine = (p for p in psutil.Process().children() if p.status() != psutil.STATUS_ZOMBIE)
        servers = [p for p in mine if str(open_folder) in " ".join(p.cmdline())]
        assert len(servers) == 1
        assert servers[0].net_connections("inet") == []
        during = subprocess.run([*command, uri, SECRET], capture_output=True, text=True, check=True, cwd="/").stdout
    after = subprocess.run([*command, uri, SECRET], capture_output=True, text=True, check=True, cwd="/").stdout
    assert during == after == "['PermissionError', 'ServerSelectionTimeoutError']\n"


def test_what_an_earlier_version_left_open_is_closed(open_folder: Path) -> None:
    """The next process that opens the stores shuts the door; what is inside cannot be reached any more."""
    state = open_folder / "state"
    (state / "qdrant").mkdir(parents=True)
    (state / "qdrant" / "old").write_text(SECRET)
    assert stat.S_IMODE(state.stat().st_mode) == 0o755
    opened(open_folder).close()
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_a_state_directory_with_a_long_name_has_its_socket_elsewhere(open_folder: Path) -> None:
    """Where the name does not fit a socket's: in a folder of its own that only the owner may enter, and that goes with it."""
    deep = open_folder / ("x" * 60) / ("y" * 60)
    with EmbeddedMongo(deep) as uri:
        database = connect(uri, "kept")
        (host, _port), *_ = database.client.topology_description.server_descriptions()
        database.client.close()
        socket = Path(str(host))
        assert not socket.is_relative_to(deep)
        assert modes(socket.parent) == {("folder", "0o0"), ("file", "0o0")}


def test_a_folder_that_could_not_be_copied_for_want_of_room_is_a_full_disk(tmp_path: Path) -> None:
    """`shutil` raises an OSError that has no number, and a list of what was said of each file: exit 2 and `None` came of it."""
    full = private.unwritable(tmp_path, shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'")]))
    assert isinstance(full, DiskFull)
    assert f"{tmp_path} is full (No space left on device)" in full.message
    refused = private.unwritable(tmp_path, shutil.Error([("a", "b", "[Errno 13] Permission denied: 'b'")]))
    assert isinstance(refused, ConfigurationError)
    assert "Permission denied" in refused.message


def test_a_disk_may_run_out_of_files_before_bytes() -> None:
    """Where its inodes are counted; a file system that makes them as it needs says 0 of 0."""
    given = (4096, 4096, 1000, 1000, 1000)
    assert private.free_files(os.statvfs_result((*given, 300, 40, 38, 0, 255))) == 38
    assert private.free_files(os.statvfs_result((*given, 0, 0, 0, 0, 255))) is None
