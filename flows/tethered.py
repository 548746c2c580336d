"""A Python module run as the child of one process, with which it ends: `python -P -m flows.tethered PARENT MODULE ARGUMENTS…`."""

from __future__ import annotations

import runpy
import sys

from sluice.tether import tie

if __name__ == "__main__":
    tie(int(sys.argv[1]))
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
