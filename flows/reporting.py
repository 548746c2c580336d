"""A flow started by a command, in its own process: what it answers, as the operation itself would have."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import deployed
from flows.telling import Rejection


def in_process(command: str, subject: str, parameters: Mapping[str, Any], api: str | None) -> Any:
    """Run the flow of this name, reporting to the Prefect API at `api` (None: the configured one); raises what it raises."""
    with temporary_settings({PREFECT_API_URL: api}) if api is not None else nullcontext():
        try:
            return deployed.FLOWS[command](subject, **parameters)
        except Rejection as error:  # a failure to Prefect, an answer to the command
            return error.report
