"""A command with what stands in for both servers: suites on servers, where none can be had.

    python -m benchmarks.stand_ins pytest tests/e2e/test_crash.py

MongoDB is the embedded server behind a TCP port, Qdrant is `qdrant_served.py`: connections, requests and answers are those of
servers, the engines are not. Ends with the command, whose exit status is its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import unquote

from benchmarks.under_test import MONGODB_URI, QDRANT_URL
from stores.mongo.embedded import EmbeddedMongo


def main(command: list[str]) -> int:
    if not command:
        sys.exit(__doc__)
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        socket = unquote(opened.enter_context(EmbeddedMongo(folder)).removeprefix("mongodb://").split("/?")[0])
        port = json.loads(_said(opened, "benchmarks.proxy", f"mongo={socket}"))["mongo"]
        named = {MONGODB_URI: f"mongodb://127.0.0.1:{port}", QDRANT_URL: _said(opened, "benchmarks.qdrant_served")}
        return subprocess.run(command, env={**os.environ, **named}, check=False).returncode


def _said(opened: ExitStack, *arguments: str) -> str:
    """The first line of a process that lives as long as its standard input is open."""
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-m", *arguments], stdin=pipe, stdout=pipe, text=True)
    opened.enter_context(process)
    return process.stdout.readline().strip() if process.stdout is not None else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
