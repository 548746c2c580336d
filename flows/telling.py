"""How a flow ends: in a state with a name of its own and in words; and, where it was scheduled, in a line on standard error.

A run that found the index held, that a gate rejected, or that failed in one of the ways that Sluice knows is told in a
sentence, in Prefect's interface and in the terminal of `sluice serve`, not in a traceback.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import wraps
from typing import Any

import click
from prefect import flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.flows import Flow
from prefect.states import Completed, Failed

from flows.run_page import in_a_sentence
from pipeline.observability import json_lines
from pipeline.outcomes import Outcome, Report
from pipeline.resources import utc_now
from sluice.blame import own_code
from sluice.display import line as one_line
from sluice.errors import GateRejected, SluiceError
from sluice.tether import tie

STATES: Mapping[str, str] = {
    "IndexBusy": "Busy",
    "GateRejected": "Rejected",
    "Rejection": "Rejected",
    "MassDeletion": "Refused",
    "SourceUnavailable": "Source failed",
    "BudgetSpent": "Stopped",
}
"""The names of the states that errors end in; of any other, Prefect's own: Failed."""


ENDED: ContextVar[list[Any] | None] = ContextVar("what the flow came to", default=None)
"""What the flow that is run in this context came to: what it gives, or the error that it raises."""

SERVED_BY = "SLUICE_SERVED_BY"
"""The environment variable in which `sluice serve` tells its runs its process id."""


class Rejection(GateRejected):
    """A candidate that its gates rejected, as the failure of a flow run; `report` is what the operation gave."""

    def __init__(self, report: Report) -> None:
        failed = [f"{verdict.gate}: {verdict.reason}" for verdict in report.verdicts if not verdict.passed]
        super().__init__(f"release {report.release} was rejected: {'; '.join(failed)}", hint=f"its evidence: {report.report}")
        self.report = report


def named_flow(name: str, **options: Any) -> Callable[[Callable[..., Any]], Flow[..., Any]]:
    """Prefect's `flow`, which ends in words."""

    def made(function: Callable[..., Any]) -> Flow[..., Any]:
        ended = {when: [say_how_it_ended] for when in ("on_completion", "on_failure", "on_crashed")}
        hooks = {"on_running": [say_that_it_began], **ended}
        settings: dict[str, Any] = {"validate_parameters": False, "persist_result": False, **hooks, **options}
        found: Flow[..., Any] = flow(name=name, **settings)(in_words(function))
        return found

    return made


def in_words(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, whose state says in words what came of it; of a SluiceError a failed one, and whoever asks is raised it.

    What it came to is in `ENDED` as well, for who wants to know it whatever Prefect's server hears of it.
    """

    @wraps(function)
    def told(*given: Any, **named: Any) -> Any:
        try:
            found = _noted(function(*given, **named))
            return Completed(message=in_a_sentence(found), data=found) if isinstance(found, Outcome) else found
        except SluiceError as error:
            _noted(error)
            said = f"{error.message} Next: {error.hint}" if error.hint else error.message
            return Failed(name=STATES.get(type(error).__name__, "Failed"), message=said, data=error)
        except Exception as error:  # the log of the run has the traceback
            _noted(error)
            place = own_code(error)
            said = f"{type(error).__name__}: {error}"
            return Failed(message=said if place is None else f"{place}: {said}", data=error)

    return told


def _noted(ended: Any) -> Any:
    if (noted := ENDED.get()) is not None:
        noted.append(ended)
    return ended


def say_that_it_began(flow: Flow[..., Any], run: FlowRun, state: State[Any]) -> None:
    _say(run, f"{flow.name} began")


def say_how_it_ended(flow: Flow[..., Any], run: FlowRun, state: State[Any]) -> None:
    result = getattr(state.data, "result", state.data)
    said = f": {result.outcome} {result.release or ''}".rstrip() if isinstance(result, Outcome) else ""
    said = said or (f": {state.message}" if state.message else "")
    took = f" after {(utc_now() - run.start_time).total_seconds():.0f} s" if run.start_time is not None else ""
    _say(run, f"{flow.name} ended, {(state.name or state.type.value).lower()}{took}{said}")


def _say(run: FlowRun, line: str) -> None:
    """A line for whoever watches `sluice serve`; a flow that a command started says what it says itself."""
    if run.deployment_id is None:
        return
    if json_lines.wanted():
        json_lines.write("info", "note", flow_run=run.name, message=one_line(line))
    else:
        click.echo(one_line(f"{utc_now():%Y-%m-%d %H:%M:%S} UTC  {line}"), err=True)


class _InWords(logging.Filter):
    """Keeps out what Prefect logs of a failure, with the whole traceback: it is told in words, and is in the log of the run."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.exc_info is None or os.environ.get("SLUICE_VERBOSITY") == "verbose"


for _name in ("prefect.engine", "prefect.flow_runs", "prefect.task_runs"):
    logging.getLogger(_name).addFilter(_InWords())

if os.environ.get(SERVED_BY) == str(os.getppid()):
    tie(os.getppid())
