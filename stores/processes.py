"""Who a process is, so that another one can tell whether it still lives."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

import psutil

_START_TOLERANCE_S = 2.0
"""Start times are derived from the wall clock at boot, which time synchronisation may move by a moment."""


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process: its host, the PID namespace within it, its pid, and when it started (seconds since the epoch).

    A pid alone is not an identity: it is used again after a reboot, and two containers of one host (with one host
    name, if they share its network) may both have a process 7.
    """

    host: str
    namespace: str
    pid: int
    started: float

    @classmethod
    def current(cls) -> ProcessId:
        """The calling process."""
        return cls(socket.gethostname(), _namespace(), os.getpid(), psutil.Process().create_time())

    def alive(self) -> bool | None:
        """Whether it runs now; None where that cannot be known: on another host, or in another container."""
        if (self.host, self.namespace) != (socket.gethostname(), _namespace()):
            return None
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:  # killed, and its parent has not looked yet
                return False
            return abs(process.create_time() - self.started) < _START_TOLERANCE_S
        except psutil.NoSuchProcess:
            return False

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:  # no such thing outside Linux
        return ""
