"""`sluice` as a user calls it: whole processes, timed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"


def sluice(*arguments: str, environment: Mapping[str, str] | None = None) -> tuple[float, dict[str, Any]]:
    """Seconds of a command with --json, imports and all, and what it answered; ends this process where it fails."""
    command = [str(Path(sys.executable).with_name("sluice")), *arguments, "--json"]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **(environment or {})})
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}\n{done.stdout[-500:]}")
    return seconds, json.loads(done.stdout)
