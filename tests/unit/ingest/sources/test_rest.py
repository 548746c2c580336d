"""A paginated JSON API, against a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from ingest.sources.http import Http
from ingest.sources.rest import RestOptions, RestSource
from sluice.errors import SourceUnavailable
from tests.web import Asked, Reply, Web, web

TICKETS = [{"id": n, "fields": {"name": f"T{n}", "text": f"Text {n}"}, "labels": [{"tag": "hr"}], "at": n} for n in range(1, 8)]


def answer(value: Any, **headers: str) -> Reply:
    return Reply(json.dumps(value).encode(), headers={"Content-Type": "application/json", **headers})


def by_page(asked: Asked) -> Reply:
    at, size = int(asked.query["page"]), int(asked.query.get("per_page", "3"))
    return answer({"data": TICKETS[(at - 1) * size : at * size], "meta": {"total": len(TICKETS)}})


def by_offset(asked: Asked) -> Reply:
    at = int(asked.query["skip"])
    return answer({"data": TICKETS[at : at + 3]})


def by_cursor(asked: Asked) -> Reply:
    at = int(asked.query.get("after", "0"))
    return answer({"data": TICKETS[at : at + 3], "meta": {"next": str(at + 3) if at + 3 < len(TICKETS) else None}})


def by_address(asked: Asked) -> Reply:
    at = int(asked.query.get("at", "0"))
    return answer({"data": TICKETS[at : at + 3], "meta": {"next": f"/t?at={at + 3}" if at + 3 < len(TICKETS) else ""}})


def by_link(asked: Asked) -> Reply:
    at = int(asked.query.get("at", "0"))
    links = '<http://elsewhere.example/>; rel="prev"' + (f', </t?at={at + 3}>; title="n"; rel="next"' if at < 6 else "")
    return answer({"data": TICKETS[at : at + 3]}, Link=links)


@pytest.fixture
def site() -> Iterator[Web]:
    with web() as made:
        yield made


def source(site: Web, naps: list[float] | None = None, **options: Any) -> RestSource:
    given = {
        "url": site.url("t"),
        "items": "data",
        "key": "id",
        "title": "fields.name",
        "text": "fields.text",
        "tags": "labels[*].tag",
    }
    made = RestOptions(**(given | {"attempts": 2} | options))
    sleep = (naps if naps is not None else []).append
    return RestSource("tickets", made, Http("tickets", made, (site.address,), dict(made.headers), sleep))


def uris(made: RestSource) -> list[str]:
    return [ref.uri for ref in made.scan({})]


@pytest.mark.parametrize(
    ("page", "pages", "requests"),
    [
        (by_page, {"by": "page", "size": 3}, 4),
        (by_page, {"by": "page", "size": 4, "size_param": "per_page"}, 3),
        (by_page, {"by": "page"}, 4),
        (by_offset, {"by": "offset", "param": "skip", "size": 3}, 4),
        (by_cursor, {"by": "cursor", "param": "after", "cursor": "meta.next"}, 3),
        (by_address, {"by": "cursor", "cursor": "$.meta.next"}, 3),
        (by_link, {"by": "link"}, 3),
    ],
)
def test_pages_are_followed_to_the_end(site: Web, page: Any, pages: Any, requests: int) -> None:
    """By number, offset, token, address and Link header; with no request more than it takes to know the end."""
    site.pages["/t"] = page
    made = source(site, pages=pages)
    assert uris(made) == [f"tickets/{n}" for n in range(1, 8)]
    assert len(site.asked) == requests
    item = made.fetch(next(made.scan({})))
    assert (item.content, item.tags) == (b"# T1\n\nText 1", frozenset({"hr"}))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=500),
        Reply(status=401),
        Reply(b"<html>please log in</html>", headers={"Content-Type": "text/html"}),
        answer({"error": "no"}),
        answer({"data": {"id": 1}}),
        Reply(b"[" * 100_000),
        Reply(status=302, headers={"Location": "/login"}),
    ],
    ids=["error", "login", "html", "no list", "object", "nested", "redirect"],
)
def test_half_a_listing_is_no_listing(site: Web, reply: Reply) -> None:
    """Whatever the second page is, if not a page: the scan ends before the first item, and names the source."""
    site.pages["/login"] = b"<html>"
    site.pages["/t"] = lambda asked: by_page(asked) if asked.query["page"] == "1" else reply
    listing = source(site, pages={"by": "page", "size": 3})
    with pytest.raises(SourceUnavailable, match="source 'tickets'"):
        next(listing.scan({}))


def test_a_total_that_is_not_reached_is_no_listing(site: Web) -> None:
    """An item that slips through while pages are read is noticed where the API says how many there are."""
    site.pages["/t"] = by_page
    pages = {"by": "page", "size": 3}
    assert len(uris(source(site, pages=pages, total="meta.total"))) == 7
    site.pages["/t"] = lambda asked: answer({"data": TICKETS[:2], "meta": {"total": 7}})
    with pytest.raises(SourceUnavailable, match=r"meta\.total says 7, its pages hold 2"):
        uris(source(site, pages=pages, total="meta.total"))


def test_pages_that_lead_in_a_circle_end(site: Web) -> None:
    """A cursor that comes back is an error, not a loop for ever."""
    site.pages["/t"] = lambda asked: answer({"data": TICKETS[:1], "meta": {"next": "again"}})
    with pytest.raises(SourceUnavailable, match="circle"):
        uris(source(site, pages={"by": "cursor", "cursor": "meta.next"}))


def test_an_api_that_gives_fewer_than_it_is_asked_for_is_read_to_its_end(site: Web) -> None:
    """Its own limit is below `size`: a first page that is shorter is not the last for that."""

    def capped(asked: Asked) -> Reply:
        at = int(asked.query["page"])
        return answer({"data": TICKETS[(at - 1) * 3 : at * 3]})

    site.pages["/t"] = capped
    assert len(list(source(site, pages={"by": "page", "size": 100, "size_param": "per_page"}).scan({}))) == len(TICKETS)
    assert [asked.query["page"] for asked in site.asked] == ["1", "2", "3", "4"]


def test_a_short_page_among_others_is_not_the_last(site: Web) -> None:
    """An API that leaves out what one may not see, page by page."""
    site.pages["/t"] = lambda asked: answer(
        {"data": {"1": TICKETS[:3], "2": TICKETS[3:4], "3": TICKETS[4:7]}.get(asked.query["page"], [])}
    )
    assert len(list(source(site, pages={"by": "page", "size": 3}).scan({}))) == len(TICKETS)


@pytest.mark.parametrize("second", ["empty", "404", "400", "same"])
def test_all_on_a_first_page_ends_however_the_api_says_so(site: Web, second: str) -> None:
    """Nothing on the next, no such page, or the same once more; and where it says how many there are, it is not asked."""
    whole = answer({"data": TICKETS, "meta": {"total": len(TICKETS)}})
    after = {"empty": answer({"data": []}), "404": Reply(status=404), "400": Reply(status=400), "same": whole}[second]
    site.pages["/t"] = lambda asked: whole if asked.query["page"] == "1" else after
    pages = {"by": "page", "size": 50}
    assert len(list(source(site, pages=pages).scan({}))) == len(TICKETS)
    assert len(site.asked) == 2
    assert len(list(source(site, pages=pages, total="meta.total").scan({}))) == len(TICKETS)
    assert len(site.asked) == 3


@pytest.mark.parametrize(("rel", "found"), [("prev next", 2), ("next", 2), ("next-archive", 1), ("prenext", 1)])
def test_the_next_link_is_one_that_says_next(site: Web, rel: str, found: int) -> None:
    """Among several relations; `next-archive` is another one."""

    def linked(asked: Asked) -> Reply:
        first = "p" not in asked.query
        return answer({"data": TICKETS[first : first + 1]}, **({"Link": f'</t?p=2>; rel="{rel}"'} if first else {}))

    site.pages["/t"] = linked
    assert len(list(source(site, pages={"by": "link"}).scan({}))) == found


def test_an_item_that_moved_between_pages_is_one_document(site: Web) -> None:
    """It comes twice; the later reading counts."""
    later = TICKETS[2] | {"fields": {"name": "T3", "text": "edited"}}
    site.pages["/t"] = lambda asked: answer({"data": TICKETS[:3] if asked.query["page"] == "1" else [later]})
    made = source(site, pages={"by": "page", "size": 3})
    refs = {ref.uri: ref for ref in made.scan({})}
    assert len(refs) == 3
    assert made.fetch(refs["tickets/3"]).content == b"# T3\n\nedited"


def test_credentials_go_to_the_api_only(site: Web) -> None:
    """They are headers; a next page on another host is not followed; no message shows them."""
    site.pages["/t"] = lambda asked: (
        by_link(asked) if asked.headers.get("Authorization") == "Bearer s3cret" else Reply(status=401)
    )
    headers = {"Authorization": "Bearer s3cret"}
    assert len(uris(source(site, pages={"by": "link"}, headers=headers))) == 7
    site.pages["/t"] = answer({"data": TICKETS[:1]}, Link='<http://elsewhere.example/t?key=s3cret>; rel="next"')
    made = source(site, pages={"by": "link"}, headers=headers)
    with pytest.raises(SourceUnavailable, match="another host") as error:
        uris(made)
    assert "s3cret" not in error.value.message + error.value.hint + repr(made.options)


def test_rate_limits_are_honoured(site: Web) -> None:
    """429 with Retry-After costs the wait that it asks for, and no item."""
    replies = iter([Reply(status=429, headers={"Retry-After": "11"})])
    site.pages["/t"] = lambda asked: next(replies, None) or by_page(asked)
    naps: list[float] = []
    assert len(uris(source(site, naps, pages={"by": "page", "size": 3}))) == 7
    assert naps == [11]


def test_updated_at_is_the_validator(site: Web) -> None:
    """With it an edit that the API does not date is no change; without it the content decides."""
    site.pages["/t"] = answer({"data": TICKETS})
    timed, plain = source(site, updated_at="at"), source(site)
    before = [{ref.uri: ref.validator for ref in made.scan({})} for made in (timed, plain)]
    site.pages["/t"] = answer({"data": [TICKETS[0] | {"fields": {"text": "edited"}}, *TICKETS[1:]]})
    after = [{ref.uri: ref.validator for ref in made.scan({})} for made in (timed, plain)]
    assert after[0] == before[0]
    assert {uri for uri in after[1] if after[1][uri] != before[1][uri]} == {"tickets/1"}


def test_wrong_options_are_named(site: Web) -> None:
    """Before anything is asked."""
    for wrong in ({"url": "ftp://x/"}, {"pages": {"by": "cursor"}}, {"items": "a..b"}, {"pages": {"by": "sideways"}}):
        with pytest.raises(ValidationError):
            source(site, **wrong)
    assert not site.asked


def test_pages_that_repeat_are_said(site: Web) -> None:
    """An API that does not know the page's number; one whose pages differ in a stamp only; a next page that is the same one."""
    site.pages["/t"] = lambda asked: answer({"data": TICKETS})
    with pytest.raises(SourceUnavailable, match="know the parameter 'page'"):
        list(source(site, pages={"by": "page"}).scan({}))
    assert site.bodies["/t"] == 2
    site.pages["/t"] = lambda asked: answer({"data": TICKETS, "served": len(site.asked)})
    with pytest.raises(SourceUnavailable, match="know the parameter 'offset'"):
        list(source(site, pages={"by": "offset"}).scan({}))
    assert len(site.asked) < 10
    site.pages["/t"] = lambda asked: answer({"data": TICKETS[:1]}, Link=f'<{site.url("t")}>; rel="next"')
    with pytest.raises(SourceUnavailable, match="circle"):
        list(source(site, pages={"by": "link"}).scan({}))


def test_pages_without_end_end(site: Web) -> None:
    """By their number, and by the time that they take: said, and nothing is taken for deleted."""
    site.pages["/t"] = lambda asked: answer(
        {"data": [TICKETS[0] | {"id": len(site.asked)}], "meta": {"next": f"c{len(site.asked)}"}}
    )
    cursor = {"by": "cursor", "cursor": "meta.next"}
    with pytest.raises(SourceUnavailable, match="max_pages, 20"):
        list(source(site, pages=cursor | {"max_pages": 20}).scan({}))
    ticks = iter(range(0, 10_000, 20))
    made = RestSource("tickets", source(site, pages=cursor, max_minutes=1).options, clock=lambda: next(ticks))
    with pytest.raises(SourceUnavailable, match="max_minutes, 1"):
        list(made.scan({}))


@pytest.mark.parametrize("following", ["http://[::1/x?a", "http://a:PORT/x", {"a": 1}, ["x"], True, "x" * 10_000], ids=repr)
def test_what_comes_next_may_be_anything(site: Web, following: Any) -> None:
    """And is no crash."""
    site.pages["/t"] = lambda asked: answer({"data": TICKETS[:1], "meta": {"next": following}})
    with pytest.raises(SourceUnavailable):
        list(source(site, pages={"by": "cursor", "cursor": "meta.next"}).scan({}))


def test_a_page_beyond_bounds_is_no_page(site: Web) -> None:
    """Nested without end, or of more values than a page could need; before anything of that size is built."""
    for body in (b"[" * 200_000, b'{"data": [' + b"[]," * 3_000_000 + b"[]]}"):
        site.pages["/t"] = body
        with pytest.raises(SourceUnavailable, match="no JSON"):
            list(source(site).scan({}))
