"""Racing and sampling on the real handbook: what they save of the whole experiment, and whether they conclude the same.

    .venv/bin/python -m benchmarks.racing [--keep FOLDER] [--only whole,race,sample,both]

The fifteen variants of configs/experiments/handbook.yaml, each way from an empty cache of vectors: all of it, with
`racing: true`, with `sample: 0.2`, and with both. CPU seconds (of the command and its children), for the machine may be
shared. `inside`: of how many sampled variants the interval for the whole corpus holds what was measured there.
Needs ../shared/corpora/handbook; 15 to 60 minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from benchmarks.commands import CORPORA, sluice
from benchmarks.measured import measured
from pipeline.resources import Resources
from sluice.settings import load

EXPERIMENT = Path(__file__).resolve().parents[1] / "configs" / "experiments" / "handbook.yaml"
WAYS: dict[str, dict[str, Any]] = {
    "whole": {},
    "race": {"racing": True},
    "sample": {"sample": 0.2},
    "both": {"racing": True, "sample": 0.2},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="work in this folder and keep it; what it holds already is not done again")
    parser.add_argument("--only", default=",".join(WAYS), help="some of the ways, with commas between")
    chosen = parser.parse_args()
    if not (CORPORA / "handbook").is_dir():
        sys.exit(f"the handbook is not at {CORPORA}: this benchmark needs the shared corpora")
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="sluice-bench-"))
    try:
        base = folder / "base"
        if not base.exists():
            sluice("--config", str(CORPORA / "handbook.yaml"), "ingest", environment={"SLUICE_STATE_DIR": str(base)})
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
        found = {way: _measured(folder, way) for way in chosen.only.split(",")}
        for way, result in found.items():
            _tell(way, result, found.get("whole"))
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def _measured(folder: Path, way: str) -> dict[str, Any]:
    """What `sluice compare --json` says, with `cpu_s` and `texts`; from the folder where it was measured before."""
    kept = folder / f"{way}.json"
    if kept.exists():
        return dict(json.loads(kept.read_text(encoding="utf-8")))
    state = folder / way
    shutil.rmtree(state, ignore_errors=True)
    shutil.copytree(folder / "base", state)
    given = yaml.safe_load(EXPERIMENT.read_text(encoding="utf-8"))
    given |= {"base": str(CORPORA / "handbook.yaml"), "golden": str(CORPORA / "handbook.golden.jsonl"), **WAYS[way]}
    file = folder / f"{way}.yaml"
    file.write_text(yaml.safe_dump(given, sort_keys=False), encoding="utf-8")
    environment = {"SLUICE_STATE_DIR": str(state)}
    command = [str(Path(sys.executable).with_name("sluice")), "compare", str(file), "--json"]
    done = measured(command, environment=environment)
    if done.status != 0:
        sys.exit(f"{' '.join(command)} ended with {done.status}:\n{done.stderr[-2000:]}\n{done.stdout[-500:]}")
    result = {**json.loads(done.stdout), "cpu_s": round(done.cpu_s, 1), "wall_s": round(done.wall_s, 1), "texts": _texts(state)}
    kept.write_text(json.dumps(result), encoding="utf-8")
    return result


def _texts(state: Path) -> int:
    """The vectors in the cache, which was empty before."""
    os.environ["SLUICE_STATE_DIR"] = str(state)
    with Resources(load(CORPORA / "handbook.yaml")) as r:
        return len(r.stores.vectors.hashes())


def _tell(way: str, result: dict[str, Any], whole: dict[str, Any] | None) -> None:
    share = ""
    if whole is not None:
        share = f" ({result['cpu_s'] / whole['cpu_s']:.0%} and {result['texts'] / whole['texts']:.0%} of the whole)"
    sampled = f"; {result['sampled']['documents']} of {result['sampled']['of']} documents" if result.get("sampled") else ""
    print(f"\n{way}: {result['cpu_s']:.0f} CPU s, {result['texts']:,} texts embedded{share}{sampled}")
    for line in result["conclusion"]:
        print(f"  {line}")
    out = sorted([each["variant"] for each in result["stopped"]] + [v["name"] for v in result["variants"] if v["ruled_out"]])
    print(f"  out: {', '.join(out) or 'none'}; leader: {result['leader']}")
    if whole is not None and result.get("sampled"):
        _intervals(result, {v["name"]: v["measures"][whole["measure"]] for v in whole["variants"]})


def _intervals(result: dict[str, Any], truth: dict[str, float]) -> None:
    rows = [(v["name"], v["measures"][result["measure"]], v["on_all"]) for v in result["variants"] if v.get("on_all")]
    inside = sum(on_all["low"] <= truth[name] <= on_all["high"] for name, _, on_all in rows)
    widths = [on_all["high"] - on_all["low"] for _, _, on_all in rows]
    if rows:
        print(f"  inside: {inside} of {len(rows)}; width {min(widths):.3f} to {max(widths):.3f}")
    for name, value, on_all in rows:
        interval = f"{on_all['low']:.3f} to {on_all['high']:.3f}"
        print(f"    {name}: on the sample {value:.3f}, on all {interval}; measured on all {truth[name]:.3f}")


if __name__ == "__main__":
    main()
