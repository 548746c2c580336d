"""What differs between a release and what its index would hold now: all that a delta release writes and removes.

A release of the same points recipe as the live one is a clone of its collection, in which the points of changed and removed
documents are replaced (docs/adr/0008). What differs is read from the points themselves, not from what a ledger says of them:
a document is unchanged when every one of its points is there and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from indexing.build import Built
from indexing.cuts import IdSum
from indexing.payload import CONTEXT_CUT, SERVED, TOKENS, modified, served
from indexing.protocols import Points
from sluice.counts import StageCounts
from sluice.errors import ReleaseError
from sluice.points import DOCUMENT_KEY, MODIFIED
from sluice.recipe import Recipe
from sluice.records import DocumentState
from sluice.releases import Release

FIELDS = (DOCUMENT_KEY, SERVED, MODIFIED, TOKENS, CONTEXT_CUT)


@dataclass(frozen=True, slots=True)
class Delta:
    """How a release comes of `base`: `write` are the documents to cut and write, `stale` those whose points go first.

    Both are document keys; a changed document is in both. `kept` accounts for what stays as it is.
    """

    base: Release
    write: frozenset[str]
    stale: tuple[str, ...]
    kept: Built


def may_be_base(live: Release | None, recipe: Recipe) -> bool:
    """Whether a release of this recipe may be a clone of the live one: the same documents give the same points in both."""
    if live is None or not live.searchable:
        return False
    try:
        return Recipe.of_release(live).points == recipe.points
    except ReleaseError:  # written by a later version: a build from nothing needs none of it
        return False


@dataclass(slots=True)
class _Held:
    """What a collection holds of one document."""

    says: set[tuple[Any, Any]] = field(default_factory=set)
    chunks: int = 0
    tokens: int = 0
    cut: int = 0
    ids: int = 0
    """As in `cuts.id_sum`."""


def difference(
    points: Points,
    base: Release,
    members: Sequence[DocumentState],
    expected: Callable[[Sequence[DocumentState]], Mapping[str, IdSum]] = lambda _states: {},
) -> Delta | None:
    """What a release of these documents must change in a clone of `base`; None when `base` is not what its manifest says.

    One scan of light fields. `expected` says, by document key, which chunk ids those documents have whose cut is known
    (`cuts.id_sum`): points that are not exactly these are written again, whatever they say.
    """
    held: dict[str, _Held] = {}
    for point in points.scan(base.collection, FIELDS):
        payload = point.payload
        found = held.setdefault(payload[DOCUMENT_KEY], _Held())
        found.says.add((payload.get(SERVED), payload.get(MODIFIED)))
        found.chunks += 1
        found.tokens += int(payload.get(TOKENS) or 0)
        found.cut += bool(payload.get(CONTEXT_CUT))
        found.ids ^= int(point.id.replace("-", ""), 16)
    if (len(held), sum(found.chunks for found in held.values())) != (base.documents, base.chunks):
        return None
    cuts = expected(members)
    write = set[str]()
    same, nothing = list[_Held](), _Held()
    for state in members:
        found, ids = held.get(state.key, nothing), cuts.get(state.key)
        if _is_what_it_must_be(found, state, ids):
            same.append(found)
        else:
            write.add(state.key)
    there = {state.key for state in members}
    stale = sorted(key for key in held if key in write or key not in there)
    return Delta(base, frozenset(write), tuple(stale), _kept(same))


def _is_what_it_must_be(found: _Held, state: DocumentState, ids: IdSum | None) -> bool:
    wanted = {(served(state), modified(state))}
    if ids is None:
        return found.says == wanted
    return (found.says, (found.chunks, found.ids)) == (wanted if ids[0] else set(), ids)


def _kept(same: Sequence[_Held]) -> Built:
    chunks = sum(found.chunks for found in same)
    return Built(
        {"chunk": StageCounts(len(same), 0, len(same)), "embed": StageCounts(), "stage": StageCounts(chunks, 0, chunks)},
        documents=sum(found.chunks > 0 for found in same),
        chunks=chunks,
        tokens=sum(found.tokens for found in same),
        contexts_cut=sum(found.cut for found in same),
    )
