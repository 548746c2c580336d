"""What `--help` promises stays: commands, arguments, options, their defaults and their words, as recorded."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import click

from cli.main import cli

RECORDED = Path(__file__).with_name("help.json")


def helps(command: click.Command, ctx: click.Context) -> Iterator[tuple[str, str]]:
    """The help of a command and of everything below it, by its path."""
    yield ctx.command_path, command.get_help(ctx)
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            below = command.get_command(ctx, name)
            assert below is not None
            yield from helps(below, click.Context(below, info_name=name, parent=ctx, max_content_width=110, terminal_width=110))


def test_every_command_and_flag_is_as_recorded() -> None:
    """Public names are a contract. Meant to change? `SLUICE_RECORD=1 pytest tests/unit/cli/test_help.py` writes it anew."""
    now = dict(
        helps(
            cli,
            click.Context(cli, info_name="sluice", max_content_width=110, terminal_width=110, help_option_names=["-h", "--help"]),
        )
    )
    if os.environ.get("SLUICE_RECORD"):
        RECORDED.write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert {path: text.splitlines() for path, text in now.items()} == {p: text.splitlines() for p, text in recorded.items()}
