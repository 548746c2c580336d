"""What an operation tells while it works, on the page of its flow run: Prefect's log of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from prefect.artifacts import create_markdown_artifact
from prefect.logging import get_run_logger

from flows import answering
from pipeline.outcomes import Garbage, Outcome, Report
from pipeline.resources import Resources, shared
from sluice.display import counted
from sluice.display import line as one_line
from sluice.settings import Settings


def opened(config: str) -> AbstractContextManager[Resources]:
    """The Resources of a configuration within a flow; where a command has them open already, they tell what it tells."""
    logger: Any = get_run_logger()  # of this run, from whichever thread it is written to

    def make(settings: Settings) -> Resources:
        return Resources(settings, progress=RunPage(logger))

    return shared(config, make)


def shown(r: Resources, key: str, markdown: str, description: str | None = None) -> None:
    """An artifact of the flow run; a server that does not take it is noted, and stops nothing."""
    try:
        create_markdown_artifact(key=key.lower().replace("_", "-").replace(".", "-"), markdown=markdown, description=description)
    except Exception as error:
        if not answering.is_silent(error):
            raise
        r.progress.note(f"the Prefect server did not take the page {key}: {answering.why(error)}")


class RunPage:
    """Implements `pipeline.progress.Progress`: a line a note, and one a stage, with what was done and how fast."""

    def __init__(self, logger: Any) -> None:
        self._logger, self._lock = logger, threading.Lock()
        self._done = self._texts = 0

    def note(self, message: str) -> None:
        self._logger.info(one_line(message))

    @contextmanager
    def stage(self, name: str, total: int, unit: str = "document") -> Iterator[None]:
        if not total:
            yield
            return
        began, self._done, self._texts = time.monotonic(), 0, 0
        yield
        took = max(time.monotonic() - began, 1e-3)
        texts = f", {counted(self._texts, 'text')} embedded ({self._texts / took:.1f} a second)" if self._texts else ""
        self.note(f"{name}: {self._done} of {counted(total, unit)} in {took:.1f} s ({self._done / took:.1f} a second){texts}")

    def advance(self, units: int = 0, *, texts: int = 0) -> None:
        with self._lock:
            self._done += units
            self._texts += texts


def in_a_sentence(outcome: Outcome) -> str:
    """What came of an operation: the message of its state."""
    said = " ".join(filter(None, (outcome.outcome, outcome.release)))
    if isinstance(outcome, Garbage):
        counted = [f"{len(names)} {kind}" for kind, names in outcome.removed.items() if names]
        return f"{said}: {', '.join(counted) or 'nothing to remove'}"
    if not isinstance(outcome, Report):
        return said
    parsed = outcome.counts.get("parse")
    parts = [f"{parsed.kept} parsed" if parsed is not None else "", f"{sum(parsed.failed.values())} failed" if parsed else ""]
    parts += [f"{outcome.documents_deleted} deleted" if outcome.documents_deleted else ""]
    parts += [f"{outcome.access_changed} with other readers" if outcome.access_changed else ""]
    parts += [f"{outcome.embedded} embedded" if outcome.chunks else ""]
    parts += [f"{sum(v.passed for v in outcome.verdicts)} of {len(outcome.verdicts)} gates passed" if outcome.verdicts else ""]
    told = ", ".join(part for part in parts if part and not part.startswith("0 "))
    return f"{said}: {told}" if told else said
