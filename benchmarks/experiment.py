"""Six variants on the real handbook through `sluice compare`, the same again, and again with a seventh.

    .venv/bin/python -m benchmarks.experiment [--keep FOLDER]

Four ways to cut, two of them searched in two ways; the seventh cuts in a fifth way. Prints seconds of whole processes
(Prefect, scoring, statistics and the report included) and how many of them went into embedding; before them, those of
fetching and parsing the base, which an index in use has behind it.
Needs ../shared/corpora/handbook.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from benchmarks.commands import CORPORA, sluice

HEADINGS = {"context": "headings", "overlap_tokens": 0}
PLAIN = {"strategy": "recursive", "max_tokens": 200, "overlap_tokens": 20}
WEIGHTED = {"mode": "hybrid", "dense_weight": 0.8}
SIX = [
    {"name": "recursive 200+20", "chunking": PLAIN},
    {"name": "recursive 180", "chunking": {"strategy": "recursive", "max_tokens": 180} | HEADINGS},
    {"name": "recursive 180 hybrid", "chunking": {"strategy": "recursive", "max_tokens": 180} | HEADINGS, "search": WEIGHTED},
    {"name": "heading 180", "chunking": {"strategy": "heading", "max_tokens": 180} | HEADINGS},
    {"name": "heading 180 hybrid", "chunking": {"strategy": "heading", "max_tokens": 180} | HEADINGS, "search": WEIGHTED},
    {"name": "parents", "chunking": {"strategy": "hierarchical", "max_tokens": 100, "parent_tokens": 300} | HEADINGS},
]
SEVENTH = {"name": "recursive 100", "chunking": {"strategy": "recursive", "max_tokens": 100} | HEADINGS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="work in this folder and keep it")
    chosen = parser.parse_args()
    if not (CORPORA / "handbook").is_dir():
        sys.exit(f"the handbook is not at {CORPORA}: this benchmark needs the shared corpora")
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="sluice-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        print(f"{'ingest the base':15} {_ingest(folder):7.1f} s", flush=True)
        first = _row("six variants", folder, SIX, 0.0, set())
        _row("the same again", folder, SIX, first[0], first[1])
        _row("and a seventh", folder, [*SIX, SEVENTH], first[0], first[1])
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def _row(name: str, folder: Path, variants: list[dict[str, Any]], first: float, known: set[str]) -> tuple[float, set[str]]:
    seconds, result = _compare(folder, variants)
    names = {variant["name"] for variant in result["variants"]}
    new = [variant for variant in result["variants"] if variant["name"] not in known]
    embed = sum(variant["cost"]["seconds"]["embed"] for variant in new)
    texts = sum(variant["cost"]["embedded"] for variant in new)
    print(
        f"{name:15} {seconds:7.1f} s = {seconds / (first or seconds):5.3f} of the first; texts embedded {texts:6,}, "
        f"embedding {embed:7.1f} s = {embed / seconds:5.1%}",
        flush=True,
    )
    return seconds, names


def _ingest(folder: Path) -> float:
    return sluice("--config", str(CORPORA / "handbook.yaml"), "ingest", environment=_state(folder))[0]


def _state(folder: Path) -> dict[str, str]:
    return {"SLUICE_STATE_DIR": str(folder / "state")}


def _compare(folder: Path, variants: list[dict[str, Any]]) -> tuple[float, dict[str, Any]]:
    file = folder / "six.yaml"
    file.write_text(
        yaml.safe_dump(
            {
                "name": "six",
                "base": str(CORPORA / "handbook.yaml"),
                "golden": str(CORPORA / "handbook.golden.jsonl"),
                "baseline": SIX[0]["name"],
                "variants": variants,
            }
        ),
        encoding="utf-8",
    )
    return sluice("compare", str(file), environment=_state(folder))


if __name__ == "__main__":
    main()
