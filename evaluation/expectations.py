"""The only file that imports Great Expectations: a table and a list of expectations in, findings out.

An ephemeral context: nothing is written, nothing is sent, no progress bars. The import takes 4 s, and happens when the
first table is checked.
"""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sluice.errors import ConfigurationError, IntegrityError

if TYPE_CHECKING:
    import pandas as pd

SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """What one expectation found: `unexpected` of `rows` values, with at most five of them and where they stand."""

    claim: str
    expectation: str
    met: bool
    critical: bool
    rows: int
    unexpected: int
    samples: tuple[Mapping[str, Any], ...] = ()
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        found = {
            "claim": self.claim,
            "expectation": self.expectation,
            "met": self.met,
            "critical": self.critical,
            "unexpected": self.unexpected,
            "samples": [dict(sample) for sample in self.samples],
        }
        return found | ({"error": self.error} if self.error else {})


def check(
    table: pd.DataFrame,
    expectations: Sequence[Mapping[str, Any]],
    *,
    name: str,
    named_by: Sequence[str],
    parameters: Mapping[str, Any],
) -> list[Finding]:
    """Each expectation against the table, in order; raises ConfigurationError for one that Great Expectations does not know.

    `named_by` are the columns that name a row in the samples; `parameters` fill `{"$PARAMETER": …}`.
    """
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # read when it is imported
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"module 'sre_(constants|parse)' is deprecated", category=DeprecationWarning)
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig
        from great_expectations.exceptions import GreatExpectationsError
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    suite = gx.ExpectationSuite(name=name)
    for expectation in expectations:
        # One by one: a suite that is handed a list only logs what it cannot read, and passes without it.
        try:
            suite.add_expectation(ExpectationConfiguration(**expectation).to_domain_obj())
        except (GreatExpectationsError, ValueError, TypeError) as error:
            raise ConfigurationError(
                f"the expectation {json.dumps(expectation)[:200]} cannot be used: {error}",
                hint="see Great Expectations' gallery for its types and their kwargs",
            ) from None
    context.suites.add(suite)
    asset = context.data_sources.add_pandas(name).add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe(name)
    outcome = gx.ValidationDefinition(name=name, data=batch, suite=suite).run(
        batch_parameters={"dataframe": table},
        expectation_parameters=dict(parameters),
        result_format={
            "result_format": "SUMMARY",
            "unexpected_index_column_names": list(named_by),
            "partial_unexpected_count": SAMPLES,
        },
    )
    if len(outcome.results) != len(expectations):
        raise IntegrityError(f"{len(expectations)} expectations were asked of '{name}', {len(outcome.results)} answered")
    return [_finding(result.to_json_dict(), len(table)) for result in outcome.results]


def _finding(result: Mapping[str, Any], rows: int) -> Finding:
    config, found = result["expectation_config"], result.get("result") or {}
    met = bool(result["success"])
    unexpected = found.get("unexpected_count", 0 if met else 1)
    return Finding(
        claim=(config.get("meta") or {}).get("claim") or f"{config['type']} {config['kwargs'].get('column', '')}".strip(),
        expectation=config["type"],
        met=met,
        critical=config.get("severity", "critical") == "critical",
        rows=rows,
        unexpected=int(unexpected),
        samples=tuple(_plain(sample) for sample in (found.get("partial_unexpected_index_list") or ())[:SAMPLES]),
        error=_error(result.get("exception_info") or {}),
    )


def _plain(sample: Mapping[str, Any]) -> dict[str, Any]:
    """A row's name and value as plain values: it comes with numpy's scalars and NaN for nothing."""
    values = {key: value.item() if isinstance(value, np.generic) else value for key, value in sample.items()}
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in values.items()}


def _error(info: Mapping[str, Any]) -> str:
    """The first error that Great Expectations caught: it nests them by metric, or gives one."""
    if info.get("raised_exception"):
        return str(info.get("exception_message"))
    nested = (value for value in info.values() if isinstance(value, Mapping))
    return next((str(value.get("exception_message")) for value in nested if value.get("raised_exception")), "")
