"""Bytes to text, by the Web's rules: byte-order mark, UTF-8, what is declared, a guess.

UTF-8 is tried before a declaration because it cannot be mistaken for anything else, while declarations are often
copied from a template. Labels mean what browsers take them for (WHATWG, "Encoding": iso-8859-1 is windows-1252).
Where no declaration fits, Mozilla's detector guesses, and the text says so. A byte that does not fit costs one
character (U+FFFD), never the document; a text in which more than a tenth is so is none.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

import webencodings

from ingest.likelihood import REPLACEMENT, likelier
from sluice.errors import DocumentError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark starts with theirs
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE)
_SAMPLE = 64 * 1024
_CONTROLS = bytes(set(range(32)) - {7, 8, 9, 10, 11, 12, 13, 27})
_SHIFTED = re.compile(rb"\x1b(?:\$[@B]|\([BIJ]|\$\([CD])")
_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_PADDED = 4
_MOST_LOST = 0.1
_HAN, _BELOW, _PRINTABLE = bytes(range(0x4E, 0xA0)), bytes(range(0x80)), bytes(range(0x20, 0x7F))

_CODECS = {  # where Python's codec of this name knows less than the Web's encoding
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "iso-8859-8-i": "iso-8859-8",
    "x-mac-cyrillic": "mac-cyrillic",
    "macintosh": "mac-roman",
}
_BEYOND = {  # labels that mail and old files use and the Web does not have
    "utf-7": "utf-7",
    "unicode-1-1-utf-7": "utf-7",
    "utf-32": "utf-32",
    "utf-32le": "utf-32-le",
    "utf-32be": "utf-32-be",
    "cp437": "cp437",
    "ibm437": "cp437",
    "cp850": "cp850",
    "ibm850": "cp850",
    "cp1047": "cp1047",
    "iso-2022-kr": "iso2022_kr",
    "hz-gb-2312": "hz",
}
_CODE_PAGE = re.compile(r"(?:cp|ibm|windows-)\d{3,5}")
_SEVEN_BITS = frozenset({"utf-7", "hz", "iso2022_kr", "iso-2022-jp"})
"""Encodings whose bytes are ASCII: to a decoder of UTF-8 everything seems right."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, the encoding it was in, how sure that is (None: known, not guessed) and how many characters were lost."""

    text: str
    encoding: str = "utf-8"
    confidence: float | None = None
    lost: int = 0


def decode(content: bytes, *, uri: str = "", declared: bool = False, label: str = "") -> str:
    """The text of `decoded`."""
    return decoded(content, uri=uri, declared=declared, label=label).text


def decoded(content: bytes, *, uri: str = "", declared: bool = False, label: str = "") -> Decoded:
    """The text of the bytes, without byte-order mark.

    `label` is what the protocol says of the charset; `declared` looks for one in the first bytes (HTML, XML).
    Raises DocumentError: `not_text` for binary content, `undecodable` where no encoding fits.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _as(content[len(mark) :], encoding, uri)
    stated = codec_of(label)
    if stated in _SEVEN_BITS and (found := _trusted(content, stated)):
        return found
    if (filled := content.rstrip(b"\0")) and len(content) - len(filled) >= _PADDED and b"\0" not in filled:
        content = filled  # a file that was made larger than what is written in it
    if b"\0" in content[:_SAMPLE]:
        return _with_zeros(content, uri)
    if _SHIFTED.search(content[:_SAMPLE]) and (found := _trusted(content, "iso2022_jp_ext")):
        return found
    try:
        return Decoded(content.decode("utf-8"))
    except UnicodeDecodeError:
        pass
    if not stated and (wide := _wide(content)):
        return _as(content, wide, uri)
    if looks_binary(content):
        raise _not_text(uri, "the content is binary, not text")
    if paired := _paired(content):
        return paired
    if nearly := _nearly_utf8(content):
        return nearly
    if not stated and declared and (match := _DECLARED.search(content[:2048])):
        stated = codec_of(match.group(1).decode("ascii"))
    if stated and stated not in ("utf-8", "ascii") and not stated.startswith("utf-16") and (found := _trusted(content, stated)):
        return found
    return _guessed(content, uri)


def codec_of(label: str) -> str:
    """Python's codec for a label, as the Web understands it; "" for one that nobody knows."""
    name = label.strip().strip("\"'").lower()
    if not name:
        return ""
    found = webencodings.lookup(name)
    if found is None:
        return _BEYOND.get(name) or (_code_page(name) if _CODE_PAGE.fullmatch(name) else "")
    python = _CODECS.get(found.name, found.codec_info.name)
    return "" if python in ("x-user-defined", "replacement") else python


def _code_page(name: str) -> str:
    """Python's codec for a code page that the Web has no name for (`cp874`, which is what the detector calls it; `cp852`)."""
    try:
        return codecs.lookup(name.replace("windows-", "cp")).name
    except LookupError:
        return ""


def looks_binary(content: bytes) -> bool:
    """Whether more than 1% of the first 64 KiB are control characters that no text contains."""
    sample = content[:_SAMPLE]
    return len(sample) - len(sample.translate(None, _CONTROLS)) > len(sample) // 100


def _with_zeros(content: bytes, uri: str) -> Decoded:
    """Text with zero bytes: UTF-16 or UTF-32 without a mark in any script, or a text with a few stray ones."""
    if content.count(0) <= len(content) // 10 and (found := _without_zeros(content)):
        return found
    rest = content.replace(b"\0", b"")
    if content.count(0) <= len(content) // 10 and len(rest.translate(None, _PRINTABLE)) <= len(rest) // 5:
        return _guessed(rest, uri)  # an old encoding: of UTF-16 half of the bytes would be no letters
    even = content[: len(content) // 4 * 4] if len(content) % 4 else content
    for encoding, zeros in (("utf-32-le", (2, 3)), ("utf-32-be", (0, 1))):
        # Unicode ends at U+10FFFF: of four bytes one is zero and another nearly always is.
        if len(even) >= 8 and all(even[place::4].count(0) > 0.9 * (len(even) // 4) for place in zeros[1:] + zeros[:1]):
            return _as(content, encoding, uri)
    sample = content[: min(_SAMPLE, len(content)) // 2 * 2]
    read = {name: sample.decode(name, "replace") for name in ("utf-16-be", "utf-16-le")}
    scored = sorted(((_plausible(text), sum(map(str.isascii, text)), name) for name, text in read.items()), reverse=True)
    if scored[0][0] > 0.9 and scored[0] > scored[1]:
        return _as(content, scored[0][2], uri)
    raise _not_text(uri, "the content has zero bytes, so it is binary, not text")


def _wide(content: bytes) -> str:
    """UTF-16 without a zero byte, which is only Chinese or Japanese without a space or a line end; "" for anything else.

    Of two bytes the one is of a Han or Kana block, half of the time below 0x80 (as in no encoding of East Asia), and the other is
    any: in a Latin text nearly all of those are letters, too.
    """
    sample = content[:_SAMPLE]
    if len(sample) % 2 or len(sample) < 8:
        return ""
    for encoding, block, rest in (("utf-16-be", sample[::2], sample[1::2]), ("utf-16-le", sample[1::2], sample[::2])):
        size = len(block)
        kana = block.count(0x30)
        han = len(block) - len(block.translate(None, _HAN))
        printable = size - len(rest.translate(None, _PRINTABLE))
        below = size - len(block.translate(None, _BELOW))
        if kana + han + block.count(0xFF) == size and (kana > 0.4 * size or (printable <= 0.55 * size and below > 0.3 * size)):
            return encoding
    return ""


def _without_zeros(content: bytes) -> Decoded | None:
    """UTF-8 with a few zero bytes, which nobody sees; UTF-16 of any script is not UTF-8 without its zeros."""
    rest = content.replace(b"\0", b"")
    if looks_binary(rest):
        return None
    try:
        return Decoded(rest.decode("utf-8"))
    except UnicodeDecodeError:
        return None


def _plausible(text: str) -> float:
    """The part of a text that is spaces, line ends, and characters of the few Unicode blocks that it is mostly in."""
    if not text:
        return 0.0
    blocks: Counter[int] = Counter()
    plain = 0
    for character in text:
        code = ord(character)
        if character in " \n\r\t":
            plain += 1
        elif (
            code < 32 or 0xE000 <= code <= 0xF8FF or code >= 0xFFF0 or unicodedata.category(character) in ("Cn", "Co", "Cs", "Cc")
        ):
            continue
        else:
            # Han and Hangul are many blocks, and one script.
            blocks[0x4E if 0x3400 <= code <= 0x9FFF else 0xAC if 0xAC00 <= code <= 0xD7A3 else code >> 8] += 1
    # No line end and no space in the right places: bytes that happen to fit.
    return (plain + sum(count for _, count in blocks.most_common(4))) / len(text) if plain or len(text) < 40 else 0.0


def _paired(content: bytes) -> Decoded | None:
    """UTF-8 whose characters beyond U+FFFF are two halves of three bytes each, as Java and old databases write it (CESU-8)."""
    try:
        return Decoded(content.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass").decode("utf-16-le"))
    except UnicodeDecodeError:
        return None


def _nearly_utf8(content: bytes) -> Decoded | None:
    """UTF-8 with a few wrong bytes; None where its characters beyond ASCII are not mostly right."""
    right = len(_UTF8.findall(content))
    text = content.decode("utf-8", "replace")
    wrong = text.count(REPLACEMENT)
    return Decoded(text, "utf-8", None, wrong) if right >= 2 * wrong and wrong <= max(1, _MOST_LOST * len(text)) else None


def _trusted(content: bytes, encoding: str) -> Decoded | None:
    """The text in the encoding that someone named, or None where it does not fit."""
    try:
        text = content.decode(encoding, "replace")
    except (LookupError, UnicodeError, ValueError):
        return None
    lost = text.count(REPLACEMENT)
    return Decoded(text, encoding, None, lost) if lost <= max(1, len(text) // 100) else None


def _guessed(content: bytes, uri: str) -> Decoded:
    from chardetng_py import EncodingDetector  # Firefox's: it knows the Web's legacy encodings, and which look alike

    detector = EncodingDetector()
    detector.feed(content, last=True)
    name, is_likely = detector.guess_assess(tld=None, allow_utf8=False)
    name, text = likelier(content, name.lower(), content.decode(codec_of(name) or "cp1252", "replace"))
    lost = text.count(REPLACEMENT)
    if lost > max(1, _MOST_LOST * len(text)):
        raise _undecodable(uri, f"not UTF-8, and no other encoding fits its {len(content)} bytes")
    return Decoded(text, name, _confidence(text, is_likely), lost)


def _confidence(text: str, is_likely: bool) -> float:
    """From 0 to 1: whether bytes beyond ASCII made letters and marks, how many there were, what the detector says of itself."""
    foreign = [character for character in text if ord(character) > 127]
    letters = sum(character.isalpha() or unicodedata.category(character)[0] in "MP" for character in foreign)
    fitting = letters / max(1, len(foreign))
    evidence = len(foreign) / (len(foreign) + 2)
    return round((0.4 + 0.2 * fitting + 0.4 * evidence) * (1 if is_likely else 0.6), 2)


def _as(content: bytes, encoding: str, uri: str) -> Decoded:
    text = content.decode(encoding, "replace").rstrip("\0")
    lost = text.count(REPLACEMENT) - content.count(REPLACEMENT.encode(encoding))
    if lost > _MOST_LOST * len(text):
        raise _undecodable(uri, f"read as {encoding}, {lost} of {len(text)} characters are wrong")
    zeros = text.count("\0")
    if zeros > len(text) // 20 or looks_binary(text[:_SAMPLE].replace("\0", "").encode("utf-8", "replace")):
        raise _not_text(uri, f"read as {encoding}, it is full of control characters")
    return Decoded(text.replace("\0", ""), encoding, None, max(0, lost) + zeros)


def _not_text(uri: str, what: str) -> DocumentError:
    return DocumentError("not_text", f"{uri}: {what}", hint="exclude it, or give it its own type")


def _undecodable(uri: str, what: str) -> DocumentError:
    return DocumentError("undecodable", f"{uri}: {what}", hint="save it as UTF-8")
