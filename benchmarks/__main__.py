"""`make bench`: the benchmarks of speed, one after the other; each also runs alone (`python -m benchmarks.NAME`)."""

from __future__ import annotations

import subprocess
import sys

for name in ("splitting", "embedding", "parsing", "pipeline", "experiment"):
    print(f"\n== {name} ==", flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False)
