"""The crawl of `ingest.sources.web`, in a process of its own: `python -m ingest.sources.crawler FOLDER`.

FOLDER holds `job.json` and receives `pages.jsonl` (one outcome per uri), bodies, and at the very end `done.json`.
A process of its own because Twisted's reactor runs once. What pages and sitemaps say is read in workers, with a limit of
time and of memory each (`ingest.sources.bounded`): nothing that a stranger wrote holds up the loop.

Outcomes: page (listed, with a body), same (304), known or new pages that were not reached, gone, failed with a reason.

Over 300 lines: it is one program, whose spider, queue and record share their state and nothing else's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.exceptions import DontCloseSpider, DownloadCancelledError, IgnoreRequest, StopDownload
from scrapy.http import HtmlResponse, Response

from ingest.sources.bounded import Read, within_limits
from ingest.sources.downloading import CUT_OFF, GONE, MIDDLEWARES, PublicResolver, Refused, ShortRobots, inside
from ingest.sources.pages import address, canonical, is_at, same_page, taken_apart, validator_of
from ingest.sources.robots import AGENT, directives
from ingest.sources.sitemaps import read_sitemap
from ingest.sources.webpage import WARM, as_utf8, read_page
from sluice.errors import DocumentError
from sluice.globs import matches, selected
from sluice.ids import content_hash
from sluice.settings import LimitSettings
from sluice.tether import tie

_CANONICAL_LINK = re.compile(r"<([^>]*)>\s*;[^,]*\brel\s*=\s*\"?[^\",;]*\bcanonical\b", re.IGNORECASE)
_EXTENSIONS = (
    *("png", "jpg", "jpeg", "gif", "webp", "svg", "ico", "bmp", "mp3", "mp4", "avi", "mov", "webm", "ogg", "wav"),
    *("zip", "gz", "tar", "tgz", "7z", "rar", "exe", "dmg", "iso", "css", "js", "woff", "woff2", "ttf", "eot"),
)
_MEDIA = tuple(f".{extension}" for extension in _EXTENSIONS)


class Pages(scrapy.Spider):
    """Start pages, sitemaps, everything known, and every link within the allowed domains."""

    name = "sluice"

    def __init__(self, folder: Path, job: dict[str, Any]) -> None:
        super().__init__()
        self.allowed_domains = job["domains"]
        self.folder, self.job = folder, job
        self.limits = LimitSettings.model_validate(job["limits"])
        self.known: dict[str, str] = job["known"]
        self.problems: list[str] = []
        # What is known under a session's address is one page with any other session's.
        self.found = {*self.known, *filter(None, map(_canonical, self.known))}
        self.maps: set[str] = set()
        self.asked: Counter[str] = Counter()
        self.beyond: Counter[str] = Counter()
        self.bodies = 0
        self.files: dict[str, int] = {}
        """Pages that were read: uri → the number of the body."""
        self.same: set[str] = set()
        self.claims: dict[str, tuple[str, dict[str, str]]] = {}
        """Pages that give another address as their own: it, and what to tell of the page if that is not believed."""
        self.lines = open(folder / "pages.jsonl", "w", encoding="utf-8")  # noqa: SIM115 (closed with the spider)

    async def start(self) -> AsyncIterator[Any]:
        for url in self.job["start"]:
            yield self._request(canonical(url), seed=True)
        for url in self.job["sitemaps"]:
            if (request := self._map(url)) is not None:
                yield request
        for uri in self.known:
            if uri not in self.job["start"] and not self._excluded(uri):
                yield self._request(uri)

    def _request(self, uri: str, *, seed: bool = False, whole: bool = False, otherwise: str = "") -> scrapy.Request:
        self.found.add(uri)
        self.asked[urlsplit(uri).netloc] += 1
        conditions = {} if whole else self._conditions(uri)
        return scrapy.Request(
            uri,
            callback=self.parse,
            errback=self.failed,
            headers=conditions,
            meta={"asked": uri, "seed": seed, "otherwise": otherwise, "whole": not conditions},
            priority=20 if seed else 0,
            dont_filter=True,  # `found` sees to that; a redirect to a page that was seen must still be told of
        )

    def _conditions(self, uri: str) -> dict[str, str]:
        until, rest = taken_apart(self.known.get(uri, "").removeprefix(self.job["shape"]))
        if until is not None and until <= datetime.now(UTC):
            return {}  # the page said that it is not to be shown any more: it must say so again
        kind, _, value = rest.partition(":")
        name = {"etag": "If-None-Match", "since": "If-Modified-Since"}.get(kind)
        return {name: value} if name else {}

    def _new(self, url: str) -> Iterator[scrapy.Request]:
        """A request for a page that was found, within the host's budget; none for what is no address of a page."""
        try:
            uri, whole = canonical(url), address(url)
        except ValueError:
            return
        parts = urlsplit(uri)
        if (
            uri in self.found
            or parts.path.lower().endswith(_MEDIA)
            or not self._inside(uri)
            or self._excluded(uri)
            or (self.job["follow"] and not selected(uri, self.job["follow"]))
        ):
            return
        if self.asked[parts.netloc] >= self.job["max_pages"]:
            self.beyond[parts.netloc] += 1
            return
        # Without its session id an address may lead nowhere; then the page is known by the first that was found.
        yield self._request(uri, otherwise=whole if whole != uri else "")

    def _inside(self, uri: str) -> bool:
        return inside(urlsplit(uri).hostname or "", self.allowed_domains)

    def _excluded(self, uri: str) -> bool:
        return any(matches(uri, pattern) for pattern in self.job["exclude"])

    # ── sitemaps ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _map(self, url: str) -> scrapy.Request | None:
        """A request for a sitemap that was not asked for yet: an index that leads back to itself leads nowhere."""
        if url in self.maps or len(self.maps) >= self.job["max_sitemaps"]:
            self.beyond["sitemaps"] += url not in self.maps
            return None
        self.maps.add(url)
        return scrapy.Request(url, callback=self.sitemap, errback=self.no_sitemap, priority=10, dont_filter=True)

    async def sitemap(self, response: Response) -> AsyncIterator[Any]:
        if response.status != 200:
            self.problems.append(f"the sitemap {response.url}: HTTP {response.status}")
            return
        about = {"url": response.url, "max_bytes": self.job["max_bytes"]}
        try:
            found = await self._in_a_worker(read_sitemap, response.body, response.url, about)
        except DocumentError as error:
            self.problems.append(f"the sitemap {response.url}: {error.message.removeprefix(response.url + ': ')}")
            return
        for url in found["addresses"]:
            if not found["index"]:
                for request in self._new(url):
                    yield request
            elif (further := self._map(url)) is not None:
                yield further

    def no_sitemap(self, failure: Any) -> None:
        self.problems.append(f"the sitemap {failure.request.url}: {_said(failure)}")

    # ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def parse(self, response: Response, **_: Any) -> AsyncIterator[Any]:
        """One answer; what goes wrong in it costs this page."""
        try:
            requests = await self._answered(response)
        except DocumentError as error:
            self._unread(response, error.reason, error.message)
            return
        except Exception as error:
            self._unread(response, "crashed", f"the crawler failed on it: {type(error).__name__}")
            return
        for request in requests:
            yield request

    async def _in_a_worker(self, read: Read, content: bytes, uri: str, about: Mapping[str, Any]) -> Any:
        """What strangers wrote is read outside this process, and the loop goes on meanwhile."""
        warm = WARM if about.get("main_text") else ()
        return await asyncio.to_thread(partial(within_limits, read, content, uri, about, warm=warm, limits=self.limits))

    def _unread(self, response: Response, reason: str, why: str) -> None:
        mark = content_hash(response.body)[:16]
        self._not_had(response.meta, "failed", why, reason, mark=mark)

    async def _answered(self, response: Response) -> list[scrapy.Request]:
        asked, uri = response.meta["asked"], address(response.url)
        uri = asked if is_at(asked, uri) else uri
        if response.status == 304 and response.meta["whole"]:
            self._not_had(response.meta, "later", "HTTP 304 to a request that named nothing to compare with")
            return []
        if response.status == 304 and uri != asked:  # what it has moved to may lie where others may read: it must be told of
            return [self._request(asked, seed=response.meta["seed"], whole=True, otherwise=response.meta["otherwise"])]
        if response.status == 304:
            self.same.add(asked)
            self._tell(asked, "same", validator=self.known.get(asked, ""))
            return []
        if response.status not in (200, 203):
            kind = "gone" if response.status in GONE else "later"
            if response.meta["otherwise"]:
                return [self._request(response.meta["otherwise"])]
            flags = [flag.removeprefix(CUT_OFF) for flag in response.flags if flag.startswith(CUT_OFF)]
            self._not_had(response.meta, kind, *flags[:1] or [f"HTTP {response.status}"])
            return []
        kind, page = _header(response, "Content-Type"), {}
        if isinstance(response, HtmlResponse):
            about = {"url": response.url, "content_type": kind, "main_text": self.job["main_text"]}
            page = await self._in_a_worker(read_page, response.body, uri, about)
        if page.get("login") and uri != asked:  # as 401: who does not log in may not read it any more
            self._not_had(response.meta, "gone", f"redirects to a login page, {uri}")
            return []
        if uri != asked:
            self._tell(asked, "gone", reason=f"redirects to {uri}")
        headers = [value.decode("latin-1") for value in response.headers.getlist("X-Robots-Tag")]
        said = directives(headers, [(name, words) for name, words in page.get("robots", ())], AGENT, datetime.now(UTC))
        wanted = [url for url, nofollow in page.get("links", ()) if said.follow and not nofollow]
        own = self._stated(response, page, uri)
        requests = [request for url in [*wanted, *filter(None, [own])] for request in self._new(url)]
        if not said.index or not selected(uri, self.job["include"], self.job["exclude"]):
            self._tell(uri, "gone", reason="not listed")
        else:
            self._page(uri, response, page.get("html"), said.until, own)
        return requests

    def _stated(self, response: Response, page: dict[str, Any], uri: str) -> str:
        """The other address that a page gives as its own, where this source may list it; "" for none, and for several."""
        links = [value.decode("latin-1") for value in response.headers.getlist("Link")]
        stated = [urljoin(response.url, target) for link in links for target in _CANONICAL_LINK.findall(link)]
        found = set()
        for url in [*page.get("canonical", ()), *stated]:
            with contextlib.suppress(ValueError):
                found.add(canonical(url))
        own = found.pop() if len(found) == 1 else uri
        fit = own != uri and self._inside(own) and selected(own, self.job["include"], self.job["exclude"])
        return own if fit else ""

    def _page(self, uri: str, response: Response, html: str | None, until: datetime | None, own: str) -> None:
        stated = _header(response, "Content-Type")
        kind = stated.partition(";")[0].strip().lower()
        headers = {name: value for name in ("etag", "last-modified") if (value := _header(response, name))}
        if html is not None:
            content, kind = html.encode("utf-8", "replace"), "text/html"
        else:
            content = as_utf8(response.body, stated)
        self.bodies += 1
        (self.folder / str(self.bodies)).write_bytes(content)
        self.files[uri] = self.bodies
        validator = self.job["shape"] + validator_of(headers, content, until)
        modified = headers.get("last-modified", "")
        about = {"validator": validator, "file": str(self.bodies), "media_type": kind, "modified": modified}
        if own:
            self.claims[uri] = (own, about)
        else:
            self._tell(uri, "page", **about)

    def failed(self, failure: Any) -> None:
        meta, said = failure.request.meta, _said(failure)
        if failure.check(Refused):
            self._not_had(meta, "failed", said, "refused_address")
        elif failure.check(DownloadCancelledError):
            self._not_had(meta, "failed", f"more than max_bytes, {self.job['max_bytes']}", "too_large")
        elif failure.check(StopDownload):
            self._not_had(meta, "gone", "not of a type that is wanted")
        elif failure.check(IgnoreRequest) and "redirections" in said:
            self._not_had(meta, "failed", "too many redirects", "redirects")
        elif failure.check(IgnoreRequest):
            self._not_had(meta, "gone", said or "refused by robots.txt, or leads out of the allowed domains")
        else:
            self._not_had(meta, "later", said)

    def _not_had(self, meta: dict[str, Any], kind: str, why: str, reason: str = "", mark: str = "") -> None:
        uri = meta["asked"]
        if meta["seed"]:
            self.problems.append(f"{uri}: {why}")
        self._tell(uri, kind, reason=reason or why, why=why, validator=self.known.get(uri, ""), mark=mark)

    def _tell(self, uri: str, kind: str, **more: str) -> None:
        self.lines.write(json.dumps({"uri": uri, "kind": kind, **more}) + "\n")

    # ── addresses that pages give as their own ───────────────────────────────────────────────────────────────────

    def idle(self) -> None:
        """Before the end: what a claim leads to and was not sent, because it had not changed, is read to compare."""
        unread = {own for own, _ in self.claims.values()} & self.same - set(self.files)
        self.same -= unread
        for uri in unread:
            self.crawler.engine.crawl(self._request(uri, whole=True))
        if unread:
            raise DontCloseSpider

    def _settle(self) -> None:
        """A claim is believed where the address answered with the same page; in a circle, the first by name keeps it."""
        believed = {uri: own for uri, (own, _) in self.claims.items() if own in self.files and self._equal(uri, own)}
        for uri, (own, about) in self.claims.items():
            home = _home(uri, believed)
            if home == uri:
                self._tell(uri, "page", **about)
            else:
                self._tell(uri, "gone", reason=f"says that it is {own}")

    def _equal(self, uri: str, own: str) -> bool:
        return same_page(*((self.folder / str(self.files[each])).read_bytes() for each in (uri, own)))

    def closed(self, reason: str) -> None:
        self._settle()
        self.lines.close()
        if self.beyond.pop("sitemaps", 0):
            self.problems.append(f"its sitemaps lead to more than {self.job['max_sitemaps']} others: an index without end?")
        done = {"reason": reason, "problems": self.problems, "beyond": self.beyond, "bodies": self.bodies}
        (self.folder / "done.json").write_text(json.dumps(done), encoding="utf-8")

    # ── before a body is read ────────────────────────────────────────────────────────────────────────────────────

    @classmethod
    def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> Pages:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.headers, signal=scrapy.signals.headers_received)
        crawler.signals.connect(spider.idle, signal=scrapy.signals.spider_idle)
        return spider

    def headers(self, headers: Any, request: scrapy.Request, **_: Any) -> None:
        kind = (headers.get("Content-Type") or b"").decode("latin-1").partition(";")[0].strip().lower()
        if "asked" in request.meta and kind and not any(matches(kind, wanted) for wanted in self.job["types"]):
            raise StopDownload(fail=True)


def _canonical(uri: str) -> str:
    try:
        return canonical(uri)
    except ValueError:
        return ""


def _home(uri: str, believed: Mapping[str, str]) -> str:
    """Where a chain of addresses that are believed ends."""
    path = [uri]
    while (following := believed.get(path[-1])) is not None:
        if following in path:
            return min(path[path.index(following) :])
        path.append(following)
    return path[-1]


def _header(response: Response, name: str) -> str:
    return (response.headers.get(name) or b"").decode("latin-1")


def _said(failure: Any) -> str:
    return " ".join(str(failure.value).split())[:200] or type(failure.value).__name__


def main(folder: Path) -> None:
    """Crawl as `job.json` in this folder says."""
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    process = CrawlerProcess(
        {
            "SLUICE_NAMED": job["named"],
            "SLUICE_DOMAINS": job["domains"],
            "USER_AGENT": job["user_agent"],
            "ROBOTSTXT_OBEY": job["robots"],
            "ROBOTSTXT_PARSER": ShortRobots,
            "COOKIES_ENABLED": False,
            "TELNETCONSOLE_ENABLED": False,
            "HTTPERROR_ALLOW_ALL": True,
            "METAREFRESH_ENABLED": False,
            "REDIRECT_MAX_TIMES": 5,
            "REFERRER_POLICY": "no-referrer",
            "RETRY_TIMES": job["attempts"] - 1,
            "DOWNLOAD_TIMEOUT": job["timeout_s"],
            "DOWNLOAD_MAXSIZE": job["max_bytes"],
            "DOWNLOAD_WARNSIZE": 0,
            "DOWNLOAD_DELAY": job["delay_s"],
            "AUTOTHROTTLE_ENABLED": job["delay_s"] > 0,
            "AUTOTHROTTLE_START_DELAY": job["delay_s"],
            "CONCURRENT_REQUESTS_PER_DOMAIN": 4,
            "CLOSESPIDER_TIMEOUT": job["max_minutes"] * 60,
            "DNS_RESOLVER": PublicResolver,
            "SLUICE_MAX_WAIT_S": job["max_wait_s"],
            "DOWNLOADER_MIDDLEWARES": MIDDLEWARES,
            "LOG_LEVEL": "ERROR",
            "LOG_STDOUT": False,
        }
    )
    process.crawl(Pages, folder, job)
    process.start()


if __name__ == "__main__":
    tie(os.getppid())  # a crawl takes minutes, and nobody would read what it found
    main(Path(sys.argv[1]))
