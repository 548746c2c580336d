"""The text that raw bytes hold, for judging labels, with the same limits as parsing: no document can hang an evaluation."""

from __future__ import annotations

import codecs
from functools import partial

from ingest import limits
from ingest.formats import OLE, Format, format_of
from ingest.parse import raw_text
from ingest.sandbox import Sandbox, SandboxedParser
from sluice import ids
from sluice.errors import DocumentError
from sluice.records import Document, RawItem
from sluice.settings import LimitSettings

_DECODED: frozenset[Format] = frozenset({"markdown", "text", "code", "csv", "tsv"})
"""Formats whose raw text is their bytes, decoded."""
_LAID_OUT = (b"%PDF-", b"PK\x03\x04", OLE)
"""How files begin that must be parsed to be read."""


def of(item: RawItem, allowed: LimitSettings, sandbox: Sandbox | None = None) -> str | None:
    """The text that the bytes hold, whatever the parser makes of it; None where it cannot be read, or not within limits.

    UTF-8 that is only to be decoded is decoded here, in milliseconds; anything else is read in a worker.
    """
    if len(item.content) <= allowed.size_mb << 20 and (text := _utf8(item)) is not None:
        return text
    reader = RawText(allowed)
    try:
        if not allowed.sandbox:
            return reader.parse(item, source="").text
        return SandboxedParser(partial(RawText, allowed), reader.fingerprint, allowed, sandbox).parse(item, source="").text
    except DocumentError:
        return None


class RawText:
    """Gives documents of raw text and nothing else; implements `ingest.protocols.Parser`, to be run in the sandbox."""

    fingerprint = "raw-text"

    def __init__(self, allowed: LimitSettings) -> None:
        self._allowed = allowed

    def parse(self, item: RawItem, *, source: str) -> Document:
        """A document whose text is what the bytes hold; raises DocumentError where that cannot be read."""
        limits.check(item.content, format_of(item.uri, item.media_type, item.content, named=item.named), item.uri, self._allowed)
        text = raw_text(item.content, item.uri, item.media_type, named=item.named)
        if text is None:
            raise DocumentError("malformed", f"{item.uri}: no text can be read from its bytes")
        return Document(ids.document_key(source, item.uri), source, item.uri, "", "", "", text)


def _utf8(item: RawItem) -> str | None:
    if b"\0" in item.content or item.content.startswith((codecs.BOM_UTF8, *_LAID_OUT)):
        return None
    try:
        text = item.content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if format_of(item.uri, item.media_type, item.content, named=item.named) in _DECODED else None
