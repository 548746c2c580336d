"""An experiment as one HTML page: no script, no network, readable on a phone, printable.

It is made from the folder's own `summary.json` and `passages.json`, so that it can be made again when words of a
document must go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evaluation.experiments.charts import Mark, scatter, shade
from evaluation.reports import markup
from evaluation.reports.markup import marked, text
from evaluation.statistics import METHOD
from sluice.display import counted

COLUMNS = 16
"""Variants side by side in the heat map that fit a sheet of paper."""

STYLE = f"""{markup.STYLE}
body{{max-width:76rem}}p,ul{{max-width:60rem}}
.verdict{{border-left:.4rem solid var(--blue);background:var(--panel);padding:.6rem 1rem;margin:1rem 0}}
.verdict p:first-child{{font-weight:600}}.wide{{-webkit-overflow-scrolling:touch}}
table{{border-collapse:separate;border-spacing:0;font-size:.86rem}}th,td{{padding:.3rem .4rem}}
th:first-child,td:first-child{{text-align:right}}th{{white-space:normal}}td.shade{{color:#1a1a1a}}
th.left,th.name,td.name{{text-align:left}}.name{{position:sticky;left:0;background:var(--paper)}}
td.name{{white-space:normal;min-width:10rem}}td.wrap{{white-space:normal;text-align:left;min-width:14rem}}
.interval{{display:block;font-size:.8rem;color:var(--soft);white-space:nowrap}}
tr.out td,tr.out .interval{{color:var(--soft)}}tr.best td{{font-weight:600}}
.chart{{max-width:36rem}}.bar{{stroke:var(--blue);stroke-width:1.5;opacity:.5}}.open circle{{fill:var(--blue)}}
.faint circle{{fill:var(--soft)}}.faint .bar{{stroke:var(--soft)}}.pointer{{stroke:var(--soft);stroke-width:1}}
.number{{font-weight:600;font-size:12px;paint-order:stroke;stroke:var(--paper);stroke-width:3px}}
details{{margin:.2rem 0;padding:.2rem 0}}summary{{cursor:pointer}}ol{{margin:.2rem 0 .6rem;font-size:.9rem}}li{{margin:.25rem 0}}
blockquote{{margin:.1rem 0 .3rem;padding-left:.6rem;border-left:2px solid var(--rule);color:var(--soft)}}
@media(max-width:600px){{td.name{{min-width:8.5rem}}.cards thead{{display:none}}
.cards table,.cards tbody,.cards tr,.cards td{{display:block;width:auto}}
.cards tr{{border-bottom:1px solid var(--rule);padding:.35rem 0}}.cards td:empty{{display:none}}
.cards td,.cards td.wrap{{border:0;padding:.05rem 0;text-align:left;white-space:normal;min-width:0}}
.cards td:first-child,.cards td.name{{display:inline;position:static;font-weight:600;padding-right:.4rem}}
.cards td[data-label]::before{{content:attr(data-label) ": ";color:var(--soft)}}
.cards .interval{{display:inline;margin-left:.5rem}}}}
@media print{{table{{font-size:.75rem}}th,td{{padding:.15rem .3rem}}.name{{position:static}}td.name{{min-width:8rem}}
.interval{{font-size:.7rem}}.chart{{max-width:27rem}}summary,h2+.note,h3+.note{{break-after:avoid}}
blockquote,li,.verdict,details{{break-inside:avoid}}}}
"""


def render(summary: Mapping[str, Any], disagreements: Sequence[Mapping[str, Any]]) -> str:
    """The page for a summary and the queries that variants disagree about."""
    title = f"Experiment {summary['name']}"
    summary = leader_first(summary)
    body = [
        f"<h1>{text(title)}</h1>",
        _facts(summary),
        '<div class="verdict">' + "".join(f"<p>{text(line)}</p>" for line in summary["conclusion"]) + "</div>",
        _confirmation(summary),
        "<h2>Variants</h2>",
        _table(summary),
        _costs(summary),
        _chart(summary),
        _heat_map(summary),
        _disagreements(summary, disagreements),
        _configuration(summary),
    ]
    return markup.page(title, map(markup.Html, body), style=STYLE)


def leader_first(summary: Mapping[str, Any]) -> Mapping[str, Any]:
    """The variants by the measure that decides, best first; equals as the experiment names them."""

    def behind(variant: Mapping[str, Any]) -> float:
        own = {_general(name, variant["k"]): value for name, value in variant["measures"].items()}
        return -float(own.get(summary["measure"], variant["measures"].get(summary["measure"], 0.0)))

    return {**summary, "variants": sorted(summary["variants"], key=lambda v: (v["behind_leader"] is not None, behind(v)))}


def _facts(summary: Mapping[str, Any]) -> str:
    labels = summary["labels"]
    doubts = ", ".join(f"{labels[name]} {name}" for name in ("stale", "missing", "unscored") if labels.get(name))
    facts = [
        text(_moment(str(summary["finished"]))),
        f"{counted(summary['queries'], 'query')} of <code>{text(summary['golden'])}</code>" + (f" ({doubts})" if doubts else ""),
        f"{counted(summary['documents'], 'document')} of <code>{text(summary['base'])}</code>",
        f"decided by {text(summary['measure'])}",
    ]
    return f'<p class="note">{" · ".join(facts)}</p>'


def _moment(at: str) -> str:
    """An instant of the record, to the minute."""
    return f"{at[:10]} {at[11:16]} UTC" if at.endswith("Z") else at


def _confirmation(summary: Mapping[str, Any]) -> str:
    found = summary.get("confirmation")
    if not found:
        return ""
    if found["difference"] is None:
        return f"<p>On a seeded half of the queries the baseline, {text(found['baseline'])}, is itself the best.</p>"
    gap = found["difference"]
    word = "Confirmed" if found["confirmed"] else "Not confirmed"
    return (
        f"<p><strong>{word}:</strong> best on {found['selected_on']} seeded queries, {text(found['selected'])} scores "
        f"{found['selected_mean']:.3f} on the other {found['confirmed_on']}, against {found['baseline_mean']:.3f} of the "
        f"baseline {text(found['baseline'])}: {gap['mean']:+.3f} "
        f"({found.get('level', 0.9):.0%} interval {gap['low']:+.3f} to {gap['high']:+.3f}).</p>"
    )


def _table(summary: Mapping[str, Any]) -> str:
    """Measures of each variant; the intervals are of the leader's lead, simultaneous over all pairs."""
    names = list(dict.fromkeys(_general(name, v["k"]) for v in summary["variants"] for name in v["measures"]))
    names.sort(key=lambda name: name != summary["measure"])  # what decides comes first
    head = ["#", "variant", names[0], "behind the leader by", "probability best", *names[1:]]
    rows = []
    for number, variant in enumerate(summary["variants"], 1):
        measures = {_general(name, variant["k"]): value for name, value in variant["measures"].items()}
        gap = variant["behind_leader"]
        behind = "leads" if gap is None else _with_interval(gap) + _questions(variant)
        cells = [_number(measures.get(name)) for name in names]
        decisive = cells[0] + _bounds(variant.get("on_all"))
        row = [str(number), _named(variant, summary), decisive, behind, f"{variant['probability_best']:.2f}", *cells[1:]]
        rows.append((row, "out" if variant["ruled_out"] else "best" if variant["name"] == summary["winner"] else ""))
    pairs = (
        ", which hold together for all pairs of variants (each by itself at 95% or more)" if len(summary["variants"]) > 2 else ""
    )
    sampled = (
        " On all: between what the measure lies on all documents." if any("on_all" in v for v in summary["variants"]) else ""
    )
    sampled += " Lost, won: how many questions." if any("questions" in v for v in summary["variants"]) else ""
    note = f"{summary['level']:.0%} intervals ({METHOD}){pairs}.{sampled} Grey: ruled out. @k: each variant's own k"
    return _grid(head, rows) + f'<p class="note">{note} ({_ks(summary)}).{_unjudged(summary)}</p>'


def _questions(variant: Mapping[str, Any]) -> str:
    """How many questions it answers worse than the leader, and better."""
    counts = variant.get("questions")
    return f'<span class="interval">{counts["worse"]} lost, {counts["better"]} won</span>' if counts else ""


def _unjudged(summary: Mapping[str, Any]) -> str:
    """How many hits nobody judged: a variant that finds other documents than the labels name may be better than it scores."""
    counts = [variant["unjudged"] for variant in summary["variants"] if "unjudged" in variant]
    if not counts:
        return ""
    span = f"{min(counts):,}" if min(counts) == max(counts) else f"{min(counts):,} to {max(counts):,}"
    return f" Hits among the first k documents that no label says anything of: {span} a variant."


def _costs(summary: Mapping[str, Any]) -> str:
    head = ["#", "variant", "chunks", "tokens to embed", "texts embedded now", "vectors MB", "tokens an answer"]
    head += ["s cut", "s embed", "s search"]
    rows = []
    for number, variant in enumerate(summary["variants"], 1):
        cost, seconds = variant["cost"], variant["cost"]["seconds"]
        figures = [f"{cost['chunks']:,}", f"{cost['tokens']:,}", f"{cost['embedded']:,}", f"{cost['vector_bytes'] / 1e6:.1f}"]
        figures += [f"{cost['tokens_per_answer']:,.0f}", *(f"{seconds[part]:.1f}" for part in ("chunk", "embed", "search"))]
        rows.append(([str(number), text(variant["name"]), *figures], "out" if variant["ruled_out"] else ""))
    note = "Seconds as measured when the variant ran; texts that an earlier variant or release had embedded cost nothing then."
    return "<h2>What they cost</h2>" + _grid(head, rows) + f'<p class="note">{note}</p>'


def _chart(summary: Mapping[str, Any]) -> str:
    marks, label = [], ""
    for number, variant in enumerate(summary["variants"], 1):
        name = next((n for n in (f"TokenRecall@{variant['k']}", f"Recall@{variant['k']}") if n in variant["intervals"]), None)
        if name is None:
            continue
        low, high = variant["intervals"][name]
        label = _general(name, variant["k"])
        x = variant["cost"]["tokens_per_answer"]
        marks.append(Mark(number, variant["name"], x, variant["measures"][name], low, high, variant["ruled_out"]))
    chart = scatter(marks, x="tokens handed to the reader, per answer", y=label)
    note = '<p class="note">Up and to the left is better. Bars: 95% intervals of each mean by itself, come by likewise.</p>'
    return "<h2>Recall against what it costs to read</h2>" + chart + note if chart else ""


def _heat_map(summary: Mapping[str, Any]) -> str:
    """The deciding measure of each slice; a table for every COLUMNS variants, so that a page of paper holds it."""
    slices = {name: part["queries"] for variant in summary["variants"] for name, part in variant["slices"].items()}
    if not slices:
        return ""
    values = [[_of_slice(variant, name, summary["measure"]) for variant in summary["variants"]] for name in sorted(slices)]
    known = [value for row in values for value in row if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    tables = []
    for first in range(0, len(summary["variants"]), COLUMNS):
        numbers = range(first + 1, min(first + COLUMNS, len(summary["variants"])) + 1)
        head = '<th class="name">slice</th><th>queries</th>' + "".join(f"<th>{number}</th>" for number in numbers)
        body = []
        for name, row in zip(sorted(slices), values, strict=True):
            shown = row[first : first + COLUMNS]
            cells = [
                "<td>–</td>" if v is None else f'<td class="shade" style="background:{shade(v, low, high)}">{v:.2f}</td>'
                for v in shown
            ]
            body.append(f'<tr><td class="name">{text(name)}</td><td>{slices[name]}</td>{"".join(cells)}</tr>')
        tables.append(_scrolling(head, "".join(body)))
    few = '<p class="note">Columns are the numbers of the variants. A slice of few queries says little.</p>'
    return f"<h2>{text(summary['measure'])} by slice</h2>" + "".join(tables) + few


def _of_slice(variant: Mapping[str, Any], name: str, measure: str) -> float | None:
    own = measure.removesuffix("@k") + f"@{variant['k']}" if measure.endswith("@k") else measure
    return (variant["slices"].get(name) or {}).get(own)


def _disagreements(summary: Mapping[str, Any], queries: Sequence[Mapping[str, Any]]) -> str:
    if not queries:
        return ""
    cuts = (
        " <a href=cuts.html>How the strategies cut documents that answer</a> is a page of its own." if summary.get("cuts") else ""
    )
    parts = [
        "<h2>Where they disagree most</h2>",
        f'<p class="note">The best and the worst answer are shown; the others unfold, and print as they are then.{cuts}</p>',
    ]
    for query in queries:
        parts.append(f"<h3>{text(query['query'])} <span class=note>({text(query['id'])})</span></h3>")
        parts.append(f'<p class="note">Answered by: {", ".join(text(uri) for uri in query["relevant"])}</p>')
        for position, variant in enumerate(query["variants"]):
            head = f"{text(', '.join(variant['names']))}: {text(summary['measure'])} {variant['value']:.2f}"
            hits = "".join(_hit(hit) for hit in variant["hits"]) or "<li>nothing found</li>"
            shown = " open" if position in (0, len(query["variants"]) - 1) else ""
            parts.append(f"<details{shown}><summary>{head}</summary><ol>{hits}</ol></details>")
    return "\n".join(parts)


def _hit(hit: Mapping[str, Any]) -> str:
    mark = ' <span class="right">✓ an answering document</span>' if hit["relevant"] else ""
    words = marked(hit["text"], hit.get("marks", ()))
    return f"<li><code>{text(hit['uri'])}</code>{mark}<blockquote>{words}</blockquote></li>"


def _configuration(summary: Mapping[str, Any]) -> str:
    parts = [part for part in ("parsing", "chunking", "search") if any(part in v for v in summary["variants"])]
    rows = [
        ([str(number), text(v["name"]), *(f"<code>{text(_flat(v.get(part, {})))}</code>" for part in parts)], "")
        for number, v in enumerate(summary["variants"], 1)
    ]
    facts = ", ".join(f"{text(name)} <code>{text(value[:16])}</code>" for name, value in summary["fingerprints"].items())
    return "<h2>Configuration</h2>" + _grid(["#", "variant", *parts], rows, wrap=True) + f'<p class="note">{facts}</p>'


def _named(variant: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    mark = " ★" if variant["name"] == summary["winner"] else ""
    return text(variant["name"]) + mark


def _general(measure: str, k: int) -> str:
    """A measure at a variant's own k, as `@k`; the depth of 10 that all share stays."""
    return measure if measure in ("Recall@10", "MRR@10", "nDCG@10") else measure.replace(f"@{k}", "@k")


def _ks(summary: Mapping[str, Any]) -> str:
    ks = sorted({variant["k"] for variant in summary["variants"]})
    return f"k = {ks[0]}" if len(ks) == 1 else f"k from {ks[0]} to {ks[-1]}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _with_interval(gap: Mapping[str, float]) -> str:
    return f'{gap["mean"]:.3f}<span class="interval">{gap["low"]:+.3f} to {gap["high"]:+.3f}</span>'


def _bounds(found: Mapping[str, float] | None) -> str:
    return "" if found is None else f'<span class="interval">on all {found["low"]:.3f} to {found["high"]:.3f}</span>'


def _flat(section: Mapping[str, Any]) -> str:
    """A section of a configuration on one line, which breaks between its keys."""
    return ", ".join(f"{key}: {value}" for key, value in section.items())


def _grid(head: Sequence[str], rows: Iterable[tuple[Sequence[str], str]], *, wrap: bool = False) -> str:
    """A table of cells that are HTML already, each row with a class; the second column names its row and stays in sight.

    On a phone each row is a card of lines. With `wrap` the columns behind it hold words, which may take several lines.
    """
    kinds = {1: ' class="name"'} | (dict.fromkeys(range(2, len(head)), ' class="wrap"') if wrap else {})
    labels = ["", "", *(f' data-label="{text(name)}"' for name in head[2:])]
    body = "".join(
        f'<tr class="{kind}">' + "".join(f"<td{kinds.get(i, '')}{labels[i]}>{cell}</td>" for i, cell in enumerate(row)) + "</tr>"
        for row, kind in rows
    )
    heads = [text(cell.replace("Token", "Token ").replace("Omega", " Omega")) for cell in head]
    left = {1: ' class="name"'} | (dict.fromkeys(range(2, len(head)), ' class="left"') if wrap else {})
    return _scrolling("".join(f"<th{left.get(i, '')}>{cell}</th>" for i, cell in enumerate(heads)), body, "wide cards")


def _scrolling(head: str, body: str, kind: str = "wide") -> str:
    return f'<div class="{kind}"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
