"""Addresses of pages: one for what is one page, their validator, and whether two pages are the same one."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

from w3lib.url import canonicalize_url, url_query_cleaner

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


def validator_of(headers: Mapping[str, str]) -> str:
    """The ETag, else Last-Modified, in the words of `ingest.sources.http`; "" without either."""
    if etag := headers.get("etag"):
        return f"etag:{etag}"
    since = headers.get("last-modified")
    return f"since:{since}" if since else ""


def taken_apart(validator: str) -> tuple[datetime | None, str]:
    """Until when a page may be shown, as it said itself (None: for ever), and the rest of its validator."""
    if not validator.startswith("until:"):
        return None, validator
    until, _, rest = validator.removeprefix("until:").partition(";")
    return datetime.fromisoformat(until), rest


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
