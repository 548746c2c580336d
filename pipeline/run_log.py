"""A log of each run in the state folder: `runs/ID.log`, what was told while it worked, and how it ended.

For people; what programs need is in the ledger (`sluice runs`). The newest KEPT stay.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from pipeline.outcomes import Outcome, Report
from pipeline.progress import Progress
from pipeline.resources import Resources, utc_now
from sluice.display import terminal
from sluice.errors import SluiceError

KEPT = 200


def folder(r: Resources) -> Path:
    return r.settings.state_dir / "runs"


def path(r: Resources, run_id: str) -> Path:
    """Where the log of a run lies, once it did anything."""
    return folder(r) / f"{run_id}.log"


@contextmanager
def logged(r: Resources, run_id: str) -> Iterator[RunLog]:
    """While this is open, what is told of the run's progress is in its log, too; a log that cannot be written stops nothing."""
    log, told = RunLog(path(r, run_id)), r.progress
    r.progress = Told(told, log)
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
        """Why it failed; where it was not foreseen, from where."""
        if isinstance(error, SluiceError):
            self.line(f"failed: {error.message} Next: {error.hint}")
        else:
            self.line("failed: " + "".join(traceback.format_exception(error)))


class Told:
    """Implements `pipeline.progress.Progress`: hands everything on, and notes what is to stay."""

    def __init__(self, to: Progress, log: RunLog) -> None:
        self._to, self._log = to, log

    def note(self, message: str) -> None:
        self._log.line(message)
        self._to.note(message)

    def stage(self, name: str, total: int, unit: str = "documents") -> AbstractContextManager[None]:
        if total:
            self._log.line(f"{name}: {total} {unit}")
        return self._to.stage(name, total, unit)

    def advance(self, units: int = 0, *, texts: int = 0) -> None:
        self._to.advance(units, texts=texts)
