"""What differs between a release and what its index would hold now: all that a delta release writes and removes.

A release of the same points recipe as the live one is a clone of its collection, in which the points of changed and removed
documents are replaced (docs/adr/0008). What differs is read from the points themselves, not from what a ledger says of them:
a document is unchanged when every one of its points is there and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from indexing.build import Built
from indexing.contents import Holding, Holdings
from indexing.payload import modified, served
from sluice.counts import StageCounts
from sluice.errors import ReleaseError
from sluice.ids import IdSum
from sluice.recipe import Recipe
from sluice.records import DocumentState
from sluice.releases import Release


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


def difference(
    held: Holdings,
    base: Release,
    members: Sequence[DocumentState],
    expected: Callable[[Sequence[DocumentState]], Mapping[str, IdSum]] = lambda _states: {},
) -> Delta | None:
    """What a release of these documents must change in a clone of `base`; None when `base` is not what its manifest says.

    `held` is what the collection of `base` holds. `expected` says, by document key, which chunk ids those documents have
    whose cut is known (`ids.id_sum`): points that are not exactly these are written again, whatever they say.
    """
    if (len(held), sum(found.chunks for found in held.values())) != (base.documents, base.chunks):
        return None
    cuts = expected(members)
    write = set[str]()
    same = list[Holding | None]()
    for state in members:
        found, ids = held.get(state.key), cuts.get(state.key)
        if _is_what_it_must_be(found, state, ids):
            same.append(found)
        else:
            write.add(state.key)
    there = {state.key for state in members}
    stale = sorted(key for key in held if key in write or key not in there)
    return Delta(base, frozenset(write), tuple(stale), _kept(same))


def _is_what_it_must_be(found: Holding | None, state: DocumentState, ids: IdSum | None) -> bool:
    if found is None:
        return ids is not None and not ids[0]  # a document without text has no points
    return is_of(found, state) and (ids is None or found.id_sum == ids)


def is_of(found: Holding, state: DocumentState) -> bool:
    """Whether all that is held of a document says that it is of the document as it is now."""
    return found.alike and (found.served, found.modified) == (served(state), modified(state))


def _kept(same: Sequence[Holding | None]) -> Built:
    there = [found for found in same if found is not None]
    chunks = sum(found.chunks for found in there)
    return Built(
        {"chunk": StageCounts(len(same), 0, len(same)), "embed": StageCounts(), "stage": StageCounts(chunks, 0, chunks)},
        documents=len(there),
        chunks=chunks,
        tokens=sum(found.tokens for found in there),
        contexts_cut=sum(found.cut for found in there),
    )
