"""Two schedules on one minute through a real `sluice serve`: the nightly run and access-sync begin together, tick after tick.

    python -m benchmarks.schedules FOLDER [TICKS] [SECONDS]

Before each tick a document is edited and another one loses its reader. Nothing is lost when no scheduled run failed, every
edit is found at the end, and what was taken from readers is found by none of them. Prints a line a run; exits 1 if one was lost.
The schedule's sixth field is croniter's: seconds, which divide a minute.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

SLUICE = Path(sys.executable).with_name("sluice")
UP_S, ENDED_S = 180, 240
OVER = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A run that a schedule began: of which deployment, when, and how it ended."""

    name: str
    at: str
    state: str


@dataclass(frozen=True, slots=True)
class Met:
    """What became of so many ticks."""

    runs: list[Scheduled] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def meet(folder: Path, ticks: int, seconds: int) -> Met:
    """Serve a small index whose two schedules fall on the same second, and edit it between the ticks."""
    for number in range(ticks):
        _write(folder, "edited", number, "as it was")
        _write(folder, "taken", number, f"secret of tick {number}")
    _configure(folder, 0, seconds)
    _sluice(folder, "run")
    with _served(folder) as api:
        for number in range(ticks):
            _write(folder, "edited", number, f"edition of tick {number}")
            _configure(folder, number + 1, seconds)
            _until(lambda wanted=number + 1: len(_ticks(api)) >= wanted, ENDED_S)
        _until(lambda: len(_ticks(api)) > ticks, ENDED_S)  # what was edited just as the last tick began is the next one's
        runs = sorted((run for run in _runs(api) if run.state.split()[0] in OVER), key=lambda run: (run.at, run.name))
    bad = [f"{run.name} at {run.at}: {run.state}" for run in runs if not _is_good(run)]
    return Met(runs, [*bad, *_missing(folder, ticks)])


def _is_good(run: Scheduled) -> bool:
    """A run that came while one of its kind was on is cancelled: that one is enough."""
    return run.state.startswith("COMPLETED") or run.state.startswith("CANCELLED")


def _missing(folder: Path, ticks: int) -> Iterator[str]:
    for number in range(ticks):
        found = _sluice(folder, "search", f"edition of tick {number}", "--as", "all", "-k", "50")["hits"]
        if not any(f"edition of tick {number}." in hit["text"] for hit in found):
            yield f"the edit before tick {number} is not live"
        if any(hit["uri"] == f"taken/{number}.md" for hit in found):
            yield f"what was taken away before tick {number} is still read"


def _write(folder: Path, kind: str, number: int, words: str) -> None:
    file = folder / "corpus" / kind / f"{number}.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"# Note {number}\n\nThis is the {words}.\n", encoding="utf-8")


def _configure(folder: Path, taken: int, seconds: int) -> None:
    """The first so many documents of `taken/` have no reader any more."""
    every = f"* * * * * */{seconds}"
    rules = [{"match": f"taken/{number}.md", "tags": []} for number in range(taken)]
    settings = {
        "index": "meeting",
        "state_dir": "state",
        "sources": [{"name": "notes", "type": "files", "root": "corpus", "include": ["**/*.md"]}],
        "access": {"rules": [*rules, {"match": "**", "tags": ["all"]}]},
        "embedding": {"model": "hashing:64", "precision": "fp32"},
        "gates": [],
        "schedule": {"cron": every, "access_cron": every},
    }
    fresh = folder / "sluice.yaml.new"
    fresh.write_text(yaml.safe_dump(settings), encoding="utf-8")
    fresh.replace(folder / "sluice.yaml")


def _environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}


def _sluice(folder: Path, *arguments: str) -> dict[str, Any]:
    command = [str(SLUICE), "--config", str(folder / "sluice.yaml"), *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(), check=True, timeout=ENDED_S)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """`sluice serve` for the time of the block, and the address of its server's API."""
    with (folder / "serve.log").open("wb") as log:
        command = [str(SLUICE), "--config", str(folder / "sluice.yaml"), "serve"]
        serving = subprocess.Popen(command, stdout=log, stderr=log, env=_environment(), start_new_session=True)
        try:
            server_log = folder / "state" / "prefect" / "server.log"
            _until(lambda: _address(server_log) is not None and _runs(str(_address(server_log))), UP_S)
            yield str(_address(server_log))
        finally:
            os.killpg(serving.pid, signal.SIGINT)
            try:
                serving.wait(timeout=60)
            finally:
                serving.kill()
                serving.wait()


def _address(server_log: Path) -> str | None:
    found = re.findall(r"http://127\.0\.0\.1:\d+", server_log.read_text()) if server_log.exists() else []
    return f"{found[-1]}/api" if found else None


def _runs(api: str) -> list[Scheduled]:
    names = {one["id"]: str(one["name"]).removesuffix("-meeting") for one in _asked(f"{api}/deployments/filter")}
    return [
        Scheduled(names.get(run["deployment_id"], "?"), run["expected_start_time"], f"{run['state_type']} {run['state_name']}")
        for run in _asked(f"{api}/flow_runs/filter", {"flow_runs": {"state": {"type": {"not_any_": ["SCHEDULED"]}}}})
    ]


def _ticks(api: str) -> set[str]:
    """The moments at which both schedules began a run that has ended by itself; one that failed counts, and is told."""
    ended = {(run.at, run.name) for run in _runs(api) if run.state.split()[0] in OVER - {"CANCELLED"}}
    return {at for at, name in ended if name == "nightly-reindex" and (at, "access-sync") in ended}


def _asked(url: str, body: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    data, headers = json.dumps(body or {}).encode(), {"Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method="POST"), timeout=10) as answer:
            listed: list[dict[str, Any]] = json.load(answer)
            return listed
    except OSError:
        return []


def _until(holds: Any, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {patience_s:g} s")
        time.sleep(0.5)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.mkdir(parents=True)
    count, apart = int(sys.argv[2]) if len(sys.argv) > 2 else 10, int(sys.argv[3]) if len(sys.argv) > 3 else 30
    met = meet(place, count, apart)
    for run in met.runs:
        print(f"{run.at}  {run.name:16} {run.state}")
    print("\n".join(met.lost) or f"{count} ticks: nothing lost")
    sys.exit(bool(met.lost))
