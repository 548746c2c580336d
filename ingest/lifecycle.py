"""What a document can be, and how it becomes something else: one table, which everything that changes a state goes through.

    unfetched   listed, and its bytes could not be had, or are not trusted any more
    waiting     its bytes are here and no version of them is
    unparsed    its bytes do not parse, and there is no earlier version
    current     the bytes fetched last are parsed: it is in a release built now
    stale       an earlier version stands in for bytes that wait or do not parse
    dropped     parsed, and left out: empty, or a policy says so (`state.dropped` says which)
    withdrawn   a policy refused its bytes: no version of it stays
    deleted     the source does not list it any more

A document that the configuration does not ask for any more is `unasked` beside what it is: readable in the releases that hold
it, in none that is built from now on, until it is listed again. A document whose time is up is `expired` beside what it is: that
ends when it is given more time. Readable are current and stale documents, by their tags; all others are nobody's, in every
release (`with_tags`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from ingest.freshness import NO_RULES, Lifetimes
from sluice.access import NOBODY, AccessRules, AccessTags
from sluice.records import Document, DocumentState

Condition = Literal["unfetched", "waiting", "unparsed", "current", "stale", "dropped", "withdrawn", "deleted"]
Event = Literal[
    "fetched",  # bytes that no version is of
    "fetched_again",  # the bytes that were fetched before
    "fetched_back",  # the bytes of the version that there is
    "fetch_failed",  # they may be had later
    "fetch_refused",  # this item cannot be had
    "permissions_lost",  # the source's own permissions cannot be read: nothing that is known of it holds any more
    "parsed",
    "left_out",  # parsed, and empty or dropped by policy
    "parse_failed",
    "unfit",  # parsed, and what comes after parsing fails of it: an earlier version is served
    "policy_refused",  # redaction, poison, front matter that cannot be read with certainty
    "gone",
]

WITHDRAWN = "withdrawn"
"""Why a document that policy refused has no place in a release until new bytes of it parse."""

READABLE: frozenset[Condition] = frozenset({"current", "stale"})

_ORDER: tuple[Condition, ...] = ("unfetched", "waiting", "unparsed", "current", "stale", "dropped", "withdrawn", "deleted")
_ROWS: Mapping[Event, tuple[Condition, ...]] = {
    #                    unfetched    waiting      unparsed     current      stale        dropped      withdrawn    deleted
    "fetched":          ("waiting",   "waiting",   "waiting",   "stale",     "stale",     "dropped",   "withdrawn", "waiting"),
    "fetched_again":    ("waiting",   "waiting",   "unparsed",  "current",   "stale",     "dropped",   "withdrawn", "waiting"),
    "fetched_back":     ("waiting",   "waiting",   "unparsed",  "current",   "current",   "dropped",   "withdrawn", "waiting"),
    "fetch_failed":     ("unfetched", "waiting",   "unparsed",  "current",   "stale",     "dropped",   "withdrawn", "unfetched"),
    "fetch_refused":    ("unfetched", "waiting",   "unparsed",  "stale",     "stale",     "dropped",   "withdrawn", "unfetched"),
    "permissions_lost": ("unfetched", "unfetched", "unfetched", "unfetched", "unfetched", "unfetched", "unfetched", "unfetched"),
    "parsed":           ("current",   "current",   "current",   "current",   "current",   "current",   "current",   "current"),
    "left_out":         ("dropped",   "dropped",   "dropped",   "dropped",   "dropped",   "dropped",   "dropped",   "dropped"),
    "parse_failed":     ("unfetched", "unparsed",  "unparsed",  "stale",     "stale",     "dropped",   "withdrawn", "deleted"),
    "unfit":            ("unfetched", "waiting",   "unparsed",  "stale",     "stale",     "dropped",   "withdrawn", "deleted"),
    "policy_refused":   ("withdrawn", "withdrawn", "withdrawn", "withdrawn", "withdrawn", "withdrawn", "withdrawn", "withdrawn"),
    "gone":             ("deleted",   "deleted",   "deleted",   "deleted",   "deleted",   "deleted",   "deleted",   "deleted"),
}  # fmt: skip
TRANSITIONS: Mapping[tuple[Condition, Event], Condition] = {
    (before, event): after for event, row in _ROWS.items() for before, after in zip(_ORDER, row, strict=True)
}
"""(what it is, what happens) → what it becomes; every pair has an answer."""

_EARLIER = 20
"""Versions that are remembered: more than releases are kept."""

_NO_VERSION: Mapping[str, Any] = {"version": "", "parse_fingerprint": "", "stale": False}
NOTHING_SAID: Mapping[str, Any] = {"own_tags": None, "title": "", "language": "", "metadata": {}, "expires": None}
"""What a version said that does not stay."""
_SHAPE: Mapping[Condition, Mapping[str, Any]] = {
    "unfetched": {"status": "quarantined", **_NO_VERSION, "content_hash": "", "validator": "", "dropped": ""},
    "waiting": {"status": "active", **_NO_VERSION, "dropped": ""},
    "unparsed": {"status": "quarantined", **_NO_VERSION, "dropped": ""},
    "current": {"status": "active", "stale": False, "dropped": ""},
    "stale": {"status": "active", "stale": True, "dropped": ""},
    "dropped": {"status": "active", "stale": False},
    "withdrawn": {"status": "quarantined", **_NO_VERSION, **NOTHING_SAID, "dropped": WITHDRAWN},
    "deleted": {"status": "deleted", **_NO_VERSION, "dropped": "", "unasked": False},
}
"""The fields that make a state what it is."""
_LEAVES_EXPIRED = frozenset({"fetch_failed", "fetch_refused", "parse_failed"})


def condition(state: DocumentState) -> Condition:
    """What a document is, whether its time is up or not; rows that an earlier Sluice wrote have an answer too."""
    if state.status == "deleted":
        return "deleted"
    if not state.content_hash:
        return "unfetched"
    if state.dropped == WITHDRAWN:
        return "withdrawn"
    if state.dropped:
        return "dropped"
    if not state.version:
        return "unparsed" if state.status == "quarantined" else "waiting"
    return "stale" if state.stale or state.version != state.content_hash else "current"


def after(state: DocumentState, event: Event, **fields: Any) -> DocumentState:
    """The state after an event, with what is learned by it; who may read it is for `settled` to say.

    What keeps its condition keeps its expiry; new bytes and new versions are looked at afresh.
    """
    target = TRANSITIONS[condition(state), event]
    changed = replace(state, **{**fields, **_SHAPE[target]})
    changed = replace(changed, bound=_bound(state, changed) if target == "stale" else None, earlier=_earlier(state, changed))
    if not changed.raw:  # what may not be kept as bytes is not kept as the source's metadata either
        changed = replace(changed, source_metadata={})
    if state.status == "expired" and changed.status == "active" and event in _LEAVES_EXPIRED:
        changed = replace(changed, status="expired")
    return changed if target in READABLE else replace(changed, tags=NOBODY)


def _earlier(before: DocumentState, now: DocumentState) -> tuple[str, ...]:
    """The versions that were served before, with the one that was until now, without the one that is from now on."""
    served = (before.version,) if before.status == "active" and condition(before) in READABLE else ()
    return tuple(version for version in dict.fromkeys((*before.earlier, *served)) if version != now.version)[-_EARLIER:]


def _bound(before: DocumentState, now: DocumentState) -> AccessTags | None:
    """Who could read the version that stands in for other bytes, where these come with other permissions than the rules'."""
    if before.bound is not None or condition(before) == "stale":
        return before.bound
    own = (before.source_tags, now.source_tags, before.stands_for or None, now.stands_for or None)
    return before.tags if any(said is not None for said in own) else None


def stood_in(state: DocumentState, earlier: Document, parsed_by: str, readers: AccessTags) -> DocumentState:
    """The state where an earlier version, as this parser read it, takes the place of one that could not be processed.

    Neither version's readers are widened by it: what the present one says of its own permissions holds, and of an earlier one
    that was read otherwise, or where permissions come from elsewhere than the rules, `readers` (who may read it now) are the
    bound. The earlier end of both holds.
    """
    own = (state.own_tags, earlier.tags, state.source_tags, state.stands_for or None)
    alone = parsed_by != state.parse_fingerprint or any(said is not None for said in own)
    ends = [end for end in (state.expires, earlier.expires) if end is not None]
    done = after(
        state,
        "unfit",
        version=earlier.version,
        parse_fingerprint=parsed_by,
        title=earlier.title,
        language=earlier.language,
        metadata=dict(earlier.metadata),
        expires=min(ends, default=None),
    )
    kept = tuple(version for version in state.earlier if version != earlier.version)
    return replace(done, earlier=kept, bound=readers if alone else None)


def with_tags(state: DocumentState, rules: AccessRules) -> DocumentState:
    """The state with the access tags that rules, source and document give together; nobody's unless it is readable.

    What is left out or withdrawn is a revocation, and reaches older releases too. A link is no other door: who may not read
    what it leads to may not read it here.
    """
    tags = NOBODY
    if state.status != "active" or condition(state) not in READABLE:
        state = replace(state, earlier=()) if state.earlier else state
    else:
        target = rules.ceiling(state.source, state.stands_for) if state.stands_for else None
        tags = rules.effective(state.source, state.uri, target, state.source_tags, state.bound, state.own_tags)
    return state if tags == state.tags else replace(state, tags=tags)  # nearly always as it was: no copy of each document


def settled(state: DocumentState, rules: AccessRules, now: datetime, lifetimes: Lifetimes = NO_RULES) -> DocumentState:
    """The state as it is at this time, by these rules: what every change of a state ends with, and every settling."""
    return with_tags(lifetimes.aged(state, now), rules)
