"""Whether what `compare` measures of a variant is what `evaluate` measures of it once it is live, on the whole handbook.

    python -m benchmarks.agreement FOLDER

Hybrid search with `dense_weight: 0.8`: published from an index of its own, and as a variant beside the dense one. Prints both
figures of every measure, and exits 1 where two differ in the third decimal. Needs ../shared/corpora/handbook.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from benchmarks.commands import CORPORA, sluice

WEIGHTED = {"mode": "hybrid", "dense_weight": 0.8}
GOLDEN = CORPORA / "handbook.golden.jsonl"


def figures(folder: Path) -> dict[str, tuple[float, float]]:
    """Each measure: in the experiment, and of the live release."""
    settings = yaml.safe_load((CORPORA / "handbook.yaml").read_text(encoding="utf-8").replace("${SLUICE_STATE_DIR}", str(folder)))
    settings["sources"][0]["root"] = str(CORPORA / "handbook")
    config = folder / "sluice.yaml"
    config.write_text(yaml.safe_dump({**settings, "search": WEIGHTED, "gates": []}), encoding="utf-8")
    print(f"published: {sluice('--config', str(config), 'run')[1]['chunks']:,} chunks", flush=True)
    experiment = folder / "agreement.yaml"
    variants: list[dict[str, Any]] = [{"name": "dense", "search": {"mode": "dense"}}, {"name": "weighted", "search": WEIGHTED}]
    asked = {"name": "agreement", "base": str(config), "golden": str(GOLDEN), "baseline": "dense", "variants": variants}
    experiment.write_text(yaml.safe_dump(asked), encoding="utf-8")
    compared = next(v for v in sluice("compare", str(experiment))[1]["variants"] if v["name"] == "weighted")["measures"]
    served = sluice("--config", str(config), "evaluate", "--golden", str(GOLDEN))[1]["measures"]
    return {name: (compared[name], served[name]) for name in sorted(compared.keys() & served.keys())}


if __name__ == "__main__":
    place = Path(sys.argv[1]).resolve()
    place.mkdir(parents=True)
    found = figures(place)
    for name, (variant, live) in found.items():
        print(f"{name:18} compare {variant:.4f}   evaluate {live:.4f}")
    apart = [name for name, (variant, live) in found.items() if abs(variant - live) >= 0.0005]
    print(f"apart: {', '.join(apart)}" if apart else f"{len(found)} measures agree to the third decimal")
    sys.exit(bool(apart) or not found)
