"""What a release is made of, as two hashes: everything that changes an answer changes one of them, nothing else does."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.fingerprints import access_root, release_fingerprint, tags_root
from sluice.access import NOBODY, AccessTags
from sluice.records import DocumentState

HOW = "the answers of a recipe"
NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)


def document(key: str = "d1", **more: Any) -> DocumentState:
    given: dict[str, Any] = {
        "version": "v1",
        "content_hash": "v1",
        "parse_fingerprint": "p1",
        "tags": AccessTags({"staff"}),
    } | more
    return DocumentState(key, "s", f"{key}.md", **given)


STATE = st.builds(
    document,
    st.sampled_from(["d1", "d2", "d3"]),
    version=st.sampled_from(["", "v1", "v2"]),
    parse_fingerprint=st.sampled_from(["p1", "p2"]),
    status=st.sampled_from(["active", "deleted", "expired", "quarantined"]),
    dropped=st.sampled_from(["", "empty"]),
    expires=st.sampled_from([None, NOON]),
    tags=st.frozensets(st.sampled_from("ab")).map(AccessTags),
)
STATES = st.lists(STATE, unique_by=lambda state: state.key)


@given(STATES, st.randoms(use_true_random=False))
def test_order_does_not_matter(states: list[DocumentState], rng: random.Random) -> None:
    """Any machine, any order of documents: the same release."""
    shuffled = list(states)
    rng.shuffle(shuffled)
    assert release_fingerprint(shuffled, HOW) == release_fingerprint(iter(states), HOW)
    assert access_root(shuffled) == access_root(states)
    assert tags_root(shuffled) == tags_root(states)


@given(STATES, STATES)
def test_equal_fingerprints_mean_equal_releases(a: list[DocumentState], b: list[DocumentState]) -> None:
    """The same documents in the same versions, parsed and expiring alike, and none beside them; and the other way round."""

    def made_of(states: list[DocumentState]) -> set[tuple[object, ...]]:
        return {(s.key, s.version, s.parse_fingerprint, s.expires) for s in states if s.in_release}

    def readers(states: list[DocumentState]) -> set[tuple[object, ...]]:
        return {(s.key, s.tags) for s in states if s.in_release}

    assert (release_fingerprint(a, HOW) == release_fingerprint(b, HOW)) == (made_of(a) == made_of(b))
    assert (access_root(a) == access_root(b)) == (readers(a) == readers(b))


@pytest.mark.parametrize(
    "change",
    [
        {"key": "d2"},
        {"version": "v2"},
        {"parse_fingerprint": "p2"},
        {"expires": NOON},
        {"status": "deleted"},
        {"status": "expired"},
        {"status": "quarantined"},
        {"dropped": "empty"},
        {"version": ""},
        {"title": "another"},
        {"language": "de"},
        {"metadata": {"author": "Ada"}},
    ],
)
def test_what_changes_the_texts_changes_the_fingerprint(change: dict[str, Any]) -> None:
    """Which documents, which versions, how parsed, until when, and what is served beside the text."""
    assert release_fingerprint([replace(document(), **change)], HOW) != release_fingerprint([document()], HOW)


def test_how_it_is_made_and_searched_is_in_every_leaf() -> None:
    """A release of no document at all aside, its recipe counts."""
    assert release_fingerprint([document()], "other") != release_fingerprint([document()], HOW)


@pytest.mark.parametrize(
    "change",
    [
        {"fetched": NOON},
        {"first_seen": NOON},
        {"modified": NOON},
        {"validator": "other"},
        {"size": 5},
        {"stale": True},
        {"content_hash": "waiting"},
        {"tags": NOBODY},
        {"own_tags": AccessTags({"x"})},
    ],
)
def test_times_validators_and_tags_are_no_part_of_it(change: dict[str, Any]) -> None:
    """A file that was touched, or a newer version that does not parse, builds nothing; neither does a change of access."""
    assert release_fingerprint([replace(document(), **change)], HOW) == release_fingerprint([document()], HOW)


def test_the_same_moment_is_the_same_expiry() -> None:
    """Whatever the zone it was written in."""
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5)))
    assert release_fingerprint([document(expires=NOON)], HOW) == release_fingerprint([document(expires=elsewhere)], HOW)


@given(STATES)
def test_the_tags_root_is_about_readers_everywhere(states: list[DocumentState]) -> None:
    """It changes with the tags of any document, in the release or not; a document without readers is as one never seen."""
    assert tags_root(states) == tags_root([s for s in states if s.tags])
    more = document("d9", status="quarantined", tags=AccessTags({"a"}))
    assert tags_root([*states, more]) != tags_root(states)
    assert tags_root([*states, replace(more, tags=NOBODY)]) == tags_root(states)


def test_documents_are_told_apart_from_their_tags() -> None:
    """A tag that looks like a key, or two tags that look like one, share no root."""
    roots = {
        access_root([document("d1", tags=AccessTags({"a", "b"}))]),
        access_root([document("d1", tags=AccessTags({"ab"}))]),
        access_root([document("d1", tags=AccessTags({"a,b"}))]),
        access_root([document("d1", tags=NOBODY)]),
        access_root([]),
    }
    assert len(roots) == 5
