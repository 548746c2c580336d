"""The same corpus, chunk size, model and store through other libraries and Sluice, as whole processes, taking turns.

    .venv/bin/python -m benchmarks.peers [--documents 300] [--rounds 1] [--own] [--only sluice by_hand cocoindex …]

Each peer has a virtual environment of its own below --environments (default .sluice/peers), made when it is missing (needs the
package index). Scenarios: cold; unchanged; 3 edited; 1 deleted; killed half-way through a cold run, then run to its end. Every
peer is given the fast backend (OpenVINO, bf16); with --own also its own way of running the model. Sluice's rows: gates: [], and
with gates on. Wall and CPU seconds of the process and its children, peak memory of all of them (PSS), texts embedded; the best of
--rounds counts. Needs ../shared/corpora/handbook.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.commands import CORPORA
from benchmarks.measured import Measured, measured

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PEERS = ("by_hand", "cocoindex", "langchain", "llamaindex", "haystack")
SCENARIOS = ("cold", "unchanged", "3 edited", "1 deleted", "killed, then")


@dataclass(frozen=True, slots=True)
class Contestant:
    """How one of them is run over a corpus with a state folder, and how many texts it says it embedded."""

    name: str
    command: Callable[[Path, Path], list[str]]
    embedded: Callable[[str], int]
    environment: dict[str, str]


def environment_of(peer: str, folder: Path) -> Path:
    """The peer's own Python, made when it is missing."""
    home = folder / peer
    python = home / "bin" / "python"
    if not python.exists():
        print(f"making the environment of {peer} in {home}", flush=True)
        venv.create(home, with_pip=True)
        pinned = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.startswith(SHARED_PINS)]
        (home / "constraints.txt").write_text("\n".join(pinned))
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", str(home / "constraints.txt")]
        subprocess.run([*pip, next(pin for pin in pinned if pin.startswith("torch=="))], check=True)
        subprocess.run([*pip, "-r", str(HERE / "common.txt"), "-r", str(HERE / f"{peer}.txt")], check=True)
    return python


SHARED_PINS = ("torch==", "transformers==", "sentence-transformers==", "qdrant-client==", "numpy==", "gt-all", "openvino==")


def contestants(names: list[str], environments: Path, *, own: bool) -> list[Contestant]:
    """Those asked for, Sluice first."""
    found = []
    if "sluice" in names:
        for gates, label in (([], "sluice, gates: []"), ([{"type": "data_quality"}], "sluice, gates on")):
            found.append(Contestant(label, _sluice(gates), lambda out: int(json.loads(out)["embedded"]), {}))
    for peer in PEERS:
        if peer not in names:
            continue
        python = Path(sys.executable) if peer == "by_hand" else environment_of(peer, environments)
        job = HERE / "jobs" / ("by_hand.py" if peer == "by_hand" else f"with_{peer}.py")
        variables = {
            "PYTHONPATH": str(ROOT),
            "DO_NOT_TRACK": "1",
            "COCOINDEX_DISABLE_USAGE_TRACKING": "1",
            "HAYSTACK_TELEMETRY_ENABLED": "0",
        }
        backends = ("fast", "own") if own else ("fast",)
        found += [Contestant(f"{peer}, {backend}", _job(python, job, backend), _said, variables) for backend in backends]
    return found


def _sluice(gates: list[dict[str, str]]) -> Callable[[Path, Path], list[str]]:
    def command(corpus: Path, state: Path) -> list[str]:
        state.mkdir(parents=True, exist_ok=True)
        settings = {
            "index": "peers",
            "state_dir": str(state / "state"),
            "sources": [{"name": "pages", "type": "files", "root": str(corpus), "include": ["**/*.md"]}],
            "access": {"rules": [{"match": "**", "tags": ["all"]}]},
            "chunking": {"strategy": "recursive", "max_tokens": 200, "overlap_tokens": 20},
            "gates": gates,
        }
        (state / "sluice.yaml").write_text(yaml.safe_dump(settings))
        return [str(Path(sys.executable).with_name("sluice")), "--config", str(state / "sluice.yaml"), "run", "--json"]

    return command


def _job(python: Path, job: Path, backend: str) -> Callable[[Path, Path], list[str]]:
    return lambda corpus, state: [str(python), "-W", "ignore", str(job), str(corpus), str(state), backend]


def _said(out: str) -> int:
    return int(json.loads(out.strip().splitlines()[-1])["embedded"])


def corpus_of(folder: Path, documents: int) -> Path:
    """The first documents of the handbook that have any text."""
    files = [f for f in sorted((CORPORA / "handbook" / "content").rglob("*.md")) if f.stat().st_size > 200][:documents]
    for file in files:
        target = folder / file.relative_to(CORPORA / "handbook" / "content")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)
    return folder


def scenarios(who: Contestant, folder: Path, documents: int) -> dict[str, tuple[Measured, int]]:
    """What each scenario took."""
    corpus, state = corpus_of(folder / "corpus", documents), folder / "state"
    found = {"cold": _run(who, corpus, state)}
    found["unchanged"] = _run(who, corpus, state)
    files = sorted(corpus.rglob("*.md"))
    for file in files[:: max(len(files) // 3, 1)][:3]:
        file.write_text(
            file.read_text(encoding="utf-8") + "\n\nOne more sentence, so that this page is another one.\n", encoding="utf-8"
        )
    found["3 edited"] = _run(who, corpus, state)
    files[1].unlink()
    found["1 deleted"] = _run(who, corpus, state)
    measured(
        who.command(corpus, folder / "killed"),
        environment=who.environment,
        also=[str(folder)],
        kill_after_s=found["cold"][0].wall_s / 2,
    )
    found["killed, then"] = _run(who, corpus, folder / "killed")
    return found


def _run(who: Contestant, corpus: Path, state: Path) -> tuple[Measured, int]:
    done = measured(who.command(corpus, state), environment=who.environment, also=[str(state.parent)])
    if done.status != 0:
        sys.exit(f"{who.name} ended with {done.status}:\n{done.stderr[-2000:]}\n{done.stdout[-500:]}")
    return done, who.embedded(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--own", action="store_true", help="also with each peer's own way of running the model")
    parser.add_argument("--only", nargs="+", default=["sluice", *PEERS], choices=["sluice", *PEERS])
    parser.add_argument("--environments", type=Path, default=ROOT / ".sluice" / "peers")
    chosen = parser.parse_args()
    if not (CORPORA / "handbook").is_dir():
        sys.exit(f"the handbook is not at {CORPORA}: this benchmark needs the shared corpora")
    print(
        f"{chosen.documents} documents, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; wall s (CPU s) [embedded]",
        flush=True,
    )
    print(f"{'':22}" + "".join(f"{name:>22}" for name in SCENARIOS) + f"{'peak MB':>9}", flush=True)
    best: dict[str, dict[str, tuple[Measured, int]]] = {}
    everyone = contestants(chosen.only, chosen.environments.absolute(), own=chosen.own)
    for _ in range(chosen.rounds):
        for who in everyone:
            with tempfile.TemporaryDirectory(prefix="sluice-peers-") as folder:
                seen = scenarios(who, Path(folder), chosen.documents)
            kept = best.setdefault(who.name, seen)
            for name, row in seen.items():
                if row[0].wall_s < kept[name][0].wall_s:
                    kept[name] = row
            cells = "".join(f"{f'{m.wall_s:.1f} ({m.cpu_s:.1f}) [{n}]':>22}" for m, n in seen.values())
            print(f"{who.name:22}{cells}{max(m.peak_mb for m, _ in seen.values()):9.0f}", flush=True)
    if chosen.rounds > 1:
        print("best of the rounds:")
        for name, rows in best.items():
            cells = "".join(f"{f'{m.wall_s:.1f} ({m.cpu_s:.1f}) [{n}]':>22}" for m, n in rows.values())
            print(f"{name:22}{cells}{max(m.peak_mb for m, _ in rows.values()):9.0f}")


if __name__ == "__main__":
    main()
