"""A user without a home folder, as a container's or a service's whom the machine does not know."""

from __future__ import annotations

import os


def have_a_home() -> None:
    """Name the root as this process's home folder where nothing names one, as container runtimes do.

    Libraries ask for it when they are imported, and some end without one: Great Expectations does (through Altair's cache), and
    the gate on data quality refused every release of such a user. What they would keep there they then do not keep.
    """
    if os.path.expanduser("~") == "~":
        os.environ["HOME"] = os.sep
