"""Which documents say the same, or nearly: reported for people, never acted upon (each document keeps its own tags).

Equal is an equal text hash. Nearly equal is the share of three-word shingles that two texts have in common (Broder 1997),
estimated from 128 min-hashes: at 0.8 the estimate is off by 0.035 (one standard deviation), and 32 bands of 4 put two
texts of that likeness side by side in all but one of ten million cases.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sluice import ids
from sluice.records import DocumentState

Signature = NDArray[np.uint64]

ALIKE = 0.8
"""From which share of common shingles on two texts are reported as similar."""

_BANDS, _ROWS = 32, 4
_DRAWN = b"".join(blake2b(b"%d" % n, digest_size=16).digest() for n in range(_BANDS * _ROWS))
_FACTORS, _OFFSETS = np.frombuffer(_DRAWN, "<u8").reshape(-1, 2).T
_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Groups of document keys: of equal text, and of texts that are alike without being equal; in the order they came.

    `similar` gives with each key the likeness (0 to 1) of its text to that of the group's first. Likeness is passed on: two
    texts of a group may be less alike than the threshold when a third lies between them.
    """

    equal: tuple[tuple[str, ...], ...]
    similar: tuple[tuple[tuple[str, float], ...], ...]


def signature(text: str) -> Signature | None:
    """128 min-hashes of a text's three-word shingles, upper and lower case and punctuation aside; None without any word.

    The share of equal places in two signatures estimates the share of shingles that their texts have in common.
    """
    words = re.findall(r"\w+", text.lower())
    if not words:
        return None
    shingles = {" ".join(words[i : i + 3]) for i in range(max(len(words) - 2, 1))}
    digests = b"".join(blake2b(shingle.encode("utf-8", "surrogatepass"), digest_size=8).digest() for shingle in shingles)
    hashes = np.frombuffer(digests, "<u8")
    least = np.full(len(_FACTORS), np.iinfo(np.uint64).max, np.uint64)
    for start in range(0, len(hashes), _BLOCK):  # in blocks: 128 times the text's shingles would be much memory
        mixed = np.multiply.outer(hashes[start : start + _BLOCK], _FACTORS | np.uint64(1)) + _OFFSETS
        np.minimum(least, mixed.min(axis=0), out=least)
    return least


def duplicates(texts: Iterable[tuple[str, str]], *, alike: float = ALIKE) -> Duplicates:
    """Groups among (document key, text), read once and not kept; `alike` from 0.5 to 1."""
    keys: dict[str, list[str]] = defaultdict(list)
    names: list[str] = []
    signed: list[Signature] = []
    for key, text in texts:
        name = ids.text_hash(text)
        if name not in keys and (made := signature(text)) is not None:
            names.append(name)
            signed.append(made)
        keys[name].append(key)
    signatures = np.array(signed, np.uint64).reshape(-1, len(_FACTORS))
    similar = (
        tuple((key, _likeness(signatures, group[0], row)) for row in group for key in keys[names[row]])
        for group in _linked(signatures, alike)
    )
    return Duplicates(tuple(tuple(group) for group in keys.values() if len(group) > 1), tuple(similar))


def _linked(signatures: Signature, alike: float) -> list[list[int]]:
    """Rows that are alike, or linked by rows that are; groups of two and more, in order."""
    label = np.arange(len(signatures))
    together: set[tuple[int, ...]] = set()
    for band in range(_BANDS):
        buckets: dict[bytes, list[int]] = defaultdict(list)
        for row, part in enumerate(np.ascontiguousarray(signatures[:, band * _ROWS : (band + 1) * _ROWS])):
            buckets[part.tobytes()].append(row)
        together.update(tuple(rows) for rows in buckets.values() if len(rows) > 1)
    for bucket in sorted(together):
        for place, row in enumerate(bucket):
            others = np.array(bucket[place + 1 :], dtype=np.intp)
            others = others[label[others] != label[row]]
            near = others[(signatures[others] == signatures[row]).mean(axis=1) >= alike]
            if len(near):
                joined = np.append(label[near], label[row])
                label[np.isin(label, joined)] = joined.min()
    groups: dict[int, list[int]] = defaultdict(list)
    for row, leader in enumerate(label.tolist()):
        groups[leader].append(row)
    return [group for group in groups.values() if len(group) > 1]


def _likeness(signatures: Signature, one: int, other: int) -> float:
    return round(float((signatures[one] == signatures[other]).mean()), 2)


@dataclass(frozen=True, slots=True)
class Report:
    """What an administrator wants to know of copies; every document of a group with its source, uri, title and tags."""

    documents: int
    """How many were compared: those that a release built now contains."""
    duplicates: int
    """Documents whose text another one has, the first of each text not counted."""
    near_duplicates: int
    """Texts that are nearly another one, the first of each group not counted."""
    tags_differ: int
    """Groups, of either kind, whose documents are not readable by the same people."""
    equal: Sequence[Mapping[str, Any]]
    similar: Sequence[Mapping[str, Any]]


def report(
    states: Iterable[DocumentState],
    texts: Callable[[Sequence[DocumentState]], Iterable[tuple[str, str]]],
    *,
    alike: float = ALIKE,
) -> Report:
    """Copies among what is served: groups whose access tags differ come first, then the largest.

    `texts` gives (document key, text) of the states it is handed, in their order.
    """
    served = {state.key: state for state in sorted(states, key=lambda s: (s.source, s.uri)) if state.in_release}
    compared: list[str] = []

    def counted() -> Iterator[tuple[str, str]]:
        for key, text in texts(list(served.values())):
            compared.append(key)
            yield key, text

    found = duplicates(counted(), alike=alike)
    equal = [_group([(served[key], None) for key in group]) for group in found.equal]
    similar = [_group([(served[key], likeness) for key, likeness in group]) for group in found.similar]
    first = {key: group[0] for group in found.equal for key in group}
    return Report(
        documents=len(compared),
        duplicates=sum(len(group) - 1 for group in found.equal),
        near_duplicates=sum(len({first.get(key, key) for key, _ in group}) - 1 for group in found.similar),
        tags_differ=sum(group["tags_differ"] for group in (*equal, *similar)),
        equal=sorted(equal, key=_order),
        similar=sorted(similar, key=_order),
    )


def _group(members: Sequence[tuple[DocumentState, float | None]]) -> dict[str, Any]:
    lines = [
        {"source": s.source, "uri": s.uri, "title": s.title, "access_tags": sorted(s.tags)}
        | ({} if likeness is None else {"similarity": likeness})
        for s, likeness in members
    ]
    return {"tags_differ": len({s.tags for s, _ in members}) > 1, "documents": lines}


def _order(group: Mapping[str, Any]) -> tuple[bool, int]:
    return not group["tags_differ"], -len(group["documents"])
