"""Every strategy in the table passes the suite that a user's own strategy runs."""

from __future__ import annotations

import chunking
from chunking.testing import StrategySuite


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


class TestSentence(StrategySuite):
    strategy = "sentence"


class TestSemantic(StrategySuite):
    strategy = "semantic"


class TestSemanticToATarget(StrategySuite):
    strategy = "semantic"
    options = {"target_tokens": 12, "neighbours": 0}  # noqa: RUF012


class TestCluster(StrategySuite):
    strategy = "cluster"
    options = {"piece_tokens": 6}  # noqa: RUF012


class TestHierarchical(StrategySuite):
    strategy = "hierarchical"
    options = {"parent_tokens": 100}  # noqa: RUF012


class TestCode(StrategySuite):
    strategy = "code"


class TestCodeOfOneLanguage(StrategySuite):
    strategy = "code"
    options = {"language": "python"}  # noqa: RUF012


class TestTable(StrategySuite):
    strategy = "table"


class TestAuto(StrategySuite):
    strategy = "auto"


def test_every_strategy_is_here() -> None:
    """No strategy is in the table without passing the suite."""
    tested = {suite.strategy for suite in StrategySuite.__subclasses__() if suite.__module__ == __name__}
    assert tested == set(chunking.STRATEGIES)
