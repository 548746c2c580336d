"""What a feed says, as plain values; pure, and run in a worker (`ingest.sources.bounded`): strangers write feeds.

RSS and Atom in every form that feedparser reads; and what was taken back (RFC 6721, `at:deleted-entry`), which it does not.
"""

from __future__ import annotations

import calendar
import html
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

_DELETED = re.compile(rb"<(?:[\w.-]+:)?deleted-entry\s[^>]*?\bref\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_MOST = 100_000
_NAMED = re.compile(
    rb"(<(?:[\w.-]+:)?(?:author|creator|name|managingEditor|webMaster|contributor|publisher|editor)(?:\s[^<>]*)?>\s*(?:<!\[CDATA\[)?"
    rb"[^<\]]{2000})[^<\]]+"
)
_COMMENT = re.compile(rb"(?:<|&lt;)!--")
_MOST_COMMENTS = 500


def read_feed(content: bytes, about: Mapping[str, Any]) -> dict[str, Any]:
    """`version` ("" for no feed), `broken` (not whole XML), `title`, `entries` as listed, and the ids of `deleted` ones.

    An entry: title, link (absolute), id, author, contents as HTML, summary, published and updated (seconds since 1970) and
    categories; what it does not have is empty or None. `about`: the `headers` of the answer, content-location among them.
    """
    import feedparser

    headers = dict(about["headers"])
    found = feedparser.parse(_tamed(content), response_headers=headers)
    # A wrong or missing declaration of the encoding is no break of the XML itself.
    broken = type(found.get("bozo_exception")).__name__ == "SAXParseException"
    deleted = [html.unescape((a or b).decode("utf-8", "replace")) for a, b in _DELETED.findall(content)]
    return {
        "version": str(found.get("version") or ""),
        "broken": broken,
        "title": text_of(found.feed.get("title")),
        "entries": [_entry(entry, headers.get("content-location", "")) for entry in found.entries[:_MOST]],
        "deleted": deleted[:_MOST],
    }


def _tamed(content: bytes) -> bytes:
    """A feed without what takes feedparser quadratic time: names of people longer than 2,000 bytes (33 KB took 8 s), and
    comments that open by the hundred (their openings go, so what they hold shows)."""
    content = _NAMED.sub(rb"\1", content)
    return _COMMENT.sub(b"", content) if len(_COMMENT.findall(content)) > _MOST_COMMENTS else content


def _entry(entry: Any, base: str) -> dict[str, Any]:
    return {
        "title": text_of(entry.get("title")),
        "link": _absolute(str(entry.get("link") or "").strip(), base),
        "id": str(entry.get("id") or "").strip(),
        "author": text_of(entry.get("author")),
        "contents": [_as_html(one) for one in entry.get("content") or ()],
        "summary": str(entry.get("summary") or ""),
        "published": _seconds(entry, "published"),
        "updated": _seconds(entry, "updated"),
        "categories": [str(tag["term"]) for tag in entry.get("tags") or () if tag.get("term")],
    }


def text_of(value: Any) -> str:
    return " ".join(html.unescape(str(value or "")).split())


def _as_html(content: Any) -> str:
    value = str(content.get("value") or "")
    return f"<pre>{html.escape(value)}</pre>" if content.get("type") == "text/plain" else value


def _absolute(link: str, base: str) -> str:
    try:
        return urljoin(base, link) if link else ""
    except ValueError:  # no address: it still tells entries apart
        return link


def _seconds(entry: Any, kind: str) -> int | None:
    parts = dict.get(entry, f"{kind}_parsed")  # not the entry's own: it answers for `updated` with `published`, and warns
    try:
        return int(calendar.timegm(parts)) if parts else None
    except (TypeError, ValueError, OverflowError):
        return None
