"""The pages of docs/ that a program writes say what the program says today."""

from __future__ import annotations

import pytest

from cli.main import COMMANDS
from sluice.settings import SearchSettings
from tools import commands, settings
from tools.__main__ import DOCS, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_the_page_in_the_repository_is_the_page_that_would_be_written(name: str) -> None:
    """A new key, option or command is in the reference, or this fails: `make reference` writes it."""
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run: make reference"


def test_every_key_has_a_row_with_its_limits_default_and_meaning() -> None:
    """A row says what may be written, what holds without it, and the field's own docstring."""
    [row] = [line for line in settings.page().splitlines() if line.startswith("| `dense_weight`")]
    assert row == (
        "| `dense_weight` | number, > 0, < 1 | `0.5` | "
        "In hybrid search, how much of the fusion is the dense ranking's; the rest is the sparse one's. |"
    )
    assert {f"| `{name}` " in settings.page() for name in SearchSettings.model_fields} == {True}


def test_every_command_and_subcommand_has_a_section() -> None:
    """Each command of the contract, and those below it."""
    headings = {line.lstrip("# ") for line in commands.page().splitlines() if line.startswith("#")}
    assert {f"sluice {name}" for name in COMMANDS} <= headings
    assert {"sluice releases diff", "sluice golden add", "sluice access sync", "sluice quarantine retry"} <= headings


def test_no_path_of_this_machine_is_in_a_page() -> None:
    """The pages are the same wherever they are written."""
    assert str(DOCS.parent) not in settings.page() + commands.page()
