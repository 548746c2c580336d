"""What of two configurations makes one release another: the keys, with what each has; never a secret."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import yaml

from pipeline.reading.differing import differences
from pipeline.resources import Resources
from sluice.plain import plain
from sluice.recipe import in_use
from sluice.settings import SourceSettings

_SECTION = {"chunking": "chunking", "model": "embedding", "sparse": "search", "search": "search", "parse": "sources"}
"""Fingerprint → the section of the configuration that decides it."""
_INDIFFERENT = frozenset(
    ["embedding.device", "search.log"]
    + [
        f"embedding.endpoint.{key}"
        for key in ("max_inputs", "max_request_tokens", "concurrency", "timeout_s", "price_per_million_tokens")
    ]
)
_READING = frozenset(SourceSettings.model_fields) - {"name", "type", "options", "max_deletions"}
"""Keys of a source that are about reading it; the others say where it is, and may hold what is nobody's to see."""
_SECRET = re.compile(r"(^|[._-])(key|token|secret|passw(or)?d|credentials?)$", re.IGNORECASE)
_SHOWN = 5


def otherwise(r: Resources, release: Mapping[str, Any], other: Collection[str]) -> str:
    """Which keys, here and in the release's configuration, differ in the sections of these fingerprints; five at most."""
    sections = list(dict.fromkeys(_SECTION.get(name, name) for name in other))
    found = [key for section in sections for key in _keys(r, release, section)]
    if not found:
        return f"{', '.join(sections)}: the same keys, and another version of what they name"
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(found[:_SHOWN]) + more


def _keys(r: Resources, release: Mapping[str, Any], section: str) -> Iterator[str]:
    if section == "sources":
        yield from _sources(r, release)
        return
    here, there = plain(r.kept_recipe()), release.get("recipe") or {}
    made, wanted = here.get(section) or {}, there.get(section) or {}
    if section == "search" and made and wanted:
        made, wanted = in_use(made), in_use(wanted)
    for key, (ours, theirs) in differences(made, wanted, section).items():
        if key not in _INDIFFERENT:
            yield _both(key, ours, theirs)


def _sources(r: Resources, release: Mapping[str, Any]) -> Iterator[str]:
    """By the names of the sources, as both files say them."""
    here, there = (
        {str(source["name"]): source for source in made.get("sources") or ()}
        for made in (plain(r.configuration()), release.get("configuration") or {})
    )
    for name in sorted({*here, *there}):
        if name not in here or name not in there:
            yield f"source '{name}' is {'not there' if name in here else 'there, and not here'}"
            continue
        ours_of, theirs_of = ({k: v for k, v in side[name].items() if k in _READING} for side in (here, there))
        for key, (ours, theirs) in differences(ours_of, theirs_of, f"sources.{name}").items():
            yield _both(key, ours, theirs)


def _both(key: str, ours: Any, theirs: Any) -> str:
    if _SECRET.search(key):
        return f"{key} differs"
    return f"{key} is {_written(ours)} here and {_written(theirs)} there"


def _written(value: Any) -> str:
    """As the file would say it, in one line; an address without what may be secret in it."""
    if value is None:
        return "not set"
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True).removesuffix("\n...\n").strip()
    return re.sub(r"://[^/@\s]*@", "://…@", re.sub(r"\?\S+", "?…", text))
