"""What was asked and what was found, for replay: one JSON object a line; ids and scores, never a text.

    {"at": "2026-11-21T02:00:00.000Z", "release": "…", "query": "…", "tags": ["public"], "hits": ["chunk id", …],
     "scores": [0.71, …]}

The queries are people's words: keep the file as you would keep any log of theirs.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sluice.access import Principal
from sluice.jsons import bounded
from sluice.records import Hit

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JsonLinesLog:
    """Implements `indexing.protocols.QueryLog`: appends to a file, whole lines, also from several processes.

    A search is answered whether or not it can be logged: a file that cannot be written is a warning in the process's log.
    """

    path: Path
    now: Callable[[], datetime]

    def record(self, query: str, principal: Principal, hits: Sequence[Hit]) -> None:
        line = {
            "at": self.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "release": hits[0].release if hits else None,
            "query": query,
            "tags": sorted(principal.tags),
            "hits": [hit.chunk_id for hit in hits],
            "scores": [round(hit.score, 6) for hit in hits],
        }
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # One write in append mode is not cut in two by another process's.
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(file, (json.dumps(line) + "\n").encode())
            finally:
                os.close(file)
        except OSError as error:
            _logger.warning("%s: a search could not be logged: %s", self.path, error)


def searches(path: Path) -> Iterator[tuple[str, ...]]:
    """The chunks that each search of a log found, oldest first; what is not what `record` writes is passed over.

    OSError when the file cannot be read, unless there is none yet: then nothing was searched.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    hits = bounded(line)["hits"]
                except (ValueError, TypeError, KeyError):
                    continue
                if isinstance(hits, list):
                    yield tuple(hit for hit in hits if isinstance(hit, str))
    except FileNotFoundError:
        return
