"""What changes for a reader when one release takes the place of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from indexing.contents import Holding, Holdings


@dataclass(frozen=True, slots=True)
class Changes:
    """Documents by what became of them, each `{"key", "uri", "source"}`, ordered by uri."""

    added: tuple[Mapping[str, Any], ...] = ()
    changed: tuple[Mapping[str, Any], ...] = ()
    removed: tuple[Mapping[str, Any], ...] = ()

    def __len__(self) -> int:
        return len(self.added) + len(self.changed) + len(self.removed)


def changes(before: Holdings, after: Holdings) -> Changes:
    """Documents that `after` holds and `before` does not, holds otherwise, or does not hold any more."""
    return Changes(
        _named(after, after.keys() - before.keys()),
        _named(after, {key for key in after.keys() & before.keys() if _differ(before[key], after[key])}),
        _named(before, before.keys() - after.keys()),
    )


def _differ(old: Holding, new: Holding) -> bool:
    told = old.served is not None and new.served is not None  # points of earlier versions do not say what is served
    return old.version != new.version or (told and old.served != new.served)


def _named(documents: Holdings, keys: set[str]) -> tuple[Mapping[str, Any], ...]:
    named = [{"key": key, "uri": documents[key].uri, "source": documents[key].source} for key in keys]
    return tuple(sorted(named, key=lambda document: (str(document["uri"]), document["key"])))
