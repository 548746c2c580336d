"""`sluice releases diff`: what changed from one release to another."""

from __future__ import annotations

from typing import Any

from pipeline.naming import named
from pipeline.outcomes import Difference
from pipeline.resources import Resources
from sluice.plain import plain


def difference(r: Resources, a: str, b: str) -> Difference:
    """What changed from release `a` to release `b`."""
    old, new = named(r, a).there(), named(r, b).there()
    fields = ["document_key", "version", "uri"]
    before, after = (
        {p.payload["document_key"]: p.payload for p in r.stores.qdrant.scan(release.collection, fields)} for release in (old, new)
    )
    both = after.keys() & before.keys()
    return Difference(
        a=old.id,
        b=new.id,
        added=sorted(after[k]["uri"] for k in after.keys() - before.keys()),
        removed=sorted(before[k]["uri"] for k in before.keys() - after.keys()),
        changed=sorted(after[k]["uri"] for k in both if after[k]["version"] != before[k]["version"]),
        counts={name: (getattr(old, name), getattr(new, name)) for name in ("documents", "chunks", "tokens")},
        configuration=differences(plain(old.configuration), plain(new.configuration)),
    )


def differences(a: Any, b: Any, path: str = "") -> dict[str, tuple[Any, Any]]:
    """The values that differ, by the path of their keys, in nested mappings."""
    if isinstance(a, dict) and isinstance(b, dict):
        found: dict[str, tuple[Any, Any]] = {}
        for key in sorted({*a, *b}):
            found |= differences(a.get(key), b.get(key), f"{path}.{key}" if path else key)
        return found
    return {} if a == b else {path: (a, b)}
