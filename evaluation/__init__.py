"""Evidence: golden sets, measures, gates and reports.

Importing this package is cheap; Great Expectations, pandas and ir_measures arrive when a gate or a measure needs them.
"""

from evaluation.ambiguity import check_known, check_uris
from evaluation.care import check as check_golden
from evaluation.gates import (
    Gate,
    GateContext,
    ReleaseView,
    build_all,
    gates_fingerprint,
    may_search,
    prepare,
    queries_of,
    release_tags,
    run_gates,
)
from evaluation.golden import GoldenQuery, GoldenSet, Label, LeakCase, LeakCases, load_golden, load_leaks
from evaluation.labels import ResolvedSet, resolve, resolve_together
from evaluation.readable import closed
from evaluation.reports import next_steps, page_html, quoted, report, report_html, verdict_json
from evaluation.scoring import Evaluation, QueryResult, evaluate

__all__ = [
    "Evaluation",
    "Gate",
    "GateContext",
    "GoldenQuery",
    "GoldenSet",
    "Label",
    "LeakCase",
    "LeakCases",
    "QueryResult",
    "ReleaseView",
    "ResolvedSet",
    "build_all",
    "check_golden",
    "check_known",
    "check_uris",
    "closed",
    "evaluate",
    "gates_fingerprint",
    "load_golden",
    "load_leaks",
    "may_search",
    "next_steps",
    "page_html",
    "prepare",
    "queries_of",
    "quoted",
    "release_tags",
    "report",
    "report_html",
    "resolve",
    "resolve_together",
    "run_gates",
    "verdict_json",
]
