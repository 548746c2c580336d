"""Jupyter notebooks as cells: prose, code, and what the code printed. Pictures and widgets are said, never their bytes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from ingest import frontmatter, properties, stated
from ingest.blocks import html_blocks
from ingest.elements import Loss, Piece, clean
from ingest.readers.base import Reading, text_of, without_hidden
from ingest.readers.markdown import markdown_blocks
from ingest.readers.plain import plain_pieces
from sluice.errors import DocumentError
from sluice.jsons import loads

_WRITTEN_OVER = re.compile(r"[^\n]*\r(?!\n)(?=[^\r\n])")
"""What a line of a terminal showed before it was written anew: a bar that grows."""
_LOOKS = ("text/html", "text/markdown", "text/latex", "text/plain")
"""What an output is shown as, the first there is."""
_OLD_TYPES = {"text": "text/plain", "html": "text/html", "latex": "text/latex", "markdown": "text/markdown"}


def notebook(content: bytes, uri: str, label: str = "") -> Reading:
    """nbformat 3 and 4; raises DocumentError `malformed` for what is no notebook."""
    found = text_of(content, uri, label=label)
    try:
        written = loads(found.text)
    except ValueError as error:
        raise DocumentError("malformed", f"{uri}: no notebook: {type(error).__name__}", hint="save it again") from None
    cells = _cells(written) if isinstance(written, dict) else None
    if cells is None:
        raise DocumentError("malformed", f"{uri}: no notebook: it has no list of cells", hint="save it again, or exclude it")
    told, (front, cells) = [cell.get("metadata") for cell in cells], _fronted(cells, uri)
    pieces: list[Piece] = []
    lost: Counter[str] = Counter()
    for cell in cells:
        pieces += _cell(cell, lost)
    losses = tuple(Loss(what, count) for what, count in sorted((+lost).items()))
    return Reading(pieces, _about(written, told), front=front, losses=(*found.losses, *losses), guess=found.guess)


def _about(written: Mapping[str, Any], told: Sequence[Any]) -> properties.Properties:
    """The title and the authors that a notebook names in its metadata, and a permission, which nothing reads there or in
    the metadata and tags of its cells."""
    about = written.get("metadata")
    named = about if isinstance(about, dict) else {}
    authors = [str(author.get("name") or "") for author in _dicts(named.get("authors"))]
    title = named.get("title")
    found = properties.named(title=title if isinstance(title, str) else "", author=", ".join(filter(None, authors)))
    tags = [tag for each in told if isinstance(each, dict) and isinstance(each.get("tags"), list) for tag in each["tags"]]
    return found | properties.stated(frontmatter.keys_of([about, *told]), (tag for tag in tags if isinstance(tag, str)))


def _fronted(cells: list[Mapping[str, Any]], uri: str) -> tuple[frontmatter.FrontMatter | None, list[Mapping[str, Any]]]:
    """What the first cell says that is front matter (Quarto, Jupyter Book), and the cells without it; raises DocumentError."""
    for cell in cells[1:]:
        if cell.get("cell_type") == "raw":
            stated.refuse_laid_out(_text(cell.get("source")), uri=uri)
    first = cells[0] if cells else {}
    if first.get("cell_type") not in ("raw", "markdown"):
        stated.refuse_laid_out(_text(first.get("source", first.get("input"))), uri=uri)
        return None, cells
    front = frontmatter.split(_text(first.get("source")), uri=uri)
    return front, [{**first, "source": front.body}, *cells[1:]]


def _cells(written: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    sheets = [written, *(written.get("worksheets") or ())]
    lists = [sheet["cells"] for sheet in sheets if isinstance(sheet, dict) and isinstance(sheet.get("cells"), list)]
    return [cell for cells in lists for cell in cells if isinstance(cell, dict)] if lists else None


def _cell(cell: Mapping[str, Any], lost: Counter[str]) -> list[Piece]:
    source = _text(cell.get("source", cell.get("input")))
    match cell.get("cell_type"):
        case "markdown":
            return _taken(*_markdown(source), lost)
        case "heading":
            depth = cell.get("level")
            title = " ".join(clean(source).split())
            return [Piece("title", title, depth - 1 if isinstance(depth, int) and depth > 0 else 0)] if title else []
        case "code":
            shown = [piece for output in _merged(_dicts(cell.get("outputs"))) for piece in _output(output, lost)]
            return _code(source) + shown
    return plain_pieces(source, headings=False)


def _merged(outputs: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The outputs, with what was printed in parts to one stream as one: words are printed in parts, too."""
    found: list[Mapping[str, Any]] = []
    for stream, several in groupby(outputs, _stream):
        held = list(several)
        found += [{**held[0], "text": [_text(output.get("text")) for output in held]}] if stream else held
    return found


def _stream(output: Mapping[str, Any]) -> str:
    return str(output.get("name") or output.get("stream") or "stdout") if output.get("output_type") == "stream" else ""


def _output(output: Mapping[str, Any], lost: Counter[str]) -> list[Piece]:
    match output.get("output_type"):
        case "stream":
            return _code(_text(output.get("text")))
        case "error" | "pyerr":
            return _code(_text(output.get("traceback"), "\n") or f"{output.get('ename')}: {output.get('evalue')}")
    data = output.get("data")
    shown = data if isinstance(data, dict) else {_OLD_TYPES.get(name, name): value for name, value in output.items()}
    pictures = [name for name in shown if name.startswith("image/") or name in ("png", "jpeg", "svg", "pdf", "application/pdf")]
    look = next((name for name in _LOOKS if name in shown and _text(shown[name]).strip()), "")
    if look == "text/plain" and "application/javascript" in shown:  # which runs; `<…Javascript object>` is not shown
        return []
    if pictures and look in ("", "text/plain"):  # `<Figure size 640x480>` stands for the picture, and is not shown
        lost["picture"] += 1
        return []
    if not look:
        lost["widget"] += any(name.startswith("application/") for name in shown)
        return []
    text = _text(shown[look])
    if look == "text/html":
        kept, hidden = without_hidden(text)
        pieces, losses = html_blocks(kept)
        return _taken(pieces, (*hidden, *losses), lost) or _code(_text(shown.get("text/plain")))
    return _taken(*_markdown(text), lost) if look == "text/markdown" else _code(text)


def _markdown(text: str) -> tuple[list[Piece], tuple[Loss, ...]]:
    kept, hidden = without_hidden(text, markdown=True)
    pieces, losses = markdown_blocks(kept)
    return pieces, (*hidden, *losses)


def _taken(pieces: list[Piece], losses: Iterable[Loss], lost: Counter[str]) -> list[Piece]:
    for loss in losses:
        lost[loss.what] += loss.count
    return pieces


def _code(text: str) -> list[Piece]:
    text = clean(_WRITTEN_OVER.sub("", text), keep_indent=True)
    return [Piece("code", text)] if text.strip() else []


def _text(written: Any, between: str = "") -> str:
    """A text of a notebook: one string, or a list of lines."""
    if isinstance(written, list):
        return between.join(str(line) for line in written if isinstance(line, str | int | float))
    return written if isinstance(written, str) else ""


def _dicts(written: Any) -> list[Mapping[str, Any]]:
    return [item for item in written if isinstance(item, dict)] if isinstance(written, list) else []
