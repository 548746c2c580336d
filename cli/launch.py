"""How a command becomes work: small work is done here and now, other work by a Prefect flow that goes on with the same run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from cli.progress import TerminalProgress
from flows import own_server
from pipeline import prefect_environment
from pipeline.executors import PARTITION_DOCUMENTS, PATIENCE_S, Begin, Executor, FlowNeeded, IfSmall, Inline
from pipeline.resources import Resources, shared
from pipeline.runs import Run, holding
from sluice.settings import Settings

T = TypeVar("T")


@contextmanager
def opened(config: Path) -> Iterator[Resources]:
    """The Resources of a configuration for one command, telling progress on standard error."""

    def make(settings: Settings) -> Resources:
        return Resources(settings, progress=TerminalProgress.on_stderr())

    with shared(str(config), make) as resources:
        yield resources


@contextmanager
def changing(config: Path, command: str) -> Iterator[tuple[Resources, Run]]:
    """The same, holding the index: for a command that changes it and is never worth a flow."""
    with opened(config) as r, holding(r, command) as run:
        yield r, run


def launch(
    config: Path, command: str, operation: Callable[[Resources, Run], T], parameters: Mapping[str, Any], *, builds: bool = False
) -> T:
    """Hold the index and do the operation; in the flow of this name, where it comes to more work than a process does alone.

    An operation that `builds` after it fetched and parsed does those two while the flow begins, and builds in the flow.
    """
    with opened(config) as r, holding(r, command, executor=in_process(r, ahead=builds)) as run:
        try:
            return operation(r, run)
        except FlowNeeded:
            found: T = in_flow(r, command, str(r.settings.path), parameters)
            return found


def in_process(r: Resources, *, ahead: bool = False) -> Executor:
    """Little work is done in the process of the command; with a Prefect server, which wants to see it, nothing is.

    With `runner: {type: inline}` everything is, without Prefect; with a cluster, one partition. With `ahead`, Prefect begins
    beside what comes first.
    """
    runner = r.settings.runner
    if runner.type == "inline":
        return Inline(PATIENCE_S)
    if prefect_environment.server() is not None:
        return IfSmall(documents=0)
    if runner.type == "dask":
        return IfSmall(min(runner.alone, PARTITION_DOCUMENTS))
    return IfSmall(runner.alone, Begin(lambda: begin(r), runner.threads) if ahead else None, runner.threads)


def begin(r: Resources) -> None:
    """Start what a flow of this process needs: Prefect's server, its own, and Prefect, each of which takes seconds."""
    prefect_environment.prepare(r.settings.state_dir)
    if own_server.of_this_process(r.settings.state_dir) is not None:
        r.progress.note("this is work for a flow: Prefect starts meanwhile")
    threading.Thread(target=_import_flows, name="Prefect ahead").start()


def _import_flows() -> None:
    with suppress(Exception):  # who needs it meets it again
        import flows.reporting  # noqa: F401  Python keeps it


def in_flow(r: Resources, command: str, subject: str, parameters: Mapping[str, Any]) -> Any:
    """Start the flow of this name in this process; what it answers."""
    prefect_environment.prepare(r.settings.state_dir)
    begun, server = own_server.is_begun(), own_server.of_this_process(r.settings.state_dir)
    if server is not None and not begun:
        r.progress.note("this is work for a flow: starting Prefect (some seconds)")
    from flows import reporting  # Prefect costs seconds: only now, when there is work for it, and while its server comes up

    return reporting.in_process(command, subject, parameters, server.ready() if server is not None else None)
