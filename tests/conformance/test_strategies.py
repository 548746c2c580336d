"""Every strategy in the table passes the suite that a user's own strategy runs."""

from __future__ import annotations

import chunking
from tests.conformance.strategy_suite import StrategySuite


class TestFixed(StrategySuite):
    strategy = "fixed"


class TestRecursive(StrategySuite):
    strategy = "recursive"


class TestRecursiveMarkdown(StrategySuite):
    strategy = "recursive"
    options = {"language": "markdown"}  # noqa: RUF012


class TestHeading(StrategySuite):
    strategy = "heading"


class TestHeadingWithoutMerging(StrategySuite):
    strategy = "heading"
    options = {"merge": False}  # noqa: RUF012


def test_every_strategy_is_here() -> None:
    """No strategy is in the table without passing the suite."""
    tested = {suite.strategy for suite in StrategySuite.__subclasses__()}
    assert tested == set(chunking.STRATEGIES)
