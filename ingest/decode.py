"""Bytes to text: byte-order mark, then UTF-8, then what the document declares, then a statistical guess.

UTF-8 is tried before a declaration because it cannot be mistaken for anything else, while declarations are often
copied from a template.
"""

from __future__ import annotations

import codecs
import re

from sluice.errors import DocumentError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark starts with theirs
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE)
_SAMPLE = 64 * 1024
_CONTROLS = bytes(set(range(32)) - {7, 8, 9, 10, 11, 12, 13, 27})


def decode(content: bytes, *, uri: str = "", declared: bool = False) -> str:
    """The text of the bytes, without byte-order mark; `declared` looks for a charset in the first bytes (HTML, XML).

    Raises DocumentError: `not_text` for binary content, `undecodable` where no encoding fits.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _strict(content, encoding, uri)
    if b"\0" in content[:_SAMPLE]:
        return _strict(content, _wide(content[:_SAMPLE], uri), uri)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if looks_binary(content):
        raise DocumentError("not_text", f"{uri}: the content is binary, not text", hint="exclude it, or give it its own type")
    if declared and (found := _DECLARED.search(content[:2048])) and (text := _tried(content, found.group(1).decode("ascii"))):
        return text
    return _guessed(content, uri)


def looks_binary(content: bytes) -> bool:
    """Whether more than 1% of the first 64 KiB are control characters that no text contains."""
    sample = content[:_SAMPLE]
    return len(sample) - len(sample.translate(None, _CONTROLS)) > len(sample) // 100


def _wide(sample: bytes, uri: str) -> str:
    """The UTF-16 byte order of text without a mark: in Western text every other byte is zero."""
    half = len(sample) // 2
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > half * 0.4 and even < half * 0.1:
        return "utf-16-le"
    if even > half * 0.4 and odd < half * 0.1:
        return "utf-16-be"
    raise DocumentError("not_text", f"{uri}: the content has zero bytes, so it is binary, not text", hint="exclude it")


def _guessed(content: bytes, uri: str) -> str:
    from charset_normalizer import from_bytes  # 40 ms that UTF-8 never pays

    best = from_bytes(content[:_SAMPLE]).best()
    # Single-byte Western encodings agree on most text; of those that do, take the one the Web takes.
    candidates = [] if best is None else [best.encoding, *best.could_be_from_charset]
    order = sorted(dict.fromkeys(candidates), key=lambda name: name not in ("cp1252", "latin_1"))
    for encoding in [*order, "cp1252"]:
        if (text := _tried(content, encoding)) is not None:
            return text
    raise DocumentError(
        "undecodable", f"{uri}: not UTF-8, and no other encoding fits its {len(content)} bytes", hint="save it as UTF-8"
    )


def _tried(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except (UnicodeError, LookupError):
        return None


def _strict(content: bytes, encoding: str, uri: str) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeError as error:
        raise DocumentError("undecodable", f"{uri}: marked as {encoding}, but {error}", hint="save it as UTF-8") from None
    if looks_binary(text[:_SAMPLE].encode("utf-8", "replace")):
        raise DocumentError("not_text", f"{uri}: read as {encoding}, it is full of control characters", hint="exclude it")
    return text
