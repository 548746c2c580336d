"""What a file of an old Office program is given as properties of its own ([MS-OLEPS] 2.21, the user-defined property set)."""

from __future__ import annotations

import struct
from typing import Any

_STREAM = "\x05DocumentSummaryInformation"
_FMTID = bytes.fromhex("05d5cdd59c2e1b10939708002b2cf9ae")
_DICTIONARY, _CODEPAGE, _UNICODE = 0, 1, 1200
_MOST = 1_000
_STRING, _WIDE_STRING = 0x1E, 0x1F


def user_defined(ole: Any) -> dict[str, str]:
    """The user's own properties by name, with their value where that is a text; empty where there are none, or they are broken.

    olefile reads the names as UTF-8 whatever their code page, and loses all of them at the first that is none.
    """
    if not ole.exists(_STREAM):
        return {}
    data = ole.openstream(_STREAM).read()
    try:
        return next((_names(data, at) for at in _sections(data)), {})
    except (struct.error, IndexError, LookupError):
        return {}


def _sections(data: bytes) -> list[int]:
    (count,) = struct.unpack_from("<I", data, 24)
    places = [28 + 20 * number for number in range(min(count, 10))]
    return [struct.unpack_from("<I", data, place + 16)[0] for place in places if data[place : place + 16] == _FMTID]


def _names(data: bytes, section: int) -> dict[str, str]:
    (count,) = struct.unpack_from("<I", data, section + 4)
    pairs = (struct.unpack_from("<II", data, section + 8 + 8 * number) for number in range(min(count, _MOST)))
    places = {identifier: section + offset for identifier, offset in pairs}
    codepage = struct.unpack_from("<H", data, places[_CODEPAGE] + 4)[0] if _CODEPAGE in places else 1252
    codec = {_UNICODE: "utf-16-le", 65001: "utf-8"}.get(codepage, f"cp{codepage}")
    if _DICTIONARY not in places:
        return {}
    at = places[_DICTIONARY]
    (entries,) = struct.unpack_from("<I", data, at)
    at += 4
    found: dict[str, str] = {}
    for _ in range(min(entries, _MOST)):
        identifier, length = struct.unpack_from("<II", data, at)
        size = 2 * length if codepage == _UNICODE else length
        name = data[at + 8 : at + 8 + size].decode(codec, "replace").rstrip("\0")
        at += 8 + size + (-size % 4 if codepage == _UNICODE else 0)
        found[name] = _text(data, places[identifier], codec) if identifier in places else ""
    return found


def _text(data: bytes, at: int, codec: str) -> str:
    kind, length = struct.unpack_from("<II", data, at)
    if kind not in (_STRING, _WIDE_STRING):
        return ""
    size = 2 * length if kind == _WIDE_STRING else length
    return data[at + 8 : at + 8 + size].decode("utf-16-le" if kind == _WIDE_STRING else codec, "replace").rstrip("\0")
