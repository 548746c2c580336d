"""How a part of a message travels: base64 and quoted-printable, also where they are broken or forbidden."""

from __future__ import annotations

import base64
import quopri
import re
from email.message import Message
from typing import Any

_COUNTED = re.compile(rb"\s*(\d{1,9})[ \t]*\r?\n(?=[!-9;-~]{1,60}:)")
_NAME = re.compile(r"[\w-]+")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]+")
_BARE_BOUNDARY = re.compile(rb"(?im)^(content-type:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*?;\s*boundary=)(?!\")([^\s;\"]*=[^\s;\"]*)")
_STRAY_FIELDS = re.compile(
    rb"(?i)\s*(?:mime-version:[^\r\n]*\r?\n)?content-type:\s*multipart/[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n"
    rb"(?:content-[\w-]+:[^\r\n]*\r?\n)*\r?\n"
)
_PADDED_BREAK = re.compile(rb"=[ \t]+(?=\r?\n)")
"""A line that goes on, with the white space that gateways add at the end of lines (RFC 2045, 6.7)."""
_TYPED = re.compile(rb"(?im)^content-type:")
_PLAIN_TAIL = re.compile(
    rb"(?<=\n)(?:_{3,}|-{2,}|={3,}|\*{3,})[^\S\n]*\r?\n[^\0]*\Z|(?:(?<=\n)|\A)(?:[^\s=]+[^\S\n]+){2,}[^\s=]+[^\0]*\Z"
)
"""What a mailing list writes behind base64 as if it were text: a rule with lines below it, or a line of words."""


def encoding(part: Message) -> str:
    """How a part is said to travel, without what some programs write after it (`Quoted-Printable;`)."""
    found = _NAME.match(str(part.get("Content-Transfer-Encoding") or "").strip().lower())
    return found.group() if found else ""


def uncounted(content: bytes) -> bytes:
    """The message in a file of Apple Mail (`.emlx`): its length stands before it, and what the program notes behind it."""
    counted = _COUNTED.match(content)
    return content[counted.end() :][: int(counted.group(1))] if counted else content


def mended(content: bytes) -> bytes:
    """A message whose parts can be told apart: a boundary with `=` in quotes, no blank lines between fields.

    Mail programs take both as they are meant.
    """
    content = _BARE_BOUNDARY.sub(rb'\1"\2"', content)
    head, blank, body = content.partition(b"\n\n") if b"\r\n\r\n" not in content[:100_000] else content.partition(b"\r\n\r\n")
    if blank and _STRAY_FIELDS.match(body) and not _TYPED.search(head):
        return head + blank[: len(blank) // 2] + body.lstrip(b"\r\n")
    return content


def content_of(part: Message) -> bytes:
    """The bytes of a part; whatever the standard library raises on hostile encodings is raised."""
    if encoding(part) == "base64" and isinstance(written := part.get_payload(), str):
        return unpacked(written.encode("ascii", "replace"), "base64")
    if encoding(part) == "quoted-printable" and isinstance(written := part.get_payload(), str):
        return unpacked(written.encode("ascii", "surrogateescape"), "quoted-printable")
    if (said := part.get("Content-Transfer-Encoding")) is not None and str(said).lower() != encoding(part):
        part.replace_header("Content-Transfer-Encoding", encoding(part))  # as the standard library knows it
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def enclosed(part: Message) -> bytes:
    """The message within a part `message/rfc822`; in base64, which is forbidden, too: Exchange writes it."""
    inner: Any = part.get_payload(0)
    content = bytes(inner.as_bytes())
    return unpacked(content, encoding(part)) if encoding(part) in ("base64", "quoted-printable") else content


def unpacked(content: bytes, kind: str) -> bytes:
    """Base64 or quoted-printable; of base64 that is cut off or has strange characters in it, what there is.

    The standard library gives such base64 back as it is: letters without a meaning would be the text.
    """
    if kind != "base64":
        return quopri.decodestring(_PADDED_BREAK.sub(b"=", content))
    if plain := _PLAIN_TAIL.search(content):
        return unpacked(content[: plain.start()], kind) + b"\n" + content[plain.start() :]
    parts = [b"".join(_BASE64.findall(part)) for part in re.split(rb"=+", content)]
    whole = (part[: len(part) - (len(part) % 4 == 1)] for part in parts)
    return b"".join(base64.b64decode(part + b"=" * (-len(part) % 4)) for part in whole)
