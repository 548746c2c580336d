"""Layers of a PDF (optional content): what is on one that is switched off is not on the page that a person opens.

PDFium draws pages without it and gives its text all the same. Only files that switch a layer off are rewritten, and of
those only what names one.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

_SHOWS = frozenset((b"Tj", b"TJ", b"'", b'"', b"Do", b"INLINE IMAGE", b"sh"))
_DEEPEST = 20


def visible(content: bytes, reader: Any) -> tuple[bytes, int]:
    """The file without what lies on layers that are off, and how many pages had any; as it is where none is off.

    `reader` is pypdf's of these bytes (None: it cannot read them); what it cannot read or write stays as it is.
    """
    try:
        if reader is None or not _switched_off(reader.trailer["/Root"]):
            return content, 0
        return _without_layers(reader, content)
    except MemoryError:
        raise
    except Exception:  # pypdf raises what it likes on broken files; the text is what counts
        return content, 0


def _switched_off(catalog: Any) -> frozenset[int]:
    """The numbers of the groups that the file's default configuration switches off."""
    about = catalog.get("/OCProperties")
    if about is None:
        return frozenset()
    chosen = about.get_object()["/D"].get_object()
    off = {_number(group) for group in _listed(chosen, "/OFF")}
    if chosen.get("/BaseState") == "/OFF":
        off |= {_number(group) for group in _listed(about.get_object(), "/OCGs")}
        off -= {_number(group) for group in _listed(chosen, "/ON")}
    return frozenset(off)


def _listed(holder: Any, name: str) -> list[Any]:
    found = holder.get(name)
    return [] if found is None else list(found.get_object())


def _number(group: Any) -> int:
    return int(getattr(group, "idnum", -1))


def _without_layers(reader: Any, content: bytes) -> tuple[bytes, int]:
    from pypdf import PdfWriter

    writer = PdfWriter(clone_from=reader)
    cutter = _Cutter(writer, _switched_off(writer.root_object))
    pages = sum(cutter.page(page) for page in writer.pages)
    if not pages:
        return content, 0
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue(), pages


class _Cutter:
    """Cuts what is switched off out of pages and of the forms on them, each form once."""

    def __init__(self, writer: Any, off: frozenset[int]) -> None:
        self._writer, self._off = writer, off
        self._forms: dict[int, bool] = {}

    def page(self, page: Any) -> bool:
        """Whether anything was cut."""
        contents = page.get_contents()
        if contents is None:
            return False
        resources = page.get("/Resources")
        cut, below = self._stream(contents, {} if resources is None else resources.get_object(), 0)
        if cut is not None:
            page.replace_contents(cut)
        return cut is not None or below

    def _stream(self, stream: Any, resources: Any, depth: int) -> tuple[Any | None, bool]:
        """The content stream without what is off (None: nothing is), and whether anything was cut out of its forms."""
        from pypdf.generic import ContentStream

        drawn, layers = (_held(resources, name) for name in ("/XObject", "/Properties"))
        below = [self._form(form, depth + 1) for form in drawn.values() if form.get_object().get("/Subtype") == "/Form"]
        hidden = {name for name, each in drawn.items() if self._is_off(_layer(each.get_object()))}
        unseen = {name for name, each in layers.items() if self._is_off(each)}
        if not hidden and not unseen:
            return None, any(below)
        content = stream if isinstance(stream, ContentStream) else ContentStream(stream, self._writer)
        operations = list(content.operations)
        kept = list(_kept(operations, unseen, hidden))
        if len(kept) == len(operations) and all(one is other for one, other in zip(kept, operations, strict=True)):
            return None, any(below)
        content.operations = kept
        return content, any(below)

    def _form(self, reference: Any, depth: int) -> bool:
        number, form = _number(reference), reference.get_object()
        if number not in self._forms and depth <= _DEEPEST:
            self._forms[number] = False  # a form that draws itself ends
            resources = form.get("/Resources")
            cut, below = self._stream(form, {} if resources is None else resources.get_object(), depth)
            if cut is not None:
                form.set_data(cut.get_data())
            self._forms[number] = cut is not None or below
        return self._forms.get(number, False)

    def _is_off(self, group: Any) -> bool:
        """Whether a group, or a membership of groups by its policy, is switched off."""
        if group is None:
            return False
        about = group.get_object()
        if about.get("/Type") != "/OCMD":
            return _number(group) in self._off
        named = about.raw_get("/OCGs") if "/OCGs" in about else None
        listed = named.get_object() if named is not None else None
        members = [named] if isinstance(listed, dict) else list(listed or ())
        states = [_number(member) not in self._off for member in members]
        match about.get("/P"):
            case "/AllOn":
                shown = all(states)
            case "/AnyOff":
                shown = not all(states)
            case "/AllOff":
                shown = not any(states)
            case _:
                shown = any(states)
        return bool(states) and not shown


def _layer(drawn: Any) -> Any:
    return drawn.raw_get("/OC") if "/OC" in drawn else None


def _held(resources: Any, name: str) -> Mapping[str, Any]:
    """A dictionary of a page's resources, its values as references."""
    found = resources.get(name)
    return {} if found is None else {key: found.get_object().raw_get(key) for key in found.get_object()}


def _kept(operations: list[Any], unseen: set[str], hidden: set[str]) -> Iterator[Any]:
    """The operations that draw nothing of a layer that is off; those that only move and set stay."""
    marks: list[bool] = []
    for operation in operations:
        operands, operator = operation
        if operator in (b"BDC", b"BMC"):
            named = operands[1] if len(operands) > 1 and operands[0] == "/OC" else None
            marks.append(isinstance(named, str) and named in unseen)
        elif operator == b"EMC" and marks:
            marks.pop()
        elif operator == b"Do" and operands and operands[0] in hidden:
            continue
        elif operator in _SHOWS and any(marks):
            if operator in (b"'", b'"'):
                yield [], b"T*"
            continue
        yield operation
