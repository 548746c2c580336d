"""What stands on a PDF page beside its own text: what was filled into its form, typed onto it, or noted at it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ingest.readers.pdfglyphs import Segment

_HIDDEN, _NO_VIEW = 2, 32
_NOTES = frozenset(
    {"/Text", "/Highlight", "/Underline", "/StrikeOut", "/Squiggly", "/Caret", "/Popup", "/Ink", "/Square", "/Circle", "/Line"}
)
_PASSWORD, _RADIO, _BUTTON = 1 << 13, 1 << 15, 1 << 16
_DEEPEST = 32
_LINE = 12.0


def fields(page: Any, lost: Counter[str]) -> list[Segment]:
    """The values of form fields and the text of text annotations of a pypdf page, each where it stands; counts notes."""
    found: list[Segment] = []
    try:
        annotations = page.get("/Annots")
        annotations = [] if annotations is None else list(annotations.get_object())
    except MemoryError:  # of the document's limit: nothing may be lost to that in silence
        raise
    except Exception:  # a broken list of annotations raises anything; the page's text is what counts
        return []
    for reference in annotations:
        try:
            annotation = reference.get_object()
            text = _text(annotation, lost)
            if text:
                found += _segments(text, [float(n) for n in annotation["/Rect"]])
        except MemoryError:
            raise
        except Exception:  # as above, for one annotation
            lost["annotation"] += 1
    return found


def _text(annotation: Any, lost: Counter[str]) -> str:
    kind = str(annotation.get("/Subtype"))
    if int(annotation.get("/F", 0)) & (_HIDDEN | _NO_VIEW):
        return ""
    if kind == "/FreeText":
        return str(annotation.get("/Contents") or "")
    if kind == "/Widget":
        return _value(annotation)
    if kind in _NOTES and kind != "/Popup" and str(annotation.get("/Contents") or "").strip():
        lost["comment"] += 1
    elif kind in ("/FileAttachment", "/Sound", "/Movie", "/Screen", "/3D", "/RichMedia"):
        lost["attachment"] += 1
    return ""


def _value(widget: Any) -> str:
    flags = int(_inherited(widget, "/Ff") or 0)
    value = _inherited(widget, "/V")
    match str(_inherited(widget, "/FT")):
        case "/Tx":
            return "" if flags & _PASSWORD or value is None else _string(value)
        case "/Ch":
            chosen = value if isinstance(value, list) else [] if value is None else [value]
            names = {_string(pair[0]): _string(pair[1]) for pair in _inherited(widget, "/Opt") or [] if isinstance(pair, list)}
            return ", ".join(names.get(_string(each), _string(each)) for each in chosen)
        case "/Btn" if flags & _BUTTON:
            look = widget.get("/MK")
            return "" if look is None else str(look.get_object().get("/CA") or "")
        case "/Btn":
            return "☒" if str(widget.get("/AS") or "/Off") != "/Off" else "☐"
    return ""


def _inherited(field: Any, name: str) -> Any:
    """What a field says, or what one above it says for all below."""
    for _ in range(_DEEPEST):
        if name in field:
            return field[name].get_object()
        if "/Parent" not in field:
            return None
        field = field["/Parent"].get_object()
    return None


def _string(value: Any) -> str:
    get_data = getattr(value, "get_data", None)  # long values lie in streams
    data = get_data() if get_data is not None else value
    return data.decode("utf-8", "replace") if isinstance(data, bytes) else str(data)


def _segments(text: str, rect: list[float]) -> list[Segment]:
    """The lines of a text from the top of its rectangle down."""
    left, right = sorted((rect[0], rect[2]))
    bottom, top = sorted((rect[1], rect[3]))
    lines = [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip()]
    height = min((top - bottom) / max(len(lines), 1), _LINE) or _LINE
    if len(lines) == 1:  # in the middle, as what is printed beside it
        top = (top + bottom) / 2 + height / 2
    return [
        Segment(" ".join(line.split()), left, right, top - (n + 1) * height, top - n * height, height)
        for n, line in enumerate(lines)
    ]
