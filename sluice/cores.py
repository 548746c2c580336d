"""How many processor cores this process may use: what a container or a mask leaves of the machine's."""

from __future__ import annotations

import math
import os
from functools import cache
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""What a container gets of the machine: microseconds of processor time in a period, or `max` (Linux, cgroup v2)."""


@cache
def cores(quota: Path = _QUOTA) -> int:
    """At least 1; of a share of a core, the core."""
    mask = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    found = len(mask) or os.cpu_count() or 1
    try:
        spent, period = quota.read_text(encoding="ascii").split()
        return max(1, min(found, math.ceil(int(spent) / int(period))))
    except (OSError, ValueError, ZeroDivisionError):  # no quota, or none that is a number
        return found
