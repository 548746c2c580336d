"""Who may read what: default deny, and nothing a document says about itself opens it further."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.access import (
    NOBODY,
    AccessRule,
    AccessRules,
    AccessTags,
    Principal,
    begun_above_warnings,
    foreign_warnings,
    near_miss_warnings,
    never_decisive_warnings,
)
from sluice.errors import ConfigurationError

TAGS = st.frozensets(st.sampled_from(["hr", "legal", "public", "security"])).map(AccessTags)
URI = st.sampled_from(["hr/pay.md", "hr/open/menu.md", "legal/a.md", "readme.md", ".secret/key", ""])
RULE = st.builds(
    AccessRule,
    st.sampled_from(["hr/**", "hr/open/**", "**", "*.md", "legal/*", "nothing"]),
    TAGS,
    st.sampled_from([None, "wiki", "files"]),
)
RULES = st.lists(RULE, max_size=5).map(lambda rules: AccessRules(tuple(rules)))
SOURCE = st.sampled_from(["wiki", "files"])


@given(SOURCE, URI)
def test_without_rules_nobody_reads(source: str, uri: str) -> None:
    """No rule, no match, no reader."""
    assert AccessRules(()).ceiling(source, uri) == NOBODY
    assert AccessRules(()).effective(source, uri, AccessTags({"public"})) == NOBODY
    assert AccessRules((AccessRule("elsewhere/**", AccessTags({"public"})),)).effective(source, uri) == NOBODY


@given(RULES, SOURCE, URI, st.lists(st.none() | TAGS, max_size=3))
def test_narrowing_never_widens(rules: AccessRules, source: str, uri: str, own: list[AccessTags | None]) -> None:
    """Whatever document and source state: the effective tags are some of the ceiling's, and some of each statement's."""
    effective = rules.effective(source, uri, *own)
    assert effective <= rules.ceiling(source, uri)
    assert all(effective <= stated for stated in own if stated is not None)
    assert isinstance(effective, AccessTags)


@given(RULES, SOURCE, URI, TAGS, st.lists(st.none() | TAGS, max_size=3))
def test_one_more_statement_never_adds_a_reader(
    rules: AccessRules, source: str, uri: str, more: AccessTags, own: list[AccessTags | None]
) -> None:
    """Statements only take away, in any order; none at all takes nothing away."""
    assert rules.effective(source, uri, *own, more) <= rules.effective(source, uri, *own)
    assert rules.effective(source, uri, *own, more) == rules.effective(source, uri, more, *own)
    assert rules.effective(source, uri, *own, None) == rules.effective(source, uri, *own)
    assert rules.effective(source, uri) == rules.ceiling(source, uri)


@given(RULES, RULES, SOURCE, URI)
def test_the_first_match_wins(first: AccessRules, then: AccessRules, source: str, uri: str) -> None:
    """Rules added behind change nothing for what is matched before them, even if it is matched to give nobody."""
    both = AccessRules((*first.rules, *then.rules))
    everyone = AccessTags({"everyone"})
    matched = AccessRules((*first.rules, AccessRule("**", everyone))).ceiling(source, uri) != everyone
    if matched:
        assert both.ceiling(source, uri) == first.ceiling(source, uri)


def test_a_rule_without_tags_shuts_a_door() -> None:
    """An empty list of tags is an answer: nobody, although a later rule would say public."""
    rules = AccessRules((AccessRule("drafts/**", NOBODY), AccessRule("**", AccessTags({"public"}))))
    assert rules.ceiling("s", "drafts/a.md") == NOBODY
    assert rules.ceiling("s", "a.md") == AccessTags({"public"})


def test_a_rule_may_be_of_one_source_only() -> None:
    """The same uri in two sources can have two answers."""
    rules = AccessRules((AccessRule("**", AccessTags({"hr"}), "wiki"), AccessRule("**", AccessTags({"public"}))))
    assert rules.ceiling("wiki", "a.md") == AccessTags({"hr"})
    assert rules.ceiling("files", "a.md") == AccessTags({"public"})


def test_rules_see_dot_files_and_case() -> None:
    """A hidden file is under the rule of its folder; another spelling is another folder, and so nobody's."""
    rules = AccessRules((AccessRule("legal/**", AccessTags({"legal"})),))
    assert rules.ceiling("s", "legal/.hidden/.a") == AccessTags({"legal"})
    assert rules.ceiling("s", "Legal/a") == NOBODY


@given(TAGS, TAGS)
def test_a_principal_reads_what_shares_a_tag(held: AccessTags, given: AccessTags) -> None:
    """At least one in common; so without tags nobody reads, and nothing without tags is read."""
    assert Principal(held).may_read(given) == bool(held & given)
    assert not Principal(NOBODY).may_read(given)
    assert not Principal(held).may_read(NOBODY)


def test_a_principal_is_made_of_words() -> None:
    """Spaces around a tag and empty ones are a command line's, not a tag's."""
    assert Principal.of([" hr ", "", "  ", "legal"]) == Principal(AccessTags({"hr", "legal"}))
    assert Principal.of([]).tags == NOBODY
    assert Principal.of(["hr"], id="ada").id == "ada"


def test_tags_look_the_same_everywhere_and_travel() -> None:
    """Their text is sorted, and they come back from another process as what they were."""
    tags = AccessTags({"b", "a"})
    assert repr(tags) == "AccessTags(['a', 'b'])"
    again = pickle.loads(pickle.dumps(tags))
    assert (again, type(again)) == (tags, AccessTags)


def test_a_rule_that_names_a_folder_above_the_uris_is_told_of() -> None:
    """`docs/hr/**` where `docs` is the root matches nothing, and those documents go to whom the next rule says."""
    staff, hr = AccessTags({"staff"}), AccessTags({"hr"})
    documents = [("s", "hr/pay.md"), ("s", "hr/leave.md"), ("s", "it/wifi.md")]

    def told(*rules: AccessRule) -> list[str]:
        return begun_above_warnings(AccessRules(rules), documents)

    (said,) = told(AccessRule("docs/hr/**", hr), AccessRule("**", staff))
    assert "'docs/hr/**' matches no document; 'hr/**' would match 2 documents, as 'hr/pay.md', readable by staff" in said
    assert told(AccessRule("hr/**", hr), AccessRule("**", staff)) == []
    assert told(AccessRule("legal/**", hr), AccessRule("**", staff)) == [], "a folder may be empty yet"
    assert told(AccessRule("docs/hr/**", hr, "other"), AccessRule("**", staff)) == []
    assert told(AccessRule("*/hr/**", hr), AccessRule("docs/**", hr), AccessRule("**", staff)) == []


def test_a_rule_behind_one_that_matches_everything_is_told_of() -> None:
    """It decides about nothing, and whoever wrote it meant somebody to be kept out; before it, or for another source, it does."""

    def told(*rules: tuple[str, str | None]) -> list[str]:
        made = tuple(AccessRule(match, AccessTags({"a"}), source) for match, source in rules)
        return never_decisive_warnings(AccessRules(made))

    assert len(told(("**", None), ("**", "crm"))) == 1
    assert "'hr/**' decides about nothing: '**' above it" in told(("**", None), ("hr/**", None))[0]
    assert told(("**", "crm"), ("hr/**", None)) == told(("hr/**", None), ("**", None)) == told(("**", "a"), ("**", "b")) == []
    assert len(told(("**/*", "crm"), ("account/**", "crm"))) == 1


def test_a_rule_for_a_part_behind_one_for_the_whole_is_told_of() -> None:
    """Where all that it matches is decided before it, with other tags; not where the earlier one is for a part of it."""
    hr, boss, staff = (AccessTags({tag}) for tag in ("hr", "boss", "staff"))
    documents = [("s", "hr/a.md"), ("s", "hr/secret/b.md"), ("s", "x.md")]

    def told(*rules: AccessRule) -> list[str]:
        return never_decisive_warnings(AccessRules(rules), documents)

    whole, part = AccessRule("hr/**", hr), AccessRule("hr/secret/**", boss)
    assert "'hr/secret/**' decides about nothing: 'hr/**' above it matches first" in told(whole, part)[0]
    assert "'**/*.md' above it" in told(AccessRule("**/*.md", staff), whole)[0]
    assert told(part, whole) == []
    assert told(AccessRule("hr/a.md", staff), AccessRule("hr/secret/**", boss), whole) == [], "parts of it are decided before it"
    assert told(whole, AccessRule("hr/secret/**", hr)) == [], "it says the same"
    assert told(whole, AccessRule("hr/later/**", boss)) == [], "a folder may be empty yet"
    assert told(AccessRule("hr/**", hr, "other"), part) == []
    assert told(AccessRule("hr/**", staff), whole) == [], "whoever puts a rule above the same one means to replace it"


def test_a_rule_that_is_written_as_elsewhere_is_told_of() -> None:
    """A regular expression, a list of alternatives, `!(…)`: where it matches nothing; a file may be called so."""
    documents = [("s", "hr/a.md"), ("s", "a|b.md")]

    def told(match: str) -> list[str]:
        return foreign_warnings(AccessRules((AccessRule(match, NOBODY),)), documents)

    for match, what in (("hr|legal/**", "|"), ("@(hr|it)/**", "@(hr|it)"), ("!hr/**", "!"), ("^hr/.*$", "^")):
        assert f"'{match}' matches no document: '{what}' is no glob" in told(match)[0]
    assert told("a|b.md") == told("legal/**") == told("README.*") == []


def test_a_star_that_stops_short_of_what_the_rule_for_everything_gives_away_is_told_of() -> None:
    """`hr/*` is not for `hr/old/pay.md`: the message says which glob would be; a rule for what lies deeper is an answer."""
    hr, public = AccessTags({"hr"}), AccessTags({"public"})
    star, rest = AccessRule("hr/*", hr), AccessRule("**", public)
    deep = [("s", "hr/old/pay.md"), ("s", "hr/pay.md")]
    (said,) = near_miss_warnings(AccessRules((star, rest)).near_misses(deep))
    assert "'hr/*' does not hold for 1 document" in said
    assert said.endswith("* stops at /: 'hr/**' would hold")
    assert AccessRules((star, AccessRule("hr/*/**", public), rest)).near_misses(deep) == []
    assert AccessRules((star,)).near_misses(deep) == [], "nobody reads it"


def test_a_rule_that_leaves_out_the_folders_above_is_told_of() -> None:
    """`hr/**`, where everything lies below `handbook/`."""
    rules = AccessRules((AccessRule("hr/**", AccessTags({"hr"})), AccessRule("**", AccessTags({"all"}))))
    (said,) = begun_above_warnings(rules, [("s", "handbook/hr/pay.md"), ("s", "handbook/x.md")])
    assert "'hr/**' matches no document; '**/hr/**' would match 1 document, as 'handbook/hr/pay.md', readable by all" in said


def test_a_text_is_no_list_of_tags() -> None:
    """Its letters would be the tags."""
    with pytest.raises(ConfigurationError, match="'hr' is a text") as error:
        Principal.of("hr")
    assert error.value.hint == "write ['hr']"
    assert Principal.of([" hr ", ""]).tags == AccessTags(["hr"])


@pytest.mark.parametrize(
    "uri",
    [
        "hr%2Fpay.md", "hr%252Fpay.md", "%68r/pay.md", "hr;v=1/pay.md", "hr\u2044pay.md", "hr\u2215pay.md", "https://u:p@x.example/hr/pay",
        "https://x.example/hr%2Fpay", "https://x.example/%48R/pay", "https://x.example/hr%20/pay", "https://x.example/hr%00/pay",
        "https://x.example/hr;jsessionid=1/pay",
    ],
)  # fmt: skip
def test_a_name_that_a_server_may_take_for_another_is_warned_of(uri: str) -> None:
    """Percent codes of slashes and capitals, parameters, a user in the address, what looks like a slash: other names."""
    meant = AccessRule("https://x.example/hr/**" if "//" in uri else "hr/**", AccessTags(["hr"]))
    rules = AccessRules([meant, AccessRule("**", AccessTags(["public"]))])
    (miss,) = rules.near_misses([("s", uri)])
    assert (miss.meant, miss.granted) == (AccessTags(["hr"]), AccessTags(["public"]))


@pytest.mark.parametrize("match", ["{hr}/**", "(?i)hr/**", "re:hr/.*", "'hr/**'", "hr/**,legal/**", "~hr/**", "$hr/**"])
def test_a_rule_that_is_written_as_elsewhere_and_matches_nothing_is_warned_of(match: str) -> None:
    """A choice of one, a regular expression, quotes within quotes, a list in one text."""
    rules = AccessRules([AccessRule(match, AccessTags(["hr"])), AccessRule("**", AccessTags(["public"]))])
    assert len(foreign_warnings(rules, [("s", "hr/a/pay.md")])) == 1


def test_a_mapping_is_no_list_of_tags() -> None:
    """`{"hr": False}` is somebody who does not hold `hr`; its keys would be what they hold."""
    with pytest.raises(ConfigurationError):
        Principal.of({"hr": False})


@pytest.mark.parametrize("tags", ["hr", {"hr": False}])
def test_a_principal_that_is_made_without_of_is_no_other(tags: Any) -> None:
    """A program that is not type-checked may call the class itself: letters of a text and keys of a mapping are no tags."""
    with pytest.raises(ConfigurationError):
        Principal(tags)
    listed: Any = [" hr ", "u\u0308"]
    assert Principal(listed) == Principal.of(["hr", "ü"])
