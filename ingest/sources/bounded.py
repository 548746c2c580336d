"""Strangers' bytes, read in a worker with a time limit and a memory limit, wherever a source has to look inside them.

A page, a sitemap, a feed or a message that hangs, eats memory or crashes the interpreter costs its worker and one item or
listing; neither the crawl's loop nor the run waits for it.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ingest.sandbox import Sandbox, SandboxedParser
from sluice.records import Document, RawItem
from sluice.settings import LimitSettings

Read = Callable[[bytes, Mapping[str, Any]], Any]
"""A function of a module: bytes, and what is known about them, to what JSON can say. Raises DocumentError."""


def within_limits(
    read: Read,
    content: bytes,
    uri: str,
    about: Mapping[str, Any] | None = None,
    *,
    warm: tuple[str, ...] = (),
    limits: LimitSettings,
    sandbox: Sandbox | None = None,
) -> Any:
    """What `read` gives, within the source's limits of time and memory (there is no way around the worker here).

    `warm` are modules that the worker imports before its clock starts.

    Raises DocumentError: the function's own, or `timeout`, `out_of_memory`, `crashed`. `uri` is for messages.
    """
    parser = SandboxedParser(partial(_Reader, read, warm), "", limits, sandbox)
    return json.loads(parser.parse(RawItem(uri, content, "", metadata=dict(about or {})), source="").text)


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
