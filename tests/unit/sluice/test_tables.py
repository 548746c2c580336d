"""Delimited text of strangers."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import pytest

from sluice.tables import named_rows_of, rows_of


@pytest.fixture(params=[10, 131_072])
def _allowed(request: pytest.FixtureRequest) -> Iterator[None]:
    """The longest cell that somebody else in the process has set."""
    before = csv.field_size_limit(request.param)
    yield
    csv.field_size_limit(before)


@pytest.mark.usefixtures("_allowed")
def test_cells_are_of_any_size_whatever_was_read_before() -> None:
    """The limit is the process's; neither of its readers keeps it."""
    long = "x" * 200_000
    assert list(rows_of([f"a;{long}"], delimiter=";")) == [["a", long]]


@pytest.mark.usefixtures("_allowed")
def test_so_are_those_of_named_columns() -> None:
    """As a golden set of a spreadsheet has them."""
    long = "x" * 200_000
    assert list(named_rows_of(["query,quote\n", f"why?,{long}\n"])) == [{"query": "why?", "quote": long}]
