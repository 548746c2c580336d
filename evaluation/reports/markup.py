"""The one place where text becomes HTML: elements that escape whatever is not an element already, and the page around them.

No script, no network, readable on a phone, in the dark and on paper. Text is other people's: control characters (and those
that turn the direction of writing) become a replacement character. Lines break where browsers break them, behind spaces, `/`
and `-`; within a word only where it alone is wider than the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_VOID = frozenset({"meta", "line", "circle", "rect", "br", "path"})


class Html(str):
    """Finished HTML; made by `tag` and `text` only."""

    __slots__ = ()


def text(value: object) -> Html:
    """Anything as text on a page."""
    return value if isinstance(value, Html) else Html(escape(clean(str(value))))


def clean(value: str) -> str:
    """Text without characters that a page, a terminal or a file cannot show."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", value)


def tag(name: str, /, *content: object, **attributes: object) -> Html:
    """An element: content that is not Html is escaped; attributes too, those that are None or "" are left out.

    A name that Python keeps for itself ends with `_`, and `_` within a name is `-`: `class_`, `data_label`.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items() if value not in (None, "")
    )
    if name in _VOID:
        return Html(f"<{name}{given}>" if name in ("meta", "br") else f"<{name}{given}/>")
    return Html(f"<{name}{given}>{''.join(map(text, content))}</{name}>")


def marked(value: str, marks: Iterable[tuple[int, int]]) -> Html:
    """Text with the places [start, end) of it marked, where they are; places that overlap are one."""
    parts, done = list[Html](), 0
    for start, end in sorted(marks):
        if end > max(start, done):
            parts += [text(value[done : max(start, done)]), tag("mark", value[max(start, done) : end])]
            done = end
    return Html("".join([*parts, text(value[done:])]))


def join(parts: Iterable[Html]) -> Html:
    """Elements one after the other; empty ones are left out."""
    return Html("\n".join(filter(None, parts)))


NOTHING = Html("")

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1a1a1a;--soft:#444;--rule:#ccc;--grid:#ddd;--blue:#1f5f99;--pale:#9db6cd;
--panel:#f2f6fa;--good:#0b6623;--goodpanel:#f1f8f2;--bad:#a11;--badpanel:#fdf3f2}
@media(prefers-color-scheme:dark){:root{--paper:#15181c;--ink:#e6e6e6;--soft:#b4b9bf;--rule:#3a4047;--grid:#2c3238;
--blue:#7db7ee;--pale:#4a6580;--panel:#1c252e;--good:#7fd494;--goodpanel:#16251a;--bad:#ff9a8f;--badpanel:#2d1a19}}
*{box-sizing:border-box;print-color-adjust:exact;-webkit-print-color-adjust:exact}
body{margin:0 auto;max-width:70rem;padding:1rem;background:var(--paper);color:var(--ink);
font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:break-word}
h1{font-size:1.6rem;line-height:1.2;margin:.5rem 0}h2{font-size:1.2rem;margin:2.2rem 0 .5rem}
h3{font-size:1rem;margin:1.4rem 0 .3rem}p,ul,ol{margin:.4rem 0}.note{color:var(--soft);font-size:.9rem}
.note span{display:inline-block;margin-right:1.1rem;max-width:100%}
.banner{border-left:.4rem solid var(--blue);background:var(--panel);padding:.6rem 1rem;margin:1rem 0;font-weight:600}
.banner.bad{border-color:var(--bad);background:var(--badpanel)}.banner.good{border-color:var(--good);
background:var(--goodpanel)}.banner ul{font-weight:400}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem}
th,td{padding:.3rem .6rem;border-bottom:1px solid var(--rule);text-align:right;vertical-align:top}
td{white-space:nowrap}th{border-bottom:2px solid var(--soft);vertical-align:bottom}
th:first-child,td:first-child,.words td,.words th{text-align:left}.words td{white-space:normal}
.words td.figure,.words th.figure{text-align:right}.words td:first-child{white-space:nowrap}.words td:nth-child(2){min-width:9rem}
.bad td:first-child{color:var(--bad);font-weight:600}code{font-size:.85em}ol{padding-left:1.6rem}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(20rem,100%),1fr));gap:1rem;font-size:.9rem}.pair>div{min-width:0}
mark{background:#ffe08a;color:#1a1a1a;border-radius:.15rem;padding:0 .1rem}
.passage{color:var(--soft);font-weight:400;margin:.1rem 0 .3rem;padding-left:.6rem;border-left:2px solid var(--rule)}
details{margin:.4rem 0}summary{cursor:pointer}
.right{color:var(--good);font-weight:600}a{color:var(--blue)}
svg{display:block;width:100%;max-width:32rem;height:auto;font:13px system-ui,sans-serif;margin:.4rem 0}
svg text{fill:var(--ink)}svg .halo{paint-order:stroke;stroke:var(--paper);stroke-width:3px}
.now{fill:var(--blue)}.before{fill:var(--pale)}.line{stroke:var(--blue);stroke-width:3;fill:none}.thin{stroke-width:2}
.zero{stroke:var(--soft)}.grid{stroke:var(--grid)}.limit{stroke:var(--bad);stroke-width:2;stroke-dasharray:4 3}
@media(max-width:600px){html{font-size:15px}body{padding:.7rem}
.wide.words thead{display:none}.wide.words table,.wide.words tbody,.wide.words tr,.wide.words td{display:block;width:auto}
.wide.words tr{border-bottom:1px solid var(--rule);padding:.35rem 0}
.wide.words td,.wide.words td.figure{border:0;padding:.05rem 0;text-align:left;white-space:normal}
.wide.words td:empty{display:none}.wide.words td[data-label]::before{content:attr(data-label) ": ";color:var(--soft)}
.wide.words td:first-child{font-weight:600}.wide th,.wide td{padding:.25rem .45rem}}
@page{margin:14mm 12mm}
@media print{:root{color-scheme:light;--paper:#fff;--ink:#1a1a1a;--soft:#444;--rule:#ccc;--grid:#ddd;--blue:#1f5f99;
--pale:#9db6cd;--panel:#f2f6fa;--good:#0b6623;--goodpanel:#f1f8f2;--bad:#a11;--badpanel:#fdf3f2}
html{font-size:12px}body{max-width:none;padding:0}details::details-content{content-visibility:visible}.wide{overflow:visible}svg{max-width:26rem}
td{white-space:normal}tr,svg,li,.banner,.short{break-inside:avoid}h2,h3,h3+.note{break-after:avoid}
.pair{grid-template-columns:repeat(auto-fit,minmax(16rem,1fr))}}
"""


def page(title: str, body: Iterable[Html], *, style: str = STYLE) -> str:
    """A whole page."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width,initial-scale=1"),
        tag("title", title),
        tag("style", Html(style)),
    )
    return f'<!doctype html>\n<html lang="en">{head}\n<body>\n{join(body)}\n</body></html>\n'
