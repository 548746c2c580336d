"""What a reader sees of an index, all that it holds, and what nothing needs any more: for before and after a crash."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from pipeline.reading import searching
from pipeline.resources import Resources
from sluice.access import Principal
from sluice.ids import version_id
from sluice.releases import Release

Content = frozenset[tuple[str, str]]
"""Uri and text of every chunk."""
PAYLOAD = ("document_key", "version", "source", "uri", "title", "start", "end", "text", "text_hash", "access_tags", "release")


def content(w: Resources, release: Release) -> Content:
    points = w.stores.qdrant.scan(release.collection, ["uri", "text"])
    return frozenset((point.payload["uri"], point.payload["text"]) for point in points)


def readers_see(w: Resources, allowed: frozenset[Content | None]) -> None:
    """What the alias names is one of the complete releases that it may be, and gives every chunk to who may read it."""
    live = w.releases.live()
    seen = None if live is None else content(w, live)
    if live is None and w.settings.index in w.stores.qdrant.read():
        raise AssertionError("the alias names a collection that no release is")
    if seen not in allowed:
        raise AssertionError(
            f"the alias names {live and live.id}, which holds {len(seen or ())} chunks, not what a whole one does"
        )
    building = [release.id for release in w.releases.all() if release.state == "building"]
    if len(building) > 1:
        raise AssertionError(f"{len(building)} releases are building")
    if live is None:
        return
    points = {point.payload["uri"]: point.payload for point in w.stores.qdrant.scan(live.collection, [*PAYLOAD])}
    for uri, point in points.items():
        hits = searching.search(w, point["text"], Principal.of(point["access_tags"]), 3, None) if point["access_tags"] else []
        if point["access_tags"] and uri not in {hit.uri for hit in hits}:
            raise AssertionError(f"{uri} is not found by its own words")
    if searching.search(w, "gateways", Principal.of(["nobody has this"]), 3, None):
        raise AssertionError("a stranger was answered")


def picture(w: Resources) -> dict[str, Any]:
    """All that must be the same however often the way here was interrupted: no times, and no names made from times."""
    live, stores = w.releases.live(), w.stores
    releases = w.releases.all()
    names = {release.id: f"release {number}" for number, release in enumerate(r for r in releases if r.state != "abandoned")}
    return {
        "live": None if live is None else (names[live.id], live.fingerprint, live.access_root, live.documents, live.chunks),
        "releases": [(r.state, bool(r.held), r.fingerprint, r.removed is None) for r in releases if r.state != "abandoned"],
        "points": {
            names[release.id]: sorted(
                (point.id, json.dumps({**point.payload, "release": ""}, sort_keys=True))
                for point in stores.qdrant.scan(release.collection, PAYLOAD)
            )
            for release in releases
            if release.searchable
        },
        "vectors": {
            f"{names[release.id]} {point.id}": point.dense
            for release in releases
            if release.searchable
            for point in stores.qdrant.scan(release.collection, vectors=True)
        },
        "aliases": {name: names.get(to.rpartition("__")[2], to) for name, to in stores.qdrant.read().items()},
        "documents": [(s.uri, s.status, sorted(s.tags), s.version, s.content_hash, s.stale) for s in stores.documents.read()],
        "quarantine": [entry.uri for entry in stores.quarantine.entries()],
        "versions": sorted(stores.versions.ids()),
        "blobs": sorted(stores.blobs.hashes()),
        "embeddings": stores.database["embeddings"].count_documents({}),
        "events": sorted(
            {(e["kind"], names[e["release"]], e["state"]) for e in stores.database["events"].find()}
        ),  # at least once
    }


def same(found: Any, expected: Any) -> bool:
    """Equal; vectors to 1e-5, for a real model's depend a little on which texts are embedded together."""
    if isinstance(expected, np.ndarray):
        return isinstance(found, np.ndarray) and found.shape == expected.shape and bool(np.allclose(found, expected, atol=1e-5))
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(same(found[key], expected[key]) for key in expected)
    return bool(found == expected)


def orphans(w: Resources) -> list[str]:
    """What nothing needs any more, in either store and on the disk."""
    stores, found = w.stores, []
    states = stores.documents.read()
    releases = [release for release in w.releases.all() if release.removed is None and release.state != "abandoned"]
    names = stores.qdrant.names()
    found += [f"collection {name}" for name in names if name not in {release.collection for release in releases}]
    disk = w.settings.state_dir / "qdrant" / "collections"
    found += [f"folder {path.name}" for path in disk.iterdir() if path.name not in names] if disk.exists() else []
    needed = {version_id(s.key, s.version, s.parse_fingerprint) for s in states if s.version}
    needed |= {id for release in releases if release.searchable for id in w.versions_in(release).values()}
    found += [f"version {id}" for id in stores.versions.ids() if id not in needed]
    found += [f"bytes {name}" for name in stores.blobs.hashes() - stores.blobs.references()]
    found += [f"a release that is {release.state}" for release in releases if release.state == "building"]
    return found
