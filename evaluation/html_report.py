"""The evidence of a release as one HTML page, made from manifests and nothing else.

Verdicts, measures against live with their intervals, the worst queries side by side, data quality, drift, latency,
replayed searches, timings and tokens, and what in the configuration differs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from evaluation.html import intervals, note, page, paired_bars, table
from sluice.releases import Release

Evidence = Mapping[str, Any]


def report_html(release: Release, live: Release | None = None) -> str:
    """One page about a release; `live` is the release it was held against, None where there was none."""
    title = f"Release {release.id} of {release.index}"
    parts = [f"<h1>{escape(title)}</h1>", _facts(release, live), _banner(release), *_gates(release)]
    for verdict in release.verdicts:
        section = SECTIONS.get(verdict["gate"])
        evidence = verdict.get("evidence") or {}
        if section is not None and (body := [part for part in section(evidence) if part]):
            parts += [f"<h2>{escape(_TITLES[verdict['gate']])}</h2>", *body]
    parts += [*_work(release, live), *_configuration(release, live)]
    return page(title, parts)


def _facts(release: Release, live: Release | None) -> str:
    facts = [
        f"{release.created:%Y-%m-%d %H:%M} UTC",
        f"{release.documents:,} documents",
        f"{release.chunks:,} chunks",
        f"held against {live.id}" if live else "no other release to hold it against",
        f"fingerprint {release.fingerprint[:16]}",
        f"access root {release.access_root[:16]}",
    ]
    return note(*facts)


def _banner(release: Release) -> str:
    failed = [verdict for verdict in release.verdicts if not verdict["passed"]]
    kind = "bad" if failed else "good" if release.verdicts else ""
    said = f"{release.state}: " + (
        "; ".join(f"{verdict['gate']}: {verdict['reason']}" for verdict in failed)
        or (f"all {len(release.verdicts)} gates passed" if release.verdicts else "no gate has judged it yet")
    )
    overruled = release.judged.get("overruled")
    if overruled:
        said += f"; overruled by {release.judged['actor']}: {', '.join(overruled)}"
    return f'<p class="banner {kind}">{escape(said)}</p>'


def _gates(release: Release) -> Iterator[str]:
    rows = [(v["gate"], "passed" if v["passed"] else "rejected", v["reason"]) for v in release.verdicts]
    bad = [position for position, verdict in enumerate(release.verdicts) if not verdict["passed"]]
    yield "<h2>Gates</h2>" if rows else ""
    yield table(("gate", "verdict", "why"), rows, kind="left", bad=bad)
    warnings = [f"{v['gate']}: {warning}" for v in release.verdicts for warning in v.get("warnings") or ()]
    yield _list(warnings)


# ── what each gate found ─────────────────────────────────────────────────────────────────────────────────────────────


def _retrieval(evidence: Evidence) -> Iterator[str]:
    if "measures" not in evidence:
        return
    live = (evidence.get("live") or {}).get("measures") or {}
    compared = evidence["comparison"] if isinstance(evidence.get("comparison"), Mapping) else {}
    yield note(
        f"{evidence.get('queries', 0)} queries, {evidence.get('labels', 0)} labels",
        *(f"{evidence.get(name, 0)} {name}" for name in ("stale", "missing", "unscored")),
    )
    rows = [
        (n, _n(v), _n(live.get(n)), _change(v, live.get(n)), _bounds(compared.get(n))) for n, v in evidence["measures"].items()
    ]
    yield table(("measure", "candidate", "live", "change", "95% interval"), rows)
    yield intervals(compared)
    decisive = next((name for name in evidence["measures"] if name.startswith("Recall@")), "nDCG@10")
    yield from _groups("By slice", evidence.get("slices"), evidence, decisive)
    yield from _groups("By kind", evidence.get("kinds"), {}, decisive)
    yield from _queries(evidence)


def _groups(title: str, groups: Any, evidence: Evidence, decisive: str) -> Iterator[str]:
    if not groups:
        return
    live = (evidence.get("live") or {}).get("slices") or {}
    compared = {name: found[decisive] for name, found in (evidence.get("slice_comparison") or {}).items() if decisive in found}
    yield f"<h3>{title}</h3>"
    rows = []
    for name, figures in groups.items():
        before = (live.get(name) or {}).get(decisive)
        value = figures.get(decisive)
        rows.append((name, figures["queries"], _n(value), _n(before), _change(value, before), _bounds(compared.get(name))))
    yield table((title.removeprefix("By "), "queries", decisive, "live", "change", "95% interval"), rows)
    yield intervals(compared)


def _queries(evidence: Evidence) -> Iterator[str]:
    if evidence.get("worst"):
        yield "<h3>Worst queries</h3>"
    for query in evidence.get("worst") or ():
        right = set(query["relevant"])
        before = query.get("live_measures") or {}
        scores = ", ".join(
            f"{n} {_n(v)}" + (f" (live {_n(before[n])})" if n in before else "") for n, v in query["measures"].items()
        )
        yield f"<p><strong>{escape(query['id'])}</strong> {escape(query['query'])}</p>"
        yield note(scores, f"looked for {', '.join(query['relevant'])}")
        yield _side_by_side(query["candidate"], query.get("live"), right)
    unanswerable = evidence.get("unanswerable") or ()
    if unanswerable:
        yield "<h3>Questions without an answer here</h3>"
        rows = [(q["id"], q["query"], ", ".join(f"{h['uri']} ({h['score']:.3f})" for h in q["hits"][:2])) for q in unanswerable]
        yield table(("id", "query", "what was returned"), rows, kind="left")


def _side_by_side(candidate: Iterable[Evidence], live: Iterable[Evidence] | None, right: set[str]) -> str:
    columns = [f"<div>candidate{_hits(candidate, right)}</div>"]
    if live is not None:
        columns.append(f"<div>live{_hits(live, right)}</div>")
    return f'<div class="pair">{"".join(columns)}</div>'


def _hits(hits: Iterable[Evidence], right: set[str]) -> str:
    marked = ((f"{escape(hit['uri'])} ({hit['score']:.3f})", hit["uri"] in right) for hit in hits)
    items = [f"<li class='right'>{said}</li>" if is_right else f"<li>{said}</li>" for said, is_right in marked]
    return f"<ol>{''.join(items)}</ol>" if items else "<p>nothing</p>"


def _data_quality(evidence: Evidence) -> Iterator[str]:
    found = evidence.get("expectations") or ()
    rows = [
        (f.get("suite", "chunks"), f["claim"], "met" if f["met"] else "not met" if f["critical"] else "warning", f["unexpected"],
         "; ".join(json.dumps(sample, ensure_ascii=False) for sample in f["samples"][:2]))
        for f in found
    ]  # fmt: skip
    yield table(
        ("table", "claim", "", "otherwise", "for example"),
        rows,
        kind="left",
        bad=[i for i, f in enumerate(found) if not f["met"]],
    )
    yield _shares(evidence.get("shares") or {})
    if "data_docs" in evidence:
        yield note(f"Data Docs: {evidence['data_docs']}")


def _shares(shares: Mapping[str, float]) -> str:
    return note(*(f"{name.replace('_', ' ')} {value:.1%}" for name, value in shares.items()))


def _drift(evidence: Evidence) -> Iterator[str]:
    if "live" not in evidence:
        return
    now, before = evidence["candidate"], evidence["live"]
    yield note("dark: candidate, pale: live")
    yield paired_bars(
        {name.replace("_", " "): (now[name], before[name]) for name in ("documents", "chunks", "tokens", "tokens_per_chunk")}
    )
    for name in ("languages", "tag_sets"):
        yield f"<h3>{name.replace('_', ' ').capitalize()}</h3>"
        yield paired_bars({key: (now[name].get(key, 0), before[name].get(key, 0)) for key in {**before[name], **now[name]}})
    similarity = evidence.get("similarity")
    yield _list(
        [
            f"{evidence['documents_new']} documents new, {evidence['documents_lost']} gone"
            + (f": {', '.join(evidence['lost'])}" if evidence["lost"] else ""),
            *(f"{group['group']}: {group['lost']} of {group['documents']} documents gone" for group in evidence["groups_lost"]),
            f"{evidence['same_texts']} texts stayed"
            + (f"; cosine between their vectors {similarity['mean']:.4f}, least {similarity['min']:.4f}" if similarity else ""),
        ]
    )


def _latency(evidence: Evidence) -> Iterator[str]:
    if "ratio" in evidence:
        now, before = evidence["candidate"], evidence["live"]
        yield paired_bars({name.removesuffix("_ms"): (now[name], before[name]) for name in ("p50_ms", "p95_ms")}, unit=" ms")
        yield note(f"p95 ratio {evidence['ratio']:.2f}, limit {evidence['max_ratio']:g}", f"{evidence['searches']} searches")


def _replay(evidence: Evidence) -> Iterator[str]:
    if "overlap" not in evidence:
        return
    yield note(f"overlap {evidence['overlap']:.3f}", f"{evidence['changed']} of {evidence['searches']} searches changed")
    for mover in evidence["movers"]:
        yield f"<p>{escape(mover['query'])}</p>"
        yield note(f"as {', '.join(mover['tags'])}", f"overlap {mover['overlap']:.2f}")
        yield _side_by_side(mover["candidate"], mover["live"], set())


SECTIONS: Mapping[str, Callable[[Evidence], Iterator[str]]] = {
    "retrieval": _retrieval,
    "data_quality": _data_quality,
    "drift": _drift,
    "latency": _latency,
    "replay": _replay,
}
_TITLES = {
    "retrieval": "Retrieval",
    "data_quality": "Data quality",
    "drift": "Drift",
    "latency": "Latency",
    "replay": "What people asked",
}

# ── what it cost, and what it was made from ──────────────────────────────────────────────────────────────────────────


def _work(release: Release, live: Release | None) -> Iterator[str]:
    yield "<h2>Work</h2>"
    rows = [
        ("texts embedded", f"{release.embedded:,}", f"{live.embedded:,}" if live else "–"),
        ("texts from the cache", f"{release.cached:,}", f"{live.cached:,}" if live else "–"),
        ("tokens embedded", f"{release.tokens_embedded:,}", f"{live.tokens_embedded:,}" if live else "–"),
        ("tokens in chunks", f"{release.tokens:,}", f"{live.tokens:,}" if live else "–"),
    ]
    yield table(("", "this release", "live"), rows)
    before = _seconds(live) if live else {}
    yield paired_bars({name: (seconds, before.get(name)) for name, seconds in _seconds(release).items()}, unit=" s")
    stages = [
        (stage, c.get("seen", 0), c.get("kept", 0), c.get("unchanged", 0), _reasons(c.get("dropped")), _reasons(c.get("failed")))
        for stage, c in release.counts.items()
    ]
    yield table(("stage", "seen", "kept", "unchanged", "dropped", "failed"), stages)


def _seconds(release: Release) -> dict[str, float]:
    return {**release.seconds, **({"gates": release.judged["seconds"]} if "seconds" in release.judged else {})}


def _configuration(release: Release, live: Release | None) -> Iterator[str]:
    yield "<h2>Configuration</h2>"
    now, before = (dict(_flat("", r.configuration)) if r else {} for r in (release, live))
    differs = [
        (key, before.get(key, "–"), now.get(key, "–"))
        for key in sorted(now.keys() | before.keys())
        if now.get(key) != before.get(key)
    ]
    if live is not None:
        yield table(("key", "live", "this release"), differs, kind="left") or "<p>As the live release's.</p>"
    else:
        yield table(("key", "value"), sorted(now.items()), kind="left")


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else str(key), inner)
    elif isinstance(value, list) and any(isinstance(inner, Mapping) for inner in value):
        for position, inner in enumerate(value):
            yield from _flat(f"{prefix}.{position}", inner)
    else:
        yield prefix, json.dumps(value, ensure_ascii=False, default=str)


def _reasons(reasons: Any) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in (reasons or {}).items()) or "0"


def _list(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>" if lines else ""


def _n(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _change(value: float | None, live: float | None) -> str:
    return "–" if value is None or live is None else f"{value - live:+.3f}"


def _bounds(interval: Mapping[str, float] | None) -> str:
    return "–" if not interval else f"{interval['low']:+.3f} to {interval['high']:+.3f}"
