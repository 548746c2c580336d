"""Sitemaps in every form that is allowed, and what stands in their place."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from ingest.sources.sitemaps import read_sitemap
from sluice.errors import DocumentError

ABOUT: dict[str, Any] = {"url": "http://a.org/maps/sitemap.xml", "max_bytes": 1_000_000}
PAGES = ["http://a.org/1", "http://a.org/2?x=1&y=2"]
LIST = "<url><loc>http://a.org/1</loc><lastmod>2026-01-01</lastmod></url><url><loc>\n http://a.org/2?x=1&amp;y=2 </loc></url>"
URLSET = f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{LIST}</urlset>"
PREFIXED = LIST.replace("<", "<s:").replace("<s:/", "</s:")
RSS = "<rss version='2.0'><channel><link>http://a.org/</link><item><link>http://a.org/1</link></item><item><link>http://a.org/2?x=1&amp;y=2</link></item></channel></rss>"
ATOM = (
    "<feed xmlns='http://www.w3.org/2005/Atom'><link href='http://a.org/'/>"
    "<entry><link rel='self' href='http://a.org/x'/><link href='http://a.org/1'/></entry>"
    "<entry><link rel='alternate' href='/2?x=1&amp;y=2'/></entry></feed>"
)

FORMS = {
    "list": URLSET.encode(),
    "declared": f"<?xml version='1.0' encoding='UTF-8'?>\n<!-- made -->\n{URLSET}".encode(),
    "mark": b"\xef\xbb\xbf<?xml version='1.0'?>" + URLSET.encode(),
    "utf-16": f"<?xml version='1.0' encoding='UTF-16'?>{URLSET}".encode("utf-16"),
    "latin": f"<?xml version='1.0' encoding='iso-8859-1'?>{URLSET}<!-- \xe9 -->".encode("latin-1"),
    "space before": b"\n\n  " + URLSET.encode(),
    "no namespace": f"<urlset>{LIST}</urlset>".encode(),
    "old namespace": f"<urlset xmlns='http://www.google.com/schemas/sitemap/0.84'>{LIST}</urlset>".encode(),
    "prefix": f"<s:urlset xmlns:s='http://www.sitemaps.org/schemas/sitemap/0.9'>{PREFIXED}</s:urlset>".encode(),
    "images": URLSET.replace(
        "</loc><lastmod>", "</loc><i:image xmlns:i='i'><i:loc>http://a.org/i.png</i:loc></i:image><lastmod>"
    ).encode(),
    "unescaped": URLSET.replace("&amp;", "&").encode(),
    "text": "\r\n".join(PAGES).encode(),
    "text with mark": b"\xef\xbb\xbf" + "\n\n".join([*PAGES, "# end"]).encode(),
    "rss": RSS.encode(),
    "atom": ATOM.encode(),
    "zipped": gzip.compress(URLSET.encode(), mtime=0),
    "zipped twice": gzip.compress(gzip.compress(URLSET.encode(), mtime=0), mtime=0),
    "relative": URLSET.replace("http://a.org", "").encode(),
    "bad ones among": URLSET.replace(
        "<url>", "<url><loc>http://[::1</loc></url><url><loc>http://a:PORT/</loc></url><url><loc>mailto:x</loc></url><url>", 1
    ).encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_its_addresses(form: str) -> None:
    """In order, absolute, each once; one that is no address costs that one."""
    assert read_sitemap(FORMS[form], ABOUT) == {"index": False, "addresses": PAGES}


def test_an_index_leads_to_sitemaps() -> None:
    """Zipped ones too; relative ones from its own address."""
    index = "<sitemapindex><sitemap><loc>more.xml.gz</loc></sitemap><sitemap><loc>http://b.org/x</loc></sitemap></sitemapindex>"
    assert read_sitemap(index.encode(), ABOUT) == {
        "index": True,
        "addresses": ["http://a.org/maps/more.xml.gz", "http://b.org/x"],
    }
    assert read_sitemap(b"<urlset/>", ABOUT) == {"index": False, "addresses": []}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE html><html><body>Please sign in</body></html>", "HTML page"),
        (b"\n <!-- x --><HTML><head></head></HTML>", "HTML page"),
        (gzip.compress(b"<html>no</html>", mtime=0), "HTML page"),
        (b"<html xmlns='http://www.w3.org/1999/xhtml'/>", "HTML page"),
        (b"", "empty"),
        (b"Not found", "neither XML nor a list"),
        (b'{"error": 404}', "neither XML nor a list"),
        (URLSET.encode()[:-20], "cut off"),
        (gzip.compress(URLSET.encode(), mtime=0)[:-10], "cut off"),
        (b"<opml><body/></opml>", "another kind, <opml>"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "no text"),
    ],
)
def test_what_is_no_sitemap_is_an_error_that_says_so(content: bytes, said: str) -> None:
    """A login page must not say that a site has no pages."""
    with pytest.raises(DocumentError, match=said) as error:
        read_sitemap(content, ABOUT)
    assert error.value.reason == "no_sitemap"


def test_what_unpacks_or_expands_without_end_is_refused() -> None:
    """Bombs of gzip and of entities; an entity from elsewhere is not read."""
    with pytest.raises(DocumentError) as error:
        read_sitemap(gzip.compress(bytes(2_000_000)), ABOUT)
    assert error.value.reason == "too_large"
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "http://a.org/"}">' for n in range(12))
    for doctype, name in (
        (f"<!DOCTYPE x [{entities}]>", "a11"),
        ("<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/hostname'>]>", "f"),
    ):
        bomb = f"{doctype}<urlset><url><loc>&{name};</loc></url></urlset>"
        assert read_sitemap(bomb.encode(), ABOUT)["addresses"] == []
