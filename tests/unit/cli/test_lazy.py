"""A command pays for what it uses: nothing heavy is imported before it is needed."""

from __future__ import annotations

import subprocess
import sys

import click

from cli.main import COMMANDS, cli

HEAVY = (
    "prefect",
    "pandas",
    "torch",
    "unstructured",
    "qdrant_client",
    "qdrant_edge",
    "pymongo",
    "numpy",
    "sentence_transformers",
    "transformers",
    "openvino",
    "great_expectations",
    "scrapy",
)


def imported(statement: str, of: tuple[str, ...] = HEAVY) -> set[str]:
    """Which of these modules a fresh process has after a statement."""
    told = f"{statement}\nimport sys\nprint(*(m for m in {of} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_help_imports_nothing_heavy() -> None:
    """`sluice --help` says what it says with click and rich alone."""
    assert imported("from cli.main import cli\nfrom click.testing import CliRunner\nCliRunner().invoke(cli, ['--help'])") == set()


def test_a_command_imports_no_engine_before_it_needs_one() -> None:
    """Every command is imported without Prefect, a model runtime, a parser, a vector store or a table library."""
    statement = (
        "from importlib import import_module\nfrom cli.main import COMMANDS\n"
        "for where, _ in COMMANDS.values():\n    import_module(where.partition(':')[0])"
    )
    assert imported(statement) <= {"pymongo", "numpy"}


def test_searching_imports_neither_what_reads_nor_what_cuts_nor_what_measures() -> None:
    """`search`, `releases` and a program that opens an index: a tenth of a second each that nobody waits for."""
    unused = ("ingest.processing", "ingest.sources", "chunking", "evaluation", "httpx", "pipeline.reading.evaluating")
    statement = "import cli.commands.asking\nimport cli.commands.versions\nimport pipeline.reading.library"
    assert imported(statement, (*unused, "pipeline.reading.searching")) == {"pipeline.reading.searching"}


def test_the_list_says_of_each_command_what_the_command_says() -> None:
    """The list is written down so that it can be shown without importing; it is the first sentence of each command."""
    ctx = click.Context(cli)
    for name, (_, told) in COMMANDS.items():
        command = cli.get_command(ctx, name)
        assert command is not None
        assert command.get_short_help_str(400) == told
