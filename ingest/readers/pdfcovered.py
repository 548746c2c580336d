"""What lies under a box that a PDF page draws over it (the words of whoever painted over them instead of taking them out), and
what is drawn beside the window that it is clipped to."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_SEGMENTS = range(4, 7)
"""Lines of which a path is a rectangle: four, one more where it is closed twice, and one more where it ends at its start."""
_DEEPEST = 20
_LOW = 0.5
"""A box lower than this part of a letter's size is a line through it."""
_MOST = 0.75

Box = tuple[float, float, float, float]
_EVERYWHERE: Box = (float("-inf"), float("-inf"), float("inf"), float("inf"))


@dataclass(slots=True)
class Covers:
    """A page's boxes and text objects in the order in which they are drawn."""

    _boxes: list[tuple[int, Box]] = field(default_factory=list)
    _texts: dict[int, int] = field(default_factory=dict)
    _windows: dict[int, Box] = field(default_factory=dict)
    """What is to be seen of where a text object is drawn."""

    @classmethod
    def of(cls, page: Any) -> Covers:
        """Of a pypdfium2 page: opaque rectangles of one colour, as far as what they are clipped to lets them be seen."""
        import pypdfium2
        import pypdfium2.raw as raw

        found = cls()
        for order, (drawn, matrix) in enumerate(drawn_on(page.raw, pypdfium2.PdfMatrix(), raw)):
            kind = raw.FPDFPageObj_GetType(drawn)
            if kind == raw.FPDF_PAGEOBJ_TEXT:
                found._texts[_address(drawn)] = order
                if (window := _window(drawn, matrix, raw)) not in (None, _EVERYWHERE):
                    found._windows[_address(drawn)] = window
            elif kind == raw.FPDF_PAGEOBJ_PATH and (box := _box(drawn, matrix, raw)):
                found._boxes.append((order, box))
        return found

    def shows(self, drawn: int, letter: Box) -> bool:
        """Whether anything of a letter of a text object (by its address) is where it is to be seen."""
        window = self._windows.get(drawn)
        if window is None:
            return True
        return min(window[2], letter[2]) > max(window[0], letter[0]) and min(window[3], letter[3]) > max(window[1], letter[1])

    def over(self, drawn: int, middle: tuple[float, float]) -> list[Box]:
        """The boxes that are drawn over a place after a text object (by its address) was."""
        if not self._boxes:
            return []
        order, (x, y) = self._texts.get(drawn, 1 << 62), middle
        return [b for at, b in self._boxes if at > order and b[0] <= x <= b[2] and b[1] <= y <= b[3]]


def hides(box: Box, letter: Box, size: float) -> bool:
    """Whether a box that lies over the middle of a letter covers it, and is no line through it."""
    if box[3] - box[1] < _LOW * size:
        return False
    wide, high = max(letter[2] - letter[0], 0.01), max(letter[3] - letter[1], 0.01)
    across = min(box[2], letter[2]) - max(box[0], letter[0])
    up = min(box[3], letter[3]) - max(box[1], letter[1])
    return across >= _MOST * wide and up >= _MOST * high


def drawn_on(page: Any, matrix: Any, raw: Any) -> Iterator[tuple[Any, Any]]:
    """Page objects in drawing order, those of forms in the place of their form, with the matrix to the page."""
    stack: list[tuple[Iterator[Any], Any]] = [
        ((raw.FPDFPage_GetObject(page, n) for n in range(raw.FPDFPage_CountObjects(page))), matrix)
    ]
    while stack:
        objects, matrix = stack[-1]
        drawn = next(objects, None)
        if drawn is None:
            stack.pop()
        elif raw.FPDFPageObj_GetType(drawn) == raw.FPDF_PAGEOBJ_FORM and len(stack) < _DEEPEST:
            stack.append((_inside(drawn, raw), matrix_of(drawn, raw).multiply(matrix)))
        else:
            yield drawn, matrix


def _inside(form: Any, raw: Any) -> Iterator[Any]:
    return (raw.FPDFFormObj_GetObject(form, n) for n in range(raw.FPDFFormObj_CountObjects(form)))


def matrix_of(drawn: Any, raw: Any) -> Any:
    import pypdfium2

    found = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(drawn, ctypes.byref(found))
    return pypdfium2.PdfMatrix.from_raw(found)


def _address(drawn: Any) -> int:
    return ctypes.cast(drawn, ctypes.c_void_p).value or -1


def _box(path: Any, matrix: Any, raw: Any) -> Box | None:
    """The box that a path fills on the page; None where it is no rectangle, is not filled, or lets what is below be seen."""
    mode, stroked = ctypes.c_int(), ctypes.c_int()
    if raw.FPDFPath_CountSegments(path) not in _SEGMENTS or not raw.FPDFPath_GetDrawMode(
        path, ctypes.byref(mode), ctypes.byref(stroked)
    ):
        return None
    parts = [ctypes.c_uint() for _ in range(4)]
    if not mode.value or not raw.FPDFPageObj_GetFillColor(path, *map(ctypes.byref, parts)) or parts[3].value < 255:
        return None
    if raw.FPDFPageObj_HasTransparency(path):
        return None
    corners = [raw.FPDFPath_GetPathSegment(path, n) for n in range(raw.FPDFPath_CountSegments(path))]
    shape = _rectangle(corners, matrix_of(path, raw).multiply(matrix), raw)
    window = _window(path, matrix, raw)
    if shape is None or window is None:
        return None
    shape = _common(shape, window)
    return shape if shape is not None and shape[0] < shape[2] and shape[1] < shape[3] else None


def _window(drawn: Any, matrix: Any, raw: Any) -> Box | None:
    """What an object is clipped to, as a box on the page; None where that is no box."""
    window: Box = _EVERYWHERE
    clip = raw.FPDFPageObj_GetClipPath(drawn)
    for n in range(max(raw.FPDFClipPath_CountPaths(clip), 0) if clip else 0):
        count = raw.FPDFClipPath_CountPathSegments(clip, n)
        seen = _rectangle([raw.FPDFClipPath_GetPathSegment(clip, n, i) for i in range(count)], matrix, raw)
        if seen is None:
            return None
        window = _common(window, seen)
    return window


def _common(one: Box, other: Box) -> Box:
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def _rectangle(corners: list[Any], matrix: Any, raw: Any) -> Box | None:
    """The rectangle that these points are the corners of, on the page; None where they are none or it stands slanted."""
    if len(corners) not in _SEGMENTS:
        return None
    x, y = ctypes.c_float(), ctypes.c_float()
    points = []
    for corner in corners:
        if raw.FPDFPathSegment_GetType(corner) == raw.FPDF_SEGMENT_BEZIERTO:
            return None
        raw.FPDFPathSegment_GetPoint(corner, ctypes.byref(x), ctypes.byref(y))
        points.append(matrix.on_point(x.value, y.value))
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    box = min(xs), min(ys), max(xs), max(ys)
    near = 0.01 * max(box[2] - box[0], box[3] - box[1], 1)
    is_one = all(min(p[0] - box[0], box[2] - p[0]) <= near and min(p[1] - box[1], box[3] - p[1]) <= near for p in points)
    return box if is_one else None
