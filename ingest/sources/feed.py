"""Entries of an RSS or Atom feed: blogs, release notes, news.

An entry that carries its text is a document as it is; of one that carries a summary only, the linked article is. A feed
shows its latest entries, not all it ever had: with `keep` (the default) an entry that has left the feed stays, unless the
feed says that it was deleted (RFC 6721).

Entries that share a link and have ids of their own are documents of their own, `<link>#<id>`, and stay so.
"""

from __future__ import annotations

import contextlib
import html
import json
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from pydantic import Field, field_validator

from ingest.canonical import CANONICAL_URI, web_address
from ingest.sources.addresses import authority
from ingest.sources.bounded import within_limits
from ingest.sources.entries import read_feed
from ingest.sources.http import Answer, Http, HttpOptions, shown
from ingest.sources.pages import leads_elsewhere
from ingest.sources.snapshot import Listed, Snapshot
from ingest.sources.webpage import HTML, as_utf8, read_page
from sluice.errors import DocumentError, SourceUnavailable
from sluice.ids import digest
from sluice.records import ItemRef, RawItem
from sluice.settings import ConfigPath, LimitSettings

_ARTICLES = ("text/html", "application/xhtml+xml", "text/plain", "text/markdown", "application/pdf")
_MOST_IDS = 100_000
_ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.5"


VERSION = 2
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
    limits: LimitSettings = Field(default=LimitSettings(), exclude=True)

    @field_validator("url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        authority(value)
        return value


class FeedSource:
    """The entries of a feed. A uri is what an entry links to (with its id, where others link there too), else its id."""

    Options = FeedOptions

    def __init__(self, name: str, options: FeedOptions, http: Http | None = None) -> None:
        self.name = name
        self.options = options
        self._http = http or Http(name, options, named=(authority(options.url),), secret=dict(options.headers))
        self._snapshot = Snapshot(name, self._read)
        self._asked: set[str] = set()
        self._left: set[str] = set()
        """What the feed took back, or gives under other names by now (a link that has moved): it does not stay."""

    def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]:
        """Each entry once, and with `keep` every known one; raises SourceUnavailable for what is no whole feed."""
        return self._with_kept(self._snapshot.scan(known), known)

    def fetch(self, ref: ItemRef) -> RawItem:
        """The entry's text, or the article it links to; raises DocumentError as `Http.get` does, and `gone`.

        Of an article that lies elsewhere than its link says, the rules of both addresses hold.
        """
        self._asked.add(ref.uri)
        item = self._snapshot.fetch(ref)
        if item.content:
            return item
        link = item.metadata["link"]
        answer = self._http.get(link, types=_ARTICLES, accept=", ".join(_ARTICLES[:2]) + ", */*;q=0.5")
        elsewhere = leads_elsewhere(link, answer.url)
        if elsewhere and self._asks_to_log_in(answer):
            raise SourceUnavailable(
                f"source '{self.name}': {shown(link)}: redirects to {shown(answer.url)}, a login page",
                hint="nobody logs in here: articles: never takes the entries as they are",
            )
        return RawItem(
            uri=item.uri,
            content=as_utf8(answer.content, answer.headers.get("content-type", "")),
            validator=item.validator,
            media_type=answer.media_type,
            modified=item.modified or answer.modified,
            metadata=item.metadata,
            stands_for=answer.url if elsewhere else "",
        )

    def _asks_to_log_in(self, answer: Answer) -> bool:
        if answer.media_type not in HTML:
            return False
        about = {"url": answer.url, "content_type": answer.headers.get("content-type", "")}
        return bool(within_limits(read_page, answer.content, answer.url, about, limits=self.options.limits)["login"])

    def _with_kept(self, listing: Iterator[ItemRef], known: Mapping[str, str]) -> Iterator[ItemRef]:
        listed = set()
        for ref in listing:
            listed.add(ref.uri)
            yield ref
        if self.options.keep:
            yield from (
                ItemRef(uri, validator) for uri, validator in known.items() if validator and uri not in listed | self._left
            )

    def _read(self, known: Mapping[str, str]) -> Iterator[Listed]:
        kept = self._kept() if known else None  # what is fetched now needs its text, which is not kept
        answer = self._http.listing(self.options.url, validator=kept.validator if kept else "", accept=_ACCEPT)
        if kept is not None and answer.not_modified:
            self._left = set(kept.left)
            yield from map(Listed, kept.listed)
            return
        found = self._parsed(answer)
        about = {"feed": found["title"]} if found["title"] else {}
        names = _names(found["entries"], known.keys() | self._asked)
        remembered = self._kept()
        ids = {digest(e["id"])[:24]: uri for e, uri in zip(found["entries"], names, strict=True) if e["id"]}
        ids = dict(list(({**remembered.ids, **ids} if remembered else ids).items())[-_MOST_IDS:])
        shared = {entry["link"] for entry, uri in zip(found["entries"], names, strict=True) if uri != entry["link"]}
        moved = _moved(found["entries"], names, remembered.ids if remembered else {})
        if remembered:  # what an interrupted run has not taken away yet
            moved |= (set(remembered.left) & known.keys()) - {*names}
        self._left = shared | moved | {uri for id_ in found["deleted"] for uri in (id_, ids.get(digest(id_)[:24], id_))}
        # Feeds list the newest first, and of a uri given twice the last counts: so from the end.
        refs = []
        for entry, uri in reversed(list(zip(found["entries"], names, strict=True))):
            item = self._entry(entry, uri, about)
            if isinstance(item, DocumentError):
                yield Listed(ItemRef(f"{self.options.url}#{digest(json.dumps(entry))[:12]}", digest(json.dumps(entry))), item)
            else:
                refs.append(ItemRef(item.uri, item.validator, item.modified, len(item.content) or None))
                yield Listed(refs[-1], item)
        if not found["broken"] and all(names):
            self._keep(_Kept(answer.validator, refs, ids, sorted(self._left)))

    def _parsed(self, answer: Answer) -> dict[str, Any]:
        """What the feed says, read in a worker; raises SourceUnavailable for what is no whole feed."""
        headers = {name: answer.headers[name] for name in ("content-type", "content-language") if name in answer.headers}
        about = {"headers": headers | {"content-location": answer.url}}
        try:
            where, limits = shown(self.options.url), self.options.limits
            found: dict[str, Any] = within_limits(read_feed, answer.content, where, about, warm=("feedparser",), limits=limits)
        except DocumentError as error:
            raise SourceUnavailable(f"source '{self.name}': {error.message}; nothing was changed", hint=error.hint) from None
        if not found["version"] or (found["broken"] and not self.options.keep):
            what = "is cut off or broken" if found["version"] else f"is no feed but {headers.get('content-type', 'unknown')}"
            raise SourceUnavailable(
                f"source '{self.name}': {shown(self.options.url)}: {what}; nothing was changed",
                hint="open it in a browser: is it a login or an error page?",
            )
        return found

    def _entry(self, entry: Mapping[str, Any], uri: str, about: Mapping[str, Any]) -> RawItem | DocumentError:
        title, link, summary = entry["title"], entry["link"], entry["summary"]
        if not uri:
            what = f"source '{self.name}': {shown(self.options.url)}: an entry has neither a link nor an id"
            return DocumentError("no_key", what, hint="nothing tells it from others: have the feed mended")
        full = max(entry["contents"], key=len, default="")
        full = full if full.strip() else ""
        linked = link.startswith(("http://", "https://"))
        # What several entries link to is the article of none of them.
        alone = self.options.articles == "auto" and not full and uri == link
        fetched = linked and (self.options.articles == "always" or alone)
        body = "" if fetched else _page(title, full or summary)
        published, updated = _moment(entry["published"]), _moment(entry["updated"]) or _moment(entry["published"])
        metadata = {
            **about,
            "title": title,
            "link": link,
            "author": entry["author"],
            "published": published.isoformat().replace("+00:00", "Z") if published else "",
            "categories": entry["categories"],
        }
        stated = json.dumps(metadata, sort_keys=True)
        address = web_address(link)
        return RawItem(
            uri=uri,
            content=body.encode("utf-8", "replace"),
            validator=digest(entry["id"], stated, str(updated), full, summary, self.options.articles),
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

    def _kept(self) -> _Kept | None:
        """What the feed said last, and under which validator."""
        if self._file is None:
            return None
        with contextlib.suppress(OSError, ValueError, TypeError):
            validator, listed, ids, left = json.loads(self._file.read_text(encoding="utf-8", errors="surrogatepass"))
            refs = [
                ItemRef(uri, said, datetime.fromisoformat(modified) if modified else None, size)
                for uri, said, modified, size in listed
            ]
            return _Kept(str(validator), refs, dict(ids), list(left))
        return None

    def _keep(self, kept: _Kept) -> None:
        """Atomic, and no failure: without it the next run asks for the feed in full."""
        if self._file is None:
            return
        refs = [(ref.uri, ref.validator, ref.modified.isoformat() if ref.modified else None, ref.size) for ref in kept.listed]
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._file.with_suffix(f".{os.getpid()}.tmp")
            fresh.write_text(json.dumps([kept.validator, refs, dict(kept.ids), list(kept.left)]), encoding="utf-8")
            fresh.replace(self._file)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a feed listed last: its validator ("" where it has none), its refs, the uri of each id that was ever seen, and what it
    took back."""

    validator: str
    listed: Sequence[ItemRef]
    ids: Mapping[str, str]
    left: Sequence[str]


def _names(entries: Sequence[Mapping[str, Any]], taken: Collection[str]) -> list[str]:
    """The uri of each entry; "" for one that nothing tells from others.

    The link, unless entries with other ids have it too, or had it the last time: then the link and the id.
    """
    marks: dict[str, set[str]] = {}
    for entry in entries:
        marks.setdefault(entry["link"], set()).add(_mark(entry))
    names = []
    for entry in entries:
        link, own = entry["link"], f"{entry['link']}#{_mark(entry)}"
        if not link:
            names.append(entry["id"])
        else:
            names.append(own if len(marks[link]) > 1 or own in taken else link)
    return names


def _moved(entries: Sequence[Mapping[str, Any]], names: Sequence[str], before: Mapping[str, str]) -> set[str]:
    """Uris under which entries of this feed were known by their ids, and are not any more: they have another link now."""
    times = Counter(entry["id"] for entry in entries)
    alone = {
        digest(entry["id"])[:24]: uri
        for entry, uri in zip(entries, names, strict=True)
        if entry["id"] and times[entry["id"]] == 1
    }
    return {before[key] for key, uri in alone.items() if before.get(key, uri) != uri} - {*names}


def _mark(entry: Mapping[str, Any]) -> str:
    """What tells an entry from others with its link: its id, else its title and time."""
    ident = entry["id"] if entry["id"] != entry["link"] else ""
    readable = quote(ident, safe="@:!$&'()*+,;=~/?", errors="replace")
    if readable and len(readable) <= 200:
        return readable
    return digest(ident, entry["title"], entry["published"])[:12]


def _page(title: str, body: str) -> str:
    name = html.escape(title)
    return f"<html><head><title>{name}</title></head><body><h1>{name}</h1>\n{body}\n</body></html>\n"


def _moment(seconds: int | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None
    except (ValueError, OverflowError, OSError):
        return None
