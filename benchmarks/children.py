"""Work in a forked process of its own, and what became of it."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

LIMIT_S = 300
"""A process that has not ended by then hangs."""


def in_child(work: Callable[[Callable[[str], None]], Any]) -> tuple[str, Any]:
    """What became of it in a process of its own: ('done', result), ('raised', traceback) or ('killed', where)."""
    reader, writer = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:

        def tell(name: str) -> None:
            os.write(writer, pickle.dumps(("killed", name)))

        signal.alarm(LIMIT_S)
        try:
            told = pickle.dumps(("done", work(tell)))
        except BaseException:
            told = pickle.dumps(("raised", traceback.format_exc()))
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(told)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answers:
        told = answers.read()
    _, status = os.waitpid(child, 0)
    if not told:
        return "lost", f"it ended with status {status}, and said nothing"
    outcome: tuple[str, Any] = pickle.loads(told)
    if (outcome[0] == "killed") != (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
        return "lost", f"{outcome}, but it ended with status {status}"
    return outcome


def must(told: tuple[str, Any]) -> Any:
    if told[0] != "done":
        raise RuntimeError(f"{told[0]}: {told[1]}")
    return told[1]
