"""The embedded MongoDB-compatible server's process. Run as a script: `python -P embedded_server.py FOLDER`.

It holds `server.lock` for as long as it lives, and leaves with its last user: every user holds a shared lock on
`users.lock`, so the moment an exclusive one is granted here nobody is left, whether they closed or were killed.
There is no supervisor that could die before its server, no list of users to keep true, and no pid to mistake.

Imports nothing of Sluice: it starts in half a second because it loads the server and nothing else.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import signal
import stat
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ANOTHER_SERVER = 3
"""Exit status: a server for this folder is already running."""


def serve(folder: Path) -> int:
    """Serve the databases in `folder` on a Unix socket until nobody uses them."""
    os.umask(0o077)
    alive = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)  # never closed: the lock ends with the process
    for _ in range(50):  # whoever looks whether a server runs holds the lock for a moment
        try:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            time.sleep(0.02)
    else:
        return ANOTHER_SERVER
    users = os.open(folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
    threading.Thread(target=_leave_with_the_last_user, args=(users,), daemon=True).start()

    from nx_27017.handler import NeoSQLiteHandler  # type: ignore[import-untyped]

    # data_dir: with one file, all databases share its tables, so equal names in two of them are one.
    handler = NeoSQLiteHandler(data_dir=str(folder / "data"))
    asyncio.run(_listen(folder, handler))
    return 0


async def _listen(folder: Path, handler: Any) -> None:
    from nx_27017.server import handle_client  # type: ignore[import-untyped]

    path = socket_path(folder)
    if path.parent != folder:
        _made_private(path.parent)
        (path.parent / "data").unlink(missing_ok=True)
        (path.parent / "data").symlink_to(folder / "data")  # whoever knows the socket alone finds the files by it
    path.unlink(missing_ok=True)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await handle_client(reader, writer, handler)

    # nx-27017's own server knows ports only, which every user of the machine can connect to.
    server = await asyncio.start_unix_server(client, str(path), backlog=1024)
    fresh = folder / f"server.json.{os.getpid()}"
    fresh.write_text(json.dumps({"pid": os.getpid(), "socket": str(path)}))
    fresh.replace(folder / "server.json")

    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    await stopped.wait()
    server.close()
    path.unlink(missing_ok=True)
    if path.parent != folder and path.parent.is_dir():  # who tidies temporary files may have been here
        (path.parent / "data").unlink(missing_ok=True)
        path.parent.rmdir()
    handler.close_all()
    os._exit(0)  # clients may still be connected, and nothing is left to say to them


SOCKET_BYTES = 100
"""A socket's name may have 104 bytes on some systems, 108 on others."""


def socket_path(folder: Path) -> Path:
    """In the folder; where that is too long for a socket's name, in one like it in the folder for temporary files, or in /tmp."""
    path = folder / "mongodb.sock"
    name = f"sluice-{os.getuid()}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    for place in (tempfile.gettempdir(), "/tmp"):
        if len(os.fsencode(path)) >= SOCKET_BYTES:
            path = Path(place, name, "mongodb.sock")
    return path


def _made_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if not is_private(folder):
        raise PermissionError(f"{folder} is not a private folder of this user")


def is_private(folder: Path) -> bool:
    """Whether it is a folder of this user's, and no link to one, that nobody else may enter."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def _leave_with_the_last_user(users: int) -> None:
    fcntl.flock(users, fcntl.LOCK_EX)
    # The kernel ends this process in 2 s whatever Python is doing: the exit that SIGTERM asks for was once seen to hang in
    # the interpreter's own shutdown, with the locks held, where no thread of ours runs any more. What was acknowledged is
    # in SQLite's log by then.
    signal.alarm(2)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1])))
