"""A log of each run in the state folder: `runs/ID.log`, what was told while it worked, and how it ended.

For people; what programs need is in the ledger (`sluice runs`). The newest KEPT stay.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from pipeline.outcomes import Outcome, Report
from pipeline.progress import Progress
from pipeline.resources import Resources, utc_now
from sluice.display import counted, terminal
from sluice.errors import SluiceError

KEPT = 200


def folder(r: Resources) -> Path:
    return r.settings.state_dir / "runs"


def path(r: Resources, run_id: str) -> Path:
    """Where the log of a run lies, once it did anything."""
    return folder(r) / f"{run_id}.log"


class Listener(Protocol):
    """Who keeps what a run tells. Thread-safe; none may fail a run."""

    def note(self, message: str) -> None: ...

    def stage_began(self, name: str, total: int, unit: str) -> None: ...

    def stage_ended(self, name: str, total: int, unit: str, done: int, texts: int, seconds: float) -> None: ...


@contextmanager
def logged(r: Resources, run_id: str, *others: Listener) -> Iterator[RunLog]:
    """While this is open, what is told of the run's progress is in its log, too; a log that cannot be written stops nothing."""
    log, told = RunLog(path(r, run_id)), r.progress
    r.progress = Told(told, (log, *others))
    try:
        yield log
    finally:
        r.progress = told
        for old in sorted(folder(r).glob("*.log"))[:-KEPT]:
            with suppress(OSError):
                old.unlink()


class RunLog:
    """Lines with the time of each; threads may share it."""

    def __init__(self, file: Path) -> None:
        self._file, self._lock = file, threading.Lock()

    def line(self, text: str) -> None:
        with self._lock, suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as file:
                file.write(f"{utc_now():%Y-%m-%d %H:%M:%S}Z  {terminal(text)}\n")

    def note(self, message: str) -> None:
        self.line(message)

    def stage_began(self, name: str, total: int, unit: str) -> None:
        self.line(f"{name}: {counted(total, unit)}")

    def stage_ended(self, name: str, total: int, unit: str, done: int, texts: int, seconds: float) -> None:
        embedded = f", {counted(texts, 'text')} embedded ({texts / max(seconds, 1e-3):.1f} a second)" if texts else ""
        rate = f"({done / max(seconds, 1e-3):.1f} a second)"
        self.line(f"{name}: {done} of {counted(total, unit)} in {seconds:.1f} s {rate}{embedded}")

    def ended(self, outcome: Outcome) -> None:
        """How it ended, with what was counted, found and warned of."""
        if isinstance(outcome, Report):
            for stage, counts in outcome.counts.items():
                self.line(f"{stage}: {counts.as_json()}")
            for verdict in outcome.verdicts:
                self.line(f"{'pass' if verdict.passed else 'FAIL'}  {verdict.gate}: {verdict.reason}")
        for warning in outcome.warnings:
            self.line(f"note: {warning}")
        self.line(f"{outcome.outcome}, release {outcome.release or '(none)'}")

    def failed(self, error: BaseException) -> None:
        """Why it failed; where it was not foreseen, from where. Without the secrets that others' errors quote."""
        from ingest.redact import hushed  # what finds them is loaded when it is needed

        if isinstance(error, SluiceError):
            self.line(hushed(f"failed: {error.message} Next: {error.hint}"))
        else:
            self.line(hushed("failed: " + "".join(traceback.format_exception(error))))


class Told:
    """Implements `pipeline.progress.Progress`: hands everything on, and tells who listens what is to stay."""

    def __init__(self, to: Progress, listeners: Sequence[Listener]) -> None:
        self._to, self._listeners, self._lock = to, listeners, threading.Lock()
        self._done = self._texts = 0

    def note(self, message: str) -> None:
        for listener in self._listeners:
            listener.note(message)
        self._to.note(message)

    @contextmanager
    def stage(self, name: str, total: int, unit: str = "document") -> Iterator[None]:
        if not total:
            with self._to.stage(name, total, unit):
                yield
            return
        began, self._done, self._texts = time.monotonic(), 0, 0
        for listener in self._listeners:
            listener.stage_began(name, total, unit)
        with self._to.stage(name, total, unit):
            yield
        for listener in self._listeners:
            listener.stage_ended(name, total, unit, self._done, self._texts, time.monotonic() - began)

    def advance(self, units: int = 0, *, texts: int = 0) -> None:
        with self._lock:
            self._done += units
            self._texts += texts
        self._to.advance(units, texts=texts)
