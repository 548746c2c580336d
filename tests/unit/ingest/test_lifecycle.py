"""The life of a document: a table that has an answer for everything, and states that are what it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.freshness import Lifetimes
from ingest.lifecycle import READABLE, TRANSITIONS, Condition, Event, after, condition, settled, with_tags
from ingest.pipeline import Served
from ingest.planning import unreadable_permissions
from sluice.access import NOBODY, AccessRule, AccessRules, AccessTags
from sluice.errors import DocumentDropped, DocumentError, SluiceError
from sluice.records import Document, DocumentState, RawItem
from tests.unit.ingest.house import NOW, STAFF, House, ScriptedParser, ScriptedSource

RULES = AccessRules((AccessRule("**", STAFF),))
EVENTS: tuple[Event, ...] = get_args(Event)
FIELDS: dict[Event, dict[str, Any]] = {
    "fetched": {"content_hash": "new", "validator": "v"},
    "fetched_again": {"validator": "v"},
    "fetched_back": {"validator": "v"},
    "parsed": {"version": "now", "parse_fingerprint": "p"},
    "left_out": {"version": "now", "parse_fingerprint": "p", "dropped": "empty"},
}


def lived(*events: Event) -> DocumentState:
    """A state after these events, each with what the pipeline learns in it; times never run out."""
    state = DocumentState("k", "s", "a")
    for event in events:
        fields = dict(FIELDS.get(event, {}))
        if "version" in fields:
            fields["version"] = state.content_hash
        if event == "fetched_back":
            fields["content_hash"] = state.version or state.content_hash or "new"
        elif event == "fetched_again":
            fields["content_hash"] = state.content_hash or "new"
        state = settled(after(state, event, **fields), RULES, NOW)
    return state


def test_every_pair_has_an_answer() -> None:
    """Whatever a document is and whatever happens: the table says what it becomes."""
    assert TRANSITIONS.keys() == {(before, event) for before in get_args(Condition) for event in EVENTS}
    assert set(TRANSITIONS.values()) == set(get_args(Condition)), "and everything can be reached"


@given(st.lists(st.sampled_from(EVENTS), max_size=12))
def test_a_state_is_what_the_table_says(events: list[Event]) -> None:
    """After any history: the fields amount to the table's condition, readers and releases have only what is readable."""
    state = DocumentState("k", "s", "a")
    for position in range(len(events)):
        before, state = state, lived(*events[: position + 1])
        wanted = TRANSITIONS[condition(before), events[position]]
        possible = {wanted} if state.content_hash else {wanted, "unfetched"}
        assert condition(state) in possible, (events[: position + 1], condition(before))
        readable = condition(state) in READABLE
        assert (state.tags == STAFF) == readable
        assert state.in_release == readable
        assert settled(state, RULES, NOW) == state, "settling again changes nothing"


@given(st.lists(st.sampled_from(EVENTS), max_size=8), st.sampled_from(EVENTS))
def test_what_was_taken_away_comes_back_by_a_parse_only(events: list[Event], event: Event) -> None:
    """Dropped, withdrawn and deleted documents have readers again when bytes of theirs parse, and never by settling."""
    state = lived(*events)
    if condition(state) not in READABLE and event != "parsed":
        assert lived(*events, event).tags == NOBODY


@pytest.mark.parametrize("reason", ["empty", "scan_without_text", "redacted", "anything"])
def test_a_dropped_document_stays_nobodys(reason: str) -> None:
    """Whatever it was dropped for: no settling gives it back its tags (it did for everything but redaction)."""
    state = replace(lived("fetched", "parsed"), dropped=reason)
    assert with_tags(state, RULES).tags == NOBODY
    assert settled(state, RULES, NOW).tags == NOBODY


@given(st.lists(st.sampled_from(EVENTS), max_size=8))
def test_expiry_lies_beside_what_a_document_is(events: list[Event]) -> None:
    """Time that is up takes readers away and nothing else; time that is given brings back what there was."""
    state = lived(*events)
    over = settled(replace(state, expires=NOW - timedelta(days=1)), RULES, NOW)
    assert over.tags == NOBODY
    assert condition(over) == condition(state)
    assert settled(replace(over, expires=None), RULES, NOW) == replace(state, expires=None)
    for event in ("fetch_failed", "fetch_refused", "parse_failed"):
        later = after(over, event)
        assert later.tags == NOBODY
        assert not later.in_release


class Policies(ScriptedParser):
    """A scripted parser with policies: `scan…` is dropped without text, `secret…` is refused."""

    def parse(self, item: RawItem, *, source: str) -> Document:
        if item.content.startswith(b"scan"):
            raise DocumentDropped("scan_without_text", f"{item.uri}: no text")
        if item.content.startswith(b"secret"):
            raise DocumentError("redacted", f"{item.uri}: secret", withdraws=True, keep_raw=False)
        return super().parse(item, source=source)


ITEM = st.sampled_from(
    [
        *(b"text", b"other", b"", b"broken", b"scan", b"secret", b"later"),
        *(b"---\naccess_tags: [hr]\n---\ntext", b"---\nacess_tags: [hr]\n---\ntext"),
        *(DocumentError("gone", "gone"), DocumentError("bad_tags", "bad", withdraws=True)),
    ]
)


@settings(max_examples=150)
@given(st.lists(st.none() | ITEM, min_size=1, max_size=6))
def test_whatever_a_source_gives_only_what_parses_has_readers(nights: list[bytes | SluiceError | None]) -> None:
    """Nights of any bytes, errors and absences: a document has readers exactly while a version of it may be served."""
    house = House(parser=Policies())
    for item in nights:
        house.run(ScriptedSource({} if item is None else {"a": item}))
        for state in house.states.read():
            current = settled(state, RULES, NOW, Lifetimes())
            assert current.tags == state.tags, "settling gives nothing back"
            assert (state.tags != NOBODY) == (condition(state) in READABLE) == state.in_release
            if item in (b"", b"scan", b"secret") or (isinstance(item, bytes) and b"acess" in item):
                assert state.tags == NOBODY
            if isinstance(item, DocumentError) and item.withdraws:
                assert (state.tags, state.version) == (NOBODY, "")


def test_a_changed_document_whose_permissions_do_not_parse_goes_out_and_is_named() -> None:
    """It was everybody's; who may read it now cannot be known. Its old version does not stay, and the run can say so."""
    house = House()
    house.run(ScriptedSource({"a.md": b"Everybody's."}))
    assert house.state("a.md").tags == STAFF
    house.run(ScriptedSource({"a.md": b"---\nacess_tags: [hr]\n---\nNot everybody's."}))
    out = house.state("a.md")
    assert (out.tags, out.in_release, out.version, condition(out)) == (NOBODY, False, "", "withdrawn")
    (said,) = unreadable_permissions(house.quarantine.entries())
    assert "a.md" in said
    assert "acess_tags" in said
    house.run(ScriptedSource({"a.md": b"---\naccess_tags: [hr]\n---\nNot everybody's."}))
    assert house.state("a.md").tags == AccessTags({"hr"})
    assert unreadable_permissions(house.quarantine.entries()) == []


def test_a_source_whose_permissions_cannot_be_read_loses_the_document() -> None:
    """A row's permissions that are no words: the version before is not served by permissions of yesterday."""
    house = House()
    house.run(ScriptedSource({"a": b"text"}, tags=AccessTags({"staff"})))
    house.run(ScriptedSource({"a": DocumentError("bad_tags", "a: no words", withdraws=True)}))
    assert (condition(house.state("a")), house.state("a").tags) == ("unfetched", NOBODY)
    assert house.failing("fetch") == {"a"}
    house.run(ScriptedSource({"a": b"text"}, tags=AccessTags({"hr"})))
    assert house.state("a").tags == AccessTags({"hr"})


@given(st.lists(st.tuples(st.sampled_from(get_args(Event)), st.none() | st.frozensets(st.sampled_from("ab"))), max_size=8))
def test_a_version_that_stands_in_for_other_bytes_gains_nobody_by_their_permissions(
    nights: list[tuple[Event, frozenset[str] | None]],
) -> None:
    """The source's permissions came with bytes that are not read yet, or cannot be: they narrow what is served, and no more."""
    rules = AccessRules((AccessRule("**", AccessTags("ab")),))
    state = DocumentState("k", "s", "a", source_tags=AccessTags("a"))
    for event, tags in nights:
        told = {"source_tags": tags if tags is None else AccessTags(tags)} if event.startswith("fetched") else {}
        bytes_ = {"content_hash": "new"} if event == "fetched" else {}
        version = {"version": state.content_hash} if event == "parsed" else {}
        before = state
        state = settled(after(state, event, **told, **bytes_, **version), rules, NOW)
        if condition(before) in READABLE and condition(state) == "stale":
            assert state.tags <= before.tags or (event == "fetched_back" or condition(before) == "stale")
            assert state.source_tags is None or state.tags <= state.source_tags
        assert (state.bound is None) or condition(state) == "stale"


def test_the_text_that_stands_in_is_opened_by_its_own_bytes_again() -> None:
    """New bytes for all that do not parse leave the old text to whom it was for; the old bytes with new permissions open it."""
    rules = AccessRules((AccessRule("**", AccessTags("ab")),))
    narrow, wide = AccessTags("a"), AccessTags("ab")
    served = DocumentState("k", "s", "a", content_hash="1", version="1", source_tags=narrow, tags=narrow)
    waiting = settled(after(served, "fetched", content_hash="2", source_tags=wide), rules, NOW)
    refused = settled(after(waiting, "parse_failed"), rules, NOW)
    again = settled(after(refused, "fetched", content_hash="3", source_tags=None), rules, NOW)
    assert (waiting.tags, refused.tags, again.tags) == (narrow, narrow, narrow)
    assert settled(after(again, "fetched_back", content_hash="1", source_tags=wide), rules, NOW).tags == wide
    assert settled(after(refused, "parsed", version="2"), rules, NOW).tags == wide
    linked = replace(served, source_tags=None, stands_for="hr/pay", tags=narrow)
    assert settled(after(linked, "fetched", content_hash="2", stands_for=""), rules, NOW).tags == narrow, "it was a link"


UNCUT = DocumentError("not_cut", "a: too odd")


def given_up(house: House, served: Served | None = None) -> DocumentState:
    """The one document after a strategy failed at its present version, with what was live of it."""
    state = house.state("a")
    house.ingestion.give_up_parsed([(state, UNCUT)], "k1", {state.key: served} if served else {})
    assert house.failing("chunk") == {"a"}
    return house.state("a")


def text_of(state: DocumentState) -> Served:
    return Served(state.version, state.parse_fingerprint, state.tags)


def test_what_is_served_stands_in_for_what_cannot_be_cut() -> None:
    """With its own title and what it says of itself; the earlier end of both holds, and a new version of it is current again."""
    house = House()
    house.run(ScriptedSource({"a": b"---\ntitle: First\nexpires: 2027-03-01\n---\none"}))
    first = house.state("a")
    house.run(ScriptedSource({"a": b"---\ntitle: Second\nexpires: 2027-02-01\n---\ntwo"}))
    second = house.state("a")
    now = given_up(house, text_of(first))
    assert (condition(now), now.version, now.title, now.tags, now.in_release) == ("stale", first.version, "First", STAFF, True)
    assert (now.content_hash, now.expires) == (second.content_hash, second.expires)
    assert now.earlier == ()
    house.run(ScriptedSource({"a": b"three"}))
    assert (condition(house.state("a")), house.failing("chunk")) == ("current", set())
    assert house.state("a").earlier == (first.version,)


def test_neither_versions_readers_are_widened_by_standing_in() -> None:
    """A new version that is for fewer leaves the old text to those; one that is for more opens it to nobody."""
    for old, new, wanted in [(b"hr, staff", b"hr", {"hr"}), (b"hr", b"hr, staff", {"hr"}), (b"hr", b"staff", set())]:
        house = House()
        house.run(ScriptedSource({"a": b"---\naccess_tags: [%b]\n---\none" % old}))
        first = house.state("a")
        house.run(ScriptedSource({"a": b"---\naccess_tags: [%b]\n---\ntwo" % new}))
        assert given_up(house, text_of(first)).tags == AccessTags(wanted)


def test_what_is_not_asked_for_is_no_trouble() -> None:
    """What is excluded, as the hint of a failure says, is nothing to look at any more; asked for again, it is tried again."""
    house = House()
    source = ScriptedSource({"a": b"broken", "b": DocumentError("too_large", "b: too large"), "c": b"broken"})
    house.run(source)
    assert house.failing("parse") | house.failing("fetch") == {"a", "b", "c"}
    assert house.ingestion.leave_out([house.state("a"), house.state("b")]) == 2
    assert house.failing("parse") | house.failing("fetch") == {"c"}
    assert house.ingestion.leave_out([house.state("a"), house.state("b")]) == 0
    house.run(source)
    assert house.failing("parse") | house.failing("fetch") == {"a", "b", "c"}


def test_what_is_not_served_or_was_taken_away_stands_in_for_nothing() -> None:
    """A document of which no other text is live, or one from before it was deleted, has no place in a release."""
    house = House()
    house.run(ScriptedSource({"a": b"one"}))
    first = house.state("a")
    assert (given_up(house).dropped, house.state("a").version) == ("not_cut", first.version)
    house.run(ScriptedSource({}))
    assert house.failing("chunk") == set(), "what is deleted is no trouble"
    house.run(ScriptedSource({"a": b"two"}))
    assert condition(given_up(house, text_of(first))) == "dropped"
    house.run(ScriptedSource({"a": b"three"}))
    assert condition(given_up(house, text_of(house.state("a")))) == "dropped", "it is the version that failed"


@given(st.lists(st.tuples(st.sampled_from(get_args(Event)), st.sampled_from("123"), st.booleans()), max_size=10))
def test_earlier_versions_are_those_served_since_it_was_last_taken_away(nights: list[tuple[Event, str, bool]]) -> None:
    """Whatever happens: never the present one, none from before a night on which nobody could be given it, none unparsed."""
    rules = AccessRules((AccessRule("**", AccessTags("a")),))
    state, served = DocumentState("k", "s", "a"), list[str]()
    for event, content, expired in nights:
        fields: dict[str, Any] = {"content_hash": content} if event.startswith("fetched") else {}
        fields |= {"version": state.content_hash, "expires": NOW if expired else None} if event == "parsed" else {}
        state = settled(after(state, event, **fields), rules, NOW)
        if state.status != "active" or condition(state) not in READABLE:
            served.clear()
        elif state.version not in served:
            served.append(state.version)
        assert set(state.earlier) == set(served) - {state.version}
