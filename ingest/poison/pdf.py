"""Text in a PDF that a page does not show: white on white, too small, transparent, or beside the page; found, and cut.

Through PDFium, whose page objects say how each piece of text is drawn: 20 ms for 2,500 objects, where laying the page
out again would double the time of the parse.
"""

from __future__ import annotations

import ctypes
import math
from collections import Counter
from collections.abc import Collection, Iterator
from io import BytesIO
from typing import Any

_TINY_POINTS = 2.0
_WHITE = 243
_SCANNED = 0.5
"""The part of a page that pictures cover where what is invisible on it is what OCR has read."""
_INVISIBLE = 3  # the text render mode of what is drawn with neither fill nor stroke

Bounds = tuple[float, float, float, float]


def hidden(content: bytes, strip: Collection[str], look_for: Collection[str]) -> tuple[Counter[str], bytes | None]:
    """Rule → pieces of text hidden by it (neighbours are one), and the file without those to strip.

    Invisible text over a picture that fills the page is what OCR leaves, and no finding. A file that PDFium cannot read
    has no findings: what reads it next will say so. PDFium cannot cut text out of a form within a page: it is counted,
    and stays. (Three of 15 sample files have such text beside the page, left by whoever cut them from a spread.)
    """
    import pypdfium2

    found: Counter[str] = Counter()
    try:
        pdf = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError:
        return found, None
    try:
        changed = False
        for page in pdf:
            pieces = _pieces(page, look_for)
            before = ""
            for rule, _ in pieces:
                found[rule] += rule != before and bool(rule)
                before = rule
            cut = [piece for rule, piece in pieces if rule in strip and piece.level == 0]
            for piece in cut:
                page.remove_obj(piece)
            if cut:
                page.gen_content()
                changed = True
        found = +found
        if not changed:
            return found, None
        out = BytesIO()
        pdf.save(out)
        return found, out.getvalue()
    finally:
        pdf.close()


def _pieces(page: Any, look_for: Collection[str]) -> list[tuple[str, Any]]:
    """Each text object of a page with the rule that hides it ('' for none), in drawing order."""
    import pypdfium2.raw as raw

    box: Bounds = page.get_bbox()
    grounds: list[Bounds] = []
    pieces: list[tuple[str, Any]] = []
    drawn = [(piece, matrix, matrix.on_rect(*piece.get_bounds())) for piece, matrix in _drawn(page, page.get_textpage())]
    pictures = (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_SHADING)
    # What OCR has read lies over its scan or under it, and a scan may be many strips.
    scanned = sum(_covered(bounds, box) for piece, _, bounds in drawn if piece.type in pictures) > _SCANNED
    for piece, matrix, bounds in drawn:
        match piece.type:
            case raw.FPDF_PAGEOBJ_TEXT:
                rule = _rule(piece, bounds, matrix, box, grounds, scanned)
                pieces.append((rule if rule in look_for and piece.extract().strip() else "", piece))
            case raw.FPDF_PAGEOBJ_IMAGE | raw.FPDF_PAGEOBJ_SHADING:
                grounds.append(bounds)
            case raw.FPDF_PAGEOBJ_PATH if not _white(_fill(piece)):
                grounds.append(bounds)
    return pieces


def _drawn(page: Any, texts: Any) -> Iterator[tuple[Any, Any]]:
    """Page objects, those in forms too, each with the matrix from its coordinates to the page's."""
    import pypdfium2
    import pypdfium2.raw as raw

    matrices = [pypdfium2.PdfMatrix()]
    for piece in page.get_objects(textpage=texts):
        del matrices[piece.level + 1 :]
        yield piece, matrices[-1]
        if piece.type == raw.FPDF_PAGEOBJ_FORM:
            matrices.append(piece.get_matrix().multiply(matrices[-1]))


def _rule(piece: Any, bounds: Bounds, matrix: Any, box: Bounds, grounds: list[Bounds], scanned: bool) -> str:
    import pypdfium2.raw as raw

    left, bottom, right, top = bounds
    if right < box[0] or left > box[2] or top < box[1] or bottom > box[3]:
        return "hidden_offscreen"
    colour, mode = _fill(piece), raw.FPDFTextObj_GetTextRenderMode(piece.raw)
    if mode == _INVISIBLE or (colour is not None and colour[3] == 0):
        return "" if scanned else "hidden_style"
    look = piece.get_matrix().multiply(matrix)
    if piece.get_font_size() * math.hypot(look.c, look.d) < _TINY_POINTS:
        return "hidden_size"
    middle = ((left + right) / 2, (bottom + top) / 2)
    on_ground = any(g[0] <= middle[0] <= g[2] and g[1] <= middle[1] <= g[3] for g in grounds)
    return "hidden_colour" if mode == 0 and _white(colour) and not on_ground else ""


def _fill(piece: Any) -> tuple[int, int, int, int] | None:
    import pypdfium2.raw as raw

    parts = [ctypes.c_uint() for _ in range(4)]
    if not raw.FPDFPageObj_GetFillColor(piece.raw, *map(ctypes.byref, parts)):
        return None
    red, green, blue, alpha = (part.value for part in parts)
    return red, green, blue, alpha


def _white(colour: tuple[int, int, int, int] | None) -> bool:
    return colour is not None and min(colour[:3]) >= _WHITE


def _covered(picture: Bounds, box: Bounds) -> float:
    """The part of a page that a picture covers."""
    width = min(picture[2], box[2]) - max(picture[0], box[0])
    height = min(picture[3], box[3]) - max(picture[1], box[1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    return width * height / area if width > 0 and height > 0 and area > 0 else 0.0
