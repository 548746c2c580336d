"""What a worker is asked to do in tests of the sandbox: functions that hang, eat memory, crash, or fail."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from sluice.errors import DocumentError


def upper(content: bytes, about: Mapping[str, Any]) -> dict[str, str]:
    return {"text": content.decode().upper(), **about}


def hangs(content: bytes, about: Mapping[str, Any]) -> None:
    while True:
        time.sleep(1)


def eats(content: bytes, about: Mapping[str, Any]) -> int:
    return len(bytearray(1 << 31))


def crashes(content: bytes, about: Mapping[str, Any]) -> None:
    os._exit(7)


def raises(content: bytes, about: Mapping[str, Any]) -> None:
    raise ZeroDivisionError("a secret of the document")


def refuses(content: bytes, about: Mapping[str, Any]) -> None:
    raise DocumentError("no_sitemap", "is none", hint="look")
