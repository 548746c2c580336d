"""Header fields of messages as text: encoded words (RFC 2047) and raw bytes, in whatever charset they really are."""

from __future__ import annotations

import contextlib
import email.header
import re
from email.message import Message

from ingest.decode import decode
from sluice.errors import DocumentError

_BETWEEN = re.compile(r"(\?=)\s+(=\?)")


def header(message: Message, name: str) -> str:
    """The first field of this name in one line; "" where there is none. Never an error."""
    found = next((value for field, value in message.raw_items() if field.lower() == name.lower()), "")
    return decoded_header(str(found))


def headers(message: Message, name: str) -> list[str]:
    """Every field of this name, as `header` gives one."""
    return [decoded_header(str(value)) for field, value in message.raw_items() if field.lower() == name.lower()]


def decoded_header(raw: str) -> str:
    """A raw field as text; a word whose bytes fit no charset stays as it is written."""
    with contextlib.suppress(UnicodeEncodeError):
        raw = _decoded(raw.encode("ascii", "surrogateescape"), "")
    try:
        chunks = email.header.decode_header(_BETWEEN.sub(r"\1 \2", raw.replace("\r", "").replace("\n", " ")))
    except MemoryError:  # of the document's limit: nothing may be lost to that in silence
        raise
    except Exception:  # the standard library raises several types on malformed words
        chunks = [(raw, None)]
    text = "".join(chunk if isinstance(chunk, str) else _decoded(chunk, label or "", raw_unicode=True) for chunk, label in chunks)
    return " ".join(text.replace("\0", "").encode("utf-8", "replace").decode().split())


def _decoded(content: bytes, label: str, *, raw_unicode: bool = False) -> str:
    if raw_unicode and not label:
        with contextlib.suppress(UnicodeDecodeError):  # what stands around encoded words, as the standard library encodes it
            return content.decode("raw-unicode-escape")
    try:
        return decode(content, label=label)
    except DocumentError:
        return content.decode("latin-1")
