"""Who may read what: a default-deny algebra over tags, pure.

A document carries tags; a principal carries tags; the principal reads the document when they share at least one.
A document without tags is readable by nobody, and so is everything by a principal without tags.
Rules in the configuration are the ceiling. What a document or its source says about itself may narrow that, never
widen it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sluice.display import counted
from sluice.errors import ConfigurationError
from sluice.globs import WRITTEN, beginning, foreign, matches, nearly_matches, stops_short
from sluice.spelling import composed


class AccessTags(frozenset[str]):
    """An immutable set of access tags, each in NFC however it was typed; empty means nobody."""

    __slots__ = ()

    def __new__(cls, tags: Iterable[str] = ()) -> AccessTags:
        return super().__new__(cls, tags if type(tags) is cls else map(composed, tags))

    def __repr__(self) -> str:
        return f"AccessTags({sorted(self)})"


NOBODY = AccessTags()


def every_tag(sets: Iterable[frozenset[str]]) -> AccessTags:
    """Every tag of any of these sets."""
    return AccessTags(frozenset[str]().union(*sets))


@dataclass(frozen=True, slots=True)
class TagChange:
    """Who could read a document, and who can now."""

    document_key: str
    before: AccessTags
    after: AccessTags


@dataclass(frozen=True, slots=True)
class Principal:
    """Someone who searches: their tags, and a stable id where the caller has one."""

    tags: AccessTags
    id: str = ""

    def __post_init__(self) -> None:
        if type(self.tags) is not AccessTags:  # from a program that is not type-checked
            object.__setattr__(self, "tags", Principal.of(self.tags).tags)

    @classmethod
    def of(cls, tags: Iterable[str], id: str = "") -> Principal:
        """Who holds these tags; blanks around them do not count. A text or a mapping in the place of a list of them raises
        ConfigurationError: its letters would be the tags, or its keys, whatever it says of each."""
        if isinstance(tags, str):
            raise ConfigurationError(f"a principal's tags are a list, and {tags!r} is a text", hint=f"write [{tags!r}]")
        if isinstance(tags, Mapping):
            raise ConfigurationError("a principal's tags are a list, and a mapping was given", hint="name those that they hold")
        return cls(AccessTags(tag.strip() for tag in tags if tag.strip()), id)

    def may_read(self, tags: Iterable[str]) -> bool:
        return not self.tags.isdisjoint(tags)


@dataclass(frozen=True, slots=True)
class AccessRule:
    """A glob over uris, optionally of one source only, and the tags it grants."""

    match: str
    tags: AccessTags
    source: str | None = None


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A document that a rule was perhaps meant for and does not match: what that rule gives, and what holds instead."""

    source: str
    uri: str
    match: str
    meant: AccessTags
    granted: AccessTags


EVERYTHING = ("**", "**/*", "**/**")
"""Globs that match every uri."""


def never_decisive_warnings(rules: AccessRules, documents: Collection[tuple[str, str]] = ()) -> list[str]:
    """One sentence for each rule behind one that matches all that it does: whoever wrote it means somebody to be kept out."""
    return [
        f"the access rule '{rule.match}'{f' of source {rule.source!r}' if rule.source else ''} decides about nothing: "
        f"'{earlier.match}' above it matches first. The first match wins: move it up"
        for rule, earlier in rules.never_decisive(documents)
    ]


def foreign_warnings(rules: AccessRules, documents: Collection[tuple[str, str]]) -> list[str]:
    """One sentence for each rule that matches nothing and is written as elsewhere: a regular expression, `!(…)`, `a|b`."""
    said = []
    for rule in rules.rules:
        mine = [uri for source, uri in documents if rule.source in (None, source)] if foreign(rule.match) else []
        if mine and not any(matches(uri, rule.match) for uri in mine):
            said.append(f"the access rule '{rule.match}' matches no document: '{foreign(rule.match)}' is no glob; {WRITTEN}")
    return said


def begun_above_warnings(rules: AccessRules, documents: Collection[tuple[str, str]]) -> list[str]:
    """One sentence for each rule that matches nothing because it begins with a folder above the uris: others hold there."""
    said = []
    for rule, meant, there in rules.begun_above(documents):
        who = sorted({tag for source, uri in there for tag in rules.ceiling(source, uri)})
        said.append(
            f"the access rule '{rule.match}' matches no document; '{meant}' would match {counted(len(there), 'document')}, as "
            f"'{there[0][1]}', readable by {', '.join(who) or 'nobody'}: a uri begins below its source's root. Write '{meant}'"
        )
    return said


def near_miss_warnings(misses: Sequence[NearMiss], samples: int = 3) -> list[str]:
    """One sentence per rule that is just missed, with some of the documents."""
    by_rule: dict[str, list[NearMiss]] = {}
    for miss in misses:
        by_rule.setdefault(miss.match, []).append(miss)
    said = []
    for match, missed in by_rule.items():
        named = ", ".join(f"'{miss.uri}'" for miss in missed[:samples])
        who = ", ".join(sorted({tag for miss in missed for tag in miss.granted})) or "nobody"
        said.append(
            f"the access rule '{match}' does not hold for {counted(len(missed), 'document')} spelled almost like it: {named}; "
            f"they are readable by {who}. Write a rule for them, or rename them"
            + (f"; * stops at /: '{match}*' would hold" if stops_short(missed[0].uri, match) else "")
        )
    return said


def _shadow(rule: AccessRule, above: Sequence[AccessRule], documents: Collection[tuple[str, str]]) -> AccessRule | None:
    """The wider rule that decides first about a document that this rule matches, where others decide about all of these."""
    shadow = None
    for source, uri in documents:
        if rule.source in (None, source) and matches(uri, rule.match):
            first = next((earlier for earlier in above if matches(uri, earlier.match)), None)
            if first is None or first.tags == rule.tags or not _wider(first.match, rule.match):
                return None
            shadow = shadow or first
    return shadow


def _wider(one: str, other: str) -> bool:
    """Whether a glob begins with less of a name than another, as one for the whole does beside one for a part."""
    return beginning(one) != beginning(other) and beginning(other).startswith(beginning(one))


@dataclass(frozen=True, slots=True)
class AccessRules:
    """An ordered list of rules: the first that matches wins; no match means nobody."""

    rules: Sequence[AccessRule]

    def rule(self, source: str, uri: str) -> AccessRule | None:
        """The rule that decides about this uri."""
        for rule in self.rules:
            if (rule.source is None or rule.source == source) and matches(uri, rule.match):
                return rule
        return None

    def ceiling(self, source: str, uri: str) -> AccessTags:
        """The most that anyone may be granted on this uri."""
        rule = self.rule(source, uri)
        return rule.tags if rule is not None else NOBODY

    def never_decisive(self, documents: Collection[tuple[str, str]] = ()) -> list[tuple[AccessRule, AccessRule]]:
        """Rules that decide about nothing, each with an earlier one that is wider and matches before it is asked.

        Wider is what matches everything; and, of a rule that matches some of these (source, uri) pairs and decides about none,
        what gives other tags and begins with less of a name.
        """
        found = []
        for position, rule in enumerate(self.rules):
            above = [earlier for earlier in self.rules[:position] if earlier.source in (None, rule.source)]
            first = next((earlier for earlier in above if earlier.match in EVERYTHING), None) or _shadow(rule, above, documents)
            if first is not None:
                found.append((rule, first))
        return found

    def near_misses(self, documents: Iterable[tuple[str, str]]) -> list[NearMiss]:
        """Of (source, uri) pairs, those that a rule just misses, so that another rule, or none, decides about them.

        `HR/`, `hr ` and `ＨＲ` are other folders than `hr`, and a rule for one does not hold for the others; whoever wrote
        the rule may not know that they exist. Nor does `hr/*` hold for what lies deeper, of which a rule for everything
        decides. Only misses that change the answer are named.
        """
        found = []
        for source, uri in documents:
            missed, decided = list[AccessRule](), None
            for rule in self.rules:
                if rule.source not in (None, source):
                    continue
                if matches(uri, rule.match):
                    decided = rule
                    break
                missed.append(rule)
            granted = decided.tags if decided is not None else NOBODY
            everything = decided is not None and decided.match in EVERYTHING
            for rule in missed:
                if rule.tags != granted and ((everything and stops_short(uri, rule.match)) or nearly_matches(uri, rule.match)):
                    found.append(NearMiss(source, uri, rule.match, rule.tags, granted))
                    break
        return found

    def begun_above(self, documents: Collection[tuple[str, str]]) -> list[tuple[AccessRule, str, list[tuple[str, str]]]]:
        """Rules that begin with a folder in which no uri lies, what they were perhaps meant to be (without that folder, or with
        others above it), and the (source, uri) pairs that would match then and are otherwise readable now.
        """
        first = {composed(uri).partition("/")[0] for _, uri in documents}
        found = []
        for rule in self.rules:
            folder, _, meant = composed(rule.match).partition("/")
            if not meant or folder in first or not folder or set(folder) & set("*?[]{}!()"):
                continue
            for wanted in (meant, f"**/{rule.match}"):
                there = [
                    (source, uri)
                    for source, uri in documents
                    if rule.source in (None, source) and matches(uri, wanted) and self.ceiling(source, uri) != rule.tags
                ]
                if there and wanted not in EVERYTHING:
                    found.append((rule, wanted, there))
                    break
        return found

    def effective(self, source: str, uri: str, *own: AccessTags | None) -> AccessTags:
        """The ceiling, narrowed by each set of tags that the document or its source states (None: states nothing)."""
        tags = self.ceiling(source, uri)
        for stated in own:
            if stated is not None:
                tags = AccessTags(tags & stated)
        return tags
