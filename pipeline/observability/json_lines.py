"""JSON Lines on standard error in the place of what is said to people there, for who collects logs: `SLUICE_LOG=json`.

Imports nothing heavy: a command that only fails says so in this form, too. What a run writes: `run_lines.py`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from datetime import UTC, datetime
from typing import Any

from sluice.plain import plain

VARIABLE = "SLUICE_LOG"
_whole = threading.Lock()


def wanted() -> bool:
    """Whether this process, or the command that started it, was asked for them."""
    return os.environ.get(VARIABLE, "").lower() == "json"


def write(level: str, event: str, **values: Any) -> None:
    """One line, whole; a standard error that is closed stops nothing."""
    said = {"time": datetime.now(UTC), "level": level, "event": event, **values}
    with _whole:
        try:
            sys.stderr.write(json.dumps(plain(said), ensure_ascii=False) + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            return
