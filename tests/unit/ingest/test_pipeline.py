"""Fetch, keep, parse: one partition at a time, every document accounted for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.freshness import NO_RULES
from ingest.lifecycle import with_tags
from sluice.access import NOBODY, AccessRules, AccessTags
from sluice.counts import StageCounts
from sluice.errors import ConfigurationError, DocumentError, IntegrityError, SluiceError, SourceUnavailable, StoreUnavailable
from sluice.ids import content_hash, version_id
from sluice.records import Document, DocumentState, ItemRef, RawItem
from tests.unit.ingest.house import NOW, STAFF, Down, House, ScriptedParser, ScriptedSource

ITEM = st.sampled_from(
    [
        b"good",
        b"good too",
        b"---\naccess_tags: [hr]\n---\nnarrowed",
        b"---\naccess_tags: 3\n---\nmistyped",
        b"---\nexpires: 2020-01-01\n---\nold news",
        b"",
        b"  \n",
        b"broken",
        b"later",
        DocumentError("too_large", "too large"),
        SourceUnavailable("not now"),
    ]
)


@given(nights=st.lists(st.dictionaries(st.sampled_from("abcdef"), ITEM, max_size=6), min_size=1, max_size=3))
def test_every_document_is_accounted_for(nights: list[dict[str, bytes | SluiceError]]) -> None:
    """Whatever a source gives, night after night: accounts balance, and what is in no release has a reason to be read."""
    house = House()
    for items in nights:
        house.run(ScriptedSource(items))
        states = house.states.read()
        listed = {s.uri: s for s in states if s.status != "deleted"}
        assert listed.keys() == items.keys(), "every listed document has a row, also one that could not be fetched"
        for uri, state in listed.items():
            explained = uri in house.failing("fetch") | house.failing("parse") or state.dropped or state.status == "expired"
            assert state.in_release or explained, uri
            away = isinstance(items[uri], SourceUnavailable)
            assert not explained or not state.in_release or state.stale or away, "what failed for good is released only as stale"
            assert (state.tags != NOBODY) == state.in_release
        assert house.failing("fetch") | house.failing("parse") <= items.keys(), "what is gone is forgiven"


@given(items=st.dictionaries(st.sampled_from("abcdef"), ITEM, max_size=6))
def test_a_second_night_does_nothing_again(items: dict[str, bytes | SluiceError]) -> None:
    """An unchanged source costs no fetch and no parse, except of what may succeed now; and no state changes."""
    house = House()
    house.run(ScriptedSource(items))
    before, house.parser = house.states.read(), ScriptedParser()
    crawl, parse = house.run(ScriptedSource(items))
    retried = {uri for uri, item in items.items() if item == b"later" or isinstance(item, SourceUnavailable)}
    assert crawl.seen == sum(isinstance(items[uri], SourceUnavailable) for uri in retried)
    assert set(house.parser.parsed) == {uri for uri in retried if items[uri] == b"later"}
    assert parse.seen == len(house.parser.parsed)
    assert house.states.read() == before


def test_a_failed_new_version_keeps_the_last_good_one() -> None:
    """When the new bytes do not parse, the last version stays, marked stale, with its own tags, and is released."""
    house = House()
    house.run(ScriptedSource({"a": b"---\naccess_tags: [hr]\n---\nfirst"}))
    good = house.state("a")
    _, parse = house.run(ScriptedSource({"a": b"broken"}))
    after = house.state("a")
    assert parse.failed == {"malformed": 1}
    assert (after.version, after.parse_fingerprint, after.own_tags) == (good.version, "p1", AccessTags({"hr"}))
    assert after.tags == AccessTags({"hr"})
    assert after.stale
    assert after.in_release
    assert after.content_hash == content_hash(b"broken")


def test_a_good_version_ends_staleness_and_the_quarantine() -> None:
    """Mended, a document is as if nothing had happened: also when it is mended by going back."""
    for mended in (b"second", b"first"):
        house = House()
        for content in (b"first", b"broken", mended):
            house.run(ScriptedSource({"a": content}))
        assert house.state("a").version == content_hash(mended)
        assert not house.state("a").stale
        assert house.quarantine.entries() == []


def test_a_stale_document_follows_the_rules_of_today() -> None:
    """The last good version stays with current tags: a rule that takes it away, takes it away."""
    house = House()
    house.run(ScriptedSource({"a": b"first"}))
    house.run(ScriptedSource({"a": b"broken"}))
    assert with_tags(house.state("a"), AccessRules(())).tags == NOBODY


def test_what_a_source_says_beside_the_same_bytes_is_read_anew() -> None:
    """The author of a record changed: parsed once more, the same version with what is served of it today; touched: nothing."""
    house = House()
    house.run(ScriptedSource({"a": b"text", "b": b"text"}, metadata={"author": "Ada"}))
    before, house.parser = house.state("a"), ScriptedParser()
    for metadata, parsed in (({"author": "Ada"}, []), ({"author": "Grace"}, ["a"]), ({"author": "Grace"}, ["a"])):
        source = ScriptedSource({"a": b"text", "b": b"text"}, metadata=metadata)
        house.ingestion.fetch(source, [ItemRef("a", "another validator")])
        house.run(source)
        assert house.parser.parsed == parsed
    after = house.state("a")
    assert (after.version, after.metadata, before.metadata) == (before.version, {"author": "Grace"}, {"author": "Ada"})
    assert not after.renamed


def test_what_never_parsed_is_quarantined_and_readable_by_nobody() -> None:
    """A document without a version has no readers, whatever the rules grant; touching it changes nothing."""
    house = House()
    house.run(ScriptedSource({"a": b"broken"}))
    assert (house.state("a").status, house.state("a").tags) == ("quarantined", NOBODY)
    touched = ItemRef("a", "another validator")
    house.ingestion.fetch(ScriptedSource({"a": b"broken"}), [touched])
    assert (house.state("a").status, house.state("a").tags) == ("quarantined", NOBODY)
    assert not house.state("a").in_release


def test_what_never_could_be_fetched_is_a_quarantined_document() -> None:
    """It has a row, so that its entry goes when the source no longer lists it, and it comes in when it can be fetched."""
    house = House()
    crawl, _ = house.run(ScriptedSource({"a": DocumentError("too_large", "too large"), "b": DocumentError("gone", "gone")}))
    assert crawl.failed == {"too_large": 1, "gone": 1}
    assert house.state("a").status == "quarantined"
    house.run(ScriptedSource({"a": b"smaller"}))
    assert house.state("a").in_release
    assert house.state("a").first_seen == NOW
    assert house.state("b").status == "deleted"
    assert house.quarantine.entries() == []


def test_a_version_that_cannot_be_fetched_marks_the_last_one_stale() -> None:
    """For good: stale. For now: it is tried again, and nothing is said about the document."""
    house = House()
    house.run(ScriptedSource({"a": b"one", "b": b"two"}))
    house.run(ScriptedSource({"a": DocumentError("too_large", "too large"), "b": SourceUnavailable("not now")}))
    assert (house.state("a").stale, house.state("b").stale) == (True, False)
    assert house.state("a").in_release
    assert house.state("b").in_release


def test_who_may_read_what_stays_is_what_its_source_says_now() -> None:
    """A row that grew too large and was narrowed in one edit: the version before stays, for fewer."""
    house = House()
    house.run(ScriptedSource({"a": b"good"}, tags=STAFF))
    assert house.state("a").tags == STAFF
    house.run(ScriptedSource({"a": DocumentError("too_large", "too large", tags=frozenset({"hr"}))}))
    assert (house.state("a").stale, house.state("a").source_tags) == (True, AccessTags({"hr"}))
    assert with_tags(house.state("a"), AccessRules(house.rules)).tags == AccessTags({"hr"})
    house.run(ScriptedSource({"a": DocumentError("forbidden", "it says nothing")}))
    assert house.state("a").source_tags == AccessTags({"hr"})


def test_front_matter_narrows_and_never_widens() -> None:
    """Rules are the ceiling; the document and its source each narrow it."""
    house = House()
    house.run(ScriptedSource({"a": b"---\naccess_tags: [hr, everyone]\n---\ntext", "b": b"text"}))
    assert house.state("a").tags == AccessTags({"hr"})
    assert house.state("b").tags == STAFF
    house = House()
    house.run(ScriptedSource({"a": b"---\naccess_tags: [hr]\n---\ntext"}, tags=AccessTags({"staff"})))
    assert house.state("a").tags == NOBODY, "two narrowings that share nothing leave nobody"


def test_an_empty_document_is_dropped_with_that_reason() -> None:
    """No text is no failure: it is counted as dropped, and has no place in a release until it has text."""
    house = House()
    _, parse = house.run(ScriptedSource({"a": b" \n"}))
    assert parse.dropped == {"empty": 1}
    assert (house.state("a").dropped, house.state("a").in_release) == ("empty", False)
    house.run(ScriptedSource({"a": b"text"}))
    assert house.state("a").in_release


def test_an_expired_document_comes_back_with_a_new_date() -> None:
    """The new version's date counts, not the old one's; until it is parsed nobody reads it."""
    house = House()
    _, parse = house.run(ScriptedSource({"a": b"---\nexpires: 2026-01-01\n---\ntext"}))
    assert parse.dropped == {"expired": 1}
    assert (house.state("a").status, house.state("a").tags) == ("expired", NOBODY)
    house.ingestion.fetch(ScriptedSource({"a": b"---\nexpires: 2027-01-01\n---\ntext"}), [ItemRef("a", "2")])
    assert house.state("a").status == "expired"
    house.run(ScriptedSource({"a": b"---\nexpires: 2027-01-01\n---\ntext"}))
    assert house.state("a").in_release
    assert house.state("a").tags == STAFF


def test_an_expired_document_stays_expired_when_its_new_version_is_broken() -> None:
    """The last good version stays as it was: expired."""
    house = House()
    for content in (b"---\nexpires: 2026-01-01\n---\ntext", b"broken"):
        house.run(ScriptedSource({"a": content}))
    assert (house.state("a").status, house.state("a").tags) == ("expired", NOBODY)


def test_a_tombstone_takes_everything_away() -> None:
    """Deleted: nobody reads it, no version waits to come back, no entry is left in the quarantine."""
    house = House()
    house.run(ScriptedSource({"a": b"one", "b": b"broken"}))
    assert house.ingestion.tombstone(house.states.read()) == 2
    for uri in "ab":
        state = house.state(uri)
        assert (state.status, state.tags, state.version, state.in_release) == ("deleted", NOBODY, "", False)
    assert house.quarantine.entries() == []


def test_deleted_and_back_with_the_same_bytes_is_parsed_again() -> None:
    """Its old version may have been collected as garbage in the meantime."""
    house = House()
    house.run(ScriptedSource({"a": b"text"}))
    house.run(ScriptedSource({}))
    house.versions.rows.clear()
    crawl, parse = house.run(ScriptedSource({"a": b"text"}))
    assert (crawl.kept, parse.kept) == (1, 1)
    state = house.state("a")
    assert state.in_release
    assert version_id(state.key, state.version, state.parse_fingerprint) in house.versions.rows


@pytest.mark.parametrize("back", [b"broken", DocumentError("too_large", "too large")])
def test_what_was_deleted_does_not_come_back_in_the_place_of_a_broken_version(back: bytes | SluiceError) -> None:
    """A deletion is a revocation: the deleted text stays away when the document returns with bytes that do not parse."""
    house = House()
    house.run(ScriptedSource({"a": b"withdrawn"}))
    house.run(ScriptedSource({}))
    house.run(ScriptedSource({"a": back}))
    assert (house.state("a").status, house.state("a").in_release) == ("quarantined", False)


def test_expiry_is_a_revocation() -> None:
    """An expired document has no readers; its version is kept, for it may be given a new date."""
    house = House()
    house.run(ScriptedSource({"a": b"text"}))
    assert house.ingestion.expire(house.states.read()) == 1
    assert (house.state("a").status, house.state("a").tags) == ("expired", NOBODY)
    assert house.state("a").version


def test_expiry_compares_with_the_clock_handed_in() -> None:
    """Nothing here looks at the wall clock."""
    state = DocumentState("k", "s", "a", expires=NOW)
    assert NO_RULES.aged(state, NOW - timedelta(seconds=1)).status == "active"
    assert NO_RULES.aged(state, NOW).status == "expired"


def test_what_the_source_says_is_not_mixed_with_what_parsing_said() -> None:
    """A new parser starts from the source's own metadata, not from what the parser before made of it."""
    house = House()
    source = ScriptedSource({"a": b"---\nauthor: Ada\n---\ntext"}, metadata={"space": "eng"})
    house.run(source)
    assert house.state("a").metadata == {"space": "eng", "author": "Ada"}
    house.parser = ForgetfulParser("p2")
    house.run(source)
    assert house.state("a").metadata == {"space": "eng"}


class ForgetfulParser(ScriptedParser):
    """Reads the same text and no front matter of its own."""

    def parse(self, item: RawItem, *, source: str) -> Document:
        return replace(super().parse(item, source=source), metadata=dict(item.metadata))


# ── failures that are not the document's ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("store", ["blobs", "versions", "states", "quarantine"])
def test_a_store_that_does_not_answer_is_no_document_s_fault(store: str) -> None:
    """StoreUnavailable goes through, so that the partition is tried again; nobody is put into quarantine for it."""
    house = House()
    setattr(house, store, Down())
    with pytest.raises(StoreUnavailable):
        house.run(ScriptedSource({"a": b"text"}))
    assert store == "quarantine" or house.quarantine.entries() == []


def test_a_wrong_setting_is_no_document_s_fault() -> None:
    """A root that vanished between scan and fetch must not mark every document as failed for good."""
    house = House()
    with pytest.raises(ConfigurationError):
        house.run(ScriptedSource({"a": ConfigurationError("the root does not exist")}))
    assert house.quarantine.entries() == []
    assert house.states.read() == []


def test_damaged_bytes_cost_one_document() -> None:
    """Bytes that no longer hash to their name put their document into quarantine, and the others go on."""
    house = House()
    house.ingestion.fetch(ScriptedSource({"a": b"one", "b": b"two"}), [ItemRef("a", "1"), ItemRef("b", "1")])
    house.blobs.contents[content_hash(b"one")] = b"bit rot"
    parse = house.ingestion.parse(house.parser, house.states.read())
    assert (parse.failed, parse.kept) == ({IntegrityError.__name__: 1}, 1)


@pytest.mark.parametrize("stage", ["fetch", "parse"])
def test_a_crash_before_the_quarantine_is_written_loses_nothing(stage: str) -> None:
    """States come first: a document whose entry was not written yet is not held back, and is done again."""
    item: bytes | SluiceError = b"broken" if stage == "parse" else DocumentError("too_large", "too large")
    house = House()
    house.run(ScriptedSource({"a": b"good"}))
    house.quarantine, kept = Down(), house.quarantine
    down = house.quarantine
    down.entries = kept.entries  # type: ignore[method-assign]
    down.clear_all = kept.clear_all  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable):
        house.run(ScriptedSource({"a": item}))
    assert house.state("a").stale
    house.quarantine = kept
    house.run(ScriptedSource({"a": item}))
    assert house.failing(stage) == {"a"}


def test_entries_say_what_failed_where_and_in_which_run() -> None:
    """Stage, reason, error and run; attempts are counted, the first time is remembered."""
    house = House()
    house.run(ScriptedSource({"a": SourceUnavailable("the server is away")}))
    house.now = NOW + timedelta(days=1)
    house.run(ScriptedSource({"a": SourceUnavailable("the server is still away")}))
    (entry,) = house.quarantine.entries()
    assert (entry.stage, entry.reason, entry.error, entry.run) == (
        "fetch",
        "SourceUnavailable",
        "the server is still away",
        "run-1",
    )
    assert (entry.retryable, entry.attempts, entry.first_seen, entry.last_seen) == (True, 2, NOW, house.now)


def test_partitions_add_up() -> None:
    """Whatever the partition, the accounts of all of them are the account of the whole, and so are the states."""
    items: dict[str, bytes | SluiceError] = {"a": b"one", "b": b"", "c": b"broken", "d": DocumentError("too_large", "…")}
    whole, parts = House(), House()
    expected = whole.run(ScriptedSource(items))
    crawl, parse = StageCounts(), StageCounts()
    refs: Sequence[ItemRef] = list(ScriptedSource(items).scan({}))
    for ref in refs:
        crawl += parts.ingestion.fetch(ScriptedSource(items), [ref])
        parse += parts.ingestion.parse(parts.parser, [s for s in parts.states.read() if s.uri == ref.uri and s.content_hash])
    assert (crawl, parse) == expected
    assert parts.states.read() == whole.states.read()


class Odd:
    """Raises what a source or a parser of anybody's may raise."""

    name, fingerprint = "s", "odd"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def scan(self, known: object) -> list[ItemRef]:
        return [ItemRef("bad", "1"), ItemRef("good", "1")]

    def fetch(self, ref: ItemRef) -> RawItem:
        if ref.uri == "bad":
            raise self.error
        return RawItem(ref.uri, b"text", ref.validator)

    def parse(self, item: RawItem, *, source: str) -> Document:
        raise self.error


@pytest.mark.parametrize(
    "error",
    [ValueError("hunter2"), KeyError("hunter2"), RecursionError("hunter2"), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "x")],
)
def test_one_bad_item_costs_one_entry(error: Exception) -> None:
    """Whatever is raised over an item: the one beside it is taken in, and the entry says where, not what."""
    house = House()
    house.run(Odd(error))  # type: ignore[arg-type]
    assert house.state("good").in_release
    (entry,) = house.quarantine.entries()
    assert (entry.uri, entry.stage, entry.retryable) == ("bad", "fetch", True)
    assert type(error).__name__ in entry.error
    assert "hunter2" not in entry.error
    house.parser = Odd(error)
    house.run(ScriptedSource({"good": b"other"}))
    (entry,) = [e for e in house.quarantine.entries() if e.uri == "good"]
    assert (entry.reason, "hunter2" in entry.error) == ("crashed", False)
    assert house.state("good").in_release, "the last good version stays"
