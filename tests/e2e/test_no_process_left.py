"""No process outlives its command, whatever kills it: Prefect's server, workers that parse, the embedded MongoDB server."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
import yaml

pytestmark = pytest.mark.slow

SLUICE = Path(sys.executable).with_name("sluice")
ENDS_S = 20
"""A child looks each second and has 5 s to end in order; a busy machine takes longer."""


def make_index(folder: Path, documents: int = 200) -> Path:
    """More than a partition of documents, so that a run starts Prefect; a model that costs nothing."""
    (folder / "corpus").mkdir(parents=True)
    for i in range(documents):
        (folder / "corpus" / f"{i}.md").write_text(f"# Note {i}\n\nRemember number {i}.\n", encoding="utf-8")
    config = folder / "sluice.yaml"
    settings = {
        "index": "killed",
        "state_dir": "state",
        "sources": [{"name": "notes", "type": "files", "root": "corpus", "include": ["**/*.md"]}],
        "access": {"rules": [{"match": "**", "tags": ["all"]}]},
        "embedding": {"model": "hashing:64", "precision": "fp32"},
        "gates": [],
    }
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return config


class Watched:
    """A command whose descendants are known by a mark in their environment, wherever they hang."""

    def __init__(self, config: Path, *arguments: str) -> None:
        self.mark = uuid4().hex
        folder = config.parent / f"tmp-{self.mark}"  # workers are given TMPDIR and little else
        folder.mkdir()
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")} | {"TMPDIR": str(folder)}
        command = [str(SLUICE), "--config", str(config), *arguments]
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def alive(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                if process.status() != psutil.STATUS_ZOMBIE and any(self.mark in v for v in process.environ().values()):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def kill(self, number: int) -> list[str]:
        """Kill the command; what is left of it after ENDS_S, in words."""
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)  # as a terminal does
        else:
            self.process.send_signal(number)
        status = self.process.wait(timeout=60)
        deadline = time.monotonic() + ENDS_S
        while (left := self.alive()) and time.monotonic() < deadline:
            time.sleep(0.2)
        said = [f"{number}, {status}: {' '.join(process.cmdline())}" for process in left]
        for process in left:
            process.kill()
        return said


def test_nothing_is_left_of_a_run_that_is_killed_while_its_prefect_server_is_up(tmp_path: Path) -> None:
    """SIGKILL with server, database and workers alive: all of them end by themselves."""
    watched = Watched(make_index(tmp_path), "run")
    deadline, roles = time.monotonic() + 120, set[str]()
    while not {"prefect", "embedded_server"} <= roles and time.monotonic() < deadline and watched.process.poll() is None:
        time.sleep(0.1)
        told = " ".join(" ".join(process.cmdline()) for process in watched.alive())
        roles |= {name for name in ("prefect", "embedded_server") if name in told}
    assert roles == {"prefect", "embedded_server"}, "the run ended before it could be killed"
    assert watched.kill(signal.SIGKILL) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_of_a_run_that_is_killed_at_any_moment(tmp_path: Path, number: signal.Signals) -> None:
    """Before Prefect is imported, while it starts, while it works: children end with their parent."""
    config = make_index(tmp_path)
    watched = Watched(config, "run")
    time.sleep(random.uniform(0.2, 12))
    assert watched.kill(number) == []


if __name__ == "__main__":  # python -m tests.e2e.test_no_process_left FOLDER COUNT: as often as asked for
    made, failures = Path(sys.argv[1]), list[str]()
    for turn in range(int(sys.argv[2])):
        again = Watched(make_index(made / str(turn)), "run")
        time.sleep(wait := random.uniform(0.2, 25))
        kind = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)[turn % 3]
        held = len(again.alive())
        failures += (left := again.kill(kind))
        print(f"{turn}: {kind.name} after {wait:.1f} s with {held} processes: {left or 'nothing left'}", flush=True)
    sys.exit(bool(failures))
