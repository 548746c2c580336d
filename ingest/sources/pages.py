"""Addresses of pages: one for what is one page, their validator, and whether two pages are the same one."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

from w3lib.url import canonicalize_url, url_query_cleaner

from sluice.ids import content_hash

LONGEST = 2048
"""Characters of an address; longer ones are made by machines for machines."""

_TRACKING = (
    *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id", "gclid", "dclid", "gbraid", "wbraid"),
    *("fbclid", "msclkid", "twclid", "yclid", "igshid", "mc_cid", "mc_eid", "_hsenc", "_hsmi", "mkt_tok"),
)
_SESSION_NAMES = re.compile(
    r"(?:phpsessid|jsessionid|aspsessionid\w*|sessionid|session[_-]id|sess(?:ion)?[_-]?key|zenid|oscsid|cfid|cftoken)",
    re.IGNORECASE,
)
_SESSION_LIKE = re.compile(r"(?:sid|s_id|session|sess|s)=(?=[^&]*\d)[0-9A-Za-z]{20,}", re.IGNORECASE)
_SESSION_PATH = re.compile(
    r";(?:jsessionid|phpsessid|sid|sessionid)(?:=[^;/?]*)?(?=[;/?]|$)|/\([SA]\([0-9a-z]{24}\)\)(?=/)", re.IGNORECASE
)
_SHINGLE = 4
_SAME = 0.8
_COMPARED = 500_000


def canonical(url: str) -> str:
    """One address for what is one page: as `address`, and without a session id. Raises ValueError for what is none."""
    head, mark, query = url.partition("#")[0].partition("?")
    kept = [
        part
        for part in query.split("&")
        if not _SESSION_NAMES.fullmatch(part.partition("=")[0]) and not _SESSION_LIKE.fullmatch(part)
    ]
    return address(_SESSION_PATH.sub("", head) + mark + "&".join(kept))


def address(url: str) -> str:
    """An address without fragment and tracking, its query sorted (a name may be given more than once), no default port,
    host in lower case. Raises ValueError for what is no address of a page."""
    try:
        cleaned = url_query_cleaner(url, _TRACKING, remove=True, unique=False, keep_fragments=False)
        parts = urlsplit(canonicalize_url(cleaned, keep_blank_values=True))
        default = {"http": 80, "https": 443}.get(parts.scheme)
        netloc = (parts.hostname or "") if parts.port in (None, default) else f"{parts.hostname}:{parts.port}"
        if ":" in (parts.hostname or ""):
            netloc = f"[{parts.hostname}]" + (f":{parts.port}" if parts.port not in (None, default) else "")
    except UnicodeError as error:
        raise ValueError(f"is no address: {type(error).__name__}") from None
    found = urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, ""))
    if default is None or not parts.hostname or len(found) > LONGEST or not found.isprintable() or " " in netloc:
        raise ValueError("is no address of a page")
    return found


def is_at(uri: str, url: str) -> bool:
    """Whether the page of this uri is what answered at an address: also with a session id, and nowhere that it redirects to."""
    try:
        return uri in (address(url), canonical(url))
    except ValueError:
        return False


def leads_elsewhere(url: str, end: str) -> bool:
    """Whether an address redirects to another place: not to https, with or without `www.`, or to itself with a slash."""
    places = []
    for each in (url, end):
        try:
            places.append(re.sub(r"^https?://(?:www\.)?", "", address(each)).partition("?")[0].rstrip("/"))
        except ValueError:
            return url != end
    return places[0] != places[1]


def validator_of(headers: Mapping[str, str], content: bytes, until: datetime | None) -> str:
    """What a page is known by: until when it may be shown, the ETag or else Last-Modified, and a hash of what is kept of it.

    The hash is for servers that send a page that has changed under the ETag that it had.
    """
    etag, since = headers.get("etag"), headers.get("last-modified")
    stated = f"etag:{etag};" if etag else f"since:{since};" if since else ""
    return (f"until:{until.isoformat()};" if until is not None else "") + f"{stated}hash:{content_hash(content)}"


def taken_apart(validator: str) -> tuple[datetime | None, str]:
    """Until when a page may be shown, as it said itself (None: for ever), and its ETag or Last-Modified in the words of
    `ingest.sources.http`."""
    stated, until = re.sub(r";?hash:[0-9a-f]*$", "", validator), None
    if stated.startswith("until:"):
        until, _, stated = stated.removeprefix("until:").partition(";")
    return (datetime.fromisoformat(until) if until is not None else None), stated


def same_page(one: bytes, other: bytes) -> bool:
    """Whether four fifths of what one page says, in sequences of four words, stands in the other too."""
    if one == other:
        return True
    mine, theirs = _shingles(one), _shingles(other)
    return bool(mine) and len(mine & theirs) >= _SAME * len(mine)


def _shingles(page: bytes) -> frozenset[tuple[str, ...]]:
    text = html.unescape(re.sub(r"<title>[^<]*</title>|<[^<>]*>", " ", page[:_COMPARED].decode("utf-8", "replace")))
    words = re.findall(r"\w+", text.lower())
    return frozenset(tuple(words[n : n + _SHINGLE]) for n in range(max(len(words) - _SHINGLE + 1, min(len(words), 1))))
