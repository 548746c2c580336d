"""Which files of a folder were ever selected: what a configuration leaves out now is told from what was never asked for.

For sources whose uris do not name the file that an item came from. Of an archive that was excluded from the beginning a
record's copy proves nothing: who removes the record from the export has deleted it. One file of names in the source's cache,
that only grows while those files are there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from sluice.replacing import replacing

_FILE = "selected.json"


def remember(cache: Path | None, selected: Iterable[str], there: Iterable[str]) -> frozenset[str]:
    """Keep these names beside those of earlier scans that are still there; gives all of them."""
    before = _read(cache)
    names = frozenset(selected) | (before & frozenset(there))
    if cache is not None and names != before:
        os.makedirs(cache, mode=0o700, exist_ok=True)
        with replacing(cache / _FILE) as made:
            made.write_text(json.dumps(sorted(names)), encoding="utf-8")
    return names


def _read(cache: Path | None) -> frozenset[str]:
    """Nothing where nothing was kept, or not whole: then a change of configuration counts as the source's own."""
    with suppress(OSError, ValueError):
        if cache is not None and isinstance(kept := json.loads((cache / _FILE).read_text(encoding="utf-8")), list):
            return frozenset(str(name) for name in kept)
    return frozenset()
