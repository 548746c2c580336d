"""What the retrieval gate shows: measures beside the live release's, slices, and the questions that got worse."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from evaluation.authors import Change
from evaluation.gates.base import SAMPLES, GateContext
from evaluation.gates.retrieval_options import BEGIN, MEND
from evaluation.golden import GoldenSet
from evaluation.labels import ResolvedSet
from evaluation.scoring import Evaluation, Found, QueryResult
from evaluation.statistics import METHOD
from sluice.display import counted
from sluice.evidence import Answer, Block, Figures, Hits, Intervals, Notes, Plot, Range, Table

Evidence = Mapping[str, Any]


def blocks(evidence: Evidence, limits: Mapping[str, float]) -> Iterator[Block]:
    """The evidence of a judged release as blocks; the measures first."""
    live = (evidence.get("live") or {}).get("measures") or {}
    compared = evidence["comparison"] if isinstance(evidence.get("comparison"), Mapping) else {}
    shared = evidence.get("shared")
    beside = shared["measures"] if shared else evidence["measures"]
    rows = tuple(
        (name, beside.get(name), live.get(name), change(beside.get(name), live.get(name)), bounds(compared.get(name)),
         *((value,) if shared else ()))
        for name, value in evidence["measures"].items()
    )  # fmt: skip
    head = ("measure", "candidate", "live", "change", "95% interval")
    if shared:
        title = f"On {counted(shared['queries'], 'query')} that both were asked, by the labels that both have"
        yield Table((*head, f"all {evidence['queries']}"), rows, title)
    else:
        yield Table(head, rows)
    yield Figures({name: evidence.get(name, 0) for name in ("queries", "labels", "stale", "missing", "unscored", "unjudged")})
    yield Intervals(
        _ranges(compared), {n: v for n, v in limits.items() if n in compared}, f"Change against the live release ({METHOD})"
    )
    if spread := evidence.get("spread"):
        against = "against live" if live else "of this release"
        yield Plot(tuple(spread), {"questions": tuple(spread.values())}, f"Questions by their nDCG@10 {against}", "spread")
    yield from change_blocks(evidence)
    yield from _anchor(evidence, limits)
    decisive = next((name for name in evidence["measures"] if name.startswith("Recall@")), "nDCG@10")
    yield from _groups("slice", evidence.get("slices") or {}, evidence, decisive)
    yield from _groups("kind", evidence.get("kinds") or {}, {}, decisive)
    yield from questions(evidence)
    unanswerable = tuple(
        (q["id"], q["query"], ", ".join(f"{h['uri']} ({h['score']:.3f})" for h in q["hits"][:2]) or "nothing")
        for q in evidence.get("unanswerable") or ()
    )
    yield Table(("id", "question", "what was returned"), unanswerable, "Questions without an answer here", words=True)


MOVED = ("lost over 0.5", "lost 0.2 to 0.5", "lost less", "as before", "gained less", "gained 0.2 to 0.5", "gained over 0.5")
REACHED = ("0", "under 0.5", "0.5 and more", "1")
ROUNDED = 1e-9


def spread(mine: Evaluation, live: Evaluation | None, measure: str = "nDCG@10") -> dict[str, int]:
    """How many questions gained or lost how much against live; without one, how many reach what. A mean hides who pays for it."""
    if live is None:
        found = Counter(_reached(result.measures[measure]) for result in mine.counted)
        return {name: found[name] for name in REACHED}
    before = {result.query.id: result.measures[measure] for result in live.counted}
    changes = (r.measures[measure] - before[r.query.id] for r in mine.counted if r.query.id in before)
    counts = Counter(_named(change) for change in changes)
    return {name: counts[name] for name in MOVED}


def _reached(value: float) -> str:
    if value <= ROUNDED or value >= 1 - ROUNDED:
        return f"{value:.0f}"
    return "under 0.5" if value < 0.5 else "0.5 and more"


def _named(change: float) -> str:
    if abs(change) <= ROUNDED:
        return "as before"
    size = "over 0.5" if abs(change) > 0.5 else "0.2 to 0.5" if abs(change) >= 0.2 else "less"
    return f"{'lost' if change < 0 else 'gained'} {size}"


def change_blocks(evidence: Evidence) -> tuple[Block, ...]:
    """How the golden set changed since the live release was judged; nothing where it did not."""
    change = evidence.get("golden_change")
    if not change:
        return ()
    named = {
        "added": "added",
        "removed": "removed",
        "reworded": "reworded",
        "relabelled": "given other labels",
        "failed": "of these, answered worse than before as they were asked",
    }
    lines = [
        f"{change[f'{name}_count']} {words}: {', '.join(change[name])}"
        + (" …" if change[f"{name}_count"] > len(change[name]) else "")
        for name, words in named.items()
        if change[name]
    ]
    lines += [f"changed by {Change(**each).said()}" for each in change.get("by") or ()]
    return (Notes(tuple(lines), f"The golden set changed since {change['since']} was judged"),)


def _anchor(evidence: Evidence, limits: Mapping[str, float]) -> Iterator[Block]:
    """The best of the last releases, and the line of all of them with the limit that the candidate must hold."""
    anchor = evidence.get("anchor")
    if not anchor:
        return
    decisive = next(iter(limits))
    yield Table(
        ("measure", "candidate", anchor["release"], "change", "limit"),
        tuple(
            (name, anchor["candidate"].get(name), anchor["measures"].get(name),
             change(anchor["candidate"].get(name), anchor["measures"].get(name)), limit)
            for name, limit in limits.items()
        ),
        f"Against the anchor, on {counted(anchor['queries'], 'question')} that both were asked",
    )  # fmt: skip
    last = [(each["release"], each[decisive]) for each in anchor["last"]]
    yield Plot(
        (*(name for name, _ in last), "candidate"),
        {decisive: (*(value for _, value in last), anchor["candidate"][decisive])},
        f"{decisive} of the last releases; the dashed line is the limit",
        "line",
        limit=anchor["measures"][decisive] - limits[decisive],
    )


def questions(evidence: Evidence) -> Iterator[Block]:
    """The questions that lost most, with both lists of hits."""
    for query in evidence.get("worst") or ():
        right = set(query["relevant"])
        before = query.get("live_measures") or {}
        scores = ", ".join(
            f"{name} {value:.3f}" + (f" (live {before[name]:.3f})" if name in before else "")
            for name, value in query["measures"].items()
        )
        lists = {"candidate": _answers(query["candidate"], right)}
        if "live" in query:
            lists["live"] = _answers(query["live"], right)
        stages = tuple(_stage(each) for each in query.get("lost") or ())
        yield Hits(lists, f"{query['id']}: {query['query']}", (f"looked for {', '.join(query['relevant'])}", scores, *stages))


def stale_table(labels: list[dict[str, str]]) -> Table:
    """Stale labels, each with the reason."""
    rows = tuple((label["id"], label["uri"], label["reason"]) for label in labels)
    return Table(("question", "document", "why its label is stale"), rows, "Stale labels", words=True)


def _groups(title: str, groups: Evidence, evidence: Evidence, decisive: str) -> Iterator[Block]:
    live = (evidence.get("live") or {}).get("slices") or {}
    shared = evidence.get("shared")
    beside = shared["slices"] if shared else groups
    compared = {name: found[decisive] for name, found in (evidence.get("slice_comparison") or {}).items() if decisive in found}
    rows = []
    for name, figures in groups.items():
        both = beside.get(name) or {}
        before, value = (live.get(name) or {}).get(decisive), both.get(decisive)
        compares = (before, change(value, before), bounds(compared.get(name)))
        mine = (both.get("queries", 0), value) if shared else ()
        rows.append((name, figures["queries"], figures.get(decisive), *mine, *compares))
    if live or compared:
        both_asked = ("both were asked", f"{decisive} of these") if shared else ()
        head = (title, "queries", decisive, *both_asked, "live", "change", "95% interval of the change")
        yield Table(head, tuple(rows), f"By {title}")
    else:
        yield Table((title, "queries", decisive), tuple(row[:3] for row in rows), f"By {title}")
    yield Intervals(_ranges(compared))


def _answers(hits: list[Evidence], right: set[str]) -> tuple[Answer, ...]:
    return tuple(
        Answer(hit["uri"], hit["score"], hit["uri"] in right, hit["document_key"], hit["start"], hit["end"], tuple(hit["quotes"]))
        for hit in hits
    )


def _ranges(compared: Evidence) -> dict[str, Range]:
    return {name: Range(row["mean"], row["low"], row["high"]) for name, row in compared.items()}


def change(value: float | None, live: float | None) -> str | None:
    """A difference with its sign; None where one side is not known."""
    return None if value is None or live is None else f"{value - live:+.3f}"


def bounds(interval: Mapping[str, float] | None) -> str | None:
    """An interval in words."""
    return f"{interval['low']:+.3f} to {interval['high']:+.3f}" if interval else None


def mend(golden: GoldenSet, resolved: ResolvedSet) -> tuple[str, ...]:
    """What to do about a golden set that is no evidence: the labels by name, and how they are mended."""
    stale = [f"stale: {id} on {label.label.uri}: {label.reason}" for id, label in resolved.with_state("stale")]
    named = stale[:SAMPLES] + ([f"and {len(stale) - SAMPLES} more"] if len(stale) > SAMPLES else [])
    return (*named, (MEND if resolved.scored or resolved.unscored else BEGIN).format(golden.path))


def lost(worst: list[dict[str, Any]], measure: str, release: str) -> tuple[str, ...]:
    """The questions that got worse, and what stands in the place of the right document."""
    lines = []
    for query in worst:
        first = query["candidate"][0]["uri"] if query["candidate"] else "nothing"
        before = f" (live {query['live_measures'][measure]:.2f})" if "live_measures" in query else ""
        where = f"; {_stage(query['lost'][0])}" if query.get("lost") else ""
        lines.append(
            f"lost: {query['id']} '{query['query']}': {measure} {query['measures'][measure]:.2f}{before}, looked for "
            f"{', '.join(query['relevant'][:2])}, first is {first}{where}"
        )
    if worst:
        lines.append(f"ask it yourself: sluice search {shlex.quote(worst[0]['query'])} --as TAGS --release {release}")
    return tuple(lines)


def explained(worst: list[dict[str, Any]], candidate: Evaluation, context: GateContext) -> None:
    """Say of each of these questions, as `lost`, at which stage the documents it was to find were lost."""
    if context.why is None:
        return
    results = {result.query.id: result for result in candidate.results}
    for query in worst:
        result = results[query["id"]]
        seen = {found.uri for found in result.documents[: candidate.k]}
        asks = result.query.principal if result.query.principal is not None else context.candidate.tags
        gone = dict.fromkeys((label.uri, label.source) for label in result.query.relevant if label.uri not in seen)
        found = (context.why(result.query.query, uri, source, asks, candidate.k) for uri, source in list(gone)[:SAMPLES])
        query["lost"] = [asdict(each) for each in found]


def _stage(lost: Mapping[str, str]) -> str:
    return f"{lost['uri']} was lost as {lost['reason'].replace('_', ' ')}: {lost['says']}"


def labels(resolved: ResolvedSet) -> dict[str, Any]:
    """The account of labels that a refusal rests on."""
    return {
        "queries": len(resolved.scored),
        "unscored": len(resolved.unscored),
        "labels": resolved.labels,
        "stale": resolved.stale,
        "stale_labels": [
            {"id": id, "uri": lb.label.uri, "reason": lb.reason} for id, lb in resolved.with_state("stale")[:SAMPLES]
        ],
    }


def worst(candidate: Evaluation, live: Evaluation | None, decisive: str) -> list[dict[str, Any]]:
    """The queries that lost most against live (without one: that score lowest), with both result lists."""
    before = {result.query.id: result for result in live.results} if live else {}

    def loss(result: QueryResult) -> tuple[float, float]:
        other = before.get(result.query.id)
        if other is None:
            return result.measures[decisive], result.measures["nDCG@10"]
        return tuple(result.measures[name] - other.measures[name] for name in (decisive, "nDCG@10"))  # type: ignore[return-value]

    bad = [result for result in candidate.results if loss(result) < ((0.0, 0.0) if live else (1.0, 1.0))]
    mine, theirs = _quotes(candidate), _quotes(live) if live else {}
    return [_query(result, before.get(result.query.id), candidate.k, mine, theirs) for result in sorted(bad, key=loss)[:SAMPLES]]


Quotes = Mapping[str, Sequence[tuple[str, tuple[int, int]]]]
"""By question, the places that answer it, in a release's own texts: document key and [start, end)."""


def _quotes(evaluation: Evaluation) -> Quotes:
    return {
        query.query.id: [(label.key, label.span) for label in query.counted if label.key and label.span]
        for query in evaluation.resolved.scored
    }


def _placed(found: Found, quotes: Sequence[tuple[str, tuple[int, int]]]) -> dict[str, Any]:
    """A hit as evidence keeps it: where its words are and which of them answer, never the words."""
    mine = [[*span] for key, span in quotes if key == found.document_key and span[0] < found.end and found.start < span[1]]
    place = {"document_key": found.document_key, "start": found.start, "end": found.end, "quotes": mine}
    return found.as_json() | place


def _query(result: QueryResult, before: QueryResult | None, k: int, mine: Quotes, theirs: Quotes) -> dict[str, Any]:
    id, shown_hits = result.query.id, min(k, SAMPLES)
    shown: dict[str, Any] = {
        "id": result.query.id,
        "query": result.query.query,
        "relevant": [label.uri for label in result.query.relevant[:SAMPLES]],
        "measures": dict(result.measures),
        "candidate": [_placed(found, mine.get(id, ())) for found in result.documents[:shown_hits]],
    }
    if before is not None:
        hits = [_placed(found, theirs.get(id, ())) for found in before.documents[:shown_hits]]
        shown |= {"live_measures": dict(before.measures), "live": hits}
    return shown
