"""`make bench`: every benchmark, one after the other; each also runs alone (`python -m benchmarks.NAME`)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

for file in sorted(Path(__file__).parent.glob("[a-z]*.py")):
    print(f"\n== {file.stem} ==", flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{file.stem}"], check=False)
