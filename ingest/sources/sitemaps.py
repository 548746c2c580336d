"""Sitemaps in every form that sitemaps.org allows: index, list, RSS, Atom and plain text, zipped or not.

What stands in a sitemap's place and is none (an HTML page, an error in JSON, a file that is cut off) is refused with its
name: an empty list would say that the site has no pages.
"""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from ingest.decode import decode
from sluice.errors import DocumentError

_MOST = 1_000_000
"""Addresses of one sitemap; the protocol allows 50,000."""
_LONGEST = 4096
_HTML = re.compile(r"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_ENTRIES = {"sitemapindex": "sitemap", "urlset": "url", "rss": "item", "RDF": "item", "feed": "entry"}


def read_sitemap(content: bytes, about: Mapping[str, Any]) -> dict[str, Any]:
    """`{"index": whether it lists sitemaps, "addresses": absolute ones, in order}`, of `about["url"]`.

    Raises DocumentError `no_sitemap` and `too_large`. Relative addresses count from the sitemap's own.
    """
    url, limit = str(about["url"]), int(about.get("max_bytes", 50_000_000))
    text = _text(_unzipped(content, limit), url)
    if _HTML.match(text):
        raise _refused("is an HTML page, no sitemap (a login or an error page?)")
    if not text.lstrip().startswith("<"):
        return {"index": False, "addresses": _absolute(_lines(text), url)}
    kind, found = _xml(text)
    return {"index": kind == "sitemapindex", "addresses": _absolute(found, url)}


def _unzipped(content: bytes, limit: int) -> bytes:
    for _ in range(2):  # some servers zip what is zipped already
        if not content.startswith(b"\x1f\x8b"):
            return content
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
                content = file.read(limit + 1)
        except (OSError, EOFError) as error:
            raise _refused(f"is cut off or no gzip: {type(error).__name__}") from None
        if len(content) > limit:
            raise DocumentError("too_large", f"unpacks to more than max_bytes, {limit}", hint="raise max_bytes of this source")
    return content


def _text(content: bytes, url: str) -> str:
    try:
        return decode(content, uri=url, declared=True).lstrip("\ufeff")
    except DocumentError as error:
        raise _refused(f"is no text ({error.reason})") from None


def _lines(text: str) -> list[str]:
    """The addresses of a text sitemap: one a line and nothing else (a comment after # is let pass)."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    wrong = next((line for line in lines if not _ADDRESS.fullmatch(line)), None)
    if wrong is not None or not lines:
        raise _refused("is empty" if not lines else f"is neither XML nor a list of addresses: {wrong[:80]!r}" if wrong else "")
    return lines


def _xml(text: str) -> tuple[str, list[str]]:
    from lxml import etree

    body = re.sub(r"^\s*<\?xml[^>]*\?>", "", text).strip().encode("utf-8", "replace")
    options: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "remove_comments": True}
    try:
        root = etree.fromstring(body, etree.XMLParser(**options))
    except etree.XMLSyntaxError as error:
        body = re.sub(rb"&(?!#?\w{1,10};)", b"&amp;", body)
        root = etree.fromstring(body, etree.XMLParser(**options, recover=True))
        # An & that nobody escaped is let pass; a file that ends before its end is a part of a listing.
        if root is None or not re.search(rb"</(?:[\w.-]+:)?" + re.escape(_local(root).encode()) + rb"\s*>\s*$", body):
            raise _refused(f"is cut off, or no XML: {str(error)[:120]}") from None
    kind = _local(root)
    if kind not in _ENTRIES:
        raise _refused(f"is XML of another kind, <{kind}>")
    found = []
    for entry in root.iter():
        if isinstance(entry.tag, str) and _local(entry) == _ENTRIES[kind]:
            found += [address for child in entry if (address := _address(child, kind))][:1]
        if len(found) > _MOST:
            raise DocumentError("too_large", f"lists more than {_MOST} addresses", hint="split it")
    return kind, found


def _address(child: Any, kind: str) -> str:
    if not isinstance(child.tag, str):
        return ""
    name = _local(child)
    if kind == "feed":
        return str(child.get("href") or "") if name == "link" and child.get("rel", "alternate") == "alternate" else ""
    wanted = "loc" if kind in ("sitemapindex", "urlset") else "link"
    return str(child.text or "").strip() if name == wanted and len(child) == 0 else ""  # an entity would be a child


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _absolute(addresses: list[str], url: str) -> list[str]:
    found: dict[str, None] = {}
    for address in addresses:
        try:
            whole = urljoin(url, "".join(address.split()))
            parts = urlsplit(whole)
            fit = parts.scheme in ("http", "https") and parts.hostname and len(whole) <= _LONGEST and (parts.port or 1)
        except ValueError:  # one bad address costs that one
            continue
        if fit:
            found[whole] = None
    return list(found)


def _refused(what: str) -> DocumentError:
    return DocumentError("no_sitemap", what, hint="open it in a browser: is it the right address?")
