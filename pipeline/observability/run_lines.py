"""What a run writes as JSON Lines (`json_lines.py`).

Every line has `time`, `level` (info, warning, error), `event`, `index`, `run`, `command`, and `release` once there is one; a line
about one document has `source` and `document` (its uri), a line about a stage what was done, in which time and at which rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pipeline.observability.json_lines import wanted, write
from pipeline.outcomes import Outcome, Report
from sluice.errors import SluiceError
from sluice.records import QuarantineEntry


class JsonLines:
    """Implements `pipeline.observability.run_log.Listener`; says nothing where it is not wanted."""

    def __init__(self, index: str, run: str, command: str, release: Callable[[], str | None]) -> None:
        self._of = {"index": index, "run": run, "command": command}
        self._release, self._wanted = release, wanted()

    def began(self, actor: str, parameters: Mapping[str, Any]) -> None:
        self._write("info", "run began", actor=actor, parameters=dict(parameters))

    def note(self, message: str) -> None:
        self._write("info", "note", message=message)

    def stage_began(self, name: str, total: int, unit: str) -> None:
        self._write("info", "stage began", stage=name, total=total, unit=f"{unit}s")

    def stage_ended(self, name: str, total: int, unit: str, done: int, texts: int, seconds: float) -> None:
        rates = {"per_second": _rate(done, seconds)} | ({"texts_per_second": _rate(texts, seconds)} if texts else {})
        done_now = {"done": done, "texts_embedded": texts, "seconds": round(seconds, 3)}
        self._write("info", "stage ended", stage=name, total=total, unit=f"{unit}s", **done_now, **rates)

    def documents(self, quarantined: Iterable[QuarantineEntry], expired: Iterable[str]) -> None:
        for entry in quarantined:
            about = {"source": entry.source, "document": entry.uri, "stage": entry.stage, "reason": entry.reason}
            self._write("warning", "document quarantined", **about, error=entry.error, attempts=entry.attempts)
        for uri in expired:
            self._write("info", "document expired", document=uri)

    def ended(self, outcome: Outcome) -> None:
        done: dict[str, Any] = {"outcome": outcome.outcome, "release": outcome.release}
        for warning in outcome.warnings:
            self._write("warning", "note", message=warning)
        if isinstance(outcome, Report):
            for verdict in outcome.verdicts:
                level = "info" if verdict.passed else "error"
                self._write(level, "gate", gate=verdict.gate, passed=verdict.passed, reason=verdict.reason)
            done |= {"counts": outcome.counts, "seconds": outcome.seconds}
            done |= {"embedded": outcome.embedded, "cached": outcome.cached, "tokens": outcome.tokens}
        self._write("error" if outcome.outcome == "rejected" else "info", "run ended", **done)

    def failed(self, error: BaseException) -> None:
        if not self._wanted:
            return
        from ingest.redact import hushed

        known = isinstance(error, SluiceError)
        said = error.message if isinstance(error, SluiceError) else f"{type(error).__name__}: {error}"
        more = {"next": error.hint} if isinstance(error, SluiceError) else {}
        self._write("error", "run failed", type=type(error).__name__, message=hushed(said), foreseen=known, **more)

    def _write(self, level: str, event: str, **values: Any) -> None:
        if self._wanted:
            write(level, event, **self._of, **({"release": r} if (r := self._release()) else {}) | values)


def _rate(units: int, seconds: float) -> float:
    return round(units / max(seconds, 1e-3), 1)
