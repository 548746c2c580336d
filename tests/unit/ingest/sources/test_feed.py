"""RSS and Atom feeds, against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.parse import UnstructuredParser
from ingest.sources.feed import FeedOptions, FeedSource
from sluice.errors import DocumentError, SourceUnavailable
from sluice.records import ItemRef
from tests.web import Reply, Web, web

ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>Releases &amp; news</title><id>f</id><updated>2026-01-02T00:00:00Z</updated>
{entries}</feed>"""
FULL = """<entry><title>Version 2</title><id>tag:2</id><link href="{url}v2"/><updated>2026-01-02T10:00:00+01:00</updated>
<published>2026-01-01T00:00:00Z</published><author><name>Ada</name></author><category term="release"/>
<content type="html">&lt;p&gt;It is faster.&lt;/p&gt;&lt;script&gt;alert(1)&lt;/script&gt;</content></entry>"""
SHORT = """<entry><title>Version 1</title><id>tag:1</id><link href="{url}v1"/><updated>2026-01-01T00:00:00Z</updated>
<summary>It is there.</summary></entry>"""
PAGE = (
    b"<html><head><link rel='canonical' href='https://blog.example.org/1'></head>"
    b"<body><h1>Version 1</h1><p>The whole story.</p></body></html>"
)
ARTICLE = Reply(PAGE, headers={"Content-Type": "text/html"})


@pytest.fixture
def site() -> Iterator[Web]:
    with web() as made:
        made.pages["/v1"] = ARTICLE
        publish(made, FULL, SHORT)
        yield made


def publish(site: Web, *entries: str) -> None:
    site.pages["/feed"] = ATOM.format(entries="".join(entry.format(url=site.url()) for entry in entries)).encode()


def source(site: Web, **options: Any) -> FeedSource:
    return FeedSource("news", FeedOptions(**({"url": site.url("feed"), "attempts": 1} | options)))


def test_an_entry_is_its_text_or_the_article_it_links_to(site: Web) -> None:
    """Full entries cost no request; summaries are followed; author, time, link and categories are metadata."""
    made = source(site)
    refs = {ref.uri: ref for ref in made.scan({})}
    full, short = made.fetch(refs[site.url("v2")]), made.fetch(refs[site.url("v1")])
    assert site.bodies == {"/feed": 1, "/v1": 1}
    assert short.content == ARTICLE.content
    assert full.metadata == {
        "feed": "Releases & news",
        "title": "Version 2",
        "link": site.url("v2"),
        "canonical_uri": site.url("v2"),
        "author": "Ada",
        "published": "2026-01-01T00:00:00Z",
        "categories": ["release"],
    }
    assert full.modified
    assert full.modified.isoformat() == "2026-01-02T09:00:00+00:00"
    document = UnstructuredParser().parse(full, source="news")
    assert (document.title, "It is faster." in document.text, "alert" in document.text) == ("Version 2", True, False)
    assert UnstructuredParser().parse(short, source="news").metadata["canonical_uri"] == "https://blog.example.org/1"
    assert made.fetch(refs[site.url("v2")]).tags is None


def test_an_unchanged_feed_costs_one_request_without_a_body(site: Web, tmp_path: Path) -> None:
    """Its ETag is kept between runs, in the source's own folder; articles are asked for only when new."""
    first = source(site, cache=tmp_path)
    known = {ref.uri: ref.validator for ref in first.scan({})}
    site.bodies.clear()
    second = source(site, cache=tmp_path)
    assert {ref.uri: ref.validator for ref in second.scan(known)} == known
    assert not site.bodies
    publish(site, SHORT.replace("01T00:00:00Z", "03T00:00:00Z"))
    refs = {ref.uri: ref.validator for ref in source(site, cache=tmp_path).scan(known)}
    assert {uri for uri in refs if refs[uri] != known[uri]} == {site.url("v1")}


@pytest.mark.parametrize("known_before", [0, 1, 2])
def test_a_crash_between_listing_and_fetching_loses_nothing(site: Web, tmp_path: Path, known_before: int) -> None:
    """What a run before this one did not come to, or a backfill wants again, is read from a feed that has not changed."""
    listed = [(ref.uri, ref.validator) for ref in source(site, cache=tmp_path).scan({})]
    made = source(site, cache=tmp_path)
    assert len([made.fetch(ref).content for ref in made.scan(dict(listed[:known_before]))]) == 2


def test_no_text_is_kept_beside_the_raw_store(site: Web, tmp_path: Path) -> None:
    """Redaction and erasure rule over the raw store; what lies beside it must hold nothing for them."""
    made = source(site, cache=tmp_path)
    assert any(b"It is faster." in made.fetch(ref).content for ref in made.scan({}))
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert site.url("v2").encode() in kept
    assert b"faster" not in kept


def test_what_leaves_the_feed_stays_in_the_index(site: Web) -> None:
    """Unless keep is false, which makes the feed all there is."""
    known = {ref.uri: ref.validator for ref in source(site).scan({})}
    publish(site, FULL)
    assert {ref.uri: ref.validator for ref in source(site).scan(known)} == known
    assert [ref.uri for ref in source(site, keep=False).scan(known)] == [site.url("v2")]
    publish(site)
    assert {ref.uri for ref in source(site).scan(known)} == set(known)


@pytest.mark.parametrize("page", [b"<html><body>log in</body></html>", b"", b"{}"], ids=["html", "empty", "json"])
def test_what_is_no_feed_is_no_listing(site: Web, page: bytes) -> None:
    """A login page says nothing about entries; nor does a feed that is cut off, where the feed is all there is."""
    site.pages["/feed"] = page
    with pytest.raises(SourceUnavailable, match="is no feed"):
        list(source(site).scan({}))
    publish(site, FULL, SHORT)
    whole = site.pages["/feed"]
    assert isinstance(whole, bytes)
    site.pages["/feed"] = whole[:-60]
    with pytest.raises(SourceUnavailable, match="cut off"):
        list(source(site, keep=False).scan({}))


def test_articles_at_private_addresses_are_refused(site: Web) -> None:
    """A feed's links are not the configuration's: nothing is connected to, and the other entries are unharmed."""
    with web() as inside:
        inside.pages["/admin"] = b"secret"
        publish(site, FULL, SHORT.replace("{url}v1", inside.url("admin")))
        made = source(site)
        refs = {ref.uri: ref for ref in made.scan({})}
        with pytest.raises(DocumentError) as error:
            made.fetch(refs[inside.url("admin")])
        assert error.value.reason == "refused_address"
        assert not inside.asked
    assert b"faster" in made.fetch(refs[site.url("v2")]).content


def test_an_entity_bomb_is_no_feed_and_no_harm(site: Web) -> None:
    """A billion laughs expand to nothing."""
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ha" * 10}">' for n in range(10))
    bomb = f"<?xml version='1.0'?><!DOCTYPE rss [{entities}]><rss version='2.0'><channel><title>&a9;</title></channel></rss>"
    site.pages["/feed"] = bomb.encode()
    assert list(source(site).scan({})) == []


STATUS = """<item><title>Incident {n}</title><link>{url}status</link>{guid}<pubDate>Mon, 0{n} Jun 2026 10:00:00 GMT</pubDate>
<content:encoded><![CDATA[<p>Incident {n}: it took {n}0 minutes.</p>]]></content:encoded></item>"""
RSS = '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Status</title>{items}</channel></rss>'


def incidents(site: Web, *numbers: int, guid: str = "<guid isPermaLink='false'>inc-{n}</guid>", more: str = "") -> None:
    items = "".join(STATUS.format(n=n, url=site.url(), guid=guid.format(n=n)) for n in numbers)
    site.pages["/feed"] = RSS.format(items=items + more).encode()


@pytest.mark.parametrize(
    "guid", ["<guid isPermaLink='false'>inc-{n}</guid>", "<guid>urn:x:{n}</guid>", ""], ids=["word", "urn", "none"]
)
def test_entries_with_one_link_are_documents_of_their_own(site: Web, guid: str) -> None:
    """Three incidents on one status page: three documents, that stay what they are when the feed goes on."""
    incidents(site, 3, 2, 1, guid=guid)
    made = source(site)
    refs = {ref.uri: ref for ref in made.scan({})}
    assert len(refs) == 3
    assert {b"Incident %d:" % n in made.fetch(refs[uri]).content for uri in refs for n in (1, 2, 3)} == {True, False}
    known = {uri: ref.validator for uri, ref in refs.items()}
    incidents(site, 4, 3, guid=guid)
    later = {ref.uri: ref.validator for ref in source(site).scan(known)}
    assert len(later) == 4
    assert {uri: later[uri] for uri in known} == known
    (only,) = later.keys() - known.keys()
    incidents(site, 4, guid=guid)
    assert {ref.uri for ref in source(site).scan(later)} == set(later), "alone in the feed, it keeps its name"
    assert b"Incident 4" in source(site).fetch(ItemRef(only, later[only])).content, "in another process too"


def test_a_second_entry_with_a_link_renames_the_first_once(site: Web) -> None:
    """The link alone was one document; it is not kept beside its successor."""
    incidents(site, 1)
    known = {ref.uri: ref.validator for ref in source(site).scan({})}
    assert set(known) == {site.url("status")}
    incidents(site, 2, 1)
    assert {ref.uri for ref in source(site).scan(known)} == {site.url(f"status#inc-{n}") for n in (1, 2)}


def test_what_a_feed_takes_back_does_not_stay(site: Web, tmp_path: Path) -> None:
    """Deleted entries (RFC 6721), by the id that they had; also when a run is interrupted and the feed has not changed since."""
    known = {ref.uri: ref.validator for ref in source(site, cache=tmp_path).scan({})}
    assert set(known) == {site.url("v1"), site.url("v2")}
    tombstone = "<at:deleted-entry xmlns:at='http://purl.org/atompub/tombstones/1.0' ref='tag:1' when='2026-02-01T00:00:00Z'/>"
    publish(site, tombstone, FULL)
    for _ in range(2):
        assert {ref.uri for ref in source(site, cache=tmp_path).scan(known)} == {site.url("v2")}


def test_an_entry_whose_link_has_moved_does_not_stay_at_the_old_one(site: Web, tmp_path: Path) -> None:
    """It is told by its id, also where the feed has no ETag; what merely left the feed stays, and so where ids say nothing."""
    publish(site, FULL, SHORT)
    known = {ref.uri: ref.validator for ref in source(site, cache=tmp_path).scan({})}
    assert set(known) == {site.url("v1"), site.url("v2")}
    publish(site, FULL.replace("{url}v2", "{url}hr/v2"))
    for _ in range(2):  # also when the first of these runs was interrupted
        assert {ref.uri for ref in source(site, cache=tmp_path).scan(known)} == {site.url("v1"), site.url("hr/v2")}
    twice = FULL.replace("tag:2", "tag:0") + SHORT.replace("tag:1", "tag:0")
    publish(site, twice)
    known = {ref.uri: ref.validator for ref in source(site, cache=tmp_path).scan({})}
    publish(site, twice.replace("{url}v1", "{url}v3"))
    assert site.url("v1") in {ref.uri for ref in source(site, cache=tmp_path).scan(known)}


def test_an_article_that_lies_elsewhere_is_judged_by_both_addresses(site: Web) -> None:
    """Where its link redirects to; https, `www.` and a slash are no other place, and a login page is no article."""
    for target, stands_for in (("v1/", ""), ("hr/v1", site.url("hr/v1"))):
        site.pages |= {"/v1": Reply(status=302, headers={"Location": f"/{target}"}), f"/{target}": ARTICLE}
        made = source(site)
        refs = {ref.uri: ref for ref in made.scan({})}
        assert made.fetch(refs[site.url("v1")]).stands_for == stands_for
    form = b"<html><body><form><input type=password></form></body></html>"
    site.pages["/hr/v1"] = Reply(form, headers={"Content-Type": "text/html"})
    with pytest.raises(SourceUnavailable, match="a login page"):
        made.fetch(refs[site.url("v1")])


def test_links_are_absolute_and_an_entry_without_any_name_is_an_entry(site: Web) -> None:
    """Relative ones count from the feed; an id given twice is one document, the newest; neither link nor id: quarantine."""
    more = "<item><link>/v1</link></item><item><title>nameless</title></item>"
    more += "<item><guid isPermaLink='false'>x</guid><description>new</description></item>"
    incidents(site, 1, more=more + "<item><guid isPermaLink='false'>x</guid><description>old</description></item>")
    made = source(site)
    refs = {ref.uri: ref for ref in made.scan({})}
    (bad,) = (uri for uri in refs if uri.startswith(site.url("feed#")))
    assert set(refs) == {bad, site.url("status"), site.url("v1"), "x"}
    with pytest.raises(DocumentError) as error:
        made.fetch(refs[bad])
    assert error.value.reason == "no_key"
    assert b"new" in made.fetch(refs["x"]).content
    assert b"whole story" in made.fetch(refs[site.url("v1")]).content


def test_an_empty_content_is_none(site: Web) -> None:
    """A summary beside an empty content, and the longest of several contents."""
    publish(
        site,
        SHORT.replace("<summary>", "<content type='html'> </content><summary>"),
        FULL.replace("<content", "<content>s</content><content"),
    )
    made = source(site)
    items = {ref.uri: made.fetch(ref) for ref in made.scan({})}
    assert b"whole story" in items[site.url("v1")].content
    assert b"It is faster." in items[site.url("v2")].content
