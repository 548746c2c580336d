"""Boxes of tasks that are drawn by styles, not by a field of a form: as ☒ and ☐, what a person sees."""

from __future__ import annotations

from typing import Any

Node = Any  # lxml.html.HtmlElement; lxml ships no types

_TICKED, _EMPTY = "☒", "☐"
_SAYS = {"true": _TICKED, "checked": _TICKED, "mixed": _TICKED, "false": _EMPTY, "unchecked": _EMPTY}
_CLASSES = {"checkbox-on": _TICKED, "checkbox-off": _EMPTY}
"""Notion's, on an element of its own."""


def of_box(node: Node, classes: list[str]) -> str:
    """The box that an element without text is: by its classes (Notion), or by its role; '' for any other."""
    if len(node) or (node.text or "").strip():
        return ""
    if node.get("role") == "checkbox":
        return _SAYS.get(str(node.get("aria-checked")).lower(), "")
    return next((_CLASSES[name] for name in classes if name in _CLASSES), "")


def of_item(node: Node, holder: Node) -> str:
    """The box before an item of a list that has none of its own: of Confluence's tasks, and of editors (Quill, TipTap)."""
    said = node.get("data-list") or node.get("data-checked")
    box = _SAYS.get(str(said).lower(), "") if said is not None else ""
    if not box and "inline-task-list" in str(holder.get("class") or "").split():
        box = _TICKED if "checked" in str(node.get("class") or "").split() else _EMPTY
    return box if box and node.find(".//input") is None else ""
