"""What pages say to crawlers, by Google's description of the robots tag and header."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ingest.sources.downloading import ShortRobots
from ingest.sources.robots import directives

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
BOTH, NO_INDEX, NO_FOLLOW, NEITHER = (True, True), (False, True), (True, False), (False, False)


def said(*headers: str, **metas: str) -> tuple[bool, bool]:
    found = directives(headers, list(metas.items()), "sluice", NOW)
    return found.index, found.follow


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("", BOTH),
        ("all", BOTH),
        ("index, follow", BOTH),
        ("noindex", NO_INDEX),
        ("NOINDEX, NOFOLLOW", NEITHER),
        ("nofollow", NO_FOLLOW),
        ("none", NEITHER),
        ("None", NEITHER),
        (" noindex ,nofollow", NEITHER),
        ("noindex nofollow", NEITHER),
        ("noarchive, max-snippet:50, max-image-preview:large", BOTH),
        ("max-snippet:-1, noindex", NO_INDEX),
        ("noindexing", BOTH),
        ("unavailable_after: 25 Jun 2010 15:00:00 PST", NO_INDEX),
        ("unavailable_after: Wednesday, 25-Jun-25 15:00:00 GMT", NO_INDEX),
        ("unavailable_after: 2026-11-26", NO_INDEX),
        ("unavailable_after: 2026-11-26T13:00:00Z", BOTH),
        ("unavailable_after: Fri, 27 Nov 2026 15:00:00 GMT, nofollow", NO_FOLLOW),
        ("nofollow, unavailable_after: 2010-01-01, noarchive", NEITHER),
        ("unavailable_after: some day", BOTH),
    ],
)
def test_rules_are_read_alike_in_tags_and_headers(rules: str, expected: tuple[bool, bool]) -> None:
    """Whatever their case, order and company."""
    assert said(robots=rules) == said(ROBOTS=rules) == said(rules) == said(f"sluice: {rules}") == expected


def test_every_refusal_holds_and_what_is_said_to_others_does_not() -> None:
    """Several headers and tags; an agent named before the rules, and in the middle of a header."""
    assert said("max-snippet:50", "noindex", robots="nofollow") == NEITHER
    assert said(sluice="noindex", robots="all") == NO_INDEX
    assert said(googlebot="noindex") == BOTH
    assert said("googlebot: noindex, nofollow") == BOTH
    assert said("googlebot: noindex, sluice: nofollow") == NO_FOLLOW
    assert said("otherbot: noindex", "nofollow") == NO_FOLLOW
    assert said("nofollow, googlebot: noindex") == NO_FOLLOW
    assert said("Sluice: NoIndex") == NO_INDEX


def test_until_when_a_page_may_be_shown() -> None:
    """The earliest of what it says; nothing where it may not be shown already."""
    found = directives(["unavailable_after: 2026-12-24", "unavailable_after: 2026-12-01"], [], "sluice", NOW)
    assert (found.index, found.until) == (True, datetime(2026, 12, 1, tzinfo=UTC))
    assert directives(["unavailable_after: 2026-01-01"], [], "sluice", NOW).until is None


def test_of_a_robots_txt_without_end_the_beginning_counts() -> None:
    """500 KiB, whole lines: every address is held against every rule, in the crawl's own loop. A short one counts whole."""
    said = b"User-agent: *\nDisallow: /first\n"
    endless = said + b"Disallow: /*x\n" * 37_000 + b"Disallow: /open/but/cut" + b"\nDisallow: /last\n" * 40_000
    found = ShortRobots(endless, None)
    assert not found.allowed("http://a/first", "sluice")
    assert found.allowed("http://a/last", "sluice")
    assert not ShortRobots(b"User-agent: *\nDisallow: /first\nDisallow: /last", None).allowed("http://a/last", "sluice")
