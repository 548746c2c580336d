"""Envelopes around messages: S/MIME (what is signed in one piece), Outlook's winmail.dat (TNEF) and its packed RTF."""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import dataclass

_PEM = re.compile(rb"-----BEGIN [A-Z0-9 ]+-----(.*?)-----END", re.DOTALL)
_TNEF = b"\x78\x9f\x3e\x22"
_LARGEST = 256 << 20
_BEGINNING = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans Serif"
    b"SymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
"""What every packed RTF can refer to from its first byte on."""
_DEEPEST = 5


class Encrypted(Exception):
    """The envelope is closed: only its recipient can open it."""


@dataclass(frozen=True, slots=True)
class Winmail:
    """What a winmail.dat holds: its text and its HTML (in the charset `label`), its RTF, and the names of what is attached."""

    plain: bytes = b""
    html: bytes = b""
    rich: bytes = b""
    label: str = ""
    attachments: tuple[str, ...] = ()


def is_winmail(content: bytes) -> bool:
    return content.startswith(_TNEF)


def is_cms(content: bytes) -> bool:
    """Whether bytes begin like a CMS message: a sequence that names a content type of PKCS #7."""
    names_a_type = content[:1] == b"0" and b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07" in content[:24]
    return names_a_type or _PEM.match(content.lstrip()) is not None


def opened(content: bytes) -> bytes:
    """The MIME entity in signed or compressed data (RFC 8551); raises Encrypted, and ValueError for what is neither."""
    from asn1crypto import cms

    for _ in range(_DEEPEST):
        if pem := _PEM.match(content.lstrip()):
            content = base64.b64decode(pem.group(1))
        info = cms.ContentInfo.load(content)
        kind = info["content_type"].native
        if kind in ("enveloped_data", "encrypted_data", "authenticated_enveloped_data"):
            raise Encrypted
        inside = info["content"]["encap_content_info"]["content"] if kind in ("signed_data", "compressed_data") else None
        found = _octets(inside)
        if not found:
            raise ValueError(f"no content in {kind}")
        if kind == "compressed_data":
            found = zlib.decompressobj().decompress(found, _LARGEST)
        if not is_cms(found):
            return found
        content = found
    raise ValueError("envelopes within envelopes")


def _octets(value: object) -> bytes:
    """The bytes of an octet string, also of one in pieces (BER)."""
    return bytes(getattr(value, "__bytes__", bytes)()) if value is not None else b""


def winmail(content: bytes) -> Winmail:
    """What is in a winmail.dat; raises ValueError for one that is broken."""
    from tnefparse import TNEF

    try:
        found = TNEF(content)
        names = tuple(str(a.long_filename() or "").strip("\0") for a in found.attachments)
        label = str(found.codepage or "")
    except MemoryError:  # of the document's limit: nothing may be lost to that in silence
        raise
    except Exception as error:  # written by hand, over untrusted bytes: anything can be raised
        raise ValueError(f"{type(error).__name__}: {error}") from error
    rich = _bytes(getattr(found, "_rtfbody", None), ends=False)  # its `rtfbody` needs one more library
    return Winmail(_bytes(found.body), _bytes(found.htmlbody), unpacked(rich) if rich else b"", label, names)


def unpacked(content: bytes) -> bytes:
    """RTF as Outlook packs it ([MS-OXRTFCP]); raises ValueError for what is none."""
    if content[8:12] == b"MELA":
        return content[16 : 16 + int.from_bytes(content[4:8], "little")]
    if content[8:12] != b"LZFu":
        raise ValueError("no packed RTF")
    size = min(int.from_bytes(content[4:8], "little"), _LARGEST)
    window = bytearray(_BEGINNING.ljust(4096, b"\0"))
    found, write, at = bytearray(), len(_BEGINNING), 16
    while at < len(content) and len(found) < size:
        control, at = content[at], at + 1
        for bit in range(8):
            if control >> bit & 1:
                if at + 2 > len(content):
                    return bytes(found)  # cut off: what there is
                reference, at = int.from_bytes(content[at : at + 2], "big"), at + 2
                start, length = reference >> 4, (reference & 15) + 2
                if start == write:
                    return bytes(found)
            elif at < len(content):
                start, length = -1, 1
            else:
                return bytes(found)
            for step in range(length):
                if start < 0:
                    byte, at = content[at], at + 1
                else:
                    byte = window[(start + step) % 4096]
                found.append(byte)
                window[write] = byte
                write = (write + 1) % 4096
    return bytes(found)


def _bytes(value: object, *, ends: bool = True) -> bytes:
    if isinstance(value, list):
        value = value[0] if value else b""
    if isinstance(value, bytes) and not ends:
        return value
    return value.strip(b"\0") if isinstance(value, bytes) else str(value or "").strip("\0").encode("utf-8", "replace")
