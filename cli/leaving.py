"""A command ends when its work is done: what Python and the database's driver do on the way out is a third of a short one."""

from __future__ import annotations

import atexit
import os
import sys
import threading


def leave(code: int, *, at_once: bool = False) -> None:
    """End this process, everything that was registered for the end done; returns where threads must be waited for first, which
    they are not `at_once`: one that imports, or is within the vector store's engine, may never come to an end of its own.

    The driver's own wait for its threads (half a second at most) is left out: they are daemons, and the kernel ends them. So
    is the taking apart of half a million objects that nobody will miss.
    """
    if not at_once and ("prefect" in sys.modules or "distributed" in sys.modules):  # their threads tell others how it went
        return
    if not at_once and any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        return
    monitor = sys.modules.get("pymongo.synchronous.monitor")
    if (wait := getattr(monitor, "_shutdown_resources", None)) is not None:
        atexit.unregister(wait)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # who read it is gone
            code = code or 1
    os._exit(code)
