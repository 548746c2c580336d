"""Self-contained HTML: one page, no script, no network, readable on a phone, printable; everything is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

STYLE = """
:root{color-scheme:light}*{box-sizing:border-box}
body{margin:0 auto;max-width:70rem;padding:1rem;background:#fff;color:#1a1a1a;
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.2;margin:.5rem 0}h2{font-size:1.2rem;margin:2.2rem 0 .5rem}
h3{font-size:1rem;margin:1.4rem 0 .3rem}p,ul{margin:.4rem 0}.note{color:#444;font-size:.9rem}
.banner{border-left:.4rem solid #1f5f99;background:#f2f6fa;padding:.6rem 1rem;margin:1rem 0;font-weight:600}
.banner.bad{border-color:#a11;background:#fdf3f2}.banner.good{border-color:#0b6623;background:#f1f8f2}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem}
th,td{padding:.3rem .6rem;border-bottom:1px solid #ccc;text-align:right;vertical-align:top}
th{border-bottom:2px solid #555}th:first-child,td:first-child,.left td,.left th{text-align:left}
.bad td:first-child{color:#a11;font-weight:600}code{font-size:.85em}ol{margin:.2rem 0;padding-left:1.4rem}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:1rem;font-size:.9rem}.right{color:#0b6623;font-weight:600}
svg{width:100%;max-width:44rem;height:auto;font:13px system-ui,sans-serif}svg text{fill:#1a1a1a}
.now{fill:#1f5f99}.before{fill:#b5c7d9}.line{stroke:#1f5f99;stroke-width:3}.zero{stroke:#777}.limit{stroke:#a11}
@media(max-width:600px){body{font-size:15px;padding:.7rem}.pair{grid-template-columns:1fr}}
@media print{body{max-width:none;font-size:10.5px;padding:0}tr,svg,.pair{break-inside:avoid}h2,h3{break-after:avoid}}
"""


def page(title: str, body: Iterable[str]) -> str:
    """A whole page; `body` holds finished HTML, empty parts are left out."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(filter(None, body))
        + "\n</body></html>\n"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], *, kind: str = "", bad: Iterable[int] = ()) -> str:
    """Rows of plain values under a head; `bad` are the positions of rows to stand out. Empty without rows."""
    wrong = set(bad)
    lines = [
        ("<tr class='bad'>" if position in wrong else "<tr>")
        + "".join(f"<td>{escape(str(value))}</td>" for value in row)
        + "</tr>"
        for position, row in enumerate(rows)
    ]
    if not lines:
        return ""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    rest = f"<thead><tr>{top}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    return f'<div class="wide"><table class="{escape(kind)}">{rest}'


def note(*facts: str) -> str:
    """A line of small print: facts between dots."""
    return f'<p class="note">{escape(" · ".join(facts))}</p>' if facts else ""


def paired_bars(rows: Mapping[str, tuple[float, float | None]], *, unit: str = "") -> str:
    """A bar for each name, and a paler one below it for what was before; each name has its own scale of 0 to its larger."""
    parts = []
    for position, (name, (now, before)) in enumerate(rows.items()):
        top = position * 44
        most = max(now, before or 0.0) or 1.0
        parts.append(f'<text x="0" y="{top + 20}">{escape(name)}</text>')
        for line, (value, kind) in enumerate(((now, "now"), (before, "before"))):
            if value is not None:
                y, width = top + 4 + line * 18, 300 * value / most
                parts.append(f'<rect class="{kind}" x="180" y="{y}" width="{width:.1f}" height="14"/>')
                parts.append(f'<text x="{186 + width:.1f}" y="{y + 12}">{value:,.4g}{escape(unit)}</text>')
    return f'<svg viewBox="0 0 600 {len(rows) * 44}" role="img">{"".join(parts)}</svg>' if parts else ""


def intervals(rows: Mapping[str, Mapping[str, float]], limits: Mapping[str, float] | None = None) -> str:
    """Differences with their intervals around zero; a limit is a mark left of it."""
    if not rows:
        return ""
    ends = [abs(row[end]) for row in rows.values() for end in ("low", "high")] + list((limits or {}).values())
    most = max(ends, default=0.0) or 1.0
    height = len(rows) * 26 + 22

    def across(value: float) -> float:
        return 390 + 190 * value / most

    parts = [f'<line class="zero" x1="390" x2="390" y1="0" y2="{height - 20}"/>']
    for position, (name, row) in enumerate(rows.items()):
        y = position * 26 + 13
        parts.append(f'<text x="0" y="{y + 4}">{escape(name)}</text>')
        parts.append(f'<line class="line" x1="{across(row["low"]):.1f}" x2="{across(row["high"]):.1f}" y1="{y}" y2="{y}"/>')
        parts.append(f'<circle class="now" cx="{across(row["mean"]):.1f}" cy="{y}" r="5"/>')
        if limits and name in limits:
            x = across(-limits[name])
            parts.append(f'<line class="limit" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 9}" y2="{y + 9}"/>')
    marks = ((across(-most), f"{-most:+.2f}"), (390.0, "0"), (across(most), f"{most:+.2f}"))
    parts += [f'<text x="{x:.0f}" y="{height - 4}" text-anchor="middle">{text}</text>' for x, text in marks]
    return f'<svg viewBox="0 0 620 {height}" role="img">{"".join(parts)}</svg>'
