"""What a run has to do, decided from one listing and one bulk read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.planning import SourcePlan, expired, guard_against_mass_deletion, plan_source, processing, to_parse
from sluice.errors import IntegrityError, MassDeletion
from sluice.ids import document_key
from sluice.records import DocumentState, ItemRef, QuarantineEntry, Status

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def known(uri: str = "a", status: Status = "active", validator: str = "1", **more: Any) -> DocumentState:
    given = {"content_hash": "c1", "version": "c1", "parse_fingerprint": "p1"} | more
    return DocumentState(document_key("s", uri), "s", uri, status, validator, **given)


def failure(
    uri: str = "a", stage: str = "fetch", fingerprint: str = "2", *, retryable: bool = False, content: str = ""
) -> QuarantineEntry:
    return QuarantineEntry(
        document_key("s", uri), "s", uri, stage, "too_large", "…", retryable, content, fingerprint, 1, NOW, NOW, "run-1"
    )


def uncut(content: str = "c2", parser: str = "p1", chunker: str = "k1") -> QuarantineEntry:
    return failure(stage="chunk", fingerprint=processing(parser, chunker), content=content)


FETCH, UNCHANGED, HELD, GONE, NOTHING = "fetch", "unchanged", "held", "gone", "nothing"

CASES: dict[str, tuple[DocumentState | None, str | None, QuarantineEntry | None, str]] = {
    # what is known, the validator listed now (None: not listed), what failed before, what is to be done
    "new": (None, "1", None, FETCH),
    "unchanged": (known(), "1", None, UNCHANGED),
    "changed": (known(), "2", None, FETCH),
    "gone": (known(), None, None, GONE),
    "gone, and quarantined": (known(status="quarantined"), None, None, GONE),
    "gone, and expired": (known(status="expired"), None, None, GONE),
    "gone already": (known(status="deleted"), None, None, NOTHING),
    "deleted and back as it was": (known(status="deleted"), "1", None, FETCH),
    "quarantined by its parser, unchanged": (known(status="quarantined"), "1", None, UNCHANGED),
    "quarantined by its parser, changed": (known(status="quarantined"), "2", None, FETCH),
    "expired, unchanged": (known(status="expired"), "1", None, UNCHANGED),
    "expired, changed": (known(status="expired"), "2", None, FETCH),
    "never had, failed for good, unchanged since": (None, "2", failure(), HELD),
    "never had, failed for good, changed since": (None, "3", failure(), FETCH),
    "a new version that failed for good": (known(), "2", failure(), HELD),
    "a new version that failed, and another one": (known(), "3", failure(), FETCH),
    "back to what is known after a failure, whose entry must go": (known(), "1", failure(), FETCH),
    "failed, may succeed now": (None, "2", failure(retryable=True), FETCH),
    "a new version that may succeed now": (known(), "2", failure(retryable=True), FETCH),
    "a parse failure is no business of fetching": (known(), "1", failure(stage="parse", fingerprint="1"), UNCHANGED),
    "deleted, back, and failed for good": (known(status="deleted"), "2", failure(), HELD),
}


def decision(plan: SourcePlan) -> str:
    found = [name for name, n in ((FETCH, plan.fetch), (UNCHANGED, plan.unchanged), (HELD, plan.held), (GONE, plan.gone)) if n]
    assert len(found) <= 1, "one document has one fate"
    return found[0] if found else NOTHING


@pytest.mark.parametrize("case", CASES)
def test_each_document_has_one_fate(case: str) -> None:
    """Each combination of listed, known and failed has one answer, written in the table."""
    state, validator, failed, fate = CASES[case]
    listing = [] if validator is None else [ItemRef("a", validator)]
    plan = plan_source("s", listing, [state] if state else [], [failed] if failed else [])
    assert decision(plan) == fate
    assert plan.listed == len(listing)


@pytest.mark.parametrize("case", [c for c, (_, validator, _, _) in CASES.items() if validator is not None])
def test_force_fetches_whatever_is_known(case: str) -> None:
    """A backfill from `fetch` overrules validators and held failures alike."""
    state, validator, failed, _ = CASES[case]
    plan = plan_source(
        "s", [ItemRef("a", str(validator))], [state] if state else [], [failed] if failed else [], force=lambda uri: uri == "a"
    )
    assert decision(plan) == FETCH


def test_force_is_asked_for_each_uri() -> None:
    """A slice that names one document fetches that one only."""
    plan = plan_source("s", [ItemRef("a", "1"), ItemRef("b", "1")], [known("a"), known("b")], force=lambda uri: uri == "b")
    assert [ref.uri for ref in plan.fetch] == ["b"]
    assert plan.unchanged == 1


def test_other_sources_are_left_alone() -> None:
    """What another source knows, or failed on, is neither gone nor held here."""
    other = replace(known("a"), key=document_key("t", "a"), source="t")
    plan = plan_source("s", [ItemRef("a", "2")], [other], [replace(failure(), source="t")])
    assert [ref.uri for ref in plan.fetch] == ["a"]
    assert plan.gone == ()


def test_a_uri_listed_twice_is_an_error() -> None:
    """A source that lists a uri twice has no identity to give it."""
    with pytest.raises(IntegrityError, match="'a' twice"):
        plan_source("s", [ItemRef("a", "1"), ItemRef("a", "2")], [])


@given(
    listing=st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from("12"), max_size=8),
    states=st.dictionaries(
        st.sampled_from("abcdefgh"),
        st.tuples(st.sampled_from(["active", "deleted", "expired", "quarantined"]), st.sampled_from("12")),
        max_size=8,
    ),
    failed=st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(st.booleans(), st.sampled_from("12")), max_size=8),
)
def test_everything_listed_is_accounted_for(
    listing: dict[str, str], states: dict[str, tuple[Status, str]], failed: dict[str, tuple[bool, str]]
) -> None:
    """listed == to fetch + unchanged + held; gone are exactly the known ones that are not listed, deleted ones aside."""
    plan = plan_source(
        "s",
        [ItemRef(uri, v) for uri, v in listing.items()],
        [known(uri, status, v) for uri, (status, v) in states.items()],
        [failure(uri, fingerprint=v, retryable=r) for uri, (r, v) in failed.items()],
    )
    assert plan.listed == len(plan.fetch) + plan.unchanged + sum((plan.held or {}).values())
    assert {s.uri for s in plan.gone} == {uri for uri, (status, _) in states.items() if status != "deleted"} - listing.keys()


# ── the mass-deletion guard ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("gone", "of", "limit", "stops"),
    [
        (9, 9, 0.0, False),  # fewer than ten never stop a run, whatever the share
        (10, 10, 0.5, True),
        (10, 20, 0.5, False),  # the limit itself is allowed
        (11, 21, 0.5, True),
        (10, 21, 0.5, False),
        (10, 1000, 0.0, True),
        (100, 100, 1.0, False),  # a limit of 1 switches the guard off
        (0, 0, 0.0, False),
    ],
)
def test_the_guard_stops_at_its_limit(gone: int, of: int, limit: float, stops: bool) -> None:
    """Ten or more gone, and more than the allowed share: the run stops before anything is changed."""
    plan = SourcePlan("s", of - gone, gone=tuple(known(str(i)) for i in range(gone)))
    if not stops:
        guard_against_mass_deletion(plan, of, limit)
        return
    with pytest.raises(MassDeletion) as error:
        guard_against_mass_deletion(plan, of, limit)
    assert f"{gone} of the {of}" in error.value.message
    assert "--allow-deletions s" in error.value.hint


# ── parsing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

PARSE, PARSE_HELD, LEFT = "parse", "held", "left"

PARSE_CASES: dict[str, tuple[DocumentState, QuarantineEntry | None, str]] = {
    "parsed by this parser": (known(), None, LEFT),
    "never parsed": (known(version="", parse_fingerprint=""), None, PARSE),
    "new bytes": (known(content_hash="c2"), None, PARSE),
    "another parser": (known(parse_fingerprint="p0"), None, PARSE),
    "deleted": (known(status="deleted", version="", parse_fingerprint=""), None, LEFT),
    "never fetched": (known(status="quarantined", content_hash="", version="", parse_fingerprint=""), None, LEFT),
    "expired, as it was": (known(status="expired"), None, LEFT),
    "expired, with new bytes that may say otherwise": (known(status="expired", content_hash="c2"), None, PARSE),
    "failed for good": (known(content_hash="c2"), failure(stage="parse", fingerprint="p1", content="c2"), PARSE_HELD),
    "failed for good, other bytes since": (
        known(content_hash="c3"),
        failure(stage="parse", fingerprint="p1", content="c2"),
        PARSE,
    ),
    "failed for good under another parser": (
        known(content_hash="c2"),
        failure(stage="parse", fingerprint="p0", content="c2"),
        PARSE,
    ),
    "may succeed now": (known(content_hash="c2"), failure(stage="parse", fingerprint="p1", content="c2", retryable=True), PARSE),
    "back to the last good bytes, whose entry must go": (known(), failure(stage="parse", fingerprint="p1", content="c2"), PARSE),
    "quarantined without an entry": (known(status="quarantined", version="", parse_fingerprint=""), None, PARSE),
    "a fetch failure is no business of parsing": (known(), failure(), LEFT),
    "an earlier version stands in for what cannot be cut": (known(content_hash="c2", stale=True), uncut(), PARSE_HELD),
    "what cannot be cut, of the same bytes": (known(parse_fingerprint="p0", stale=True), uncut(content="c1"), PARSE_HELD),
    "other bytes than those that cannot be cut": (known(content_hash="c3", stale=True), uncut(), PARSE),
    "another parser than of what cannot be cut": (known(content_hash="c2", stale=True), uncut(parser="p0"), PARSE),
    "another chunker than the one that failed": (known(content_hash="c2", stale=True), uncut(chunker="k0"), PARSE),
    "the source says something else of what cannot be cut": (
        known(content_hash="c2", stale=True, renamed=True),
        uncut(),
        PARSE,
    ),
    "neither cut nor parsed, under another parser": (known(), uncut(parser="p0"), LEFT),
}


@pytest.mark.parametrize("case", PARSE_CASES)
def test_each_document_is_parsed_when_it_is_due(case: str) -> None:
    """Parsed again only when the bytes, the parser or a failure call for it."""
    state, failed, fate = PARSE_CASES[case]
    due, held = to_parse([state], {"s": "p1"}, [failed] if failed else [], chunker="k1")
    assert (PARSE if due else PARSE_HELD if held else LEFT) == fate
    assert held in ({}, {"too_large": 1})


@pytest.mark.parametrize("case", PARSE_CASES)
def test_force_parses_what_there_is_to_parse(case: str) -> None:
    """A backfill from `parse` overrules what was parsed and what failed, but not that a document is deleted or never had."""
    state, failed, _ = PARSE_CASES[case]
    due, held = to_parse([state], {"s": "p1"}, [failed] if failed else [], chunker="k1", force=lambda _: True)
    assert (not held, bool(due)) == (True, case not in ("deleted", "never fetched"))


def test_a_source_without_a_parser_is_left_alone() -> None:
    """Documents of a source that is not configured (any more) are not parsed."""
    assert to_parse([known(content_hash="c2")], {"other": "p1"}) == ([], {})


def test_a_document_expires_at_its_moment() -> None:
    """Expired at the very moment that it names, not before; only once; and never without a date."""
    moment = known(expires=NOW)
    assert expired([moment], NOW) == [moment]
    assert expired([moment], NOW - timedelta(microseconds=1)) == []
    assert expired([replace(moment, status="expired"), replace(moment, status="deleted"), known()], NOW) == []


def test_what_is_not_asked_for_is_not_gone() -> None:
    """An exclude is a decision about the next release; a deletion at the source is a revocation. The plan tells them apart."""
    states = [DocumentState(document_key("s", uri), "s", uri) for uri in ("keep.md", "gone.md", "drafts/a.md", "drafts/b.md")]
    plan = plan_source("s", [ItemRef("keep.md", "")], states, asked=lambda uri: not uri.startswith("drafts/"))
    assert {state.uri for state in plan.gone} == {"gone.md"}
    assert {state.uri for state in plan.unasked} == {"drafts/a.md", "drafts/b.md"}


def test_what_is_asked_for_again_is_fetched_again_and_what_is_not_is_left_alone() -> None:
    """An unasked document is parsed by nobody; listed again, whatever its validator, it is taken in."""
    state = DocumentState(document_key("s", "a"), "s", "a", validator="v", content_hash="h", version="h", unasked=True)
    assert not state.in_release
    assert to_parse([state], {"s": "another parser"}) == ([], {})
    assert [ref.uri for ref in plan_source("s", [ItemRef("a", "v")], [state]).fetch] == ["a"]
