"""The documents that somebody means by a uri, in whichever Unicode form it was typed and they are listed."""

from __future__ import annotations

from collections.abc import Iterable

from sluice.records import DocumentState
from sluice.spelling import same


def spelled(uri: str, states: Iterable[DocumentState]) -> list[DocumentState]:
    """Those with exactly this uri, else those with it in another form; what is deleted only where its source has no other.

    A folder whose name changed its form (macOS to Linux) leaves its documents behind under the one that it had.
    """
    by_source: dict[str, list[DocumentState]] = {}
    for state in states:
        if same(state.uri, uri):
            by_source.setdefault(state.source, []).append(state)
    there = [[*filter(_there, alike)] or alike for alike in by_source.values()]
    found = [state for alike in there for state in alike]
    exact = [state for state in found if state.uri == uri]
    return exact if any(map(_there, exact)) or (not any(map(_there, found)) and exact) else found


def _there(state: DocumentState) -> bool:
    return state.status != "deleted"
