"""A parser for the sandbox's tests that does what a document tells it to: hang, eat memory, crash. Quick to import."""

from __future__ import annotations

import ctypes
import os
import re
import time

from sluice.errors import DocumentError
from sluice.ids import content_hash, document_key
from sluice.records import Document, Element, RawItem


class Obedient:
    """Implements `Parser`; the content says what happens."""

    fingerprint = "obedient"

    def parse(self, item: RawItem, *, source: str) -> Document:
        text = item.content.decode()
        match text.split():
            case ["hang"]:
                while True:
                    time.sleep(0.01)
            case ["hang-in-c"]:
                re.match(r"(a+)+$", "a" * 64 + "b")  # holds the interpreter's lock for years
            case ["eat"]:
                hoard: list[bytes | bytearray] = []
                while True:
                    hoard.append(bytearray(16 << 20))
            case ["eat-and-complain"]:  # as lxml does: out of memory is a syntax error
                hoard = []
                try:
                    while True:
                        hoard.append(b"x" * (4 << 20))
                except MemoryError:
                    raise DocumentError("malformed", f"{item.uri}: unknown error") from None
            case ["leak"]:
                globals().setdefault("_hoard", []).append(bytearray(40 << 20))
            case ["segfault"]:
                ctypes.string_at(0)
            case ["exit"]:
                os._exit(7)
            case ["quote", secret]:
                raise ValueError(f"cannot read {secret}")
            case ["refuse"]:
                raise DocumentError("protected", f"{item.uri}: needs a password", hint="no")
            case ["print"]:
                print("noise " * 10_000, flush=True)
            case ["environment"]:
                text = " ".join(sorted(os.environ))
            case ["pid"]:
                text = str(os.getpid())
        key = document_key(source, item.uri)
        elements = (Element("text", 0, len(text)),)
        return Document(key, source, item.uri, content_hash(item.content), "t", "en", text, elements, dict(item.metadata))
