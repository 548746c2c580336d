"""What was removed from finished segments and still lies in their files; those that hold much of it are written anew."""

from __future__ import annotations

import json
from pathlib import Path

from qdrant_edge import EdgeShard

from stores.edge import shards
from stores.edge.files import State


def dead_of(path: Path) -> dict[str, tuple[int, int]]:
    """Of each finished segment of a closed shard, by name: how many of its points were removed or moved on, of how many. The
    engine keeps a bit and 8 bytes of each in files."""
    return {
        flags.parent.name: (
            int.from_bytes(flags.read_bytes(), "little").bit_count(),
            flags.with_name("id_tracker.versions").stat().st_size // 8,
        )
        for flags in path.glob("segments/*/id_tracker.deleted")
    }


def compact(path: Path, state: State, count: int, most_dead: float) -> int:
    """Have the engine write those finished segments of a closed shard of `count` points anew of which more than this share is
    dead (of a small one, of what a whole one holds), one after the other, the worst first, and a quarter of them at most: nights
    change what they like, so that all come to it at about the same time, and each takes 4 to 6 s. The smallest become one where
    there are twice as many as the points need. Gives how many dead points are gone.
    """
    now = before = dead_of(path)
    for _ in range(max(2, len(before) // 4)):
        dead, points = max(now.values(), key=lambda of: of[0] / max(1, of[1]), default=(0, 0))
        if dead <= most_dead * max(points, state.segment):
            break
        _optimized(path, deleted_threshold=(dead - 0.5) / points, vacuum_min_vector_number=1)
        now = dead_of(path)
    enough = 2 * (count // state.segment + 1)
    if len(now) > enough:
        _optimized(path, default_segment_number=enough)
        now = dead_of(path)
    return sum(dead for dead, _ in before.values()) - sum(dead for dead, _ in now.values())


def _optimized(path: Path, **settings: float) -> None:
    """Have the engine do to a closed shard, once, what these settings ask of it; the shard keeps its own."""
    file = path / "edge_config.json"
    own = file.read_bytes()
    asked = json.loads(own)
    asked["optimizers"] |= settings
    file.write_bytes(json.dumps(asked).encode())
    try:
        shards.finished(EdgeShard.load(str(path)), path).close()
    finally:
        file.write_bytes(own)
