"""What a command will wait for, begun before its modules are imported: the embedded MongoDB needs half a second to start."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

STORED = frozenset({
    "run", "ingest", "index", "promote", "rollback", "search", "evaluate", "releases", "documents", "runs", "backfill", "access",
    "quarantine", "freshness", "status", "why", "trace", "gc", "duplicates",
})  # fmt: skip
"""Commands that open the stores whatever else they are told."""


def begin(command: str, config: Path) -> None:
    """Start it if this command will ask for it; whatever is wrong with the configuration is said by the command."""
    if command in STORED and config.is_file():
        with suppress(Exception):
            from sluice.settings import load
            from stores import begin

            begin(load(config))


def end() -> None:
    """Let go of what no command took."""
    if "stores.opening" in sys.modules:
        from stores import let_go

        let_go()
