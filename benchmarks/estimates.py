"""What a backfill was estimated to cost, and what it then took: on the real handbook, through the command line.

    .venv/bin/python -m benchmarks.estimates [--documents 883] [--model bundled:all-MiniLM-L6-v2] [--json]

An index is made and run once; then three backfills, each first with --dry-run: everything parsed again with nothing changed, the
same of one department, and everything cut again after a setting of chunking has changed. Documents, chunks, texts and tokens must
be exactly as estimated. Seconds are the sum of the run's stages (the process's start apart), and their ratio is believed on an
idle machine only; exit 1 where an exact figure differs, or with --within 0.25 where a ratio is further off.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from benchmarks.commands import CORPORA, sluice

CASES: tuple[tuple[str, tuple[str, ...], dict[str, Any]], ...] = (
    ("parse again, unchanged", ("--from", "parse"), {}),
    ("one folder of it", ("--from", "parse", "--match", "content/departments/**"), {}),
    (
        "cut anew: 120 tokens",
        ("--from", "chunk"),
        {"chunking": {"strategy": "recursive", "max_tokens": 120, "overlap_tokens": 20}},
    ),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=883, help="how many documents of the handbook")
    parser.add_argument("--model", default="bundled:all-MiniLM-L6-v2")
    parser.add_argument("--within", type=float, help="how far off seconds may be, as a share; default: not judged")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if not (CORPORA / "handbook").is_dir():
        sys.exit(f"the handbook is not at {CORPORA}: this benchmark needs the shared corpora")
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        cases = _measure(Path(folder), asked.documents, asked.model)
    if asked.json:
        print(json.dumps(cases))
    else:
        print(f"{'':24} {'documents':>10} {'to build':>9} {'chunks':>7} {'texts':>7} {'tokens':>8} {'seconds':>8} {'of it':>6}")
        for case in cases:
            said, took = case["estimated"], case["took"]
            print(f"{case['name']:24} {_row(said)}")
            print(f"{'  and it took':24} {_row(took)} {said['seconds'] / took['seconds']:6.2f}")
    exact = all(case["estimated"][key] == case["took"][key] for case in cases for key in case["took"] if key != "seconds")
    near = all(abs(case["estimated"]["seconds"] / case["took"]["seconds"] - 1) <= (asked.within or 1e9) for case in cases)
    return int(not (exact and near))


def _row(figures: dict[str, Any]) -> str:
    names = ("documents", "to_build", "chunks", "to_embed", "tokens", "seconds")
    return " ".join(f"{figures[n]:{w}}" for n, w in zip(names, (10, 9, 7, 7, 8, 8), strict=True))


def _measure(folder: Path, documents: int, model: str) -> list[dict[str, Any]]:
    for file in sorted((CORPORA / "handbook" / "content").rglob("*.md"))[:documents]:
        target = folder / "handbook" / file.relative_to(CORPORA / "handbook")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)
    settings = yaml.safe_load((CORPORA / "handbook.yaml").read_text(encoding="utf-8"))
    settings |= {"state_dir": "state", "gates": [], "embedding": {**settings["embedding"], "model": model}}
    if model.startswith("hashing"):
        settings["embedding"]["precision"] = "fp32"
    config = folder / "sluice.yaml"
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    sluice("--config", str(config), "run")
    cases = []
    for name, arguments, changes in CASES:
        config.write_text(yaml.safe_dump(settings | changes), encoding="utf-8")
        _, said = sluice("--config", str(config), "backfill", *arguments, "--dry-run")
        _, did = sluice("--config", str(config), "backfill", *arguments)
        chunked, staged = (did["counts"].get(stage, {}) for stage in ("chunk", "stage"))
        took = {
            "documents": did["selected"],
            "to_build": chunked.get("seen", 0) - chunked.get("unchanged", 0),
            "chunks": staged.get("seen", 0) - staged.get("unchanged", 0) if staged else said["chunks"],  # nothing was built
            "to_embed": did["embedded"],
            "tokens": did["tokens"],
            "seconds": round(sum(did["seconds"].values()), 1),
        }
        cases.append({"name": name, "estimated": said, "took": took, "stages": did["seconds"]})
    return cases


if __name__ == "__main__":
    sys.exit(main())
