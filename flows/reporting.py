"""A flow started by a command, in its own process: what it answers, as the operation itself would have."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from prefect import State
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import answering, deployed
from flows.telling import ENDED, Rejection
from pipeline.outcomes import Outcome


def in_process(command: str, subject: str, parameters: Mapping[str, Any], api: str | None) -> Any:
    """Run the flow of this name, reporting to the Prefect API at `api` (None: the configured one); raises what it raises.

    A server that goes away meanwhile takes nothing back: what the operation came to is answered, with a warning.
    """
    ended: list[Any] = []
    noted = ENDED.set(ended)
    with temporary_settings({PREFECT_API_URL: api}) if api is not None else nullcontext():
        try:
            return deployed.FLOWS[command](subject, **parameters)
        except Rejection as error:  # a failure to Prefect, an answer to the command
            return error.report
        except Exception as error:
            if not answering.is_silent(error):
                raise
            return came_to(ended, error)
        finally:
            ENDED.reset(noted)


def came_to(ended: list[Any], silent: Exception) -> Any:
    """What the operation came to, of which the Prefect server could not be told; StoreUnavailable where it did not begin."""
    found = ended[-1] if ended else answering.unanswered(silent)
    if isinstance(found, State):
        found = found.data
    if isinstance(found, Rejection):
        found = found.report
    if isinstance(found, Exception):
        raise found from silent
    if isinstance(found, Outcome):
        said = f"the Prefect server did not answer any more, and was not told how this ended: {answering.why(silent)}"
        return replace(found, warnings=(*found.warnings, said))
    return found
