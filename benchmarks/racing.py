"""Racing and sampling on the real handbook: what they save of the whole experiment, and whether they conclude the same.

    .venv/bin/python -m benchmarks.racing [--keep FOLDER] [--only whole,race,sample,small,both]

The fifteen variants of configs/experiments/handbook.yaml: all of it, with `racing: true`, with `sample: 0.1`, with a smaller
sample, and a race on a sample. The first pass fills the cache of vectors (most of the time: 15 to 40 minutes); each way is then
run over it, and the texts that it asks vectors of are counted: those that it would embed from nothing. CPU seconds are of this
process, for the machine may be shared: those measured over the full cache, and those of embedding that many texts, at the rate
of 1,500 drawn ones. `inside`: of how many variants the interval that a sample gives for all documents holds what was measured
on all. Needs ../shared/corpora/handbook.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks.commands import CORPORA
from evaluation.experiments.record import Results
from indexing.protocols import VectorCache
from pipeline.executors import Inline
from pipeline.experiments import comparing
from pipeline.experiments.variants import Laboratory, laboratory
from sluice.points import Vector

EXPERIMENT = Path(__file__).resolve().parents[1] / "configs" / "experiments" / "handbook.yaml"
WAYS: dict[str, dict[str, Any]] = {
    "whole": {},
    "race": {"racing": True},
    "sample": {"sample": 0.1},
    "small": {"sample": 0.05, "hard": 10},
    "both": {"sample": 0.1, "racing": True},
}
RATED = 1_500


class Asked:
    """A cache of vectors that notes of which texts it is asked; implements `indexing.protocols.VectorCache`."""

    def __init__(self, cache: VectorCache) -> None:
        self._cache, self.texts = cache, set[str]()

    def get(self, model: str, hashes: Sequence[str]) -> Mapping[str, Vector]:
        self.texts |= set(hashes)
        return self._cache.get(model, hashes)

    def put(self, model: str, vectors: Mapping[str, Vector]) -> None:
        self._cache.put(model, vectors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="work in this folder and keep it; vectors that it holds are not made again")
    parser.add_argument("--only", default=",".join(WAYS), help="some of the ways, with commas between")
    chosen = parser.parse_args()
    if not (CORPORA / "handbook").is_dir():
        sys.exit(f"the handbook is not at {CORPORA}: this benchmark needs the shared corpora")
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="sluice-bench-"))
    os.environ["SLUICE_STATE_DIR"] = str(folder / "state")
    try:
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
        _measured(folder, "whole", "filling")
        found = {way: _measured(folder, way, way) for way in chosen.only.split(",")}
        for way, result in found.items():
            _tell(way, result, found.get("whole"))
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def _measured(folder: Path, way: str, name: str) -> dict[str, Any]:
    """What `sluice compare --json` says, with `cpu_s` and `texts`; results of another way are not used."""
    kept = folder / f"{name}.json"
    if kept.exists():
        return dict(json.loads(kept.read_text(encoding="utf-8")))
    given = yaml.safe_load(EXPERIMENT.read_text(encoding="utf-8"))
    given |= {"base": str(CORPORA / "handbook.yaml"), "golden": str(CORPORA / "handbook.golden.jsonl"), **WAYS[way]}
    file = folder / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(given, sort_keys=False), encoding="utf-8")
    with laboratory(str(file)) as lab:
        asked = Asked(lab.r.stores.vectors)
        lab.r.stores.vectors = asked  # type: ignore[assignment]
        lab.folder = folder / name
        lab.results = Results(lab.folder / "results")
        started = time.process_time()
        found = comparing.compare(lab, Inline())
        seconds = time.process_time() - started
        rate = 0.0 if name == "filling" else _rate(lab)
        result = {**found.summary(), "texts": len(asked.texts), "cpu_s": seconds + rate * len(asked.texts), "rate_s": rate}
    kept.write_text(json.dumps(result), encoding="utf-8")
    return result


def _rate(lab: Laboratory) -> float:
    """CPU seconds of embedding a text, over texts of the experiment's own cut, with the model that it uses."""
    chunker = lab.chunker(lab.experiment.variants[0])
    texts: list[str] = []
    for _, document in lab.documents[:: max(1, len(lab.documents) // 300)]:
        texts += [chunk.embedded_text for chunk in chunker.chunk(document)]
    texts = list(dict.fromkeys(texts))[:RATED]
    lab.r.model.encoder.encode(texts[:50])
    started = time.process_time()
    lab.r.model.encoder.encode(texts)
    return (time.process_time() - started) / len(texts)


def _tell(way: str, result: dict[str, Any], whole: dict[str, Any] | None) -> None:
    share = ""
    if whole is not None:
        share = f" ({result['cpu_s'] / whole['cpu_s']:.0%} and {result['texts'] / whole['texts']:.0%} of the whole)"
    sampled = (
        f"; {result['sampled']['documents']} of {result['sampled']['of']} documents, {result['sampled']['text']:.0%} of the text"
        if result.get("sampled")
        else ""
    )
    rate = f" at {1000 * result['rate_s']:.1f} ms a text"
    print(f"\n{way}: {result['cpu_s']:.0f} CPU s, {result['texts']:,} texts{share}{rate}{sampled}")
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
