"""What a command waits for is begun before it is imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli import early
from cli.main import COMMANDS
from sluice.settings import load
from stores import EmbeddedMongo, let_go, open_stores, opening


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "sluice.yaml"
    file.write_text("index: i\nstate_dir: state\nsources: [{name: a, type: files, root: .}]\ngates: []\n", encoding="utf-8")
    return file


def test_every_command_that_is_begun_for_exists() -> None:
    """A command that is renamed is renamed here."""
    assert set(COMMANDS) >= early.STORED


def test_the_server_is_there_for_who_opens_the_stores(config: Path) -> None:
    """Begun twice it is begun once; whoever opens the stores takes it, and nothing is left over."""
    early.begin("search", config)
    early.begin("search", config)
    with open_stores(load(config)) as stores:
        assert stores.documents.read() == []
        assert not opening._ahead


def test_what_nobody_took_is_let_go(config: Path) -> None:
    """A command that ends without its stores leaves no user of the server behind."""
    early.begin("search", config)
    early.end()
    assert not opening._ahead
    folder = config.parent / "state" / "mongodb"
    with EmbeddedMongo(config.parent / "state"):  # a server that was on its way out is waited for
        assert (folder / "server.json").exists()


@pytest.mark.parametrize("content", [None, "index: [", "index: i\n"])
def test_what_is_wrong_with_the_configuration_is_left_to_the_command(tmp_path: Path, content: str | None) -> None:
    """No file, no YAML, not a configuration: nothing is begun, and nothing is said here."""
    file = tmp_path / "sluice.yaml"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    early.begin("search", file)
    let_go()
    assert not opening._ahead
    assert not (tmp_path / ".sluice").exists()
