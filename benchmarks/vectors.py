"""The embedded vector store: how fast it writes, clones, opens and searches, and whether twenty readers ever see a lie.

    python -m benchmarks.vectors speed [--points 20000] [--dimension 384]
    python -m benchmarks.vectors readers [--processes 20] [--seconds 30]

`readers`: processes search in a loop while this one builds releases as clones, promotes, rolls back, revokes and grants
tags and drops what is old. Counted: errors; answers that mix two releases; answers that show what was revoked before the
search began. All of them must be 0.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import uuid
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

from sluice.access import AccessTags
from sluice.points import Filters, Point, SparseVector, VectorQuery
from stores.edge.store import EdgeStore

TAGS = [f"t{n}" for n in range(12)]
EVERYONE = AccessTags(TAGS)
CHUNKS = 10


def points(count: int, dimension: int, *, start: int = 0, text: str = "word " * 100, release: int = 0) -> list[Point]:
    """Ten chunks a document, one or two tags each, about 60 terms."""
    rng = np.random.default_rng(start)
    vectors = rng.standard_normal((count, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    made = []
    for n in range(count):
        document = (start + n) // CHUNKS
        terms = tuple(sorted({int(t) for t in rng.zipf(1.3, 60) % 30_000}))
        payload = {
            "document_key": f"d{document}",
            "access_tags": sorted({TAGS[document % 12], TAGS[document * 7 % 12]}),
            "text": text,
            "source": "s",
            "language": "en",
            "modified": None,
            "release": release,
        }
        made.append(Point(str(uuid.UUID(int=start + n + 1)), vectors[n], payload, SparseVector(terms, (1.0,) * len(terms))))
    return made


def timed(name: str, work: Callable[[], object], figures: dict[str, float]) -> None:
    started = time.perf_counter()
    work()
    figures[name] = round(time.perf_counter() - started, 4)


def speed(count: int, dimension: int) -> dict[str, float]:
    figures: dict[str, float] = {"points": count}
    with tempfile.TemporaryDirectory() as folder:
        store, held = EdgeStore(Path(folder)), points(count, dimension)
        timed("create_s", lambda: store.create("i__1", dimension=dimension, sparse=True), figures)
        timed("upsert_s", lambda: store.upsert("i__1", held), figures)
        figures["upsert_points_per_s"] = round(count / figures["upsert_s"])
        timed("seal_s", lambda: store.switch({"i": "i__1"}), figures)
        store.close()
        store = EdgeStore(Path(folder))
        timed("reopen_and_search_s", lambda: store.nearest("i", VectorQuery(held[0].dense), EVERYONE, 10, Filters()), figures)
        for name, tags in (("one_tag", AccessTags(["t3"])), ("every_tag", EVERYONE)):
            for mode in ("dense", "hybrid"):
                took = []
                for p in held[:200]:
                    query = VectorQuery(p.dense, p.sparse if mode == "hybrid" else None)
                    started = time.perf_counter()
                    store.nearest("i", query, tags, 10, Filters())
                    took.append(1000 * (time.perf_counter() - started))
                figures[f"{mode}_{name}_p50_ms"], figures[f"{mode}_{name}_p95_ms"] = np.percentile(took, [50, 95]).round(2)
        timed("scan_ids_and_tags_s", lambda: list(store.scan("i", ["document_key", "access_tags"])), figures)
        timed("revoke_one_document_s", lambda: store.set_tags("i", AccessTags(), ["d1"]), figures)
        timed("clone_s", lambda: store.clone("i", "i__2"), figures)
        changed = [f"d{n}" for n in range(max(1, count // CHUNKS // 100))]
        timed("delete_1_percent_s", lambda: store.delete("i__2", changed), figures)
        timed("rewrite_1_percent_s", lambda: store.upsert("i__2", held[: len(changed) * CHUNKS]), figures)
        timed("promote_s", lambda: store.switch({"i": "i__2"}), figures)
        timed("erase_one_document_s", lambda: store.delete("i__2", ["d7"]), figures)
        figures["memory_mb"] = round(psutil.Process().memory_info().rss / 1e6)
        store.close()
    return figures


def read_for(folder: Path, seconds: float) -> dict[str, int]:
    """Search in a loop; `revoked.json` names documents and since when (monotonic, of this machine) nobody may read them."""
    store, rng = EdgeStore(folder / "store"), np.random.default_rng()
    seen = {"searches": 0, "errors": 0, "mixed": 0, "revoked": 0}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        revoked = json.loads((folder / "revoked.json").read_text())
        query = rng.standard_normal(32).astype(np.float32)
        try:
            hits = store.nearest("i", VectorQuery(query), EVERYONE, 50, Filters())
        except Exception as error:
            seen["errors"] += 1
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            continue
        seen["searches"] += 1
        seen["mixed"] += len({hit.payload["release"] for hit in hits}) > 1
        seen["revoked"] += any(hit.payload["document_key"] in revoked for hit in hits)
    store.close()
    return seen


def readers(processes: int, seconds: float, count: int = 4000) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        store = EdgeStore(folder / "store")
        revoked = _Revoked(folder / "revoked.json")
        store.create("i__0", dimension=32, sparse=True)
        store.upsert("i__0", points(count, 32))
        store.switch({"i": "i__0"})
        command = [sys.executable, "-m", "benchmarks.vectors", "read", str(folder), "--seconds", str(seconds)]
        started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
        done = {"releases": 0, "rollbacks": 0, "revocations": 0}
        until, number = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            number += 1
            live, fresh = store.read()["i"], f"i__{number}"
            if number % 3:
                store.clone(live, fresh)
                store.delete(fresh, ["d0"])
            else:
                store.create(fresh, dimension=32, sparse=True)
            # every point again, so that an answer shows which release it is of
            store.upsert(fresh, [p for p in points(count, 32, release=number) if p.payload["document_key"] != "d0"])
            store.set_tags(fresh, AccessTags(), revoked.keys)
            store.switch({"i": fresh})
            done["releases"] += 1
            for n in range(10):
                key = f"d{(number * 10 + n) % (count // CHUNKS)}"
                for name in store.names():
                    store.set_tags(name, AccessTags(), [key])
                revoked.add(key)
                done["revocations"] += 1
            store.switch({"i": live})
            done["rollbacks"] += 1
            store.switch({"i": fresh})
            for name in store.names()[:-3]:
                if name not in (live, fresh):
                    store.drop(name)
        total = {**done, "searches": 0, "errors": 0, "mixed": 0, "revoked": 0}
        for process in started:
            found = json.loads(process.communicate()[0] or '{"errors": 1}')
            total = {name: total[name] + found.get(name, 0) for name in total}
        store.close()
    return total


class _Revoked:
    """What nobody may read any more: written once the revocation has returned."""

    def __init__(self, path: Path) -> None:
        self.keys: list[str] = []
        self._path = path
        self._write()

    def add(self, key: str) -> None:
        self.keys.append(key)
        self._write()

    def _write(self) -> None:
        fresh = self._path.with_suffix(".tmp")
        fresh.write_text(json.dumps(self.keys))
        fresh.replace(self._path)


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["speed", "readers", "read"])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--processes", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30)
    asked = parser.parse_args()
    if asked.what == "speed":
        figures: dict[str, float] = speed(asked.points, asked.dimension)
    elif asked.what == "read":
        figures = dict(read_for(asked.folder, asked.seconds))
    else:
        figures = dict(readers(asked.processes, asked.seconds))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
