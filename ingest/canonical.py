"""The address at which a document says it is at home, wherever its copy was found: metadata `canonical_uri`.

    HTML          `<link rel="canonical">` in the head, else `og:url`; relative ones against an absolute `<base>`
    front matter  `canonical_uri`, `canonical_url`, `canonicalURL`, `canonical`, `canonical_link`, else `url`
    e-mail        `mid:` and its Message-ID (RFC 2392)

Only a document's own word counts, never a guess: an address of the web is absolute, without credentials and fragment; what
is none, and two that contradict each other, say nothing. It is for citing: nobody is trusted, and nothing fetched, for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

CANONICAL_URI = "canonical_uri"
"""The metadata key."""

_KEYS = ("canonicaluri", "canonicalurl", "canonical", "canonicallink", "url")
_LONGEST = 2000


def web_address(stated: Any, base: str = "") -> str | None:
    """An address of the web as a document states it, without fragment; None for anything else."""
    text = stated.strip() if isinstance(stated, str) else ""
    if not text or len(text) > _LONGEST or any(c.isspace() or not c.isprintable() for c in text):
        return None
    try:
        parts = urlsplit(urljoin(base, text))
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path, parts.query, ""))


def of_page(links: Iterable[str], open_graph: Iterable[str], base: str = "") -> str | None:
    """What a page's head states: its canonical links, else its `og:url`."""
    home = web_address(base) or ""
    for stated in (links, open_graph):
        found = {address for link in stated if (address := web_address(link, home)) is not None}
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def of_values(values: Mapping[Any, Any]) -> str | None:
    """What front matter states, whatever the spelling of the key."""
    plain = {str(key).lower().replace("_", "").replace("-", ""): value for key, value in values.items()}
    return next((address for key in _KEYS if (address := web_address(plain.get(key))) is not None), None)


def of_message(message_id: str | None) -> str | None:
    """An e-mail's Message-ID as a `mid:` address."""
    ident = (message_id or "").strip().removeprefix("<").removesuffix(">").strip()
    if "@" not in ident or len(ident) > _LONGEST or any(c.isspace() or not c.isprintable() for c in ident):
        return None
    return "mid:" + quote(ident, safe="@!$&'()*+,;=")
