"""The evidence of a release as Markdown: for people, and for the flow's artifact.

It reads a manifest and nothing else, so the evidence of any release that ever was can be shown again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sluice.records import Verdict
from sluice.releases import Release


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict as a manifest keeps it and `--json` prints it."""
    return {
        "gate": verdict.gate,
        "passed": verdict.passed,
        "reason": verdict.reason,
        "evidence": dict(verdict.evidence),
        "warnings": list(verdict.warnings),
    }


def report(release: Release) -> str:
    """The release in one page: what it is, each gate's verdict, measures against live, worst queries, warnings."""
    parts = [_head(release), _verdicts(release.verdicts)]
    for verdict in release.verdicts:
        evidence = verdict.get("evidence") or {}
        if "measures" in evidence:
            parts += [_measures(evidence), _slices(evidence), _worst(evidence)]
        elif verdict["gate"] in SECTIONS:
            parts.append(SECTIONS[verdict["gate"]](evidence))
    warnings = [f"- {verdict['gate']}: {warning}" for verdict in release.verdicts for warning in verdict.get("warnings") or ()]
    if warnings:
        parts.append("## Warnings\n\n" + "\n".join(warnings))
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(release: Release) -> str:
    rows = [
        ("state", release.state),
        ("documents", release.documents),
        ("chunks", release.chunks),
        ("tokens", release.tokens),
        ("embedded / from the cache", f"{release.embedded} ({release.tokens_embedded} tokens) / {release.cached}"),
        ("held against", release.judged.get("against") or "–"),
        ("overruled", ", ".join(release.judged.get("overruled") or ()) or "–"),
        ("fingerprint", f"`{release.fingerprint[:16]}`"),
        ("access root", f"`{release.access_root[:16]}`"),
        ("seconds", ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in release.seconds.items()) or "–"),
    ]
    return f"# Release {release.id} of {release.index}\n\n" + _table(("", ""), rows)


def _verdicts(verdicts: Sequence[Mapping[str, Any]]) -> str:
    if not verdicts:
        return "## Gates\n\nNone has judged this release yet."
    rows = [(verdict["gate"], "passed" if verdict["passed"] else "**rejected**", verdict["reason"]) for verdict in verdicts]
    return "## Gates\n\n" + _table(("gate", "verdict", "why"), rows)


def _measures(evidence: Mapping[str, Any]) -> str:
    live = (evidence.get("live") or {}).get("measures") or {}
    comparison = evidence.get("comparison")
    intervals = comparison if isinstance(comparison, Mapping) else {}
    rows = [
        (name, f"{value:.3f}", _number(live.get(name)), _change(value, live.get(name)), _interval(intervals.get(name)))
        for name, value in evidence["measures"].items()
    ]
    counts = (
        f"{evidence.get('queries', 0)} queries; {evidence.get('stale', 0)} of {evidence.get('labels', 0)} labels stale, "
        f"{evidence.get('missing', 0)} missing; {evidence.get('unscored', 0)} queries unscored."
    )
    return "## Measures\n\n" + counts + "\n\n" + _table(("measure", "candidate", "live", "change", "95% interval"), rows)


def _slices(evidence: Mapping[str, Any]) -> str:
    slices = evidence.get("slices") or {}
    if not slices:
        return ""
    live = (evidence.get("live") or {}).get("slices") or {}
    compared = evidence.get("slice_comparison") or {}
    decisive = next((name for name in evidence["measures"] if name.startswith("Recall@")), "nDCG@10")
    rows = [
        (name, figures["queries"], _number(figures.get(decisive)), _number((live.get(name) or {}).get(decisive)),
         _interval((compared.get(name) or {}).get(decisive)), _number(figures.get("nDCG@10")))
        for name, figures in slices.items()
    ]  # fmt: skip
    return "### By slice\n\n" + _table(("slice", "queries", decisive, "live", "95% interval of the change", "nDCG@10"), rows)


def _worst(evidence: Mapping[str, Any]) -> str:
    parts = []
    for query in evidence.get("worst") or ():
        lines = [f"**{query['id']}** {cell(query['query'])}", "", f"- looked for: {_uris(query['relevant'])}"]
        lines.append(f"- found: {_hits(query['candidate'])}")
        if "live" in query:
            lines.append(f"- live finds: {_hits(query['live'])}")
        parts.append("\n".join(lines))
    return "### Worst queries\n\n" + "\n\n".join(parts) if parts else ""


def _data_quality(evidence: Mapping[str, Any]) -> str:
    found = evidence.get("expectations") or ()
    rows = [(f.get("suite", "chunks"), f["claim"], "met" if f["met"] else "**not met**", f["unexpected"]) for f in found]
    return "## Data quality\n\n" + _table(("table", "claim", "", "otherwise"), rows) if rows else ""


def _drift(evidence: Mapping[str, Any]) -> str:
    if "live" not in evidence:
        return ""
    now, before = evidence["candidate"], evidence["live"]
    rows = [(name.replace("_", " "), now[name], before[name]) for name in ("documents", "chunks", "tokens", "tokens_per_chunk")]
    similarity = evidence.get("similarity") or {}
    rows.append(("mean cosine of the texts that stayed", _number(similarity.get("mean")), "–"))
    return "## Drift\n\n" + _table(("", "candidate", "live"), rows)


def _latency(evidence: Mapping[str, Any]) -> str:
    if "ratio" not in evidence:
        return ""
    rows = [(name, f"{evidence['candidate'][name]:.1f}", f"{evidence['live'][name]:.1f}") for name in ("p50_ms", "p95_ms")]
    return "## Latency\n\n" + _table(("", "candidate", "live"), rows)


def _replay(evidence: Mapping[str, Any]) -> str:
    if "overlap" not in evidence:
        return ""
    rows = [("overlap", _number(evidence["overlap"])), ("searches", evidence["searches"]), ("changed", evidence["changed"])]
    return "## What people asked\n\n" + _table(("", ""), rows)


SECTIONS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "data_quality": _data_quality,
    "drift": _drift,
    "latency": _latency,
    "replay": _replay,
}


def _hits(hits: Iterable[Mapping[str, Any]]) -> str:
    return ", ".join(f"`{cell(hit['uri'])}` ({hit['score']:.3f})" for hit in hits) or "nothing"


def _uris(uris: Iterable[str]) -> str:
    return ", ".join(f"`{cell(uri)}`" for uri in uris)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _change(value: float, live: float | None) -> str:
    return "–" if live is None else f"{value - live:+.3f}"


def _interval(interval: Mapping[str, float] | None) -> str:
    return "–" if not interval else f"{interval['low']:+.3f} to {interval['high']:+.3f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def cell(value: Any) -> str:
    """A value that stays in its cell: queries and uris are other people's text."""
    return " ".join(str(value).replace("|", "\\|").replace("<", "&lt;").split())
