"""Whether who asks may read what answers: a question about what its reader may not open is a miss for ever, and says nothing.

Access is as it is today. A leak case is the other way round: its reader must not be able to read the document.
"""

from __future__ import annotations

from collections.abc import Iterable

from evaluation.golden import LeakCase
from evaluation.labels import ResolvedLabel, ResolvedQuery
from evaluation.protocols import LabelledDocuments
from sluice.access import AccessTags, every_tag
from sluice.records import DocumentState

NAMED = 5
"""Tags of a document or a reader that a sentence names."""


def barred(queries: Iterable[ResolvedQuery], documents: LabelledDocuments) -> list[tuple[str, ResolvedLabel, str]]:
    """(query id, label, why) of every label that is found and whose document the query's reader may not read.

    A query without a principal holds every tag: only what nobody may read is closed to it.
    """
    found = []
    for query in queries:
        for label in query.labels:
            states = documents.find(label.label.uri, label.label.source) if label.state == "found" else []
            if states and (reason := closed(query.query.principal, states)):
                found.append((query.query.id, label, reason))
    return found


def closed(principal: AccessTags | None, states: Iterable[DocumentState]) -> str:
    """That this reader may read none of these documents (of one uri), and who may; empty where they may read one."""
    states = list(states)
    tags = every_tag(state.tags for state in states)
    if not states or (tags if principal is None else not principal.isdisjoint(tags)):
        return ""
    who = "nobody" if principal is None or not tags else _named(principal) or "a reader without tags"
    may = "may read" if who == "nobody" else "may not read"
    others = f" ({_named(tags)} may)" if tags else "" if who == "nobody" else " (nobody may)"
    return f"{who} {may} {states[0].uri}{others}"


def wrong_case(case: LeakCase, documents: LabelledDocuments, known: AccessTags) -> str:
    """Why a leak case proves nothing, or fails whatever is built: its document, or its reader, is not what it takes them for."""
    states = documents.find(case.forbidden_uri, case.source)
    there = [state for state in states if state.status == "active"]
    if not there:
        what = f"is {states[0].status}" if states else "is in no source"
        return f"it can never fail: {case.forbidden_uri} {what}"
    if open_to := case.principal & every_tag(state.tags for state in there):
        return f"it can never pass: {_named(open_to)} may read {case.forbidden_uri}"
    if case.principal.isdisjoint(known):
        there_are = f"there are {_named(known)}" if known else "there are none"
        return f"it can hardly fail: no document and no rule has a tag of its reader's ({_named(case.principal)}; {there_are})"
    return ""


def _named(tags: Iterable[str]) -> str:
    names = sorted(tags)
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
