"""What fields of Word show that keep no result: the program makes it of the field's own code each time it draws the page.

`MACROBUTTON` (what templates ask to be filled in), `SYMBOL` and `EQ` (fractions, signs in circles, how a word is read above it:
ECMA-376, 17.16.5); the numbers of `AUTONUM` and
`LISTNUM`, which depend on all that stands before them, can only be said to be missing.
"""

from __future__ import annotations

import re

from ingest.readers.symbols import symbol

_BUTTON = re.compile(r"(?:MACRO|GOTO)BUTTON\s+\S+\s?(.*)", re.IGNORECASE | re.DOTALL)
_SYMBOL = re.compile(r'SYMBOL\s+("?)(0x[0-9a-f]{1,6}|\d{1,7}|\S)\1(.*)', re.IGNORECASE | re.DOTALL)
_FONT = re.compile(r'\\f\s*(?:"([^"]*)"|(\S+))', re.IGNORECASE)
_EQUATION = re.compile(r"EQ\s+(.*)", re.IGNORECASE | re.DOTALL)
_NUMBER = re.compile(r"(?:AUTONUM(?:LGL|OUT)?|LISTNUM)\b", re.IGNORECASE)
_PART = re.compile(r"\\([a-z]+)((?:[ ]*\\[a-z]+[ ]?\d*(?:\\?[{}\[\]<>|](?![(]))*)*)[ ]*\(([^()]*)\)", re.IGNORECASE)
_FORMAT = re.compile(r'\\\*\s*(?:"[^"]*"|[^\s\\]+)')
_ESCAPED = re.compile(r"\\([(),;\\])")
_CIRCLES = "○〇◯"
_LONGEST = 1_000
_DEEPEST = 20
_HELD = str.maketrans("(),;\\", "\ue000\ue001\ue002\ue003\ue004")
_GIVEN = str.maketrans("\ue000\ue001\ue002\ue003\ue004", "(),;\\")


def shown_by(code: str) -> str:
    """What a field without a result shows by its code; '' for one that shows nothing (an entry of an index, a bookmark)."""
    code = " ".join(code.split()) if len(code) <= _LONGEST else ""
    if button := _BUTTON.fullmatch(code):
        return button[1]
    if sign := _SYMBOL.fullmatch(code):
        return _symbol(sign[2], sign[3])
    equation = _EQUATION.fullmatch(code)
    return _equation(equation[1]) if equation else ""


def is_number(code: str) -> bool:
    """Whether a field shows a number that only counting all of the document would give."""
    return _NUMBER.match(code.strip()) is not None


def _symbol(written: str, switches: str) -> str:
    if not written[0].isdigit() or len(written) == 1:
        return written
    place, font = int(written, 0) if written[:2].lower() == "0x" else int(written), _FONT.search(switches)
    if font is not None and (found := symbol(f"{place:x}", font[1] or font[2])):
        return found
    if "\\u" in switches.lower() or place > 255:
        return symbol(f"{place:x}", "")
    return bytes([place]).decode("cp1252", "ignore")


def _equation(code: str) -> str:
    """An `EQ` field as one line: its innermost parts first, what they give kept apart from the code around them."""
    code = _ESCAPED.sub(lambda sign: sign[1].translate(_HELD), _FORMAT.sub("", code))
    for _ in range(_DEEPEST):
        code, count = _PART.subn(_part, code)
        if not count:
            break
    return code.translate(_GIVEN).strip()


def _part(found: re.Match[str]) -> str:
    name, switches, inside = found[1].lower(), found[2].lower(), found[3]
    parts = [part.strip() for part in inside.split(";" if ";" in inside else ",")]
    match name:
        case "f":
            text = "/".join(map(_held, parts))
        case "r":
            text = f"{''.join(parts[:-1])}√({parts[-1]})"
        case "o" if (
            len(parts) == 2 and parts[0] in _CIRCLES and parts[1].isascii() and parts[1].isdigit() and 0 < int(parts[1]) < 21
        ):
            text = chr(0x2460 + int(parts[1]) - 1)
        case "o" if len(parts) == 2 and parts[0].startswith("^"):  # how a word is read, above it
            text = f"{parts[1]}({parts[0][1:].translate(_GIVEN).strip('()')})"
        case "o" | "x" | "d":
            text = "".join(parts)
        case "s":
            text = ("_" if "\\do" in switches else "^") + _held(" ".join(parts))
        case "b":
            text = f"({', '.join(parts)})"
        case "i":
            text = "∫" + " ".join(filter(None, parts))
        case _:
            text = ", ".join(parts)
    return text.translate(_HELD)


def _held(text: str) -> str:
    plain = text.translate(_GIVEN)
    return text if len(plain) < 2 or plain.isalnum() else f"({text})"
