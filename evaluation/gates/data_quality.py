"""Data quality: every document, chunk and vector is whole, by Great Expectations suites that a user reads and extends.

`evaluation/suites/` holds one suite for each table of `tables.py`: documents, chunks, vectors. A file of a user's own
adds expectations in the same form: a list (about chunks) or an object with a list for each table. They may use the
parameters max_tokens, max_said, dimensions, unique_chunks, unique_documents, current_documents, max_boilerplate and languages.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from statistics import fmean
from typing import Any

from evaluation import checker
from evaluation.expectations import Finding, Suite
from evaluation.gates.base import GateContext
from evaluation.gates.tables import Columns, tables
from sluice import bounds
from sluice.display import counted
from sluice.errors import ConfigurationError
from sluice.evidence import Block, Figures, Notes, Table
from sluice.ids import fingerprint
from sluice.jsons import bounded
from sluice.records import Verdict
from sluice.settings import ConfigPath, Section, Share

NAMED_BY: Mapping[str, tuple[str, ...]] = {
    "documents": ("uri", "source"),
    "chunks": ("chunk_id", "uri"),
    "vectors": ("chunk_id", "uri"),
}
"""The tables, and the columns that name a row of each."""

WORST = 10
"""Documents with losses that are named."""

LIMITS: Mapping[str, tuple[str, str]] = {
    "unique_chunks": ("max_duplicate_chunks", ""),
    "unique_documents": ("max_duplicates", "sluice duplicates lists them"),
    "current_documents": ("max_stale_documents", "sluice documents --status stale lists them, sluice quarantine says why"),
    "max_boilerplate": ("max_boilerplate", ""),
    "in_languages": ("max_other_languages", "sluice documents --json has the language of each"),
}
"""By the parameter of an expectation: the option of this gate that it comes from, and where to look."""

REPEATING = 3
"""Documents that are named as those in which most of the repeated chunks stand."""

Expectations = dict[str, list[dict[str, Any]]]


class DataQualityOptions(Section):
    """Limits are shares between 0 and 1.

    `suite` adds expectations. A chunk that nobody may read (no rule matches its document) is only a warning, unless
    `require_tags`. With `languages`, all but `max_other_languages` of the documents are in one of them (or too short to
    tell). `data_docs` keeps the results as a site of HTML pages in the state folder.
    """

    suite: ConfigPath | None = None
    require_tags: bool = False
    max_duplicates: Share = 0.1
    max_duplicate_chunks: Share = 0.2
    max_stale_documents: Share = 0.05
    max_boilerplate: Share = 0.3
    languages: tuple[str, ...] = ()
    max_other_languages: Share = 0.05
    data_docs: bool = False


class DataQualityGate:
    """Keys unique, texts there, tokens within the window, tags known, vectors finite and of unit norm, few duplicates."""

    Options = DataQualityOptions
    name = "data_quality"

    def __init__(self, options: DataQualityOptions) -> None:
        self.options = options

    @cached_property
    def expectations(self) -> Expectations:
        """The suites of this gate, then the user's."""
        whole: Expectations = {table: _ours(table) for table in NAMED_BY}
        if self.options.require_tags:
            whole["chunks"] = [
                e | {"severity": "critical"} if e["kwargs"].get("column") == "tags" else e for e in whole["chunks"]
            ]
        if self.options.languages:
            whole["documents"].append(_LANGUAGES)
        for table, added in (_users(self.options.suite) if self.options.suite else {}).items():
            whole[table] += added
        return whole

    @property
    def fingerprint(self) -> str:
        own = self.options.model_dump(mode="json", exclude={"suite", "data_docs"})
        return fingerprint("gate:data_quality", {"options": own, "expectations": self.expectations, "version": 3})

    def load(self) -> None:
        _ = self.expectations

    def ahead(self) -> None:
        """What `judge` needs and no candidate changes: the library, seconds to import, in a process beside this one."""
        checker.shared.ahead()

    def judge(self, context: GateContext) -> Verdict:
        made = tables(context)
        checked = NAMED_BY if made["chunks"]["chunk_id"] else ("chunks",)  # of nothing, only that it is nothing
        suites = [Suite(table, made[table], self.expectations[table], NAMED_BY[table]) for table in checked]
        docs = context.workspace / "data_docs" / context.candidate.id if self.options.data_docs and context.workspace else None
        findings = checker.shared.check(suites, parameters=self._parameters(context, made["vectors"]), docs=docs)
        evidence: dict[str, Any] = {
            "points": len(made["chunks"]["chunk_id"]),
            "documents": len(made["documents"]["uri"]),
            "expectations": [finding.as_json() for finding in findings],
            "shares": _shares(made) if made["chunks"]["chunk_id"] else {},
            "losses": _losses(made["documents"]),
        }
        if docs is not None:
            evidence["data_docs"] = str(docs / "index.html")
        return _verdict(self.name, findings, evidence, self._advice(findings, made["chunks"]))

    def _advice(self, findings: Sequence[Finding], chunks: Columns) -> tuple[str, ...]:
        """Of each limit that is not kept: where it is set, and where to look."""
        said = []
        limits = {
            (table, (e.get("meta") or {}).get("claim")): value["$PARAMETER"]
            for table, expectations in self.expectations.items()
            for e in expectations
            for value in e["kwargs"].values()
            if isinstance(value, Mapping) and value.get("$PARAMETER") in LIMITS
        }
        for finding in findings:
            parameter = limits.get((finding.suite, finding.claim))
            if parameter is None or finding.met or not finding.critical:
                continue
            option, look = LIMITS[parameter]
            look = _repeating(chunks) if parameter == "unique_chunks" else look
            limit = f"{option}, now {getattr(self.options, option):g}, in the options of this gate"
            meant = f"if the documents are meant to be so: {limit}"
            said.append("; ".join(filter(None, (look, meant))))
        return tuple(said)

    def _parameters(self, context: GateContext, vectors: Columns) -> dict[str, Any]:
        limits = self.options
        dimension = context.dimension if context.dimension is not None else _most_common(vectors["dimension"])
        return {
            "max_tokens": context.window - context.special_tokens,
            "max_said": bounds.MAX_LABEL,
            "dimensions": [dimension],
            "unique_chunks": 1 - limits.max_duplicate_chunks,
            "unique_documents": 1 - limits.max_duplicates,
            "current_documents": 1 - limits.max_stale_documents,
            "max_boilerplate": limits.max_boilerplate,
            "languages": [*limits.languages, "und"],
            "in_languages": 1 - limits.max_other_languages,
        }


_LANGUAGES: dict[str, Any] = {
    "type": "expect_column_values_to_be_in_set",
    "kwargs": {"column": "language", "value_set": {"$PARAMETER": "languages"}, "mostly": {"$PARAMETER": "in_languages"}},
    "meta": {"claim": "documents are in the languages expected"},
}


def _repeating(chunks: Columns) -> str:
    """The documents in which most of the repeated chunks stand, of how many each; their first places do not count."""
    whole = Counter(chunks["uri"])
    repeated = Counter(uri for uri, again in zip(chunks["uri"], chunks["duplicate"], strict=True) if again)
    named = (f"{uri} ({times:,} of its {counted(whole[uri], 'chunk')})" for uri, times in repeated.most_common(REPEATING))
    return f"most of them stand in {', '.join(named)}"


def _shares(made: Mapping[str, Columns]) -> dict[str, float]:
    """What the limits are about, whether met or not: to see a limit coming nearer."""
    documents, chunks = made["documents"], made["chunks"]
    found = {
        "duplicate_documents": documents["duplicate"],
        "duplicate_chunks": chunks["duplicate"],
        "stale_documents": documents["stale"],
        "boilerplate": [share for share in documents["boilerplate"] if share is not None],
    }
    return {name: round(fmean(values), 4) if values else 0.0 for name, values in found.items()}


def _losses(documents: Columns) -> dict[str, Any]:
    """How many documents lost something when they were read, and which lost most: by the share of text, then by kinds."""
    rows = zip(*(documents[name] for name in ("uri", "source", "losses", "lost")), strict=True)
    lossy = sorted((row for row in rows if row[2] > 0), key=lambda row: (-row[3], -row[2], row[0]))
    worst = [{"uri": uri, "source": s, "kinds": kinds, "share": round(lost, 4)} for uri, s, kinds, lost in lossy[:WORST]]
    return {"documents": len(lossy), "worst": worst}


def _verdict(gate: str, findings: Sequence[Finding], evidence: dict[str, Any], advice: tuple[str, ...]) -> Verdict:
    failed = [finding for finding in findings if not finding.met and finding.critical]
    warnings = tuple(_said(finding) for finding in findings if not finding.met and not finding.critical)
    shown = _shown(findings, evidence)
    if failed:
        return Verdict(gate, False, "; ".join(_said(finding) for finding in failed), evidence, warnings, shown, advice)
    over = f"{counted(evidence['documents'], 'document')} and {counted(evidence['points'], 'point')}"
    reason = f"{counted(len(findings), 'expectation')} over {over}"
    return Verdict(gate, True, reason, evidence, warnings, shown)


def _shown(findings: Sequence[Finding], evidence: Mapping[str, Any]) -> tuple[Block, ...]:
    """The shares that limits are about, and what every expectation found: those that are met are folded."""
    shares = Figures({name.replace("_", " "): f"{value:.1%}" for name, value in evidence["shares"].items()})
    rows = [
        (
            finding.suite,
            finding.claim,
            "met" if finding.met else "not met" if finding.critical else "warning",
            finding.unexpected,
            "; ".join(", ".join(f"{key} {value}" for key, value in sample.items()) for sample in finding.samples[:2]),
        )
        for finding in findings
    ]
    head = ("table", "claim", "found", "otherwise", "for example")
    wrong = tuple(row for row, finding in zip(rows, findings, strict=True) if not finding.met)
    held = tuple(row for row, finding in zip(rows, findings, strict=True) if finding.met)
    holds = f"{counted(len(held), 'expectation is met', 'expectations are met')}"
    tables = (Table(head, wrong, marked=tuple(range(len(wrong))), words=True), Table(head, held, words=True, folded=holds))
    worst = tuple((each["uri"], each["kinds"], f"{each['share']:.1%}") for each in evidence["losses"]["worst"])
    title = f"{counted(evidence['losses']['documents'], 'document')} lost something when read; the worst of them"
    lossy = (Table(("document", "kinds of losses", "of its text"), worst, title, words=True),) if worst else ()
    docs = (Notes((f"Data Docs: {evidence['data_docs']}",)),) if "data_docs" in evidence else ()
    return (shares, *(table for table in tables if table.rows), *lossy, *docs)


def _said(finding: Finding) -> str:
    problem = finding.error or finding.observed or f"{finding.unexpected} of {finding.rows} are otherwise"
    return f"not so: {finding.claim} ({problem})"


def _most_common(values: list[int]) -> int:
    return Counter(values).most_common(1)[0][0] if values else 0


def _ours(table: str) -> list[dict[str, Any]]:
    text = files("evaluation").joinpath("suites", f"{table}.json").read_text(encoding="utf-8")
    suite: list[dict[str, Any]] = json.loads(text)
    return suite


def _users(path: ConfigPath) -> Expectations:
    """A user's suite by table; raises ConfigurationError naming the file and the entry."""
    try:
        value = bounded(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}", hint="correct the gate's 'suite'") from None
    except ValueError as error:
        raise ConfigurationError(f"{path}: not valid JSON: {error}", hint="a suite is a JSON list of expectations") from None
    by_table = {"chunks": value} if isinstance(value, list) else value
    if not isinstance(by_table, dict) or not by_table.keys() <= NAMED_BY.keys():
        raise ConfigurationError(
            f"{path}: a suite is a JSON list of expectations, or an object with such lists",
            hint=f"its keys may be {', '.join(NAMED_BY)}",
        )
    for table, entries in by_table.items():
        for position, entry in enumerate(entries if isinstance(entries, list) else [entries]):
            if not _is_expectation(entry):
                raise ConfigurationError(
                    f"{path}: {table}.{position}: not an expectation",
                    hint='write {"type": "expect_…", "kwargs": {…}}, as in evaluation/suites',
                )
    return by_table


def _is_expectation(entry: Any) -> bool:
    return isinstance(entry, dict) and str(entry.get("type", "")).startswith("expect_") and isinstance(entry.get("kwargs"), dict)
