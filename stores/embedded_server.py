"""The embedded MongoDB-compatible server's process. Run as a script: `python -P embedded_server.py FOLDER`.

It holds `server.lock` for as long as it lives, and leaves with its last user: every user holds a shared lock on
`users.lock`, so the moment an exclusive one is granted here nobody is left, whether they closed or were killed.
There is no supervisor that could die before its server, no list of users to keep true, and no pid to mistake.

Imports nothing of Sluice: it starts in half a second because it loads the server and nothing else.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

ANOTHER_SERVER = 3
"""Exit status: a server for this folder is already running."""


def serve(folder: Path) -> int:
    """Serve the databases in `folder` on a free local port until nobody uses them."""
    alive = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o644)  # never closed: the lock ends with the process
    for _ in range(50):  # whoever looks whether a server runs holds the lock for a moment
        try:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            time.sleep(0.02)
    else:
        return ANOTHER_SERVER
    users = os.open(folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o644)
    threading.Thread(target=_leave_with_the_last_user, args=(users,), daemon=True).start()

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    record = folder / "server.json"
    fresh = folder / f"server.json.{os.getpid()}"
    fresh.write_text(json.dumps({"pid": os.getpid(), "port": port}))
    fresh.replace(record)

    # --data-dir: with --db, all databases share one file and its tables, so equal names in two of them are one.
    sys.argv = ["nx_27017", "--host", "127.0.0.1", "--port", str(port), "--data-dir", str(folder / "data")]
    sys.argv += ["--pid-file", str(folder / "nx.pid"), "--log-file", os.devnull]
    (folder / "nx.pid").unlink(missing_ok=True)  # server.lock is the truth; a stale file with a reused pid would refuse

    from nx_27017.nx_27017 import main  # type: ignore[import-untyped]

    main()
    return 0


def _leave_with_the_last_user(users: int) -> None:
    fcntl.flock(users, fcntl.LOCK_EX)
    # The kernel ends this process in 2 s whatever Python is doing: the exit that SIGTERM asks for was once seen to hang in
    # the interpreter's own shutdown, with the locks held, where no thread of ours runs any more. What was acknowledged is
    # in SQLite's log by then.
    signal.alarm(2)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1])))
