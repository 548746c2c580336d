"""Pages of the web: their canonical address, their validator, and their main text."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from w3lib.url import canonicalize_url, url_query_cleaner

_TRACKING = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "gclid", "fbclid", "mc_cid", "mc_eid")


def canonical(url: str) -> str:
    """One address for what is one page: no fragment, no tracking, sorted query, no default port, host in lower case."""
    cleaned = canonicalize_url(url_query_cleaner(url, _TRACKING, remove=True, keep_fragments=False), keep_blank_values=True)
    parts = urlsplit(cleaned)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    netloc = (parts.hostname or "") if parts.port in (None, default) else f"{parts.hostname}:{parts.port}"
    if ":" in (parts.hostname or ""):
        netloc = f"[{parts.hostname}]" + (f":{parts.port}" if parts.port not in (None, default) else "")
    return urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, ""))


def validator_of(headers: Mapping[str, str]) -> str:
    """The ETag, else Last-Modified, in the words of `ingest.sources.http`; "" without either."""
    if etag := headers.get("etag"):
        return f"etag:{etag}"
    since = headers.get("last-modified")
    return f"since:{since}" if since else ""


def main_text(page: str, url: str) -> bytes:
    """A page without navigation, advertisements and footers, as HTML; the page itself where no main text is found."""
    import trafilatura  # a second; only where it is used
    from lxml import html

    try:
        found = trafilatura.extract(page, url=url, output_format="html", include_tables=True, include_comments=False)
        title = html.document_fromstring(page).findtext(".//title") if found else None
    except Exception:  # hostile markup makes the library raise several types
        found, title = None, None
    if not found:
        return page.encode("utf-8", "replace")
    head = f"<head><meta charset='utf-8'><title>{_escaped(title or '')}</title></head>"
    return found.replace("<html>", f"<html>{head}", 1).encode("utf-8", "replace")


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
