"""Data quality: every point is whole, by a Great Expectations suite that a user can read and extend.

`chunks.json` beside this file is the suite. The table has one row for each point, without its text and vector:
chunk_id, document_key, uri, characters (of the text, stripped), tokens, tags (how many), unknown_tags (those that no
access rule knows, joined), language, dimension, finite, norm. A suite of a user's own names more expectations over
these columns in the same form, and may use the parameters max_tokens and dimensions.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from importlib.resources import files
from typing import Any

import numpy as np

from evaluation.expectations import Finding, check
from evaluation.gates.base import GateContext
from sluice.errors import ConfigurationError
from sluice.ids import fingerprint
from sluice.points import StoredPoint
from sluice.records import Verdict
from sluice.settings import ConfigPath, Section

FIELDS = ("document_key", "uri", "text", "tokens", "access_tags", "language")


class DataQualityOptions(Section):
    """`suite` adds expectations. A chunk that nobody may read (no rule matches its document) is only a warning, unless
    `require_tags`."""

    suite: ConfigPath | None = None
    require_tags: bool = False


class DataQualityGate:
    """Keys unique, text there, tokens within the window, tags known, vectors finite and of unit norm."""

    Options = DataQualityOptions
    name = "data_quality"

    def __init__(self, options: DataQualityOptions) -> None:
        self.options = options

    @cached_property
    def expectations(self) -> list[dict[str, Any]]:
        """The suite of this gate, then the user's."""
        own: list[dict[str, Any]] = json.loads(files("evaluation.gates").joinpath("chunks.json").read_text(encoding="utf-8"))
        if self.options.require_tags:
            own = [e | {"severity": "critical"} if e["kwargs"].get("column") == "tags" else e for e in own]
        return own + (_users(self.options.suite) if self.options.suite else [])

    @property
    def fingerprint(self) -> str:
        return fingerprint("gate:data_quality", {"expectations": self.expectations, "version": 1})

    def load(self) -> None:
        _ = self.expectations

    def judge(self, context: GateContext) -> Verdict:
        import pandas as pd

        columns: dict[str, list[Any]] = {}
        for point in context.points.scan(FIELDS, vectors=True):
            for column, value in _row(point, context.known_tags):
                columns.setdefault(column, []).append(value)
        table = pd.DataFrame(columns, columns=list(columns) or [column for column, _ in _row(StoredPoint("", {}), frozenset())])
        dimension = context.dimension if context.dimension is not None else _most_common(columns.get("dimension", []))
        findings = check(
            table,
            self.expectations,
            name="chunks",
            named_by=("chunk_id", "uri"),
            parameters={"max_tokens": context.window - context.special_tokens, "dimensions": [dimension]},
        )
        return _verdict(self.name, findings, len(table))


def _row(point: StoredPoint, known_tags: frozenset[str]) -> Iterator[tuple[str, Any]]:
    held, vector = point.payload, point.dense
    tags = frozenset(held.get("access_tags") or ())
    finite = vector is not None and bool(np.isfinite(vector).all())
    yield "chunk_id", point.id
    yield "document_key", held.get("document_key")
    yield "uri", held.get("uri")
    yield "characters", len(str(held.get("text") or "").strip())
    yield "tokens", held.get("tokens")
    yield "tags", len(tags)
    yield "unknown_tags", ", ".join(sorted(tags - known_tags))
    yield "language", held.get("language")
    yield "dimension", 0 if vector is None else len(vector)
    yield "finite", finite
    yield "norm", float(np.linalg.norm(vector.astype(np.float64))) if vector is not None and finite else 0.0


def _verdict(gate: str, findings: list[Finding], rows: int) -> Verdict:
    failed = [finding for finding in findings if not finding.met and finding.critical]
    evidence = {"points": rows, "expectations": [finding.as_json() for finding in findings]}
    warnings = tuple(_said(finding) for finding in findings if not finding.met and not finding.critical)
    if failed:
        return Verdict(gate, False, "; ".join(_said(finding) for finding in failed), evidence, warnings)
    return Verdict(gate, True, f"{len(findings)} expectations over {rows} points", evidence, warnings)


def _said(finding: Finding) -> str:
    problem = finding.error or f"{finding.unexpected} of {finding.rows} are otherwise"
    return f"not so: {finding.claim} ({problem})"


def _most_common(values: list[int]) -> int:
    return Counter(values).most_common(1)[0][0] if values else 0


def _users(path: ConfigPath) -> list[dict[str, Any]]:
    """A user's suite; raises ConfigurationError naming the file and the entry."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}", hint="correct the gate's 'suite'") from None
    except ValueError as error:
        raise ConfigurationError(f"{path}: not valid JSON: {error}", hint="a suite is a JSON list of expectations") from None
    if not isinstance(value, list):
        raise ConfigurationError(f"{path}: a suite is a JSON list of expectations, this is a {type(value).__name__}")
    for position, entry in enumerate(value):
        if (
            not isinstance(entry, dict)
            or not str(entry.get("type", "")).startswith("expect_")
            or not isinstance(entry.get("kwargs"), dict)
        ):
            raise ConfigurationError(
                f"{path}: {position}: not an expectation", hint='write {"type": "expect_…", "kwargs": {…}}, as in chunks.json'
            )
    return value
