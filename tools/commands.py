"""The reference of every command, from click's own description of it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from cli.main import COMMANDS, cli

INTRODUCTION = """\
# Commands

`sluice [--config FILE] COMMAND [--json]`. This page is made from the commands (`make reference`); a test fails when it is not
what they say.

`--config` names the configuration of one index; without it, `SLUICE_CONFIG` does, else it is `sluice.yaml`. With `--json`,
standard output is one JSON object, also on failure (`{"error": {"type", "message", "hint"}}`), and everything else
goes to standard error.

| exit code | |
|---|---|
| 0 | done, or nothing to do |
| 1 | failed |
| 2 | wrong usage or configuration |
| 3 | rejected by a gate |
| 4 | another process holds the index |
"""


def page() -> str:
    """docs/commands.md, whole."""
    root = click.Context(cli, info_name="sluice", help_option_names=["-h", "--help"])  # click keeps a command's first help option
    parts = [INTRODUCTION]
    for name in COMMANDS:
        parts += _inner(cli, name, root, 2)
    return "\n".join(parts)


def _told(command: click.Command, context: click.Context, level: int) -> Iterator[str]:
    """A command as a heading, its usage, its help and its options; then its subcommands."""
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"{'#' * level} {context.command_path}\n\n```\n{context.command_path} {usage}\n```\n"
    if command.help:
        yield _paragraphs(inspect.cleandoc(command.help)) + "\n"
    options = [
        option for option in command.get_params(context) if isinstance(option, click.Option) and "--help" not in option.opts
    ]
    rows = [record for option in options if (record := option.get_help_record(context)) is not None]
    if rows:
        yield "| option | |\n|---|---|"
        yield from (f"| `{names.replace('|', ' / ')}` | {_cell(told)} |" for names, told in rows)
        yield ""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from _inner(command, name, context, level + 1)


def _inner(group: click.Group, name: str, context: click.Context, level: int) -> Iterator[str]:
    if (command := group.get_command(context, name)) is not None:
        yield from _told(command, click.Context(command, info_name=name, parent=context), level)


def _paragraphs(text: str) -> str:
    """Paragraphs as they are; one that click is told not to wrap (`\\b`) as a block."""
    return "\n\n".join(
        "```\n" + part.removeprefix("\b\n") + "\n```" if part.startswith("\b") else _escaped(part) for part in text.split("\n\n")
    )


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;")


def _cell(text: str) -> str:
    return _escaped(" ".join(text.split())).replace("|", "\\|")
