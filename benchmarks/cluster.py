"""The real handbook on one thread, on two Dask workers, and on two of which one is killed in the middle: one and the same index.

    .venv/bin/python -m benchmarks.cluster [--documents 883] [--model bundled:all-MiniLM-L6-v2] [--json]

Each is a `sluice run` of its own, from nothing. Compared are fingerprint, access root, documents, chunks, and the hits (ids,
and scores to six digits) of the handbook's golden questions, asked as who may read everything. Exit 1 where one differs.
Texts embedded are told, not compared: a text that two workers meet at once is embedded by both, and so is a killed worker's
last batch.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import yaml

import sluice
from benchmarks.commands import CORPORA

AT_WORK_S = 2.0
"""How long a worker has had others parse for it when it is killed."""
RUNNERS: dict[str, tuple[dict[str, Any], bool]] = {
    "inline": ({"type": "inline"}, False),
    "two workers": ({"type": "dask", "workers": 2}, False),
    "two workers, one killed": ({"type": "dask", "workers": 2}, True),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=883, help="how many documents of the handbook")
    parser.add_argument("--model", default="bundled:all-MiniLM-L6-v2")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if not (CORPORA / "handbook").is_dir():
        sys.exit(f"the handbook is not at {CORPORA}: this benchmark needs the shared corpora")
    found = {}
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        for file in sorted((CORPORA / "handbook" / "content").rglob("*.md"))[: asked.documents]:
            target = Path(folder) / "handbook" / file.relative_to(CORPORA / "handbook")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target)
        for number, (name, (runner, kill)) in enumerate(RUNNERS.items()):
            found[name] = _run(Path(folder), f"{number}", runner, asked.model, kill)
            if not asked.json:
                told = {key: value for key, value in found[name].items() if key != "hits"}
                print(f"{name}: {told}", flush=True)
    same = {name: _same(one, found["inline"]) for name, one in found.items()}
    print(
        json.dumps({name: {**one, "hits": len(one["hits"])} for name, one in found.items()} | {"same": same})
        if asked.json
        else same
    )
    return int(not all(same.values()) or found["two workers, one killed"]["killed"] == 0)


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one[key] == other[key] for key in ("fingerprint", "access_root", "documents", "chunks", "hits"))


def _run(folder: Path, name: str, runner: dict[str, Any], model: str, kill: bool) -> dict[str, Any]:
    settings = yaml.safe_load((CORPORA / "handbook.yaml").read_text(encoding="utf-8"))
    settings |= {"state_dir": f"state-{name}", "gates": [], "runner": runner}
    precision = "fp32" if model.startswith("hashing") else "openvino-fp32"
    settings["embedding"] = {"model": model, "precision": precision}
    config = folder / f"{name}.yaml"
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("sluice")), "--config", str(config), "run", "--json"]
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        killed = _kill_a_worker(process) if kill else 0
        out, _ = process.communicate()
    answer = json.loads(out)
    if answer.get("outcome") != "promoted":
        sys.exit(f"{name}: {answer}")
    questions = [
        json.loads(line)["query"] for line in (CORPORA / "handbook.golden.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    everyone = sluice.Principal.of({tag for rule in settings["access"]["rules"] for tag in rule["tags"]})
    with sluice.open(config) as index:
        searcher = index.searcher()
        hits = [[(hit.chunk_id, round(hit.score, 6)) for hit in searcher.search(q, everyone, k=5)] for q in questions]
    shown = subprocess.run(
        [*command[:3], "releases", "show", answer["release"], "--json"], capture_output=True, text=True, check=True
    )
    manifest = json.loads(shown.stdout)
    kept = {key: manifest[key] for key in ("fingerprint", "access_root", "documents", "chunks")}
    return {
        **kept,
        "embedded": answer["embedded"],
        "killed": killed,
        "seconds": round(time.perf_counter() - started, 1),
        "hits": hits,
    }


def _kill_a_worker(process: subprocess.Popen[str]) -> int:
    """SIGKILL to a worker in the middle of its work: it has processes that parse for it. Its id; 0 where the run ended before."""
    while process.poll() is None:
        for child in _children(process.pid):
            try:
                if "multiprocessing.spawn" in " ".join(child.cmdline()) and len(child.children()) > 0:
                    time.sleep(AT_WORK_S)
                    child.kill()
                    return child.pid
            except psutil.Error:
                continue
        time.sleep(0.2)
    return 0


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children()
    except psutil.Error:
        return []


if __name__ == "__main__":
    sys.exit(main())
