"""No process outlives its command, whatever kills it: Prefect's server, workers that parse, the embedded MongoDB server."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
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
    """More documents than a command does alone, so that a run starts Prefect; a model that costs nothing."""
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
        "runner": {"alone": 100},
        "gates": [],
    }
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return config


class Watched:
    """A command whose descendants are known by a mark in their environment, wherever they hang."""

    def __init__(self, config: Path, *arguments: str, memory: int | None = None) -> None:
        self.mark = uuid4().hex
        folder = config.parent / f"tmp-{self.mark}"  # workers are given TMPDIR and little else
        folder.mkdir()
        self.log = folder / "stderr"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")} | {"TMPDIR": str(folder)}
        command = [str(SLUICE), "--config", str(config), *arguments]
        with self.log.open("wb") as said:
            self.process = subprocess.Popen(
                command, env=environment, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
            )
        if memory is not None:  # its children are born with the same limit
            resource.prlimit(self.process.pid, resource.RLIMIT_AS, (memory, memory))

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
        return self.left(f"signal {number}")

    def left(self, why: str, patience_s: float = 60) -> list[str]:
        """Wait for the command's end; what is left of it after ENDS_S, in words."""
        status = self.process.wait(timeout=patience_s)
        deadline = time.monotonic() + ENDS_S
        while (left := self.alive()) and time.monotonic() < deadline:
            time.sleep(0.2)
        said = [f"{why}, {status}: {' '.join(process.cmdline())}" for process in left]
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


NOISE = ("Traceback", "Exception ignored", "Fatal", "terminate called", "panicked", "atexit")


@pytest.mark.parametrize("moment_s", [1.5, 4, 9])
def test_three_interrupts_in_a_row_end_a_run_at_once_and_quietly(tmp_path: Path, moment_s: float) -> None:
    """In order at the first, at once at the second, also while Prefect is imported or native code works: with the exit code of an
    interruption, its words once, and nothing of Python's. (Each one raised within what the one before it had set off, and the
    import system's lock was left held: tracebacks, or a process that never ended.)"""
    between_s = random.choice((0.02, 0.3))
    watched = Watched(make_index(tmp_path), "run")
    time.sleep(moment_s + random.uniform(-0.5, 0.5))
    for _ in range(3):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(watched.process.pid, signal.SIGINT)
        time.sleep(between_s)
    status = watched.process.wait(timeout=30)  # at once, but for what a busy machine takes to load a library
    assert watched.left("three interrupts") == []
    said = watched.log.read_text(encoding="utf-8")
    assert (status, said.count("error: interrupted")) in ((1, 1), (0, 0), (-signal.SIGINT, 0)), (
        between_s,
        said,
    )  # or done by then
    assert not [noise for noise in NOISE if noise in said], (between_s, said)


def test_nothing_is_left_of_a_run_that_is_out_of_memory(tmp_path: Path) -> None:
    """Refused wherever it asks for more than it may have: it ends by itself, in words, and so does what it started."""
    watched = Watched(make_index(tmp_path), "run", memory=random.randint(350, 560) << 20)
    assert watched.left("memory", 240) == []
    assert watched.process.returncode == 1
    said = watched.log.read_text(encoding="utf-8")
    assert "there is no memory left" in said or "MemoryError" in said, said


def test_nothing_is_left_when_the_system_takes_memory_back_from_one_of_its_processes(tmp_path: Path) -> None:
    """The kernel kills the largest child: the run goes on without it or ends, and nothing stays of either."""
    watched = Watched(make_index(tmp_path), "run")
    assert largest_child_killed(watched, 120), "the run ended before it had a child"
    assert watched.left("child killed", 180) == []


def largest_child_killed(watched: Watched, patience_s: float) -> bool:
    """Kill with SIGKILL what takes most memory beside the command itself, a random moment after there is anything."""
    deadline = time.monotonic() + patience_s
    while watched.process.poll() is None and time.monotonic() < deadline:
        time.sleep(random.uniform(0.1, 3))
        sizes: list[tuple[int, psutil.Process]] = []
        for process in watched.alive():
            with contextlib.suppress(psutil.Error):
                sizes += [(process.memory_info().rss, process)] if process.pid != watched.process.pid else []
        if sizes:
            with contextlib.suppress(psutil.Error):
                max(sizes, key=lambda found: found[0])[1].kill()
                return True
    return False


def test_a_thread_without_memory_ends_a_command_that_waits_for_it() -> None:
    """It would wait for ever; with --json it says so on standard output too."""
    program = (
        "import threading\nfrom cli import memory\nmemory.end_when_out(True)\n"
        "def starved():\n    raise MemoryError\n"
        "threading.Thread(target=starved).start()\nthreading.Event().wait()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["type"] == "OutOfMemory"
    assert "there is no memory left" in done.stderr


if __name__ == "__main__":  # python -m tests.e2e.test_no_process_left FOLDER COUNT: as often as asked for
    made, failures = Path(sys.argv[1]), list[str]()
    for turn in range(int(sys.argv[2])):
        kind = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, "out of memory", "child killed")[turn % 5]
        room = random.randint(420, 700) << 20
        again = Watched(make_index(made / str(turn)), "run", memory=room if kind == "out of memory" else None)
        began, held = time.monotonic(), 0
        if isinstance(kind, signal.Signals):
            time.sleep(random.uniform(0.2, 25))
            held, waited = len(again.alive()), time.monotonic() - began
            left = again.kill(kind)
        else:
            found = kind != "child killed" or largest_child_killed(again, 120)
            held, waited = len(again.alive()), time.monotonic() - began
            left = again.left(kind, 240) if found else ["no child was there"]
        failures += left
        how = f"{turn}: {getattr(kind, 'name', kind)} after {waited:.1f} s with {held} processes, exit {again.process.returncode}"
        print(f"{how}: {left or 'nothing left'}", flush=True)
    sys.exit(bool(failures))
