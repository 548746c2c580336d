"""Strangers' bytes, read in a worker with a time limit and a memory limit, wherever a source has to look inside them.

A page, a sitemap or a feed that hangs, eats memory or crashes the interpreter costs its worker and one item or listing;
neither the crawl's loop nor the run waits for it.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ingest.sandbox import Sandbox, SandboxedParser
from sluice.errors import DocumentError
from sluice.records import Document, RawItem
from sluice.settings import LimitSettings

Read = Callable[[bytes, Mapping[str, Any]], Any]
"""A function of a module: bytes, and what is known about them, to what JSON can say. Raises DocumentError."""

LIMITS = LimitSettings(timeout_s=60, memory_mb=1024)
"""For one page, sitemap or feed: a thousand times what ordinary ones take."""


def within_limits(
    read: Read,
    content: bytes,
    uri: str,
    about: Mapping[str, Any] | None = None,
    *,
    warm: tuple[str, ...] = (),
    limits: LimitSettings = LIMITS,
    sandbox: Sandbox | None = None,
) -> Any:
    """What `read` gives; `warm` are modules that the worker imports before its clock starts.

    Raises DocumentError: the function's own, or `timeout`, `out_of_memory`, `crashed`. `uri` is for messages.
    """
    parser = SandboxedParser(partial(_Reader, read, warm), "", limits, sandbox)
    try:
        return json.loads(parser.parse(RawItem(uri, content, "", metadata=dict(about or {})), source="").text)
    except DocumentError as error:
        if error.reason in ("timeout", "out_of_memory", "crashed"):
            raise DocumentError(error.reason, error.message, hint="exclude it, or have it mended at the source") from None
        raise


class _Reader:
    """Gives what a function reads as a document of JSON; implements `ingest.protocols.Parser`, in the worker."""

    fingerprint = ""

    def __init__(self, read: Read, warm: tuple[str, ...]) -> None:
        self._read = read
        for module in warm:
            importlib.import_module(module)

    def parse(self, item: RawItem, *, source: str) -> Document:
        found = json.dumps(self._read(item.content, item.metadata))
        return Document("", source, item.uri, "", "", "", found)
