"""No process outlives the one that started it, whatever kills that one.

A parent that is killed by SIGKILL cannot end its children, and those that are servers would wait for ever. So a child
looks: each second whether its parent is still its parent. (The kernel's own signal for it, PR_SET_PDEATHSIG, is Linux
only, and comes when the *thread* ends that started the child.)
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

LOOK_S = 1.0
GRACE_S = 5
"""How long an orderly end may take; then the kernel's alarm clock ends the process."""


def tie(parent: int, last: Callable[[], object] | None = None) -> None:
    """End this process (SIGTERM, and soon for good) when `parent` (a process id) is its parent no more; `last` is done first."""
    threading.Thread(target=_watch, args=(parent, last), name="tether", daemon=True).start()


def _watch(parent: int, last: Callable[[], object] | None) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    if last is not None:
        last()
    signal.alarm(GRACE_S)
    os.kill(os.getpid(), signal.SIGTERM)
