"""The house of `ingest.testing`, and a store that is down."""

from __future__ import annotations

from typing import Any

from ingest.testing.house import NOW, STAFF, House, ScriptedParser, ScriptedSource
from ingest.testing.stores import MemoryBlobs, MemoryDocumentStates, MemoryQuarantine, MemoryVersions
from sluice.errors import StoreUnavailable

__all__ = ["NOW", "STAFF", "Down", "House", "ScriptedParser", "ScriptedSource"]


class Down(MemoryDocumentStates, MemoryBlobs, MemoryVersions, MemoryQuarantine):
    """A store of any kind that does not answer."""

    rows: Any

    def __init__(self) -> None:
        MemoryDocumentStates.__init__(self)

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise StoreUnavailable("MongoDB does not answer")

    put = put_all = get = get_all = add = add_all = clear = clear_all = write = holding = _refuse
