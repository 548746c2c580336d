"""How often Python looks for cycles of objects that nobody can reach."""

from __future__ import annotations

import gc

OBJECTS = 50_000
"""Made and not freed since the last look: some ten megabytes at most."""


def look_seldom() -> None:
    """For a program that ends with its work: looking each time that 700 more objects are there, as Python does by itself, is a
    tenth of a changed run's time, and finds next to nothing."""
    gc.set_threshold(OBJECTS, 10, 10)
