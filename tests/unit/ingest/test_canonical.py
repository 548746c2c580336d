"""The address that a document gives as its own: where it is read, and what is no such address."""

from __future__ import annotations

import pytest

from ingest.canonical import CANONICAL_URI, web_address
from ingest.parse import UnstructuredParser
from sluice.records import RawItem
from tests import mailroom

HOME = "https://docs.example.org/guide"


def found(uri: str, content: str | bytes, **metadata: str) -> object:
    content = content.encode() if isinstance(content, str) else content
    document = UnstructuredParser().parse(RawItem(uri, content, "v", metadata=metadata), source="s")
    return document.metadata.get(CANONICAL_URI)


@pytest.mark.parametrize(
    ("head", "address"),
    [
        (f'<link rel="canonical" href="{HOME}#top">', HOME),
        (f'<link rel="alternate canonical" href=" {HOME} ">', HOME),
        (f'<base href="https://docs.example.org/"><link rel="canonical" href="/guide"><title>x</title>{HOME}', HOME),
        (f'<meta property="og:url" content="{HOME}">', HOME),
        (f'<meta property="og:url" content="https://other.org/"><link rel="canonical" href="{HOME}">', HOME),
        ('<link rel="canonical" href="/guide">', None),
        ('<link rel="canonical" href="javascript:alert(1)">', None),
        (f'<link rel="canonical" href="{HOME}"><link rel="canonical" href="https://other.org/">', None),
        ("<title>no word of it</title>", None),
    ],
)
def test_a_page_says_it_in_its_head(head: str, address: str | None) -> None:
    """A canonical link, else Open Graph's; relative ones need an absolute base; two that differ say nothing."""
    assert found("a.html", f"<html><head>{head}</head><body><p>Some text.</p></body></html>") == address


def test_what_a_body_contains_is_no_word_of_the_page() -> None:
    """A link element that somebody wrote into the text does not count."""
    page = f'<html><head><title>t</title></head><body><p>text</p><link rel="canonical" href="{HOME}"></body></html>'
    assert found("a.html", page) is None


@pytest.mark.parametrize("key", ["canonical_uri", "canonical_url", "canonicalURL", "canonical", "canonical-link", "url"])
def test_front_matter_says_it_under_the_names_that_sites_use(key: str) -> None:
    """Hugo, Jekyll, dev.to and their like; `url` only when nothing clearer is there and it is an address."""
    assert found("a.md", f"---\n{key}: {HOME}\n---\ntext\n") == HOME
    assert found("a.md", f"---\n{key}: /guide/\n---\ntext\n") is None
    assert found("a.md", f"---\nurl: https://other.org/\n{key}: {HOME}\n---\ntext\n") == HOME


def test_a_message_is_named_by_its_message_id() -> None:
    """RFC 2392; the same message in a mailbox and saved as a file has one address."""
    assert found("a.eml", mailroom.message("a/b%c@example.org")) == "mid:a%2Fb%25c@example.org"


def test_a_document_s_own_word_counts_before_its_source_s() -> None:
    """What the source says stays where the document says nothing, or nothing that is an address."""
    source = "https://feed.example.org/1"
    assert found("a.md", f"---\ncanonical: {HOME}\n---\ntext\n", canonical_uri=source) == HOME
    assert found("a.md", "---\ncanonical_uri: none\n---\ntext\n", canonical_uri=source) == source


@pytest.mark.parametrize(
    ("stated", "address"),
    [
        ("HTTPS://Example.ORG:8443/A?b=C", "https://example.org:8443/A?b=C"),
        ("https://me:secret@example.org/", None),
        ("ftp://example.org/a", None),
        ("https://", None),
        ("https://example.org:port/", None),
        ("https://example.org/a b", None),
        ("https://exa\x00mple.org/", None),
        ("https://example.org/" + "a" * 2000, None),
        (["https://example.org/"], None),
        (None, None),
    ],
    ids=["kept", "credentials", "ftp", "no host", "no port", "blank", "control", "long", "list", "nothing"],
)
def test_an_address_is_absolute_and_of_the_web(stated: object, address: str | None) -> None:
    """Everything else says nothing; a password is never kept."""
    assert web_address(stated) == address
