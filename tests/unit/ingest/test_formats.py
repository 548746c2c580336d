"""Which format a document is read as."""

from __future__ import annotations

import time

import pytest

from ingest.formats import format_of


@pytest.mark.parametrize(
    ("uri", "media_type", "content", "expected"),
    [
        ("https://example.rs", "text/html; charset=utf-8", b"<p>hello", "html"),
        ("https://example.org/report.pdf", "text/html", b"<html>please log in</html>", "html"),
        ("https://example.org/report.pdf", "application/pdf", b"%PDF-1.7", "pdf"),
        ("https://example.org/report.pdf", None, b"%PDF-1.7", "pdf"),
        ("notes/report.pdf", "text/html", b"%PDF-1.7", "pdf"),
        ("notes/plain", None, b"only text", "text"),
    ],
)
def test_a_web_address_is_read_as_what_the_server_says_a_file_as_its_name_says(
    uri: str, media_type: str | None, content: bytes, expected: str
) -> None:
    """The media type wins for http(s) addresses; elsewhere the extension does."""
    assert format_of(uri, media_type, content) == expected


def test_comments_in_a_row_take_no_time() -> None:
    """Each was two ways to fail: 200 before the text took hours."""
    started = time.process_time()
    assert format_of("a.md", None, b"<!-- c -->\n" * 700 + b"Text") == "markdown"
    assert time.process_time() - started < 1


def test_a_whole_page_that_is_called_text_is_a_page() -> None:
    """It begins and ends as one; text that shows a piece of HTML is text."""
    page = b"<!DOCTYPE html>\n<html><body><p>Hi</p></body></html>\n"
    assert format_of("a.txt", None, page) == "html"
    assert format_of("a.txt", None, b"<html> is how a page begins") == "text"
    assert format_of("a.txt", None, b"See:\n" + page) == "text"
    assert format_of("a.psv", None, b"a|b\n1|2\n") == "csv"
