"""What a release's points say of its data quality, a row a chunk: neither texts nor vectors, but their sizes and hashes.

A row is worked out once: it is kept beside the points it was read from, and taken over with those that a later release takes
over. Access tags are not among it: who may read a document changes without its points.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import astuple, dataclass, field
from hashlib import blake2b
from itertools import compress
from typing import Any

import numpy as np

from evaluation.protocols import ReleasePoints, TakenOver
from sluice import bounds
from sluice.ids import id_sum
from sluice.points import StoredPoint

FIELDS = (*("document_key", "uri", "source", "title", "heading_path", "metadata", "text", "tokens", "access_tags", "language"),)
SAMPLED = 2_000
"""Documents whose lines are counted: those with the smallest keys, which are hashes; memory stays level."""
_LINE = 20  # characters: shorter lines recur by chance
_FORM = 1
"""Raised with every change of what a row says."""

_COLUMNS: dict[str, str] = {
    "id": "U36", "document": "i4", "uri": "i4", "length": "i8", "characters": "i8", "said": "i8", "tokens": "f8",
    "language": "i4", "text": "u8", "dimension": "i4", "finite": "?", "norm": "f8", "vector": "u8",
}  # fmt: skip
"""How each column is packed. Tokens of a point that names none are NaN."""
_NAMED = ("document", "uri", "language")
"""Columns of few different values, or None: packed as their numbers in a list of them."""


@dataclass(slots=True)
class Origin:
    """What the points of a document say of it: that of the first, by id."""

    uri: str
    source: str
    title: str | None
    language: str | None
    losses: int
    lost: float


@dataclass(slots=True)
class Rows:
    """By column, in the order in which points were read; documents by key; the lines of the sampled ones."""

    columns: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in _COLUMNS})
    origins: dict[str, Origin] = field(default_factory=dict)
    lines: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """Hash and length of each line."""

    def __len__(self) -> int:
        return len(self.columns["id"])


Tags = dict[str, frozenset[str]]
"""By chunk id."""


def rows_of(
    points: ReleasePoints, taken: TakenOver | None, kept: Callable[[], bytes | None], largest: int = SAMPLED
) -> tuple[Rows, Tags]:
    """The rows of a release and the tags of its points: those of documents that were `taken` over from what was `kept` of them,
    where it was, and all others read. Ordered by id where any were taken over, else as they were read.
    """
    before = unpacked(kept()) if taken is not None else None
    if taken is None or before is None:
        return read(points, largest=largest)
    sampled = set(sorted(taken.held)[:largest])
    own = _of_documents(before)
    same = {
        key
        for key in taken.documents
        if key in own
        and (held := taken.held[key])
        and (held.chunks, held.ids) == own[key]
        and len(held.tags) == 1
        and (key not in sampled or key in before.lines)
    }
    fresh, tags = read(points, [key for key in taken.held if key not in same], largest=largest)
    of = {key: next(iter(taken.held[key].tags)) for key in same}
    stay = [str(key) in same for key in before.columns["document"]]
    merged = {name: [*compress(values, stay), *fresh.columns[name]] for name, values in before.columns.items()}
    order = sorted(range(len(merged["id"])), key=merged["id"].__getitem__)
    tags |= {id: of[key] for id, key in zip(merged["id"], merged["document"], strict=True) if key in of}
    lines = {key: lines for key, lines in (before.lines | fresh.lines).items() if key in sampled}
    origins = {key: origin for key, origin in before.origins.items() if key in same} | fresh.origins
    return Rows({name: [values[at] for at in order] for name, values in merged.items()}, origins, lines), tags


def read(points: ReleasePoints, documents: Collection[str] | None = None, *, largest: int = SAMPLED) -> tuple[Rows, Tags]:
    """One scan of all points, or of those of these documents."""
    found, tags, sets, sample = Rows(), Tags(), dict[frozenset[str], frozenset[str]](), _Sample(largest)
    append = [values.append for values in found.columns.values()]
    for point in points.scan(FIELDS, vectors=True, documents=documents):
        text = str(point.payload.get("text") or "")
        key = str(point.payload.get("document_key"))
        for add, value in zip(append, _row(point, text), strict=True):
            add(value)
        if key not in found.origins:
            found.origins[key] = _origin(point.payload)
        sample.add(key, text)
        carried = frozenset(point.payload.get("access_tags") or ())
        tags[point.id] = sets.setdefault(carried, carried)
    found.lines = sample.lines
    return found, tags


def _row(point: StoredPoint, text: str) -> tuple[Any, ...]:
    held, vector = point.payload, point.dense
    finite = vector is not None and bool(np.isfinite(vector).all())
    return (
        point.id,
        held.get("document_key"),
        held.get("uri"),
        len(text),
        len(text.strip()),
        sum(bounds.size(held.get(name) or "") for name in ("title", "heading_path", "metadata")),
        held.get("tokens"),
        held.get("language"),
        hashed(text.encode()),
        0 if vector is None else len(vector),
        finite,
        float(np.linalg.norm(vector.astype(np.float64))) if vector is not None and finite else 0.0,
        0 if vector is None else hashed(vector.tobytes()),
    )


def _origin(held: Mapping[str, Any]) -> Origin:
    losses = (held.get("metadata") or {}).get("losses") or ()
    lost = sum(float(loss.get("share") or 0) for loss in losses)
    uri, source = (str(held.get(name) or "") for name in ("uri", "source"))
    return Origin(uri, source, held.get("title"), held.get("language"), len(losses), lost)


def _of_documents(rows: Rows) -> dict[str, tuple[int, int]]:
    """How many chunks each document has, and their ids, as in `ids.id_sum`."""
    ids: dict[str, list[str]] = {}
    for id, key in zip(rows.columns["id"], rows.columns["document"], strict=True):
        ids.setdefault(str(key), []).append(id)
    return {key: id_sum(own) for key, own in ids.items()}


class _Sample:
    """Hashes and lengths of the lines of the documents with the smallest keys, as their chunks come along."""

    def __init__(self, size: int) -> None:
        self.lines: dict[str, list[tuple[int, int]]] = {}
        self._size = size
        self._largest = ""
        """Of the keys in `lines`, once it is full: from then on it only falls, so a document is in with all its chunks or not."""

    def add(self, key: str, text: str) -> None:
        if key not in self.lines:
            if self._largest and key > self._largest:
                return
            if self._largest:
                del self.lines[self._largest]
            self.lines[key] = []
            self._largest = max(self.lines) if len(self.lines) >= self._size else ""
        lines = (line for raw in text.splitlines() if len(line := raw.strip()) >= _LINE)
        self.lines[key] += [(hashed(line.encode()), len(line)) for line in lines]


def hashed(content: bytes) -> int:
    """64 bits of it."""
    return int.from_bytes(blake2b(content, digest_size=8).digest())


def packed(rows: Rows) -> bytes:
    """To be kept: 220 bytes a chunk, and 12 of each line of the sampled documents."""
    arrays: dict[str, Any] = {}
    named: dict[str, list[Any]] = {}
    for name, values in rows.columns.items():
        taken: Iterable[Any] = values
        if name in _NAMED:
            numbers: dict[Any, int] = {}
            taken = [numbers.setdefault(value, len(numbers)) for value in values]
            named[name] = list(numbers)
        elif name == "tokens":
            taken = [np.nan if tokens is None else tokens for tokens in values]
        arrays[name] = np.array(taken, dtype=_COLUMNS[name])
    arrays["line"] = np.array([hash for own in rows.lines.values() for hash, _ in own], dtype="u8")
    arrays["line_length"] = np.array([length for own in rows.lines.values() for _, length in own], dtype="i4")
    header = {
        "form": _FORM,
        "documents": [(key, *astuple(origin)) for key, origin in rows.origins.items()],
        "named": named,
        "lines": [(key, len(own)) for key, own in rows.lines.items()],
    }
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def unpacked(content: bytes | None) -> Rows | None:
    """What was packed; None where nothing was, where another version packed it, or it is not whole."""
    if content is None:
        return None
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            header = json.loads(arrays["header"].tobytes())
            if header["form"] != _FORM:
                return None
            columns: dict[str, list[Any]] = {name: arrays[name].tolist() for name in _COLUMNS}
            lines = list(zip(arrays["line"].tolist(), arrays["line_length"].tolist(), strict=True))
        for name in _NAMED:
            columns[name] = [header["named"][name][number] for number in columns[name]]
        columns["tokens"] = [None if tokens != tokens else int(tokens) for tokens in columns["tokens"]]
        ends, of = 0, dict[str, list[tuple[int, int]]]()
        for key, count in header["lines"]:
            of[key] = lines[ends : ends + count]
            ends += count
        return Rows(columns, {key: Origin(*origin) for key, *origin in header["documents"]}, of)
    except (ValueError, KeyError, TypeError, IndexError, OSError, EOFError, zipfile.BadZipFile):
        return None
