"""Letters and signs of LaTeX as they are printed: `caf\\'e` is café, which people search for."""

from __future__ import annotations

import re
import unicodedata

_ACCENTS = {
    "'": "\u0301", "`": "\u0300", "^": "\u0302", '"': "\u0308", "~": "\u0303", "=": "\u0304", ".": "\u0307",
    "c": "\u0327", "v": "\u030c", "H": "\u030b", "u": "\u0306", "k": "\u0328", "r": "\u030a",
}  # fmt: skip
_ACCENTED = re.compile(
    r"\\(?:(?P<sign>['`^\"~=.])\s*|(?P<name>[cvHukr])(?:\s+|(?=\{)))(?:\{\s*\\?(?P<braced>[A-Za-z])\s*\}|\\?(?P<bare>[A-Za-z])(?![A-Za-z]*\{))"
)
_NAMED = {
    "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "o": "ø", "O": "Ø", "aa": "å", "AA": "Å", "l": "ł", "L": "Ł",
    "ldots": "…", "dots": "…", "textendash": "–", "textemdash": "—", "texteuro": "€", "euro": "€", "S": "§", "copyright": "©",
    "textbackslash": "\\", "textasciitilde": "~", "textquoteright": "’",
}  # fmt: skip
_LETTER = re.compile(rf"\\({'|'.join(sorted(_NAMED, key=len, reverse=True))})(?:\{{\}}|(?![A-Za-z])[ \t]*)")
_ALONE = re.compile(r"\{([^\W\d_])\}")
_ESCAPED = re.compile(r"\\([%&$#_{}])")
_VERBATIM = re.compile(r"(\\(?:url|href|verb|lstinline)\b\*?(?:\{[^{}]*\}|([^\w\s]).*?\2))")


def printed(line: str) -> str:
    """A line with these; addresses and code in it stay as they are written."""
    if "\\" not in line and "``" not in line and "--" not in line and "~" not in line:
        return line
    parts = _VERBATIM.split(line)
    return "".join(_printed(part) if n % 3 == 0 else part if n % 3 == 1 else "" for n, part in enumerate(parts) if part)


def _printed(text: str) -> str:
    text = _LETTER.sub(lambda found: _NAMED[found[1]], _ACCENTED.sub(_accented, text))
    if not text.isascii():
        text = _ALONE.sub(lambda found: found[1] if not found[1].isascii() else found[0], text)
    text = text.replace("``", "“").replace("''", "”").replace("---", "—").replace("--", "–").replace("~", " ")
    return _ESCAPED.sub(r"\1", text)


def _accented(found: re.Match[str]) -> str:
    letter = found["braced"] or found["bare"]
    return unicodedata.normalize("NFC", letter + _ACCENTS[found["sign"] or found["name"]])
