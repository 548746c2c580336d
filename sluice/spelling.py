"""When two spellings are one name: the only place where a uri is compared with something that somebody typed.

    composed    NFC: an é is one character, whoever wrote it (macOS writes names in NFD, keyboards type NFC)
    comparable  what globs are compared in: composed, and without what no person sees or means (below)
    lookalike   what a person may take for the same although it is another name: for warnings, never for a decision
    same, find  a uri that was typed: by its exact spelling, else by its composed one

`comparable` leaves out invisible characters, `.` segments, doubled and leading slashes. Of an address with a scheme it takes
scheme and host in small letters, a host as DNS has it (`xn--…`), no port where it is the scheme's own, and percent codes of
letters, digits and what is not ASCII as the characters they stand for.
Case, blanks and dots at the end of a name, `..`, fullwidth and other compatible characters, and letters of other alphabets are
part of the name (see `lookalike`).
docs/ingest-safety.md has the table, with the reasons.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from encodings.idna import ToASCII
from functools import lru_cache
from typing import TypeVar
from urllib.parse import unquote

T = TypeVar("T")

IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""What Unicode calls ignorable by default, for a set of a pattern: no font shows it."""
_INVISIBLE = re.compile(f"[{IGNORABLE}]")
LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u03bf\u0391\u0392\u0395\u0397\u0399\u039f"
    "\u03a1\u03a4\u03b1\u03b5\u03b9\u0131\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0408\u0405",
    "aeopcyxijsdhoABEHIOPTaeiiABEKMHOPCTXIJS",
)
"""Cyrillic and Greek letters that look like Latin ones; the most common of them, by no means all."""
_CAPITALS = str.maketrans("\u0396\u039a\u039c\u039d\u03a5\u03a7\u0423\u051a\u051c", "ZKMNYXYQW")
"""More of them, for names."""
_SLASHLIKE = str.maketrans("\u2044\u2215\u29f8", "///")
_USER = re.compile(r"(?<=://)[^\s/@?#]*@")
_PARAMETERS = re.compile(r";.*", re.DOTALL)
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(.*)", re.DOTALL)
_CODES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_MOST_CODES = re.compile(r"(?:%(?!3[Ff]|23|2[Aa])[0-9A-Fa-f]{2})+")
"""Of any character but `?`, `#` and `*`, which would be something else in a glob or an address."""
_MOST_CODED = 3
"""How often a name may be coded over: `hr%252Fpay` is `hr%2Fpay` to a server behind another."""
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PORTS = {"http": ":80", "https": ":443"}
_HERE = re.compile(r"(?<![^/])(?:\./+)+")
_SLASHES = re.compile(r"//+")


def composed(text: str) -> str:
    """The text in NFC."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


@lru_cache(maxsize=65536)
def comparable(text: str) -> str:
    """A uri or a glob as they are compared with each other; idempotent, and the same for every Unicode form of the text."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    if address := _ADDRESS.fullmatch(text):
        scheme, host, path = address.groups()
        return f"{scheme.lower()}://{_host(scheme.lower(), host.lower())}{_plain(_decoded(path))}"
    return _plain(text).removeprefix("/")


@lru_cache(maxsize=65536)
def lookalike(text: str) -> str:
    """What a name may be taken for: without case, compatible forms, blanks and dots around its parts, parameters (`hr;v=1`), a
    user in its address, percent codes and backslashes; with Latin letters for those that look so, slashes for what looks like
    one, and `a/../hr` as what a shell takes it for."""
    for _ in range(_MOST_CODED if "%" in text else 0):
        text = _MOST_CODES.sub(lambda codes: unquote(codes.group(), errors="replace"), unicodedata.normalize("NFC", text))
    text = _USER.sub("", text.translate(_SLASHLIKE))
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).translate(LOOKALIKES).translate(_CAPITALS)
    parts: list[str] = []
    for part in unicodedata.normalize("NFKC", text.casefold().replace("\\", "/")).split("/"):
        if part == ".." and parts and parts[-1] not in ("", "*", "**", ".."):
            parts.pop()
        elif part == ".." and parts == [""]:
            continue  # above the root is the root
        else:
            parts.append(part if part in ("*", "**", "..") else _PARAMETERS.sub("", part).strip(" \0").rstrip(" .").strip())
    return comparable("/".join(parts))


def same(one: str, other: str) -> bool:
    """Whether two uris are one, however each was typed."""
    return one == other or composed(one) == composed(other)


def forms(uri: str) -> tuple[str, ...]:
    """The spellings under which one uri may have been written down: as it is, NFC, NFD."""
    return (uri,) if uri.isascii() else tuple(dict.fromkeys((uri, composed(uri), unicodedata.normalize("NFD", uri))))


def find(typed: str, among: Iterable[T], uri: Callable[[T], str]) -> list[T]:
    """Those that have exactly this uri; where none has, those whose uri is the same in another Unicode form."""
    alike = [one for one in among if same(uri(one), typed)]
    return [one for one in alike if uri(one) == typed] or alike


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean crm?` for a word that is nearly one of those that are known; else nothing."""
    meant = get_close_matches(word, list(known), 1, 0.6)
    return f"; did you mean {meant[0]}?" if meant else ""


def _host(scheme: str, host: str) -> str:
    """A host as DNS has it, label by label (a `*` stays one), without the root's dot and the port that its scheme has anyway."""
    name, colon, port = host.removesuffix(_PORTS.get(scheme, "\0")).partition(":")
    host = name.removesuffix(".") + colon + port
    return host if host.isascii() else ".".join(map(_label, host.split(".")))


def _label(label: str) -> str:
    try:
        return label if label.isascii() or set(label) & set("*?[]{}") else ToASCII(label).decode()
    except UnicodeError:
        return label


def _plain(path: str) -> str:
    if "./" in path:
        path = _HERE.sub("", path)
    return _SLASHES.sub("/", path) if "//" in path else path


def _decoded(path: str) -> str:
    """Percent codes of unreserved characters and of what is not ASCII as characters, others in capitals (RFC 3986, 6.2.2)."""
    if "%" not in path:
        return path
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", _CODES.sub(_read, path)))


def _read(codes: re.Match[str]) -> str:
    raw = bytes.fromhex(codes.group().replace("%", ""))
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:  # another encoding: left as it is
        return codes.group().upper()
    parts = bytearray()
    for byte in raw:
        parts += bytes([byte]) if byte in _UNRESERVED or byte >= 0x80 else b"%%%02X" % byte
    return parts.decode("utf-8")
