"""What changes for a reader when one release takes the place of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from indexing.payload import SERVED
from indexing.protocols import Points

FIELDS = ("document_key", "uri", "source", "version", SERVED)


@dataclass(frozen=True, slots=True)
class Changes:
    """Documents by what became of them, each `{"key", "uri", "source"}`, ordered by uri."""

    added: tuple[Mapping[str, Any], ...] = ()
    changed: tuple[Mapping[str, Any], ...] = ()
    removed: tuple[Mapping[str, Any], ...] = ()

    def __len__(self) -> int:
        return len(self.added) + len(self.changed) + len(self.removed)


def changes(points: Points, before: str | None, after: str) -> Changes:
    """Documents that the collection `after` holds and `before` does not, holds otherwise, or does not hold any more."""
    old = _documents(points, before) if before is not None else {}
    new = _documents(points, after)
    return Changes(
        _named(new, new.keys() - old.keys()),
        _named(new, {key for key in new.keys() & old.keys() if _differ(old[key], new[key])}),
        _named(old, old.keys() - new.keys()),
    )


def _differ(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    told = SERVED in old and SERVED in new  # points of earlier versions do not say what is served beside the text
    return bool(old.get("version") != new.get("version") or (told and old[SERVED] != new[SERVED]))


def _documents(points: Points, collection: str) -> dict[str, Mapping[str, Any]]:
    return {point.payload["document_key"]: point.payload for point in points.scan(collection, FIELDS)}


def _named(documents: Mapping[str, Mapping[str, Any]], keys: set[str]) -> tuple[Mapping[str, Any], ...]:
    named = [{"key": key, "uri": documents[key].get("uri"), "source": documents[key].get("source")} for key in keys]
    return tuple(sorted(named, key=lambda document: (str(document["uri"]), document["key"])))
