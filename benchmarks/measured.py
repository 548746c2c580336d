"""A command and everything it starts, measured from outside: wall and CPU seconds, and memory of all of it together."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Measured:
    """What a command took; `cpu_s` of it and its children that it waited for, `peak_mb` of all its processes at one moment.

    Memory is PSS where the kernel gives it (a page that two processes share counts half for each), else RSS.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float
    status: int
    stdout: str
    stderr: str


def measured(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    also: Sequence[str] = (),
    kill_after_s: float | None = None,
) -> Measured:
    """Run a command to its end, or kill it with its children after `kill_after_s`.

    `also`: words of the command lines of processes that belong to it without being its children (servers it left running).
    """
    before = os.times()
    started = time.perf_counter()
    env = {**os.environ, **(environment or {})}
    process = subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    peak, done = [0.0], threading.Event()
    watch = threading.Thread(target=_watch, args=(process.pid, also, peak, done), daemon=True)
    watch.start()
    try:
        stdout, stderr = process.communicate(timeout=kill_after_s)
    except subprocess.TimeoutExpired:
        for child in _family(process.pid, ()):
            with suppress(psutil.Error):
                child.kill()
        stdout, stderr = process.communicate()
    wall = time.perf_counter() - started
    done.set()
    watch.join()
    after = os.times()
    cpu = (after.children_user - before.children_user) + (after.children_system - before.children_system)
    return Measured(wall, cpu, peak[0], process.returncode, stdout.decode(errors="replace"), stderr.decode(errors="replace"))


def _watch(pid: int, also: Sequence[str], peak: list[float], done: threading.Event) -> None:
    others: list[psutil.Process] = []
    looked = 0.0
    while not done.wait(EVERY_S):
        if also and time.monotonic() - looked > 1.0:
            looked, others = time.monotonic(), [p for p in psutil.process_iter() if _said(p, also)]
        family = {p.pid: p for p in [*_family(pid, ()), *others]}
        peak[0] = max(peak[0], sum(map(_memory, family.values())) / 2**20)


def _family(pid: int, also: Sequence[str]) -> list[psutil.Process]:
    with suppress(psutil.Error):
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    return []


def _said(process: psutil.Process, words: Sequence[str]) -> bool:
    with suppress(psutil.Error):
        line = " ".join(process.cmdline())
        return any(word in line for word in words)
    return False


def _memory(process: psutil.Process) -> float:
    with suppress(psutil.Error, AttributeError):
        return float(process.memory_full_info().pss)
    with suppress(psutil.Error):
        return float(process.memory_info().rss)
    return 0.0
