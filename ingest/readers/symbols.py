"""Characters of symbol fonts as Unicode: Word and others store a place in the font (U+F0B7), not what it shows."""

from __future__ import annotations

import re

# 0x20 to 0x7e, Adobe's Symbol.
_SYMBOL_LOW = " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧ∆ΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"
# 0xa0 to 0xef.
_SYMBOL_HIGH = "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪"
_SYMBOL = {0x20 + n: character for n, character in enumerate(_SYMBOL_LOW)}
_SYMBOL |= {0xA0 + n: character for n, character in enumerate(_SYMBOL_HIGH)}
_SYMBOL |= {0xF1 + n: character for n, character in enumerate("〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭")}
_WINGDINGS = {
    0x4A: "☺", 0x4C: "☹", 0x6C: "●", 0x6D: "❍", 0x6E: "■", 0x6F: "□", 0x71: "❑", 0x72: "❒", 0x75: "◆", 0x76: "❖",
    0x77: "⬥", 0x9F: "•", 0xA7: "▪", 0xA8: "◻", 0xB7: "•", 0xD8: "➢", 0xDF: "←", 0xE0: "→", 0xE1: "↑", 0xE2: "↓",
    0xE8: "➔", 0xF0: "⇨", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑",
}  # fmt: skip
_WINGDINGS_2 = {0x4F: "✗", 0x50: "✓", 0x51: "☒", 0x52: "☑", 0x53: "☒", 0x54: "☒", 0xA3: "□", 0x97: "●"}
_FONTS = {"symbol": _SYMBOL, "wingdings": _WINGDINGS, "wingdings 2": _WINGDINGS_2}
_PLACE = re.compile("[\uf020-\uf0ff]")


def shown(text: str, font: str) -> str:
    """Text of private characters as what the font shows; those of an unknown font or place stay as they are."""
    table = _FONTS.get(font.lower().strip())
    if table is None or not _PLACE.search(text):
        return text
    return _PLACE.sub(lambda found: table.get(ord(found.group()) & 0xFF, found.group()), text)


def symbol(code: str | None, font: str | None) -> str:
    """What a place in a font (hexadecimal, with or without the F000 of private characters) shows; '' where unknown."""
    try:
        place = int(code or "", 16)
    except ValueError:
        return ""
    table = _FONTS.get((font or "").lower().strip())
    if table is not None:
        return table.get(place & 0xFF, "")
    return "" if 0xE000 <= place <= 0xF8FF or not 0x20 <= place < 0xD800 else chr(place)
