"""Equations of Office (OMML) as one line of text: every symbol once, fractions with a slash, powers with a caret."""

from __future__ import annotations

from ingest.readers.package import Node, elements, is_on, local

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_SCRIPTS = {"sub": "_", "sup": "^", "lim": "_"}
_SKIPPED = frozenset({"del", "moveFrom", "instrText", "delText", "rPr"})


def equation(node: Node) -> str:
    """The text of an `m:oMath` or `m:oMathPara`; '' where it has none."""
    return " ".join(_read(node).split())


def _read(node: Node) -> str:
    name = local(node)
    if name == "t":
        return str(node.text or "")
    if name in _SKIPPED or name.endswith("Pr") or (name == "r" and _is_gone(node)):
        return ""
    parts = {local(below): below for below in elements(node)}
    look = parts.get(f"{name}Pr")
    inside = [(local(below), _read(below)) for below in elements(node)]
    match name:
        case "f":
            return f"{_held(_of(inside, 'num'))}/{_held(_of(inside, 'den'))}"
        case "rad":
            degree = _of(inside, "deg").strip()
            return f"{degree}√({_of(inside, 'e')})"
        case "d":
            begins, ends, between = (
                _value(look, what, plain) for what, plain in (("begChr", "("), ("endChr", ")"), ("sepChr", "|"))
            )
            return begins + between.join(text for what, text in inside if what == "e") + ends
        case "nary":
            return _value(look, "chr", "∫") + "".join(_scripted(*each) for each in inside)
        case "acc" | "groupChr":
            return "".join(text for _, text in inside) + (_value(look, "chr", "\u0302") if name == "acc" else "")
        case "m" | "eqArr":
            return "; ".join(text for what, text in inside if what in ("mr", "e"))
        case "mr":
            return ", ".join(text for what, text in inside if what == "e")
        case "oMathPara":
            return " ".join(text for _, text in inside)
    return "".join(_scripted(*each) for each in inside)


def _is_gone(run: Node) -> bool:
    """Whether a run of an equation was deleted, moved away or hidden, which Word writes among its own properties."""
    looks = (look for look in elements(run) if local(look) == "rPr")
    marks = {local(mark): mark for look in looks for mark in elements(look)}
    return "del" in marks or "moveFrom" in marks or is_on(marks.get("vanish"), f"{_W}val")


def _of(inside: list[tuple[str, str]], name: str) -> str:
    return "".join(text for what, text in inside if what == name)


def _scripted(name: str, text: str) -> str:
    return f"{_SCRIPTS[name]}{_held(text)}" if name in _SCRIPTS and text.strip() else text


def _held(text: str) -> str:
    text = text.strip()
    return text if len(text) < 2 or text.isalnum() else f"({text})"


def _value(look: Node | None, name: str, default: str) -> str:
    found = None if look is None else look.find(f"{_M}{name}")
    return default if found is None else str(found.get(f"{_M}val", ""))
