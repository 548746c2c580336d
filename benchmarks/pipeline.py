"""First run, unchanged run, and a run after editing 1% of the documents, on the real handbook, through the command line.

    .venv/bin/python -m benchmarks.pipeline [--documents 883] [--keep FOLDER]

Prints seconds of whole processes (imports, Prefect's start and all) and their ratios to the first run; what matters are
the ratios. Needs ../shared/corpora/handbook.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from benchmarks.commands import CORPORA, sluice


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=883, help="how many documents of the handbook")
    parser.add_argument("--keep", type=Path, help="work in this folder and keep it")
    chosen = parser.parse_args()
    if not (CORPORA / "handbook").is_dir():
        sys.exit(f"the handbook is not at {CORPORA}: this benchmark needs the shared corpora")
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="sluice-bench-"))
    try:
        _measure(folder, chosen.documents)
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def _measure(folder: Path, documents: int) -> None:
    files = sorted((CORPORA / "handbook" / "content").rglob("*.md"))[:documents]
    for file in files:
        target = folder / "handbook" / file.relative_to(CORPORA / "handbook")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)
    settings = yaml.safe_load((CORPORA / "handbook.yaml").read_text(encoding="utf-8"))
    settings["state_dir"] = "state"
    if documents < 883:
        settings["gates"] = []  # its golden set is about all of it
    for gate in settings["gates"]:
        for key in ("golden", "cases"):
            if key in gate:
                gate[key] = str(CORPORA / gate[key])
    (folder / "sluice.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")

    rows: list[tuple[str, float, dict[str, Any]]] = [("first run", *_run(folder)), ("unchanged", *_run(folder))]
    edited = sorted((folder / "handbook" / "content").rglob("*.md"))[:: max(len(files) // max(len(files) // 100, 1), 1)]
    edited = edited[: max(len(files) // 100, 1)]
    for file in edited:
        file.write_text(
            file.read_text(encoding="utf-8") + "\n\nOne more sentence, so that this page is another one.\n", encoding="utf-8"
        )
    rows.append((f"{len(edited)} edited", *_run(folder)))

    first = rows[0][1]
    print(f"{'':12} {'seconds':>8} {'of first':>9} {'parsed':>7} {'embedded':>9} {'cached':>7}  stages")
    for name, seconds, result in rows:
        parsed = result["counts"]["parse"]["kept"]
        stages = ", ".join(f"{stage} {value:.1f}" for stage, value in result["seconds"].items())
        print(f"{name:12} {seconds:8.1f} {seconds / first:9.3f} {parsed:7} {result['embedded']:9} {result['cached']:7}  {stages}")


def _run(folder: Path) -> tuple[float, dict[str, Any]]:
    return sluice("--config", str(folder / "sluice.yaml"), "run")


if __name__ == "__main__":
    main()
