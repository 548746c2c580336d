"""Front matter: what it says, what is no front matter, and what keeps a document out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from ingest.frontmatter import REPEATS, split
from sluice.access import NOBODY, AccessTags
from sluice.errors import DocumentError


def test_the_known_keys_have_a_meaning_and_the_rest_is_metadata() -> None:
    """The block leaves the text; its other values come out plain, dates as ISO 8601."""
    front = split(
        "---\r\ntitle: Pay\r\naccess_tags: [hr, ' legal ']\r\nexpires: 2026-12-31\r\nowner: Ada\r\n"
        "revised: 2025-01-02\r\n"
        "when: 2025-01-02 03:04:05\r\ncount: 3\r\nbig: 99999999999999999999\r\nnan: .nan\r\n"
        "list: [a, {b: 1}]\r\n1: one\r\n---\r\nText\r\n"
    )
    assert (front.body, front.title) == ("Text\r\n", "Pay")
    assert front.tags == AccessTags({"hr", "legal"})
    assert front.expires == datetime(2026, 12, 31, tzinfo=UTC)
    assert front.metadata == {
        "owner": "Ada",
        "revised": "2025-01-02",
        "when": "2025-01-02T03:04:05",
        "count": 3,
        "big": "99999999999999999999",
        "nan": "nan",
        "list": ["a", {"b": 1}],
        "1": "one",
    }
    json.dumps(front.metadata, allow_nan=False)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("hr", AccessTags({"hr"})),
        ("[hr]", AccessTags({"hr"})),
        ("\n  - hr\n  - legal", AccessTags({"hr", "legal"})),
        ("[]", NOBODY),
    ],
)
def test_tags_are_a_tag_or_a_list_of_tags(written: str, meant: AccessTags) -> None:
    """An empty list says nobody, which is not the same as saying nothing."""
    assert split(f"---\naccess_tags: {written}\n---\n").tags == meant
    assert split("---\ntitle: x\n---\n").tags is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("'2026-01-31T12:00:00+02:00'", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31 12:00:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
    ],
)
def test_expiry_is_an_aware_time(written: str, meant: datetime) -> None:
    """A date has expired from its first moment on; a time without a zone is UTC."""
    assert split(f"---\nexpires: {written}\n---\n").expires == meant


@pytest.mark.parametrize(
    "text",
    [
        "no front matter",
        "",
        "---\n\nA rule, then text.\n",
        "---\njust words\n---\nText",
        "---\n- a\n- list\n---\nText",
        "\n---\ntitle: not at the head\n---\n",
        "----\ntitle: four\n----\n",
        "Title\n---\naccess_tags: [hr]\n---\n",
    ],
)
def test_what_is_no_mapping_at_the_head_stays_in_the_text(text: str) -> None:
    """A rule is not front matter."""
    front = split(text)
    assert (front.body, front.tags, dict(front.metadata)) == (text, None, {})


def test_an_empty_block_is_front_matter_that_says_nothing() -> None:
    """It leaves the text like any other."""
    assert split("---\n---\nText").body == "Text"
    assert split("---\n# a comment\n...\nText").body == "Text"


@pytest.mark.parametrize(
    "block",
    [
        "title: [unclosed",
        "a: b: c",
        "access_tags:",
        "access_tags: {hr: true}",
        "access_tags: [hr, 5]",
        "access_tags: [hr, '']",
        "access_tags: hr, legal",
        "access_tags: true",
        "expires:",
        "expires: soon",
        "expires: 5",
        "expires: 2026-13-45",
        "expires: '0001-01-01T00:00:00+10:00'",
        "title: [a, b]",
        "a: !!python/object/apply:os.system ['true']",
        "a: &a [*a]",
        "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{b}: &{b} [{','.join(8 * [f'*{a}'])}]\n" for a, b in pairwise("abcdefgh")),
    ],
)
def test_what_cannot_be_read_with_certainty_keeps_the_document_out(block: str) -> None:
    """Default deny beats guessing: one error, with the countable reason, the uri and a hint."""
    with pytest.raises(DocumentError) as error:
        split(f"---\n{block}\n---\nText", uri="a/b.md")
    assert error.value.reason == "bad_front_matter"
    assert error.value.message.startswith("a/b.md: ")
    assert error.value.hint


def test_permissions_in_a_block_that_is_never_closed_keep_the_document_out() -> None:
    """A forgotten `---` must not publish what its author restricted."""
    with pytest.raises(DocumentError, match="never closed"):
        split("---\ntitle: Salaries\naccess_tags: [hr]\n\nAda earns …\n")


@pytest.mark.parametrize(
    ("block", "tags", "expires", "metadata"),
    [
        ("owner: Ada\nowner: Bob", None, None, {"owner": "Bob", REPEATS: ["owner"]}),
        (
            "access_tags: [hr, staff]\nowner: A\naccess_tags: [staff, all]",
            {"staff"},
            None,
            {"owner": "A", REPEATS: ["access_tags"]},
        ),
        ("access_tags: hr\naccess_tags: everyone", set(), None, {REPEATS: ["access_tags"]}),
        ("expires: 2027-01-01\nexpires: 2026-01-01\nexpires: 2028-01-01", None, 2026, {REPEATS: ["expires"]}),
        ("base: &b {owner: Ada}\n<<: *b\nowner: Bob", None, None, {"base": {"owner": "Ada"}, "owner": "Bob"}),
        ("a: 1\nb: 2", None, None, {"a": 1, "b": 2}),
    ],
    ids=["metadata", "tags", "disjoint tags", "expires", "merge key", "none"],
)
def test_a_key_given_twice_never_widens_and_is_named(
    block: str, tags: set[str] | None, expires: int | None, metadata: dict[str, object]
) -> None:
    """The last value counts, of permissions what all grant, of expiries the earliest; metadata says which keys they were."""
    front = split(f"---\n{block}\n---\ntext\n")
    assert front.tags == (None if tags is None else AccessTags(tags))
    assert (front.expires.year if front.expires else None) == expires
    assert front.metadata == metadata


def test_every_value_of_a_permission_given_twice_must_be_one() -> None:
    """A mistyped permission keeps the document out wherever it stands."""
    with pytest.raises(DocumentError, match="access_tags"):
        split("---\naccess_tags: {hr: yes}\naccess_tags: [hr]\n---\ntext\n")
