"""Words that are written in another way than people read them: in base64 or base32, in percent codes, hexadecimal, escapes of
programs or of HTML, or spaced out; once more within base64, too.

    Z2hwXzE2QzdlNDJG…   ghp%5F16C7e42F…   6768705f313643…   67 68 70 5f 31…
    ghp\\u005f16C7…   ghp&#95;16C7…   g h p _ 1 6 C 7 e …

What is not such words (a hash, a picture, a row of a table) decodes to no text, and is passed over.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

Span = tuple[int, int]

LEAST = 16
"""Characters of the words: what is shorter is rather a hash by chance."""
_BASE64 = re.compile(r"(?<![\w+/-])[A-Za-z0-9+/_-]{22,8192}={0,2}(?![\w+/=-])")
_PERCENT = re.compile(r"(?<![\w.~%+-])(?=[\w.~+-]{0,200}%[0-9A-Fa-f]{2})[\w.~%+-]{8,4096}(?![\w.~%+-])")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-f]{32,4096}|[0-9A-F]{32,4096})(?![0-9A-Za-z])")
_SPACED = re.compile(r"(?<!\S)[^\W_](?:[ \u00a0]\S){9,400}(?!\S)")
_BASE32 = re.compile(r"(?<![A-Za-z0-9+/_-])(?=[A-Z]*[2-7])[A-Z2-7]{26,4096}={0,6}(?![A-Za-z0-9+/=_-])")
_HEX_APART = re.compile(
    r"(?<![0-9A-Za-z])[0-9A-Fa-f]{2}(?P<s>[ :-])(?:[0-9A-Fa-f]{2}(?P=s)){14,1000}[0-9A-Fa-f]{2}(?![0-9A-Za-z])"
)
_CODE = r"(?:\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|&#(?:\d{2,5}|x[0-9A-Fa-f]{2,4});)"
_ESCAPED = re.compile(rf"(?<![\w.~+-])[\w.~+-]{{0,200}}{_CODE}(?:[\w.~+@=-]|{_CODE}){{1,2000}}")
_ONE = re.compile(r"\\[ux]([0-9A-Fa-f]{2,4})")
_TEXT = re.compile(r"[\t\n\r -~]+")


def words(text: str) -> Iterator[tuple[Span, str]]:
    """Where words are written in another way, and the words."""
    for pattern, read in _READERS:
        if pattern is _ESCAPED and not any(mark in text for mark in ("\\u", "\\x", "&#")):
            continue
        for match in pattern.finditer(text):
            if found := read(match.group()):
                yield match.span(), found
                if read is _base64:
                    yield from ((match.span(), inner) for run in _BASE64.findall(found) if (inner := _base64(run)))


def _base64(run: str) -> str:
    letters = run.rstrip("=").translate(_URL_SAFE)
    if len(letters) % 4 == 1 or ("_" in run and "+" in run):
        return ""
    return _as_text(base64.b64decode(letters + "=" * (-len(letters) % 4)))


def _hex(run: str) -> str:
    return _as_text(binascii.unhexlify(run)) if len(run) % 2 == 0 else ""


def _base32(run: str) -> str:
    letters = run.rstrip("=")
    try:
        return _as_text(base64.b32decode(letters + "=" * (-len(letters) % 8)))
    except binascii.Error:
        return ""


def _hex_apart(run: str) -> str:
    return _as_text(bytes.fromhex(re.sub(r"[^0-9A-Fa-f]", "", run)))


def _escaped(run: str) -> str:
    return html.unescape(_ONE.sub(lambda code: chr(int(code[1], 16)), run))


def _percent(run: str) -> str:
    found = unquote(run)
    return found if found != run else ""


def _spaced(run: str) -> str:
    return re.sub(r"[ \u00a0]", "", run)


def _as_text(content: bytes) -> str:
    """The text that these bytes are, where they are plain words of some length."""
    if len(content) < LEAST:
        return ""
    text = content.decode("latin-1")
    return text if _TEXT.fullmatch(text) else ""


_URL_SAFE = str.maketrans("-_", "+/")
_READERS: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (_BASE64, _base64),
    (_BASE32, _base32),
    (_HEX, _hex),
    (_HEX_APART, _hex_apart),
    (_ESCAPED, _escaped),
    (_PERCENT, _percent),
    (_SPACED, _spaced),
)
