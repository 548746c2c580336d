"""What an operation tells while it works. Who shows it, and how, is the caller's affair."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Progress(Protocol):
    """Thread-safe; every method may be called without a stage being open."""

    def note(self, message: str) -> None:
        """One line that stays."""

    def stage(self, name: str, total: int, unit: str = "document") -> AbstractContextManager[None]:
        """A stage of `total` units."""

    def advance(self, units: int = 0, *, texts: int = 0) -> None:
        """So many more units of the stage are done, so many more texts were embedded."""


class Silent:
    """Says nothing: tests, workers on other machines."""

    def note(self, message: str) -> None:
        pass

    def stage(self, name: str, total: int, unit: str = "document") -> AbstractContextManager[None]:
        return nullcontext()

    def advance(self, units: int = 0, *, texts: int = 0) -> None:
        pass
