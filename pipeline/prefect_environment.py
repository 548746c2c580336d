"""How Prefect is set up before it is imported: quiet, offline, and in the index's own folder.

Without a configured server (`PREFECT_API_URL`, or a profile of the user's) Prefect starts a temporary one. Its database
then lies in `state_dir/prefect`, so that two indexes never share one and nothing is left in the home folder.
"""

from __future__ import annotations

import base64
import os
import tomllib
from pathlib import Path

from sluice.homes import have_a_home


def prepare(state_dir: Path) -> None:
    """Set what the user has not set; must run before the first `import prefect`."""
    have_a_home()
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    # The temporary server takes 7 s to come up, and on a busy machine several times that; Prefect gives up after 20.
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    # The temporary server prints a stack of CancelledError when it stops, unless its loggers are told not to.
    os.environ.setdefault("PREFECT_LOGGING_SERVER_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_LOGGING_TO_API_ENABLED", "false" if "PREFECT_API_URL" not in os.environ else "true")
    if "PREFECT_API_URL" not in os.environ and "PREFECT_HOME" not in os.environ and "PREFECT_API_URL" not in _profile():
        os.environ["PREFECT_HOME"] = str(state_dir / "prefect")


def server() -> tuple[str, dict[str, str]] | None:
    """The API of the Prefect server that the user configured, and the headers it wants; None without one."""
    set_ = _profile() | os.environ
    url, key, auth = (set_.get(f"PREFECT_API_{name}") for name in ("URL", "KEY", "AUTH_STRING"))
    if not url:
        return None
    if auth:
        return url, {"Authorization": "Basic " + base64.b64encode(auth.encode()).decode()}
    return url, {"Authorization": f"Bearer {key}"} if key else {}


def _profile() -> dict[str, str]:
    """What the user's active profile sets, read as Prefect reads it: importing Prefect for it would cost a second."""
    try:
        home = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
        written = tomllib.loads(Path(os.environ.get("PREFECT_PROFILES_PATH") or home / "profiles.toml").read_text("utf-8"))
    except (OSError, ValueError, RuntimeError):  # none; broken; a user without a home folder
        return {}
    chosen = written.get("profiles", {}).get(os.environ.get("PREFECT_PROFILE") or written.get("active", ""), {})
    return {name: str(value) for name, value in chosen.items()}
