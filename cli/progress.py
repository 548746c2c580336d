"""Progress on long work, for people, on standard error: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from cli.safe_console import SafeConsole
from cli.talking import level
from sluice.display import counted

LINE_EVERY_S = 10.0


class TerminalProgress:
    """Implements `pipeline.progress.Progress` on a console."""

    def __init__(self, console: SafeConsole, *, verbose: bool = False) -> None:
        self._console, self._verbose = console, verbose
        self._lock = threading.Lock()
        self._bars: Bars | None = None
        self._task: TaskID | None = None
        self._name, self._total, self._done, self._embedded, self._told = "", 0, 0, 0, 0.0

    @classmethod
    def on_stderr(cls) -> TerminalProgress:
        return cls(SafeConsole(stderr=True, highlight=False, quiet=level() == "quiet"), verbose=level() == "verbose")

    def note(self, message: str) -> None:
        """One line that stays; a standard error that is closed or full stops no run."""
        with suppress(OSError):
            self._console.prose(message, "· ", "dim")

    @contextmanager
    def stage(self, name: str, total: int, unit: str = "document") -> Iterator[None]:
        """A stage of `total` units; shows nothing when there are none."""
        if total == 0:
            yield
            return
        started = time.monotonic()
        if self._verbose:
            self.note(f"{name}: {counted(total, unit)}")
        self._name, self._total, self._done, self._embedded, self._told = name, total, 0, 0, started
        if self._console.is_terminal:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            with Bars(*columns, console=self._console, transient=True) as self._bars:
                self._task = self._bars.add_task(name, total=total)
                yield
            self._bars = self._task = None
        else:
            yield
        embedded = f", {counted(self._embedded, 'text')} embedded" if self._embedded else ""
        self.note(f"{name}: {self._done} of {counted(total, unit)}{embedded} in {time.monotonic() - started:.1f} s")

    def advance(self, units: int = 0, *, texts: int = 0) -> None:
        """So many more units of the stage are done, so many more texts were embedded."""
        with self._lock:
            self._done = min(self._done + units, self._total)  # what is tried again is done once
            self._embedded += texts
            self._show()

    def _show(self) -> None:
        if self._bars is not None and self._task is not None:
            extra = f" · {counted(self._embedded, 'text')} embedded" if self._embedded else ""
            self._bars.update(self._task, completed=self._done, description=f"{self._name}{extra}")
        elif time.monotonic() - self._told > LINE_EVERY_S:
            self._told = time.monotonic()
            self.note(f"{self._name}: {self._done} of {self._total}, {counted(self._embedded, 'text')} embedded")
