"""Envelopes around messages: S/MIME (what is signed in one piece), and Outlook's winmail.dat (TNEF)."""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import dataclass

_PEM = re.compile(rb"-----BEGIN [A-Z0-9 ]+-----(.*?)-----END", re.DOTALL)
_TNEF = b"\x78\x9f\x3e\x22"
_LARGEST = 256 << 20
_DEEPEST = 5


class Encrypted(Exception):
    """The envelope is closed: only its recipient can open it."""


@dataclass(frozen=True, slots=True)
class Winmail:
    """What a winmail.dat holds: its text and its HTML (in the charset `label`), and the names of what is attached."""

    plain: bytes = b""
    html: bytes = b""
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
    return Winmail(_bytes(found.body), _bytes(found.htmlbody), label, names)


def _bytes(value: object) -> bytes:
    if isinstance(value, list):
        value = value[0] if value else b""
    return value.strip(b"\0") if isinstance(value, bytes) else str(value or "").strip("\0").encode("utf-8", "replace")
