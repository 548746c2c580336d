"""Documents that nobody may read, and why: default deny is a promise, but rarely what somebody meant for a whole source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sluice.access import AccessRules, AccessTags
from sluice.records import DocumentState


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Documents of one source that would be in a release and have no reader, for one reason."""

    source: str
    documents: int
    example: str
    """The uri of the first of them."""
    why: str

    def said(self) -> str:
        """In one line, for people."""
        many = f"{self.documents} documents of source '{self.source}' are readable by nobody, e.g. {self.example}"
        one = f"1 document of source '{self.source}' is readable by nobody: {self.example}"
        return f"{one if self.documents == 1 else many}: {self.why}"


def unreadable(states: Iterable[DocumentState], rules: AccessRules) -> list[Unreadable]:
    """What a release of these documents holds that nobody can find, by source and reason, in that order."""
    found: dict[tuple[str, str], list[str]] = {}
    for state in states:
        if state.in_release and not state.tags:
            found.setdefault((state.source, why_unreadable(state, rules)), []).append(state.uri)
    return [Unreadable(source, len(uris), min(uris), why) for (source, why), uris in sorted(found.items())]


def silent(states: Iterable[DocumentState], rules: AccessRules) -> list[str]:
    """The same as lines for people."""
    return [line.said() for line in unreadable(states, rules)]


def why_unreadable(state: DocumentState, rules: AccessRules) -> str:
    """Why nobody may read an active document, in words that name what to change."""
    rule = rules.rule(state.source, state.uri)
    if rule is None:
        return "no rule under access.rules matches it"
    if not rule.tags:
        return f"the rule '{rule.match}' grants no tag"
    stated = [
        (who, tags)
        for who, tags in (("its source", state.source_tags), ("it itself", state.own_tags))
        if tags is not None and tags.isdisjoint(rule.tags)
    ]
    if not stated:
        return f"what its source and it itself state have no tag of {_told(rule.tags)} (rule '{rule.match}') in common"
    who, tags = stated[0]
    said = f"states {_told(tags)}" if tags else "states that nobody may read it"
    return f"{who} {said}, and its rule '{rule.match}' grants {_told(rule.tags)}: only tags in both count"


def _told(tags: AccessTags) -> str:
    shown = sorted(tags)
    return "[" + ", ".join(shown[:5]) + ("" if len(shown) <= 5 else f" and {len(shown) - 5} more") + "]"
