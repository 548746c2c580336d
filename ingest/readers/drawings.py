"""What Word, Excel and PowerPoint have in common in their drawings: paragraphs in shapes, charts, diagrams (DrawingML)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ingest.elements import Piece, row_text
from ingest.readers import numbers
from ingest.readers.equations import equation
from ingest.readers.package import Node, Package, R, Related, child, elements, local, whole
from ingest.readers.symbols import shown
from ingest.readers.wordnumbers import number

_AUTO = {
    "arabic": "decimal",
    "alphaLc": "lowerLetter",
    "alphaUc": "upperLetter",
    "romanLc": "lowerRoman",
    "romanUc": "upperRoman",
}
_AROUND = {"Period": ("", "."), "ParenR": ("", ")"), "ParenBoth": ("(", ")"), "Plain": ("", "")}
_CONTROL = re.compile("_x00[01][0-9A-Fa-f]_")
"""A character that XML cannot hold: nearly always the break of a line that is typed with Shift and Enter."""
_LEVELS = 9
_MOST_POINTS = 10_000
_SPARSE = 20


def is_hidden(node: Node) -> bool:
    """Whether a shape, a picture or a group is hidden (in Office's selection pane; of old drawings by their style)."""
    if re.search(r"visibility\s*:\s*hidden", str(node.get("style") or "")):
        return True
    looks = [look for below in elements(node) for look in (below, *(elements(below) if local(below).startswith("nv") else ()))]
    marked = (look for look in looks if local(look) in ("docPr", "cNvPr"))
    return any(str(look.get("hidden", "0")).lower() in ("1", "true") and not _is_control(look) for look in marked)


def _is_control(look: Node) -> bool:
    """Whether a shape stands for a form's control, which Excel draws from its old drawings and hides among the new ones."""
    return any(local(below) == "compatExt" for below in look.iter())


def holds_text(node: Node) -> bool:
    """Whether there are words below a node."""
    return any(local(below) == "t" and str(below.text or "").strip() for below in node.iter())


def paragraphs(body: Node, page: int | None = None, *, listed: bool = False) -> list[Piece]:
    """The paragraphs of a shape's text, each a piece; `listed`: its outline has bullets unless a paragraph says otherwise."""
    found: list[Piece] = []
    counts: dict[tuple[int, str], int] = {}
    for node in elements(body):
        if local(node) != "p":
            continue
        look = child(node, "pPr")
        level = min(whole(None if look is None else look.get("lvl"), 0), _LEVELS)
        marks = {local(below): below for below in elements(look)} if look is not None else {}
        text = paragraph(node)
        auto = marks.get("buAutoNum")
        form = "" if auto is None else str(auto.get("type") or "arabicPeriod")
        counts = {(at, what): n for (at, what), n in counts.items() if at < level or (at == level and what == form)}
        if not text:
            continue
        if auto is not None:
            counts[level, form] = counts.get((level, form), whole(auto.get("startAt"), 1) - 1) + 1
            text = f"{_numbered(counts[level, form], form)} {text}"
        is_item = auto is not None or "buChar" in marks or "buBlip" in marks or (listed and "buNone" not in marks)
        found.append(Piece("list" if is_item else "text", text, page=page))
    return found


def paragraph(node: Node) -> str:
    """One paragraph as text: runs, fields, equations, and line breaks."""
    parts: list[str] = []
    waiting = list(reversed(list(elements(node))))
    while waiting:
        at = waiting.pop()
        match local(at):
            case "t":
                parts.append(str(at.text or ""))
            case "r":
                parts.append(shown(str(getattr(child(at, "t"), "text", "") or ""), _font(at)))
            case "br":
                parts.append("\n")
            case "fld" if str(at.get("type")) == "slidenum":
                continue
            case "oMath" | "oMathPara":
                parts.append(f" {equation(at)} ")
            case "AlternateContent":
                waiting += list(reversed(list(elements(at))))[-1:]
            case name if not name.endswith("Pr"):
                waiting += reversed(list(elements(at)))
    text = _CONTROL.sub("\v", "".join(parts)) if "_x00" in "".join(parts) else "".join(parts)
    return text.replace("\xa0", " ").replace("\v", "\n").strip()


def _font(run: Node) -> str:
    look = child(run, "rPr")
    fonts = [] if look is None else [below for below in elements(look) if local(below) in ("sym", "latin")]
    return str(fonts[-1].get("typeface") or "") if fonts else ""


def _numbered(value: int, form: str) -> str:
    kind = next((name for name in _AUTO if form.startswith(name)), "arabic")
    before, after = _AROUND.get(form.removeprefix(kind), ("", "."))
    return f"{before}{number(value, _AUTO[kind])}{after}"


def referred(node: Node, package: Package, related: Mapping[str, Related], page: int | None = None) -> list[Piece]:
    """What a chart or a diagram says, by the element that refers to its part (`c:chart`, `cx:chart`, `dgm:relIds`)."""
    name = node.get(f"{R}dm") if local(node) == "relIds" else node.get(f"{R}id")
    found = related.get(str(name))
    root = package.xml(found.path) if found is not None and found.path else None
    if root is None:
        return []
    if local(node) == "relIds":
        return diagram(root, page)
    extra: list[Piece] = []
    for other in package.related(found.path).values() if found is not None else ():
        if other.kind == "chartUserShapes" and (shapes := package.xml(other.path)) is not None:
            extra += [Piece("text", text, page=page) for text in _rich(shapes)]
    return [*chart(root, page), *extra]


def diagram(root: Node, page: int | None = None) -> list[Piece]:
    """The points of a SmartArt diagram as its outline has them: each before what is below it, in the order of its connections.

    The model lists points in the order in which they were made; one that nothing connects comes after the others.
    """
    points = {str(node.get("modelId")): node for node in root.iter() if local(node) == "pt"}
    below: dict[str, list[tuple[int, str]]] = {}
    for node in root.iter():
        if local(node) == "cxn" and node.get("type", "parOf") == "parOf":
            below.setdefault(str(node.get("srcId")), []).append((whole(node.get("srcOrd"), 0), str(node.get("destId"))))
    ends = {end for found in below.values() for _, end in found}
    waiting = [name for name in reversed(points) if name not in ends]
    order: dict[str, None] = {}
    while waiting:
        name = waiting.pop()
        if name not in order:
            order[name] = None
            waiting += [end for _, end in sorted(below.get(name, ()), key=lambda found: found[0], reverse=True)]
    order |= dict.fromkeys(points)  # points that go round in a circle
    bodies = [body for name in order if name in points and (body := child(points[name], "t")) is not None]
    return [Piece("list", piece.text, page=page) for body in bodies for piece in paragraphs(body)]


def chart(root: Node, page: int | None = None) -> list[Piece]:
    """A chart's words (titles, labels) as text and its numbers as a table: a row for each category, a column for each series."""
    titles = dict.fromkeys(_rich(root))
    pieces = [Piece("text", text, page=page) for text in titles]
    series = [node for node in root.iter() if local(node) == "ser"]
    columns: list[tuple[str, dict[int, str]]] = []
    categories: dict[int, str] = {}
    for node in series:
        named = child(node, "tx")
        name = " ".join(_cache(named).values()) if named is not None else ""
        for what in ("cat", "xVal"):
            for at, text in _cache(child(node, what)).items():
                categories.setdefault(at, text)
        columns += [(name, values) for what in ("val", "yVal", "bubbleSize") if (values := _cache(child(node, what)))]
        if not any(child(node, what) is not None for what in ("val", "yVal")) and name:
            columns.append((name, {}))
    places = sorted(set(categories).union(*(values for _, values in columns)))[:_MOST_POINTS]
    lines = [row_text(["", *(name for name, _ in columns)])] if any(name for name, _ in columns) else []
    points = len(categories) + sum(len(values) for _, values in columns)
    if len(places) * len(columns) > _SPARSE * points + _MOST_POINTS:  # almost all of it is empty
        return [
            *pieces,
            *(Piece("text", text, page=page) for name, values in columns if (text := row_text([name, *values.values()]))),
        ]
    lines += [row_text([categories.get(at, ""), *(values.get(at, "") for _, values in columns)]) for at in places]
    if not series:  # charts since 2016 keep their data apart from their series
        lines = [text for node in root.iter() if local(node) in ("pt", "v") and (text := str(node.text or "").strip())]
    if text := "\n".join(filter(None, lines)):
        pieces.append(Piece("table", text, page=page))
    return pieces


def _rich(root: Node) -> Iterable[str]:
    """The texts that were typed: titles, labels, text boxes."""
    return [text for node in root.iter() if local(node) == "p" and (text := paragraph(node))]


def _cache(holder: Node | None) -> dict[int, str]:
    """The values that a chart remembers of its cells, by place, as its format shows them; of several levels, joined."""
    if holder is None:
        return {}
    found: dict[int, str] = {}
    for level in reversed([node for node in holder.iter() if local(node) in ("strCache", "numCache", "lvl", "strLit", "numLit")]):
        code = str(getattr(child(level, "formatCode"), "text", "") or numbers.GENERAL)
        is_number = local(level).startswith("num")
        for point in elements(level):
            if local(point) == "pt":
                value = str(getattr(child(point, "v"), "text", "") or "")
                at = whole(point.get("idx"), 0)
                text = _shown(value, str(point.get("formatCode") or code)) if is_number else value
                found[at] = f"{found[at]} {text}" if at in found else text
    plain = child(holder, "v")
    if plain is not None and not found:
        found[0] = str(plain.text or "")
    return found


def _shown(value: str, code: str) -> str:
    try:
        return numbers.shown(float(value), code)
    except (ValueError, OverflowError):
        return value
