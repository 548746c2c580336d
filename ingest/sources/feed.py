"""Entries of an RSS or Atom feed: blogs, release notes, news.

An entry that carries its text is a document as it is; of one that carries a summary only, the linked article is. A feed
shows its latest entries, not all it ever had: with `keep` (the default) an entry that has left the feed stays.
"""

from __future__ import annotations

import calendar
import contextlib
import html
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from ingest.canonical import CANONICAL_URI, web_address
from ingest.sources.addresses import authority
from ingest.sources.http import Http, HttpOptions, shown
from ingest.sources.snapshot import Listed, Snapshot
from sluice.errors import SourceUnavailable
from sluice.ids import digest
from sluice.records import ItemRef, RawItem
from sluice.settings import ConfigPath

_ARTICLES = ("text/html", "application/xhtml+xml", "text/plain", "text/markdown", "application/pdf")
_ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.5"


VERSION = 1
"""Raised whenever the same feed lists other uris or validators than before."""


class FeedOptions(HttpOptions):
    url: str
    articles: Literal["auto", "always", "never"] = "auto"
    """Whether to fetch what an entry links to: when it has a summary only, always, or never."""
    keep: bool = True
    """Whether entries that are no longer in the feed stay. False: the feed is all there is, and its oldest go."""
    headers: Mapping[str, str] = Field(default_factory=dict, repr=False)
    """Sent to the feed's own host only."""
    cache: ConfigPath | None = None

    @field_validator("url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        authority(value)
        return value


class FeedSource:
    """The entries of a feed. A uri is what an entry links to, else its id."""

    Options = FeedOptions

    def __init__(self, name: str, options: FeedOptions, http: Http | None = None) -> None:
        self.name = name
        self.options = options
        self._http = http or Http(name, options, named=(authority(options.url),), secret=dict(options.headers))
        self._snapshot = Snapshot(name, self._read)

    def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]:
        """Each entry once, and with `keep` every known one; raises SourceUnavailable for what is no whole feed."""
        return self._with_kept(self._snapshot.scan(known), known)

    def fetch(self, ref: ItemRef) -> RawItem:
        """The entry's text, or the article it links to; raises DocumentError as `Http.get` does, and `gone`."""
        item = self._snapshot.fetch(ref)
        if item.content:
            return item
        answer = self._http.get(item.metadata["link"], types=_ARTICLES, accept=", ".join(_ARTICLES[:2]) + ", */*;q=0.5")
        return RawItem(
            uri=item.uri,
            content=answer.content,
            validator=item.validator,
            media_type=answer.media_type,
            modified=item.modified or answer.modified,
            metadata=item.metadata,
        )

    def _with_kept(self, listing: Iterator[ItemRef], known: Mapping[str, str]) -> Iterator[ItemRef]:
        listed = set()
        for ref in listing:
            listed.add(ref.uri)
            yield ref
        if self.options.keep:
            yield from (ItemRef(uri, validator) for uri, validator in known.items() if validator and uri not in listed)

    def _read(self, known: Mapping[str, str]) -> Iterator[Listed]:
        import feedparser

        kept = self._kept() if known else None  # what is fetched now needs its text, which is not kept
        answer = self._http.listing(self.options.url, validator=kept[0] if kept else "", accept=_ACCEPT)
        if kept is not None and answer.not_modified:
            yield from map(Listed, kept[1])
            return
        headers = {name: answer.headers[name] for name in ("content-type", "content-language") if name in answer.headers}
        headers["content-location"] = answer.url
        found = feedparser.parse(answer.content, response_headers=headers)
        whole = not isinstance(found.get("bozo_exception"), Exception) or not _is_broken(found["bozo_exception"])
        if not found.get("version") or not (whole or self.options.keep):
            what = "is cut off or broken" if found.get("version") else f"is no feed but {headers.get('content-type', 'unknown')}"
            raise SourceUnavailable(
                f"source '{self.name}': {shown(self.options.url)}: {what}; nothing was changed",
                hint="open it in a browser: is it a login or an error page?",
            )
        about = {"feed": _text(found.feed.get("title"))} if found.feed.get("title") else {}
        # Feeds list the newest first, and of a uri given twice the last counts: so from the end.
        refs = []
        for entry in reversed(found.entries):
            if (item := self._entry(entry, about)) is not None:
                refs.append(ItemRef(item.uri, item.validator, item.modified, len(item.content) or None))
                yield Listed(refs[-1], item)
        if answer.validator and whole:
            self._keep(answer.validator, refs)

    def _entry(self, entry: dict[str, Any], about: Mapping[str, Any]) -> RawItem | None:
        link, id_ = str(entry.get("link") or ""), str(entry.get("id") or "")
        uri = link or id_
        if not uri:
            return None  # nothing to know it by, nor to cite
        title, full, summary = _text(entry.get("title")), _body(entry.get("content") or ()), str(entry.get("summary") or "")
        linked = link.startswith(("http://", "https://"))
        fetched = linked and (self.options.articles == "always" or (self.options.articles == "auto" and not full))
        body = "" if fetched else _page(title, full or summary)
        metadata = {
            **about,
            "title": title,
            "link": link,
            "author": _text(entry.get("author")),
            "published": _when(entry, "published"),
            "categories": [str(tag["term"]) for tag in entry.get("tags") or () if tag.get("term")],
        }
        updated = _moment(entry, "updated") or _moment(entry, "published")
        stated = json.dumps(metadata, sort_keys=True)
        address = web_address(link)
        return RawItem(
            uri=uri,
            content=body.encode("utf-8", "replace"),
            validator=digest(id_, stated, str(updated), full, summary, self.options.articles),
            media_type="text/html",
            modified=updated,
            metadata={name: value for name, value in metadata.items() if value} | ({CANONICAL_URI: address} if address else {}),
        )

    # ── what the feed listed, so that it is asked for only when it changed; never its text, which policies may forbid ──

    @property
    def _file(self) -> Path | None:
        if self.options.cache is None:
            return None
        return Path(self.options.cache) / f"feed-{digest(self.options.url, self.options.articles, str(VERSION))[:16]}.json"

    def _kept(self) -> tuple[str, list[ItemRef]] | None:
        """The validator that the feed had, and what it listed."""
        if self._file is None:
            return None
        with contextlib.suppress(OSError, ValueError):
            validator, listed = json.loads(self._file.read_text(encoding="utf-8", errors="surrogatepass"))
            return str(validator), [
                ItemRef(uri, said, datetime.fromisoformat(modified) if modified else None, size)
                for uri, said, modified, size in listed
            ]
        return None

    def _keep(self, validator: str, refs: Sequence[ItemRef]) -> None:
        """Atomic, and no failure: without it the next run asks for the feed in full."""
        if self._file is None:
            return
        listed = [(ref.uri, ref.validator, ref.modified.isoformat() if ref.modified else None, ref.size) for ref in refs]
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._file.with_suffix(f".{os.getpid()}.tmp")
            fresh.write_text(json.dumps([validator, listed]), encoding="utf-8")
            fresh.replace(self._file)


def _is_broken(error: Exception) -> bool:
    """Whether the XML itself is not whole; a wrong or missing encoding declaration is not that."""
    return type(error).__name__ == "SAXParseException"


def _text(value: Any) -> str:
    return " ".join(html.unescape(str(value or "")).split())


def _body(contents: Any) -> str:
    """The longest of an entry's contents, as HTML."""
    bodies = [
        f"<pre>{html.escape(str(c.get('value') or ''))}</pre>" if c.get("type") == "text/plain" else str(c.get("value") or "")
        for c in contents
    ]
    return max(bodies, key=len, default="")


def _page(title: str, body: str) -> str:
    name = html.escape(title)
    return f"<html><head><title>{name}</title></head><body><h1>{name}</h1>\n{body}\n</body></html>\n"


def _moment(entry: dict[str, Any], kind: str) -> datetime | None:
    parts = dict.get(entry, f"{kind}_parsed")  # not the entry's own: it answers for `updated` with `published`, and warns
    try:
        return datetime.fromtimestamp(calendar.timegm(parts), UTC) if parts else None
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _when(entry: dict[str, Any], kind: str) -> str:
    moment = _moment(entry, kind)
    return moment.isoformat().replace("+00:00", "Z") if moment else ""
