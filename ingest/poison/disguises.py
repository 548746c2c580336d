"""Orders to the model in a disguise that a model sees through: letters set apart, digits for letters, rot13, read backwards,
hexadecimal and percent codes. Each is tried only where a text looks like it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from urllib.parse import unquote

from ingest.poison.phrases import INSTRUCTIONS, ROLES

_APART = re.compile(r"(?<![^\W_])[^\W_](?:[ .*|_~\u00a0-]{1,4}[^\W_]){11,400}(?![^\W_])")
_TOGETHER = re.compile(
    r"(?:ignore|disregard|forget|override|bypass)(?:all|any|every|the|your|my|these|those|previous|prior|above|earlier)\w{0,60}?"
    r"(?:instruction|rule|prompt|guideline|directive)|systemprompt",
    re.IGNORECASE,
)
_DIGITS_INSIDE = re.compile(r"[A-Za-z][013457@$][A-Za-z]")
_LETTERS = str.maketrans("013457@$", "oieastas")
_HEXADECIMAL = re.compile(r"(?<![0-9A-Za-z])(?:[2-7][0-9A-Fa-f][ :]?){20,}|(?:\\x[0-9A-Fa-f]{2}){12,}")
_PERCENT = re.compile(r"(?:[\w.+-]{0,20}(?:%[0-9A-Fa-f]{2})+){4,}[\w.+-]{0,40}")


def disguised(text: str) -> Iterator[tuple[int, int]]:
    """Spans of disguised orders."""
    for found in _APART.finditer(text):
        words = " ".join(re.sub(r"[\W_]", "", word) for word in re.split(r"\s{2,}", found.group()))
        if _orders(words) or _TOGETHER.search(words.replace(" ", "")):
            yield found.span()
    small = text.lower()
    if any(word in small for word in ("vafgehpgvba", "cebzcg", "thvqryvar")):
        yield from (match.span() for match in INSTRUCTIONS.finditer(codecs.encode(text, "rot13")))
    if any(word in small for word in ("snoitcurtsni", "tpmorp", "senilediug", "selur")):
        size = len(text)
        yield from ((size - match.end(), size - match.start()) for match in INSTRUCTIONS.finditer(text[::-1]))
    position = 0
    for line in text.splitlines(keepends=True) if len(_DIGITS_INSIDE.findall(text)) >= 2 else ():
        if len(_DIGITS_INSIDE.findall(line)) >= 2:
            yield from ((position + m.start(), position + m.end()) for m in INSTRUCTIONS.finditer(line.translate(_LETTERS)))
        position += len(line)
    for pattern in (_HEXADECIMAL, _PERCENT) if "%" in text else (_HEXADECIMAL,):
        yield from (found.span() for found in pattern.finditer(text) if _orders(_decoded(found.group())))


def _orders(text: str) -> bool:
    return any(INSTRUCTIONS.finditer(text)) or any(ROLES.finditer(text))


def _decoded(codes: str) -> str:
    if "%" in codes:
        return unquote(codes.replace("+", " "), errors="replace")
    try:
        return bytes.fromhex(re.sub(r"[^0-9A-Fa-f]", "", codes.replace("\\x", ""))).decode("utf-8", "replace")
    except ValueError:
        return ""
