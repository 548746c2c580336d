"""What a page says to crawlers about itself: the robots meta tag and the X-Robots-Tag header.

    names       `robots`, and this crawler's own; in any case; of several, every refusal holds
    values      separated by commas (or spaces); `none` is `noindex, nofollow`
    headers     any number of them, each for all or, after `agent:`, for that one
    dates       `unavailable_after:` RFC 822, RFC 850 or ISO 8601; from then on it is `noindex`

https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag
"""

from __future__ import annotations

import email.utils
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

AGENT = "sluice"
"""The name by which pages speak to this crawler alone."""

_VALUED = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
_AGENT = re.compile(r"\s*([\w.*-]+)\s*:", re.ASCII)
_AFTER = re.compile(r"unavailable_after\s*:\s*(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Directives:
    """Whether a page may be listed and its links followed, and until when (aware UTC)."""

    index: bool = True
    follow: bool = True
    until: datetime | None = None


def directives(headers: Iterable[str], metas: Iterable[tuple[str, str]], agent: str, now: datetime) -> Directives:
    """What `X-Robots-Tag` headers and (name, content) of meta tags say together to `agent`."""
    said = [rules for header in headers if (rules := _for_agent(header, agent)) is not None]
    said += [content for name, content in metas if name.strip().lower() in ("robots", agent.lower())]
    words: set[str] = set()
    dates: list[datetime] = []
    for rules in said:
        if after := _AFTER.search(rules):
            moment, rest = _date(after.group(1))
            dates += [moment] if moment is not None else []
            rules = f"{rules[: after.start()]},{rest}"
        words |= set(re.split(r"[\s,;]+", rules.lower()))
    until = min(dates, default=None)
    index = not words & {"noindex", "none"} and (until is None or now < until)
    return Directives(index, not words & {"nofollow", "none"}, until if index else None)


def _for_agent(header: str, agent: str) -> str | None:
    """A header's rules; None where they are another crawler's. A header that names an agent later speaks to it from there."""
    mine, spoken_to = [], True
    for part in header.split(","):
        named = _AGENT.match(part)
        if named and named.group(1).lower() not in _VALUED:
            spoken_to = named.group(1).lower() in (agent.lower(), "*")
            part = part[named.end() :]
        if spoken_to:
            mine.append(part)
    return ",".join(mine) if mine else None


def _date(text: str) -> tuple[datetime | None, str]:
    """The date that a text begins with, and what comes after it."""
    parts = text.split(",")
    for end in range(1, min(len(parts), 3) + 1):  # the day of the week may stand before a comma
        moment = _moment(",".join(parts[:end]).strip())
        if moment is not None:
            return moment, ",".join(parts[end:])
    return None, text


def _moment(text: str) -> datetime | None:
    for read in (datetime.fromisoformat, email.utils.parsedate_to_datetime):
        try:
            found = read(text)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        except (TypeError, ValueError, IndexError, OverflowError):
            continue
    return None
