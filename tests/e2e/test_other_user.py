"""A second local user looks on while a pipeline runs, and after it: no text in a file, from the server, in a command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from tests import mailroom

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")]

SLUICE = Path(sys.executable).with_name("sluice")
SECRET = "zanzibar"
ONLOOKER = """
import json, os, select, socket, sys
folder, secret = sys.argv[1], sys.argv[2].encode()
os.setgroups([]); os.setgid(65534); os.setuid(65534)
found, rounds, during = set(), 0, 0

def look(path):
    try:
        with open(path, "rb") as file:
            if secret in file.read():
                found.add(path)
    except OSError:
        pass

def connect(path):
    try:
        with socket.socket(socket.AF_UNIX) as trial:
            trial.settimeout(1)
            trial.connect(path)
            found.add("connected: " + path)
    except OSError:
        pass

print("looking", flush=True)
while rounds == 0 or not select.select([sys.stdin], [], [], 0.01)[0]:
    rounds += 1
    during = during + os.path.isdir(os.path.join(folder, "state"))
    for where, folders, names in os.walk(folder):
        for name in names:
            look(os.path.join(where, name))
    with open("/proc/net/unix") as sockets:
        for line in sockets:
            path = line.split(maxsplit=7)[7:]
            if path and path[0].strip().startswith(folder):
                connect(path[0].strip())
    for process in filter(str.isdigit, os.listdir("/proc")):
        for about in ("cmdline", "environ"):
            look(f"/proc/{process}/{about}")
found = {path for path in found if not path.startswith(f"/proc/{os.getpid()}/")}
print(json.dumps({"rounds": during, "found": sorted(found)}))
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter and list, as a home is where the umask is 022; with one file that everybody may read."""
    before = os.umask(0o022)
    with tempfile.TemporaryDirectory(prefix="sluice-test-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        (folder / "tmp").mkdir()
        (folder / "tmp").chmod(0o1777)
        (folder / "open.txt").write_text(SECRET)
        yield folder
    os.umask(before)


def make_index(folder: Path) -> None:
    """Files and a mailbox, in a folder of their owner's: what others may see is what Sluice makes of them."""
    corpus = folder / "private"
    corpus.mkdir(mode=0o700)
    (corpus / "notes").mkdir()
    for i in range(30):
        (corpus / "notes" / f"{i}.md").write_text(f"# Note {i}\n\nThe {SECRET} ledger has {i} pages.\n" * 20, encoding="utf-8")
    messages = [mailroom.message(f"{n}@x", f"About {SECRET} {n}\n", {"a.txt": SECRET.encode()}) for n in range(10)]
    mailroom.mbox(corpus / "box", *messages)
    settings = {
        "index": "private",
        "state_dir": "state",
        "sources": [
            {"name": "notes", "type": "files", "root": "private/notes"},
            {"name": "post", "type": "mail", "path": "private/box"},
        ],
        "access": {"rules": [{"match": "**", "tags": ["all"]}]},
        "embedding": {"model": "hashing:64", "precision": "fp32"},
        "search": {"mode": "hybrid"},
        "gates": [],
    }
    (folder / "sluice.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")


class Onlooker:
    """Another user's process that looks everywhere, again and again, until it is asked what it found."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-c", ONLOOKER, str(folder), SECRET]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/")
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "looking\n"

    def found(self) -> dict[str, Any]:
        out, _ = self.process.communicate("enough\n", timeout=60)
        return dict(json.loads(out))


def test_another_user_finds_no_text_during_a_run_or_after_it(open_folder: Path) -> None:
    """From the first byte to the last: files, temporary ones too, the server's socket, commands; nothing listens on a port.

    What the onlooker may read, it finds: a file beside the state folder.
    """
    make_index(open_folder)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    environment |= {"TMPDIR": str(open_folder / "tmp"), "SLUICE_CACHE_DIR": str(open_folder / "cache")}
    onlooker = Onlooker(open_folder)
    run = subprocess.Popen(
        [str(SLUICE), "--config", str(open_folder / "sluice.yaml"), "run", "--json"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    ports: set[int] = set()
    while run.poll() is None:
        ports |= listening(run.pid)
        try:
            run.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    out, err = run.communicate()
    assert json.loads(out).get("outcome") == "promoted", err
    during = onlooker.found()
    assert during["found"] == [str(open_folder / "open.txt")]
    assert during["rounds"] > 20
    assert not ports
    after = Onlooker(open_folder).found()
    assert after["found"] == [str(open_folder / "open.txt")]
    assert any(SECRET.encode() in path.read_bytes() for path in (open_folder / "state").rglob("*") if path.is_file())


def listening(pid: int) -> set[int]:
    """Ports on which a process or one below it listens."""
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        connections = [one for process in family for one in process.net_connections("inet")]
    except psutil.Error:
        return set()
    return {one.laddr.port for one in connections if one.status == psutil.CONN_LISTEN}
