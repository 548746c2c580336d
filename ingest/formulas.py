"""MathML and ruby as text that reads in a line: `(a + b)/2`, `x^2`, 漢字(かんじ)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Node = Any  # lxml.html.HtmlElement; lxml ships no types

_LEAVES = frozenset(("mi", "mn", "mo", "mtext", "ms"))
_SKIPPED = frozenset(("annotation", "annotation-xml", "mphantom", "mspace", "mprescripts", "none", "maligngroup", "malignmark"))
_INVISIBLE = str.maketrans("", "", "\u2061\u2062\u2063\u2064")


def formula(node: Node) -> str:
    """A `math` element; where it has only an annotation or an `alttext`, that."""
    text = _joined(node).translate(_INVISIBLE)
    if text.strip():
        return text
    notes = " ".join(note.text_content() for note in node.iter("annotation"))
    return f" {notes.strip() or node.get('alttext') or ''} "


def ruby(node: Node) -> str:
    """The base text and its reading after it, in parentheses."""
    base: list[str] = []
    reading: list[str] = []

    def walk(at: Node) -> None:
        for child in at:
            if child.tag in ("rt", "rtc"):
                reading.append(child.text_content())
            elif child.tag != "rp" and isinstance(child.tag, str):
                base.append(child.text or "")
                walk(child)
            base.append(child.tail or "" if child.tag != "rp" else (child.tail or "").strip())

    base.append(node.text or "")
    walk(node)
    above = "".join("".join(reading).split())
    below = "".join(base).strip()
    return f"{below}({' '.join(''.join(reading).split()) if ' ' in below else above})" if above else below


def _text(node: Node) -> str:
    if not isinstance(node.tag, str) or node.tag in _SKIPPED:
        return ""
    if node.tag in _LEAVES:
        return " ".join(node.text_content().split()) if node.tag != "mtext" else f" {node.text_content().strip()} "
    if (shape := _SHAPES.get(node.tag)) is not None:
        return shape([_text(child) for child in node if isinstance(child.tag, str) and child.tag not in _SKIPPED])
    return _joined(node)


def _joined(node: Node) -> str:
    parts = [(node.text or "").strip()]
    for child in node:
        parts += [_text(child), (child.tail or "").strip()]
    return "".join(parts)


def _part(text: str) -> str:
    return text if len(text) < 2 or text.isalnum() else f"({text})"


def _with(sign: str) -> Callable[[Sequence[str]], str]:
    return lambda parts: sign.join([*parts[:1], *(_part(part) for part in parts[1:] if part)])


def _fraction(parts: Sequence[str]) -> str:
    return "/".join(_part(part) for part in parts)


def _root(parts: Sequence[str]) -> str:
    return "".join(_part(part) for part in parts[1:]) + "√" + _part("".join(parts[:1]))


def _both(parts: Sequence[str]) -> str:
    return "".join(sign + (_part(part) if sign else part) for sign, part in zip(("", "_", "^"), parts, strict=False)) + "".join(
        parts[3:]
    )


def _spread(parts: Sequence[str]) -> str:
    return " ".join(parts)


_SHAPES: dict[str, Callable[[Sequence[str]], str]] = {
    "mfrac": _fraction,
    "msup": _with("^"),
    "mover": _with("^"),
    "msub": _with("_"),
    "munder": _with("_"),
    "msubsup": _both,
    "munderover": _both,
    "msqrt": lambda parts: "√" + _part("".join(parts)),
    "mroot": _root,
    "mtable": lambda parts: " ; ".join(parts),
    "mtr": _spread,
    "mlabeledtr": _spread,
}
