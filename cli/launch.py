"""How a command becomes work: decide without Prefect, start a flow only when there is something to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cli.progress import Progress
from pipeline import prefect_environment
from pipeline.operations import Engine, Result, WorkToDo, planning_engine
from pipeline.resources import Wiring, present_actor, shared
from sluice.settings import Settings


@contextmanager
def opened(config: Path, command: str) -> Iterator[Wiring]:
    """The wiring of a configuration for one command, telling its progress on standard error."""

    def make(settings: Settings) -> Wiring:
        return Wiring(settings, actor=present_actor(f"sluice {command}"), progress=Progress.on_stderr())

    with shared(str(config), make) as wiring:
        yield wiring


def launch(config: Path, command: str, decide: Callable[[Wiring, Engine], Result], parameters: dict[str, Any]) -> Result:
    """Hold the index, decide, and run the flow of this name when the decision is that there is work."""
    with opened(config, command) as w, w.lease(command):
        try:
            return decide(w, planning_engine())
        except WorkToDo:
            prefect_environment.prepare(w.settings.state_dir)
            from flows import deployed  # Prefect costs seconds: only now, when there is work

            result: Result = deployed.FLOWS[command](str(w.settings.path), **parameters)
            return result
