"""Every command and setting that the documents name exists, and every one that exists is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import click
import pytest
from pydantic import BaseModel

from cli.main import COMMANDS, cli
from sluice.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "adr").glob("*.md")]
)
COMMAND = re.compile(r"(?:^|[`\s(/])sluice(?: --config \S+)? ([a-z][a-z-]*)((?: [a-z-]+)?)([^`\n|#]*)", re.MULTILINE)
PROSE = frozenset({"is", "does", "has", "and", "on", "in", "itself", "or", "index"})
"""Words that follow the name in a sentence."""


def commands(page: Path) -> Iterator[tuple[str, str, str]]:
    """What stands in code on a page: command, perhaps its own command, and the rest of the line."""
    text = page.read_text(encoding="utf-8")
    fenced = "\n".join(re.findall(r"^```(?:bash|sh|)\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE))
    inline = "\n".join(re.findall(r"`(sluice [^`]+)`", text))
    for name, below, rest in COMMAND.findall(f"{fenced}\n{inline}"):
        yield name, below.strip(), rest


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_in_the_documents_exists(page: Path) -> None:
    """`sluice NAME [NAME] --option …`, in code: the command is one, the option is its, or its subcommand's."""
    context = click.Context(cli)
    for name, below, rest in commands(page):
        if name in PROSE and name not in COMMANDS:
            continue
        assert name in COMMANDS, f"{page.name}: sluice {name}"
        command = cli.get_command(context, name)
        assert command is not None
        known = set(command.params)
        if isinstance(command, click.Group):
            subs = [sub for n in command.list_commands(context) if (sub := command.get_command(context, n))]
            chosen = command.get_command(context, below) if below else None
            known |= set(chosen.params) if chosen is not None else {p for sub in subs for p in sub.params}
        options = {option for parameter in known for option in parameter.opts} | {"--help", "--json", "--config"}
        for option in re.findall(r"(?<![\w-])(--[a-z][a-z-]*)", rest.split("&&")[0]):
            assert option in options, f"{page.name}: sluice {name} {below} {option}"


def test_every_command_is_in_the_documents() -> None:
    """A command that nobody reads of is used by nobody."""
    named = {name for page in PAGES for name, _, _ in commands(page)}
    assert set(COMMANDS) <= named, sorted(set(COMMANDS) - named)


def test_every_setting_is_in_the_documents() -> None:
    """Each key of each section of the configuration stands as a word on some page."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    words = set(re.findall(r"[a-z][a-z0-9_]*", text))
    missing = sorted(path for path in keys(Settings) if path.rpartition(".")[2] not in words)
    assert not missing, missing


def keys(section: type[BaseModel], above: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        if field.exclude or name in ("base", "path", "options"):
            continue
        yield f"{above}{name}"
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from keys(part, f"{above}{name}.")
