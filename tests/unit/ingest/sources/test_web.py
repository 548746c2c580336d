"""What `web` promises, on a real site with redirects, robots.txt, ETags, a slow page, a loop and traps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ingest.sources.pages import canonical
from ingest.sources.web import WebOptions, WebSource
from sluice.errors import DocumentError, SourceUnavailable
from sluice.records import ItemRef
from tests.website import Page, Site, article, moved, website, zipped

pytestmark = pytest.mark.slow


@pytest.fixture
def site() -> Iterator[Site]:
    with website() as running, website() as private:
        private.pages["/admin"] = Page(article("Secrets of the neighbour"))
        base = running.url
        links = (
            "/guide?utm_source=x#top",
            "/guide",
            "/old",
            "/same",
            "/inside",
            "/slow",
            "/loop",
            "/picture.png",
            "/big",
            "/hidden",
        )
        running.pages |= {
            "/robots.txt": Page("User-agent: *\nDisallow: /inside\n", kind="text/plain"),
            "/": Page(article("Home", links=(*links, "/trap", f"{private.url}/admin", "/flaky"))),
            "/guide": Page(article("Guide", links=("/plain",))),
            "/plain": Page("just text", kind="text/plain", etag=False),
            "/old": moved("/guide"),
            "/same": Page(article("Guide again", head=f'<link rel="canonical" href="{base}/guide">')),
            "/inside": Page(article("Not for crawlers")),
            "/slow": Page(article("Slow"), wait_s=20),
            "/loop": moved("/loop?again=1"),
            "/loop?again=1": moved("/loop"),
            "/big": Page(article("Big", "x" * 300_000)),
            "/hidden": Page(article("Hidden", head='<meta name="robots" content="noindex">', links=("/behind",))),
            "/behind": Page(article("Behind")),
            "/trap": moved(f"{private.url}/admin"),
            "/flaky": Page("busy", 503),
            "/sitemap.xml.gz": Page(zipped(f"<urlset><url><loc>{base}/mapped</loc></url></urlset>"), kind="application/gzip"),
            "/mapped": Page(article("Mapped")),
        }
        yield running
        assert private.requests == [], "a private neighbour was asked"


def source(site: Site, **more: object) -> WebSource:
    options = {"start": [f"{site.url}/"], "delay_s": 0, "timeout_s": 2, "attempts": 1, "max_bytes": 100_000, **more}
    return WebSource("web", WebOptions.model_validate(options))


def listed(found: WebSource, known: dict[str, str], site: Site) -> dict[str, ItemRef]:
    refs = list(found.scan(known))
    assert len({ref.uri for ref in refs}) == len(refs)
    return {ref.uri.removeprefix(site.url): ref for ref in refs}


def test_a_site_is_read_once_and_politely_and_its_traps_cost_one_entry_each(site: Site) -> None:
    """Links, sitemap, canonical addresses and robots.txt; slow, endless, oversized and private pages fail alone."""
    found = source(site, sitemaps=[f"{site.url}/sitemap.xml.gz"])
    refs = listed(found, {}, site)
    good = {"/", "/guide", "/plain", "/mapped", "/behind"}
    neighbour = next(path for path in refs if path.endswith("/admin"))
    assert set(refs) == good | {"/slow", "/loop", "/big", "/trap", "/flaky", neighbour}
    assert ("/inside", 200) not in site.requests
    assert ("/picture.png", 404) not in site.requests
    reasons = {}
    for path in ("/big", "/loop", "/trap", neighbour):
        with pytest.raises(DocumentError) as error:
            found.fetch(refs[path])
        reasons[path] = error.value.reason
    refused = "refused_address"
    assert reasons == {"/big": "too_large", "/loop": "redirects", "/trap": refused, neighbour: refused}
    for path in ("/slow", "/flaky"):
        with pytest.raises(SourceUnavailable):
            found.fetch(refs[path])
    text = found.fetch(refs["/guide"]).content.decode()
    assert "Deploy the gateway" in text
    assert "Menu entry" not in text
    assert "Imprint" not in text
    assert found.fetch(refs["/plain"]).content == b"just text"
    assert found.fetch(refs["/guide"]).metadata == {"url": f"{site.url}/guide", "canonical_uri": f"{site.url}/guide"}

    site.sent()
    known = {ref.uri: found.fetch(ref).validator for path, ref in refs.items() if path in good}
    again = source(site)
    second = {uri: ref.validator for uri, ref in ((r.uri, r) for r in again.scan(known)) if uri in known}
    assert second == known
    assert set(site.sent()) <= {"/plain"}, "only the page without an ETag was sent again"


def test_what_changes_is_seen_and_what_cannot_be_reached_stays(site: Site) -> None:
    """An edit has a new validator, a 404 leaves, a 503 and a timeout stay as known, a new link is followed."""
    for path in ("/slow", "/flaky", "/trap", "/loop", "/big"):
        del site.pages[path]
    first = source(site, exclude=["**/admin"])
    refs = listed(first, {}, site)
    assert set(refs) == {"/", "/guide", "/plain", "/behind"}
    known = {ref.uri: ref.validator for ref in refs.values()}
    site.pages["/guide"] = Page(
        article("Guide", "Now deploy on Wednesdays, if you must and nobody minds it. " * 5, links=("/fresh",))
    )
    site.pages["/fresh"] = Page(article("Fresh"))
    site.pages["/behind"] = Page("busy", 503)
    del site.pages["/plain"]
    second = source(site, exclude=["**/admin"])
    refs = listed(second, known, site)
    assert set(refs) == {"/", "/guide", "/fresh", "/behind"}
    assert refs["/guide"].validator != known[f"{site.url}/guide"]
    assert refs["/behind"].validator == known[f"{site.url}/behind"]
    assert refs["/"].validator == known[f"{site.url}/"]
    assert b"Wednesdays" in second.fetch(refs["/guide"]).content
    elsewhere = source(site)
    assert elsewhere.fetch(refs["/guide"]).content == second.fetch(refs["/guide"]).content
    assert elsewhere.fetch(refs["/guide"]).validator == refs["/guide"].validator


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (Page("down", 503), "503"),
        (Page("go away", 403), "403"),
        (moved("/login"), "login page"),
    ],
    ids=["down", "forbidden", "login"],
)
def test_a_start_page_that_cannot_be_had_is_no_empty_site(page: Page, said: str) -> None:
    """Nothing is listed, so nothing is deleted."""
    with website() as site:
        site.pages |= {"/": page, "/login": Page('<html><body><form><input type="password"></form></body></html>')}
        with pytest.raises(SourceUnavailable, match=said):
            source(site).scan({f"{site.url}/a": "etag:1"})


def test_private_addresses_are_refused_unless_named() -> None:
    """Start pages name their own host and port; a link to another port of this machine is not followed, by any name."""
    with website() as site, website() as private:
        private.pages["/"] = Page(article("Private"))
        targets = [f"http://{host}:{private.port}/" for host in ("127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1")]
        site.pages["/"] = Page(article("Home", links=(*targets, "/hop")))
        site.pages["/hop"] = moved(targets[1])
        domains = ["127.0.0.1", "localhost", "::1", "2130706433", "0x7f.1"]
        found = source(site, domains=domains)
        refs = list(found.scan({}))
        assert private.requests == []
        outcomes = {}
        for ref in refs:
            try:
                found.fetch(ref)
            except (DocumentError, SourceUnavailable) as error:
                outcomes[ref.uri] = getattr(error, "reason", "")
        assert f"{site.url}/" not in outcomes
        assert outcomes[f"{site.url}/hop"] == "refused_address"
        assert private.requests == []
        named = source(site, domains=domains, allow_hosts=[f"127.0.0.1:{private.port}"])
        assert f"{private.url}/" in {ref.uri for ref in named.scan({})}


def test_budget_and_patterns_bound_a_crawl() -> None:
    """An endless calendar stops at max_pages; include and exclude decide what is listed and followed."""
    with website() as site:
        site.pages |= {f"/day/{n}": Page(article(f"Day {n}", links=(f"/day/{n + 1}",))) for n in range(50)}
        site.pages["/"] = Page(article("Home", links=("/day/0", "/private/a")))
        site.pages["/private/a"] = Page(article("A"))
        found = source(site, max_pages=10, include=["**/day/*"], exclude=["**/private/**"])
        uris = {ref.uri for ref in found.scan({})}
        assert uris == {f"{site.url}/day/{n}" for n in range(9)}
        assert all(not path.startswith("/private") for path, _ in site.requests)


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("HTTP://Example.org:80/a/../b?b=2&a=1&utm_source=x#top", "http://example.org/b?a=1&b=2"),
        ("https://example.org", "https://example.org/"),
        ("https://example.org:8443/ä", "https://example.org:8443/%C3%A4"),
    ],
)
def test_one_page_has_one_address(url: str, page: str) -> None:
    """Host in lower case, no fragment, no tracking, sorted query."""
    assert canonical(url) == page
