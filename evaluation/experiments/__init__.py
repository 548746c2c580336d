"""Experiments: variants of cutting, embedding and searching, compared on one golden set, with an honest verdict.

settings ─▶ running (one variant) ─▶ outcome (verdict over all) ─▶ record (a folder) and report (one page)
"""

from evaluation.experiments.outcome import Confirmation, Outcome, check, conclude
from evaluation.experiments.report import leader_first
from evaluation.experiments.running import QueryRecord, VariantResult, run_variant
from evaluation.experiments.settings import ExperimentSettings, ParsingSettings, VariantSettings, load_experiment
from evaluation.experiments.verdict import Decision, Difference, decide

__all__ = [
    "Confirmation",
    "Decision",
    "Difference",
    "ExperimentSettings",
    "Outcome",
    "ParsingSettings",
    "QueryRecord",
    "VariantResult",
    "VariantSettings",
    "check",
    "conclude",
    "decide",
    "leader_first",
    "load_experiment",
    "run_variant",
]
