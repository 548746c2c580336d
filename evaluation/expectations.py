"""The only file that imports Great Expectations: tables and lists of expectations in, findings out.

An ephemeral context: nothing is written but the Data Docs that are asked for, nothing is sent, no progress bars. The
import takes 3 s: it is done beside the build, in another process (`checker.py`), or when the first table is checked.
"""

from __future__ import annotations

import json
import logging
import math
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from evaluation.reports.markup import text
from sluice.errors import ConfigurationError, IntegrityError
from sluice.homes import have_a_home

SAMPLES = 5

_IMPORTING = Lock()


@dataclass(frozen=True, slots=True)
class Finding:
    """What one expectation found: `unexpected` of `rows` values, with at most five of them and where they stand."""

    suite: str
    claim: str
    expectation: str
    met: bool
    critical: bool
    rows: int
    unexpected: int
    samples: tuple[Mapping[str, Any], ...] = ()
    error: str = ""
    observed: str = ""
    """What was found, where the expectation is about a column and not about its values."""

    def as_json(self) -> dict[str, Any]:
        found = {
            "suite": self.suite,
            "claim": self.claim,
            "expectation": self.expectation,
            "met": self.met,
            "critical": self.critical,
            "unexpected": self.unexpected,
            "samples": [dict(sample) for sample in self.samples],
        }
        return found | {name: value for name in ("error", "observed") if (value := getattr(self, name))}


@dataclass(frozen=True, slots=True)
class Suite:
    """A table (columns of equal length) and what is expected of it; `named_by` are the columns that name a row in samples."""

    name: str
    table: Mapping[str, Sequence[Any]]
    expectations: Sequence[Mapping[str, Any]]
    named_by: Sequence[str]


def library() -> Any:
    """Great Expectations, which does not phone home; the first import takes seconds, and a second thread waits for it."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # read when it is imported
    have_a_home()
    # For good: to put filters back from a thread would undo what others set meanwhile.
    warnings.filterwarnings("ignore", message=r"module 'sre_(constants|parse)' is deprecated", category=DeprecationWarning)
    with _IMPORTING:
        import great_expectations

    return great_expectations


def check(suites: Sequence[Suite], *, parameters: Mapping[str, Any], docs: Path | None = None) -> list[Finding]:
    """Each expectation against its table, in order; with `docs`, the results as Data Docs in that folder too.

    `parameters` fill `{"$PARAMETER": …}`. Raises ConfigurationError for an expectation that Great Expectations does not
    know.
    """
    gx = library()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    # This one sets its own level, to tell of each temporary folder.
    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    findings = [finding for suite in suites for finding in _checked(gx, context, suite, parameters)]
    if docs is not None:
        _escape(context.validation_results_store)
        store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs)}
        index = {"class_name": "DefaultSiteIndexBuilder"}
        context.add_data_docs_site("sluice", {"class_name": "SiteBuilder", "store_backend": store, "site_index_builder": index})
        context.build_data_docs(site_names=["sluice"])
    return findings


def _escape(store: Any) -> None:
    """Rewrite kept results, for its pages put values into their markup as they are: a title with a script would run."""
    for key in store.list_keys():
        kept = store.get(key)
        for result in kept.results:
            result.result = _as_text(result.result)
            result.exception_info = _as_text(result.exception_info)
        store.set(key, kept)


def _as_text(value: Any) -> Any:
    if isinstance(value, str):
        return str(text(value))
    if isinstance(value, Mapping):
        return {key: _as_text(inner) for key, inner in value.items()}
    return [_as_text(inner) for inner in value] if isinstance(value, list | tuple) else value


def _checked(gx: Any, context: Any, asked: Suite, parameters: Mapping[str, Any]) -> list[Finding]:
    import pandas as pd

    suite = gx.ExpectationSuite(name=asked.name)
    for expectation in asked.expectations:
        # One by one: a suite that is handed a list only logs what it cannot read, and passes without it.
        suite.add_expectation(_expectation(expectation))
    context.suites.add(suite)
    asset = context.data_sources.add_pandas(asked.name).add_dataframe_asset(asked.name)
    batch = asset.add_batch_definition_whole_dataframe(asked.name)
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=asked.name, data=batch, suite=suite))
    frame = pd.DataFrame(asked.table)
    outcome = definition.run(
        batch_parameters={"dataframe": frame},
        expectation_parameters=dict(parameters),
        result_format={
            "result_format": "SUMMARY",
            "unexpected_index_column_names": list(asked.named_by),
            "partial_unexpected_count": SAMPLES,
        },
    )
    if len(outcome.results) != len(asked.expectations):
        raise IntegrityError(
            f"{len(asked.expectations)} expectations were asked of '{asked.name}', {len(outcome.results)} answered"
        )
    return [_finding(asked.name, result.to_json_dict(), len(frame)) for result in outcome.results]


def _expectation(given: Mapping[str, Any]) -> Any:
    from great_expectations.exceptions import GreatExpectationsError
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    try:
        return ExpectationConfiguration(**given).to_domain_obj()
    except (GreatExpectationsError, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"the expectation {json.dumps(given)[:200]} cannot be used: {error}",
            hint="see Great Expectations' gallery for its types and their kwargs",
        ) from None


def _finding(suite: str, result: Mapping[str, Any], rows: int) -> Finding:
    config, found = result["expectation_config"], result.get("result") or {}
    met = bool(result["success"])
    unexpected = found.get("unexpected_count", 0 if met else 1)
    return Finding(
        suite=suite,
        claim=(config.get("meta") or {}).get("claim") or f"{config['type']} {config['kwargs'].get('column', '')}".strip(),
        expectation=config["type"],
        met=met,
        critical=config.get("severity", "critical") == "critical",
        rows=rows,
        unexpected=int(unexpected),
        samples=tuple(_plain(sample) for sample in (found.get("partial_unexpected_index_list") or ())[:SAMPLES]),
        error=_error(result.get("exception_info") or {}),
        observed=_observed(found.get("observed_value")),
    )


def _observed(value: Any) -> str:
    return "" if value is None else f"found {value:.4g}" if isinstance(value, (int, float)) else f"found {value}"


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
