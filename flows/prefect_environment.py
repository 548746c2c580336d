"""How Prefect is set up before it is imported: quiet, offline, and in the index's own folder.

Without a configured server (`PREFECT_API_URL`, or a profile of the user's) Prefect starts a temporary one. Its database
then lies in `state_dir/prefect`, so that two indexes never share one and nothing is left in the home folder.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path


def prepare(state_dir: Path) -> None:
    """Set what the user has not set; must run before the first `import prefect`."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    logging.getLogger("great_expectations").setLevel(logging.WARNING)  # Prefect's handlers would show its chatter
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    # The temporary server prints a stack of CancelledError when it stops, unless its loggers are told not to.
    os.environ.setdefault("PREFECT_LOGGING_SERVER_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_LOGGING_TO_API_ENABLED", "false" if "PREFECT_API_URL" not in os.environ else "true")
    if "PREFECT_API_URL" not in os.environ and "PREFECT_HOME" not in os.environ and not _has_profile():
        os.environ["PREFECT_HOME"] = str(state_dir / "prefect")


def _has_profile() -> bool:
    profiles = Path("~/.prefect/profiles.toml").expanduser()
    try:
        return "PREFECT_API_URL" in profiles.read_text(encoding="utf-8")
    except OSError:
        return False
