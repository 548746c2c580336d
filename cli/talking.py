"""How much a command says on standard error: quiet, normal, or verbose."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

import click

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
    """`quiet`, `normal` or `verbose`."""
    return os.environ.get(VARIABLE, "normal")


def tell(line: str) -> None:
    """A line on standard error, unless that shall be quiet."""
    if level() != "quiet":
        click.echo(f"· {line}", err=True)
