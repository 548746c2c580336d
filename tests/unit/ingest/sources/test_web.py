"""What `web` promises, on a real site with redirects, robots.txt, ETags, a slow page, a loop and traps."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.parse import UnstructuredParser
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
    options = {"start": [f"{site.url}/"], "delay_s": 0, "timeout_s": 5, "attempts": 1, "max_bytes": 100_000, **more}
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
        assert (found.asks_for(f"{site.url}/day/9"), found.asks_for(f"{site.url}/private/a")) == (True, False)


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("HTTP://Example.org:80/a/../b?b=2&a=1&utm_source=x#top", "http://example.org/b?a=1&b=2"),
        ("https://example.org", "https://example.org/"),
        ("https://example.org:8443/ä", "https://example.org:8443/%C3%A4"),
        ("http://a.org/x?t=b&t=a&t=b", "http://a.org/x?t=a&t=b&t=b"),
        ("http://a.org/s;jsessionid=A1?x=1&PHPSESSID=9", "http://a.org/s?x=1"),
        ("http://a.org/x?sid=12&s=word", "http://a.org/x?s=word&sid=12"),
    ],
)
def test_one_page_has_one_address(url: str, page: str) -> None:
    """Host in lower case, no fragment, no tracking, no session, sorted query."""
    assert canonical(url) == page


@pytest.mark.parametrize(
    "url", ["http://localhost:PORT/x", "http://[::1", "http://", "mailto:x@y", "http://a/\ud800", "http://a/" + "x" * 9000]
)
def test_what_is_no_address_is_said_in_one_way(url: str) -> None:
    """So that whoever follows links has one error to expect."""
    with pytest.raises(ValueError, match=r"."):
        canonical(url)


MORE = "Whoever asks for a key to the archive waits for three days, and the answer comes in writing from the team lead. " * 3


def test_a_canonical_address_is_believed_when_it_answers_with_the_page() -> None:
    """Not when it is gone, redirects back, says something else, forbids itself, or lies outside; in a circle one stays."""
    with website() as site:

        def says(target: str, text: str = MORE) -> Page:
            return Page(article("A page", text, head=f'<LINK REL="Canonical" HREF="{target}">'))

        site.pages |= {
            "/home": Page(article("Home page")),
            "/copy": says("/home", article("x").split("<p>")[1].split("</p>")[0]),
            "/dead": says("/nowhere"),
            "/slash/": says("/slash"),
            "/slash": Page(b"", 301, headers={"Location": "/slash/"}),
            "/every": says("/home"),
            "/forbids": says("/noindex"),
            "/noindex": Page(article("A page", MORE, head="<meta name=robots content=noindex>")),
            "/outside": says("http://example.org/x"),
            "/excluded": says("/private/x"),
            "/private/x": Page(article("A page", MORE)),
            "/ring-a": says("/ring-b", f"{MORE} ring"),
            "/ring-b": says("/ring-c", f"{MORE} ring"),
            "/ring-c": says("/ring-a", f"{MORE} ring"),
            "/header": Page(article("Header", MORE), headers={"Link": '</target>; rel="canonical"'}),
            "/target": Page(article("Target", MORE)),
            "/two": Page(article("Two", MORE, head="<link rel=canonical href=/target><link rel=canonical href=/home>")),
        }
        site.pages["/"] = Page(article("Start", links=tuple(site.pages)))
        refs = listed(source(site, exclude=["**/private/**"]), {}, site)
        alone = {"/dead", "/slash/", "/every", "/forbids", "/outside", "/excluded", "/two"}
        assert set(refs) == {"/", "/home", "/target", "/ring-a"} | alone
        known = {ref.uri: ref.validator for ref in refs.values()}
        site.pages["/fresh-copy"] = says("/target")
        site.pages["/"] = Page(article("Start", links=(*site.pages,)))
        assert set(listed(source(site, exclude=["**/private/**"]), known, site)) == set(refs), "also when it was not sent again"


def test_addresses_that_differ_are_pages_that_differ_and_those_of_sessions_are_one() -> None:
    """Repeated names in a query; session ids in path and query; an address that needs its session id keeps the first."""
    with website() as site:
        needs = {f"/needs;jsessionid={n}": Page(article("Needs", MORE)) for n in ("A1", "B2")}
        topics = {f"/topic?t=a&t={t}": Page(article(f"Topic {t}", f"{MORE} {t}")) for t in "bc"}
        site.pages |= needs | topics | {"/plain": Page(article("Plain")), "/plain?sid=12": Page(article("Twelve"))}
        links = (
            "/plain;jsessionid=A1",
            "/plain?PHPSESSID=abc",
            f"/plain?sid={'0a' * 16}",
            "/plain?sid=12",
            "/plain#a",
            "/plain#b",
        )
        site.pages["/"] = Page(article("Start", links=(*needs, *topics, *links)))
        refs = listed(source(site), {}, site)
        assert set(refs) == {"/", "/plain", "/plain?sid=12", "/needs;jsessionid=A1", *topics}
        known = {ref.uri: ref.validator for ref in refs.values()}
        site.pages["/needs;jsessionid=C3"] = needs["/needs;jsessionid=A1"]
        site.pages["/"] = Page(article("Start", links=("/needs;jsessionid=C3", *topics, *links)))
        assert set(listed(source(site), known, site)) == set(refs)


def test_directives_are_obeyed_in_every_spelling_and_number() -> None:
    """Of tags and headers, also of pages without HTML; a page that was to be shown until yesterday is asked again."""
    with website() as site:
        listed_until = "Fri, 01 Jan 2100 00:00:00 GMT"
        site.pages |= {
            "/upper": Page(article("U", head="<META NAME='ROBOTS' CONTENT='NOINDEX, NOFOLLOW'>", links=("/behind-upper",))),
            "/none": Page(article("N", head="<meta name=robots content=none>", links=("/behind-none",))),
            "/ours": Page(article("O", head="<meta name=sluice content=noindex>", links=("/behind-ours",))),
            "/theirs": Page(article("T", head="<meta name=googlebot content=noindex>")),
            "/text": Page("text", kind="text/plain", headers={"X-Robots-Tag": "googlebot: nofollow, sluice: noindex"}),
            "/over": Page(article("V"), headers={"x-robots-tag": "unavailable_after: 25 Jun 2010 15:00:00 PST"}),
            "/until": Page(article("W"), headers={"X-ROBOTS-TAG": f"unavailable_after: {listed_until}"}),
            **{f"/behind-{name}": Page(article(name)) for name in ("upper", "none", "ours")},
        }
        site.pages["/"] = Page(article("Start", links=("/upper", "/none", "/ours", "/theirs", "/text", "/over", "/until")))
        refs = listed(source(site), {}, site)
        assert set(refs) == {"/", "/theirs", "/until", "/behind-ours"}
        known = {ref.uri: ref.validator.replace("2100-01-01", "2020-01-01") for ref in refs.values()}
        assert known[f"{site.url}/until"] != refs["/until"].validator
        site.sent()
        listed(source(site), known, site)
        assert site.sent() == ["/until"]


def test_one_page_that_fails_costs_one_page() -> None:
    """Links that are no addresses, a page that breaks off, a page beyond reading: what lies behind the others is found."""
    with website() as site:
        bad = ("http://localhost:PORT/x", "http://[::1/", "http://", "//", "javascript:void(0)", "http://a b/", "/x" * 3000)
        site.pages |= {
            "/ports": Page(article("Ports", links=(*bad, "/behind"))),
            "/behind": Page(article("Behind")),
            "/deep": Page("<div>" * 5000),
        }
        site.pages["/"] = Page(article("Start", links=("/ports", "/deep")))
        found = source(site)
        refs = listed(found, {}, site)
        assert set(refs) == {"/", "/ports", "/behind", "/deep"}
        with pytest.raises(DocumentError, match="nested") as error:
            found.fetch(refs["/deep"])
        assert error.value.reason == "nested_too_deeply"
        site.pages["/deep"] = Page("<div>" * 5000 + "changed")
        assert listed(source(site), {}, site)["/deep"].validator != refs["/deep"].validator, "another page is tried"


def test_sitemaps_without_end_and_in_circles() -> None:
    """A circle is walked once; an index without end is an error that says so, and so is a page in a sitemap's place."""
    with website() as site:

        def index(*paths: str) -> Page:
            inner = "".join(f"<sitemap><loc>{site.url}{path}</loc></sitemap>" for path in paths)
            return Page(
                f"<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{inner}</sitemapindex>", kind="text/xml"
            )

        site.pages |= {
            "/": Page(article("Start")),
            "/mapped": Page(article("Mapped")),
            "/a": index("/a", "/b"),
            "/b": index("/a", "/c"),
        }
        site.pages["/c"] = Page(f"{site.url}/mapped\n", kind="text/plain")
        assert set(listed(source(site, sitemaps=[f"{site.url}/a"]), {}, site)) == {"/", "/mapped"}
        site.pages |= {f"/i{n}": index(f"/i{n + 1}", f"/i{n + 1}0") for n in range(40)}
        with pytest.raises(SourceUnavailable, match="more than 10 others"):
            source(site, sitemaps=[f"{site.url}/i0"], max_sitemaps=10, max_pages=5).scan({})
        site.pages["/login"] = Page("<!doctype html><html><body><form>Sign in</form></body></html>")
        with pytest.raises(SourceUnavailable, match="/login: is an HTML page"):
            source(site, sitemaps=[f"{site.url}/login"]).scan({})


def test_a_page_asked_for_again_is_the_page_that_was_kept() -> None:
    """In its charset, whether the header or the document names it; by another process too."""
    with website() as site:
        text = f"<main><h1>Preise für Gäste</h1><p>Gebühr: fünf € {MORE}</p></main>"
        site.pages |= {
            "/header": Page(text.encode("cp1252"), kind="text/html; charset=iso-8859-1"),
            "/meta": Page(f"<meta charset=windows-1252>{text}".encode("cp1252"), kind="text/html"),
            "/plain": Page("Gebühr: fünf €".encode("cp1252"), kind="text/plain; charset=windows-1252"),
        }
        site.pages["/"] = Page(article("Start", links=("/header", "/meta", "/plain")))
        for main in (True, False):
            found = source(site, main_text=main)
            refs = listed(found, {}, site)
            for path in ("/header", "/meta", "/plain"):
                item = found.fetch(refs[path])
                again = source(site, main_text=main).fetch(refs[path])
                assert (again.content, again.validator) == (item.content, item.validator)
                document = UnstructuredParser().parse(item, source="web")
                assert "fünf €" in document.text, (path, main)


CASE = Path(__file__).resolve().parents[4] / "../shared/corpora/cases/26-web/site.py"


def test_a_page_that_has_moved_is_known_by_where_it_lies_now() -> None:
    """A server that answers 304 at the new address, too, does not keep the page at the old one, whose readers are others."""
    with website() as site:
        body = article("Plan")
        site.pages |= {"/": Page(article("Home", links=("/public/plan",))), "/public/plan": Page(body)}
        known = {ref.uri: ref.validator for ref in source(site).scan({})}
        site.pages |= {"/public/plan": moved("/hr/plan"), "/hr/plan": Page(body)}
        site.sent()
        assert set(listed(source(site), known, site)) == {"/", "/hr/plan"}
        assert ("/hr/plan", 304) in site.requests


def test_what_a_page_redirects_to_by_the_time_it_is_fetched_is_no_content_of_it() -> None:
    """A login page, and a page elsewhere, which is judged by where it lies."""
    with website() as site:
        site.pages |= {"/": Page(article("Home", links=("/a", "/b"))), "/a": Page("busy", 503), "/b": Page("busy", 503)}
        site.pages["/login"] = Page("<html><body>Sign in<form><input type=password></form></body></html>")
        found = source(site)
        refs = listed(found, {}, site)
        site.pages |= {"/a": moved("/login"), "/b": moved("/hr/b"), "/hr/b": Page(article("Payroll"))}
        with pytest.raises(SourceUnavailable, match=r"redirects to .*/login, a login page"):
            found.fetch(refs["/a"])
        with pytest.raises(DocumentError, match=r"/b: redirects to .*/hr/b"):
            found.fetch(refs["/b"])
        assert set(listed(found, {}, site)) == {"/", "/hr/b"}


def test_a_page_that_redirects_out_of_the_source_leaves_and_the_other_is_not_asked_for() -> None:
    """To a host that is not among its domains, whoever's that is; the start page's own redirect is said to lead out."""
    with website() as site:
        site.pages |= {"/": Page(article("Home", links=("/plan",))), "/plan": Page(article("Plan"))}
        known = {ref.uri: ref.validator for ref in source(site).scan({})}
        elsewhere = f"http://127.0.0.2:{site.port}/plan"
        site.pages["/plan"] = moved(elsewhere)
        found = source(site, allow_hosts=["127.0.0.2"])
        assert set(listed(found, known, site)) == {"/"}
        site.pages["/"] = moved(elsewhere)
        with pytest.raises(SourceUnavailable, match=r"redirects to 127\.0\.0\.2, which is not among the domains"):
            list(source(site, allow_hosts=["127.0.0.2"]).scan(known))


def test_a_page_that_was_put_behind_a_login_leaves() -> None:
    """As one that answers 401; a login page that everything redirects to, the start page too, ends the run."""
    with website() as site:
        site.pages |= {"/": Page(article("Home", links=("/plan",))), "/plan": Page(article("Plan"))}
        known = {ref.uri: ref.validator for ref in source(site).scan({})}
        site.pages["/login"] = Page("<html><body>Sign in<form><input type=password></form></body></html>")
        site.pages["/plan"] = moved("/login")
        assert set(listed(source(site), known, site)) == {"/"}
        site.pages["/"] = moved("/login")
        with pytest.raises(SourceUnavailable, match="login page"):
            list(source(site).scan(known))


def test_an_answer_that_is_none_is_no_empty_page() -> None:
    """304 to a request that named nothing, and a gzip that is cut off: the page is not had, this time."""
    with website() as site:
        half = zipped(article("Big", " ".join(map(str, range(5000)))))[:5000]
        site.pages |= {
            "/": Page(article("Home", links=("/same", "/half"))),
            "/same": Page(status=304),
            "/half": Page(half, headers={"Content-Encoding": "gzip"}),
        }
        found = source(site)
        refs = listed(found, {}, site)
        for path, why in (("/same", "HTTP 304"), ("/half", "its gzip is cut off")):
            with pytest.raises(SourceUnavailable, match=why):
                found.fetch(refs[path])


def test_an_answer_that_says_nothing_of_a_page_leaves_it_as_it_is() -> None:
    """A firewall that wants a browser, a request that it does not like: the page stays known, and a new one is tried again."""
    said = {f"/known-{status}": Page("", status) for status in (202, 204, 206, 300, 400, 409, 418)}
    with website() as site:
        site.pages |= {path: Page(article(path)) for path in (*said, "/gone")}
        site.pages["/"] = Page(article("Home", links=(*said, "/gone")))
        known = {ref.uri: ref.validator for ref in source(site).scan({})}
        site.pages |= {**said, "/gone": Page("", 410)}
        refs = listed(source(site), known, site)
        assert {path: ref.validator for path, ref in refs.items() if path != "/"} == {
            path: known[f"{site.url}{path}"] for path in said
        }
        assert "/" in refs


def test_a_host_that_asks_for_patience_is_given_it() -> None:
    """Retry-After is waited for, a start page's too; more than max_wait_s is not, and nothing is asked twice then."""
    with website() as site:
        busy = Page("slower", 429, headers={"Retry-After": "2"})
        site.pages |= {"/robots.txt": Page("", kind="text/plain"), "/": busy}
        later = threading.Timer(1, site.pages.__setitem__, ("/", Page(article("Home"))))
        later.start()
        assert set(listed(source(site, attempts=2), {}, site)) == {"/"}
        site.pages["/"] = busy
        site.requests.clear()
        with pytest.raises(SourceUnavailable, match="HTTP 429"):
            list(source(site, attempts=4, max_wait_s=1).scan({}))
        assert site.requests.count(("/", 429)) == 1


def test_a_page_that_changes_under_the_etag_it_had_is_seen() -> None:
    """What is sent is compared, whatever the server says of it."""
    with website() as site:
        etag = {"ETag": '"build-7"'}
        site.pages["/"] = Page(article("Home", "The first edition. " * 9), etag=False, headers=etag)
        known = {ref.uri: ref.validator for ref in source(site).scan({})}
        assert {ref.uri: ref.validator for ref in source(site).scan(known)} == known
        site.pages["/"] = Page(article("Home", "The second edition. " * 9), etag=False, headers=etag)
        (ref,) = source(site).scan(known)
        assert known[ref.uri] != ref.validator


def test_a_robots_txt_that_cannot_be_had_is_no_permission() -> None:
    """Nothing of its host is read (RFC 9309, 2.3.1.4), unless it is not to be asked; one that is not there forbids nothing."""
    with website() as site:
        site.pages["/"] = Page(article("Home"))
        for robots in (Page("busy", 503), Page("slower", 429), Page(wait_s=20)):
            site.pages["/robots.txt"] = robots
            with pytest.raises(SourceUnavailable, match=r"the robots.txt of .* cannot be had .*robots: false"):
                list(source(site).scan({}))
            assert "/" not in site.sent()
        site.pages["/robots.txt"] = Page("not asked", 418)
        assert set(listed(source(site, robots=False), {}, site)) == {"/"}
        assert ("/robots.txt", 418) not in site.requests, "so it is the same whatever is wrong with it"
        site.pages["/robots.txt"] = Page("User-agent: *\nDisallow: /", 404)
        assert set(listed(source(site), {}, site)) == {"/"}


@pytest.mark.corpora
@pytest.mark.skipif(not CASE.is_file(), reason="needs ../shared/corpora")
def test_the_awkward_site_of_the_corpora() -> None:
    """Each of its pages once, with the right words; its sign-in page is no sitemap."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    running = subprocess.Popen([sys.executable, str(CASE), str(port)])
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        given = {"start": [f"{base}/"], "delay_s": 0, "attempts": 1}
        found = WebSource("site", WebOptions.model_validate({**given, "sitemaps": [f"{base}/index.xml", f"{base}/sitemap.txt"]}))
        refs = {ref.uri.removeprefix(base): ref for ref in found.scan({})}
        plain = {
            "/",
            "/slash/",
            "/dead-canonical",
            "/bare",
            "/article",
            "/class-hidden",
            "/based/",
            "/elsewhere/sub",
            "/fragment",
        }
        found_by = {"/from-gz", "/from-text", "/bad-port", "/behind", "/latin", "/s;jsessionid=A1"}
        assert set(refs) == plain | found_by | {"/topic?t=a&t=b", "/topic?t=a&t=c", "/loop"}
        texts = {path: found.fetch(ref).content.decode() for path, ref in refs.items() if path != "/loop"}
        for page in ("/bare", "/article"):
            assert all(
                word in texts[page] for word in ("LISTONE", "LISTTWO", "SHORTONE", "DEFONE", "Requirements", "Opening hours")
            )
        assert "HIDDEN" not in texts["/class-hidden"]
        assert "Gebühr beträgt fünf" in texts["/latin"]
        again = WebSource("site", WebOptions.model_validate(given))
        assert again.fetch(refs["/latin"]).content.decode() == texts["/latin"]
        with pytest.raises(SourceUnavailable, match=r"signin.xml: is an HTML page"):
            WebSource("site", WebOptions.model_validate({**given, "sitemaps": [f"{base}/signin.xml"]})).scan({})
    finally:
        running.kill()
        running.wait()
