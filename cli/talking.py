"""How much a command says on standard error: quiet, normal, or verbose."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import suppress

import click

from pipeline.observability import json_lines

VARIABLE = "SLUICE_VERBOSITY"
"""In the environment, so that the processes of a flow say as much as the command that started it."""


def set_level(arguments: Sequence[str]) -> None:
    """Take `-v`, `--verbose` or `--quiet` from the arguments, before anything else is looked at; they hold for one command."""
    if "--quiet" in arguments:
        os.environ[VARIABLE] = "quiet"
    elif {"-v", "--verbose"} & set(arguments):
        os.environ[VARIABLE] = "verbose"
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "INFO")
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", datefmt="%H:%M:%S")
    else:
        os.environ.pop(VARIABLE, None)


def level() -> str:
    """`quiet`, `normal` or `verbose`; quiet where JSON Lines are asked for, which nothing else may stand between."""
    if json_lines.wanted():
        return "quiet"
    return os.environ.get(VARIABLE, "normal")


def tell(line: str) -> None:
    """A line on standard error, unless that shall be quiet; one that is closed or full stops nothing."""
    if json_lines.wanted():
        json_lines.write("info", "note", message=line)
    elif level() != "quiet":
        with suppress(OSError):
            click.echo(f"· {line}", err=True)
