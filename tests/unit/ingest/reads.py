"""Short names for tests of readers: bytes in, a document out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from ingest.parse import UnstructuredParser
from sluice.errors import DocumentDropped, DocumentError
from sluice.records import Document, RawItem

PARSER = UnstructuredParser()


def read(content: bytes | str, uri: str = "a.md", **item: Any) -> Document:
    """What the parser makes of these bytes."""
    return PARSER.parse(RawItem(uri, content.encode() if isinstance(content, str) else content, "v", **item), source="s")


def text(content: bytes | str, uri: str = "a.md", **item: Any) -> str:
    return read(content, uri, **item).text


def shape(content: bytes | str, uri: str = "a.md", **item: Any) -> list[tuple[str, str]]:
    """Kind and text of each element."""
    found = read(content, uri, **item)
    return [(e.kind, found.text[e.start : e.end]) for e in found.elements]


def losses(content: bytes | str, uri: str = "a.md", **item: Any) -> dict[str, int]:
    """What is missing, and how much of it."""
    return {loss["what"]: loss["count"] for loss in read(content, uri, **item).metadata.get("losses", ())}


def reason(content: bytes | str, uri: str, **item: Any) -> str:
    """Why there is no document; "" where there is one."""
    try:
        read(content, uri, **item)
    except (DocumentError, DocumentDropped) as error:
        return error.reason
    return ""


def steps(work: Callable[[], object]) -> int:
    """How many lines of Python, and calls, a piece of work takes: the same on every machine, however busy it is.

    What one call of a C library does is not in it; `benchmarks.growth` measures seconds.
    """
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count
