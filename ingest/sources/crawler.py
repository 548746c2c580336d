"""The crawl of `ingest.sources.web`, in a process of its own: `python -m ingest.sources.crawler FOLDER`.

FOLDER holds `job.json` and receives `pages.jsonl` (one outcome per uri), bodies, and at the very end `done.json`.
A process of its own because Twisted's reactor runs once, and because what a page does to a parser stays here.

Outcomes: page (listed, with a body), same (304), known or new pages that were not reached, gone, failed with a reason.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.exceptions import DownloadCancelledError, IgnoreRequest, StopDownload
from scrapy.http import HtmlResponse, Response
from scrapy.linkextractors.lxmlhtml import LxmlLinkExtractor
from scrapy.resolver import CachingThreadedResolver
from scrapy.utils.gz import gunzip, gzip_magic_number
from scrapy.utils.sitemap import Sitemap

from ingest.sources.addresses import Guard, is_public
from ingest.sources.pages import canonical, main_text, validator_of
from sluice.errors import DocumentError
from sluice.globs import matches, selected
from sluice.ids import content_hash

_LATER = frozenset({408, 425, 429, *range(500, 600)})
_MEDIA = (
    *("png", "jpg", "jpeg", "gif", "webp", "svg", "ico", "bmp", "mp3", "mp4", "avi", "mov", "webm", "ogg", "wav"),
    *("zip", "gz", "tar", "tgz", "7z", "rar", "exe", "dmg", "iso", "css", "js", "woff", "woff2", "ttf", "eot"),
)


class Refused(IgnoreRequest):
    """An address that this source may not connect to."""


class PublicOnly:
    """Downloader middleware: every request, redirects and robots.txt included, to public addresses or named hosts."""

    def __init__(self, named: list[str]) -> None:
        self._guard = Guard(named)
        self._hosts = {name.rpartition(":")[0] or name for name in named} | set(named)

    @classmethod
    def from_crawler(cls, crawler: Any) -> PublicOnly:
        return cls(crawler.settings.getlist("SLUICE_NAMED"))

    def process_request(self, request: scrapy.Request) -> None:
        parts = urlsplit(request.url)
        host, port = (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)
        if parts.scheme not in ("http", "https"):
            raise Refused(f"{parts.scheme}: is no protocol of the web")
        if self._guard.names(host, port):
            return
        literal = _is_address(host)
        if (literal and not is_public(host)) or (host in self._hosts and not literal and _private(self._guard, host, port)):
            raise Refused(f"{host}:{port} is no public address")


class PublicResolver(CachingThreadedResolver):
    """Names lead to public addresses, or are named: checked on the very answer that the connection is made with."""

    def __init__(self, reactor: Any, cache_size: int, timeout: float, hosts: list[str]) -> None:
        super().__init__(reactor, cache_size, timeout)
        self._hosts = frozenset(hosts)

    @classmethod
    def from_crawler(cls, crawler: Any, reactor: Any) -> PublicResolver:
        hosts = [name.rpartition(":")[0] or name for name in crawler.settings.getlist("SLUICE_NAMED")]
        return cls(reactor, 10000, crawler.settings.getfloat("DNS_TIMEOUT"), hosts)

    def getHostByName(self, name: str, timeout: Any = ()) -> Any:
        found = super().getHostByName(name, timeout)
        return found if name.lower() in self._hosts else found.addCallback(_public, name)


def _public(address: str, name: str) -> str:
    if not is_public(address):
        raise Refused(f"{name} leads to {address}, which is no public address")
    return address


def _is_address(host: str) -> bool:
    try:
        is_public(host)
    except ValueError:
        return False
    return True


def _private(guard: Guard, host: str, port: int) -> bool:
    try:
        guard.addresses(host, port)
    except DocumentError:
        return True
    except OSError:
        return False
    return False


class Pages(scrapy.Spider):
    """Start pages, sitemaps, everything known, and every link within the allowed domains."""

    name = "sluice"

    def __init__(self, folder: Path, job: dict[str, Any]) -> None:
        super().__init__()
        self.allowed_domains = job["domains"]
        self.folder, self.job = folder, job
        self.known: dict[str, str] = job["known"]
        self.problems: list[str] = []
        self.found = set(self.known)
        self.asked: Counter[str] = Counter()
        self.beyond: Counter[str] = Counter()
        self.bodies = 0
        self.lines = open(folder / "pages.jsonl", "w", encoding="utf-8")  # noqa: SIM115 (closed with the spider)
        self.links = LxmlLinkExtractor(deny_extensions=list(_MEDIA))

    async def start(self) -> AsyncIterator[Any]:
        for url in self.job["start"]:
            yield self._request(canonical(url), seed=True)
        for url in self.job["sitemaps"]:
            yield scrapy.Request(url, callback=self.sitemap, errback=self.no_sitemap, priority=10)
        for uri in self.known:
            if uri not in self.job["start"] and not self._excluded(uri):
                yield self._request(uri)

    def _request(self, uri: str, *, seed: bool = False) -> scrapy.Request:
        self.found.add(uri)
        self.asked[urlsplit(uri).netloc] += 1
        return scrapy.Request(
            uri,
            callback=self.parse,
            errback=self.failed,
            headers=self._conditions(uri),
            meta={"asked": uri, "seed": seed},
            priority=20 if seed else 0,
            dont_filter=True,  # `found` sees to that; a redirect to a page that was seen must still be told of
        )

    def _conditions(self, uri: str) -> dict[str, str]:
        kind, _, value = self.known.get(uri, "").removeprefix(self.job["shape"]).partition(":")
        name = {"etag": "If-None-Match", "since": "If-Modified-Since"}.get(kind)
        return {name: value} if name else {}

    def _new(self, url: str) -> Iterator[scrapy.Request]:
        """A request for a page that was found, within the host's budget."""
        uri = canonical(url)
        host = urlsplit(uri).netloc
        if (
            uri in self.found
            or not self._inside(uri)
            or self._excluded(uri)
            or (self.job["follow"] and not selected(uri, self.job["follow"]))
        ):
            return
        if self.asked[host] >= self.job["max_pages"]:
            self.beyond[host] += 1
            return
        yield self._request(uri)

    def _inside(self, uri: str) -> bool:
        host = urlsplit(uri).hostname or ""
        return any(host == domain or host.endswith(f".{domain}") for domain in self.allowed_domains)

    def _excluded(self, uri: str) -> bool:
        return any(matches(uri, pattern) for pattern in self.job["exclude"])

    # ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────

    def sitemap(self, response: Response) -> Iterator[Any]:
        if response.status != 200:
            self.problems.append(f"{response.url}: HTTP {response.status}")
            return
        body = response.body
        if gzip_magic_number(response):
            body = gunzip(body, max_size=self.job["max_bytes"])
        found = Sitemap(body)
        for entry in found:
            url = str(entry.get("loc") or "")
            if found.type == "sitemapindex":
                yield scrapy.Request(url, callback=self.sitemap, errback=self.no_sitemap, priority=10)
            elif url:
                yield from self._new(url)

    def no_sitemap(self, failure: Any) -> None:
        self.problems.append(f"{failure.request.url}: {_said(failure)}")

    def parse(self, response: Response, **_: Any) -> Iterator[Any]:
        asked, uri = response.meta["asked"], canonical(response.url)
        if response.status == 304:
            self._tell(asked, "same", validator=self.known.get(asked, ""))
            return
        if response.status != 200:
            kind = "later" if response.status in _LATER else "gone"
            self._not_had(response.meta, kind, f"HTTP {response.status}")
            return
        page = isinstance(response, HtmlResponse)
        if page and uri != asked and response.xpath("//input[@type='password']"):
            self._not_had(response.meta, "later", f"redirects to a login page, {uri}")
            return
        if uri != asked:
            self._tell(asked, "gone", reason=f"redirects to {uri}")
        directives = ",".join([_header(response, "X-Robots-Tag"), *self._meta(response, "robots")]).lower()
        if isinstance(response, HtmlResponse) and "nofollow" not in directives:
            for link in self.links.extract_links(response):
                if not link.nofollow:
                    yield from self._new(link.url)
        own = self._canonical(response) if page else uri
        if own != uri:
            yield from self._new(own)
            self._tell(uri, "gone", reason=f"says that it is {own}")
        elif "noindex" in directives or not selected(uri, self.job["include"], self.job["exclude"]):
            self._tell(uri, "gone", reason="not listed")
        else:
            self._page(uri, response)

    @staticmethod
    def _meta(response: Response, name: str) -> list[str]:
        return response.xpath(f"//meta[@name='{name}']/@content").getall() if isinstance(response, HtmlResponse) else []

    def _canonical(self, response: Response) -> str:
        """The address that a page gives as its own, on the same host; else the one it was found at."""
        here = canonical(response.url)
        stated = response.xpath("//head/link[@rel='canonical']/@href").get()
        try:
            there = canonical(response.urljoin(stated)) if stated else here
        except ValueError:
            return here
        return there if urlsplit(there).netloc == urlsplit(here).netloc else here

    def _page(self, uri: str, response: Response) -> None:
        kind = _header(response, "Content-Type").partition(";")[0].strip().lower()
        headers = {name: value for name in ("etag", "last-modified") if (value := _header(response, name))}
        content = response.body
        if isinstance(response, HtmlResponse) and self.job["main_text"]:
            content, kind = main_text(response.text, uri), "text/html"
        self.bodies += 1
        (self.folder / str(self.bodies)).write_bytes(content)
        validator = self.job["shape"] + (validator_of(headers) or f"hash:{content_hash(content)}")
        modified = headers.get("last-modified", "")
        self._tell(uri, "page", validator=validator, file=str(self.bodies), media_type=kind, modified=modified)

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

    def _not_had(self, meta: dict[str, Any], kind: str, why: str, reason: str = "") -> None:
        uri = meta["asked"]
        if meta["seed"]:
            self.problems.append(f"{uri}: {why}")
        self._tell(uri, kind, reason=reason or why, why=why, validator=self.known.get(uri, ""))

    def _tell(self, uri: str, kind: str, **more: str) -> None:
        self.lines.write(json.dumps({"uri": uri, "kind": kind, **more}) + "\n")

    def closed(self, reason: str) -> None:
        self.lines.close()
        done = {"reason": reason, "problems": self.problems, "beyond": self.beyond, "bodies": self.bodies}
        (self.folder / "done.json").write_text(json.dumps(done), encoding="utf-8")

    # ── before a body is read ────────────────────────────────────────────────────────────────────────────────────

    @classmethod
    def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> Pages:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.headers, signal=scrapy.signals.headers_received)
        return spider

    def headers(self, headers: Any, request: scrapy.Request, **_: Any) -> None:
        kind = (headers.get("Content-Type") or b"").decode("latin-1").partition(";")[0].strip().lower()
        if "asked" in request.meta and kind and not any(matches(kind, wanted) for wanted in self.job["types"]):
            raise StopDownload(fail=True)


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
            "USER_AGENT": job["user_agent"],
            "ROBOTSTXT_OBEY": job["robots"],
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
            "DOWNLOADER_MIDDLEWARES": {PublicOnly: 50},
            "LOG_LEVEL": "ERROR",
            "LOG_STDOUT": False,
        }
    )
    process.crawl(Pages, folder, job)
    process.start()


if __name__ == "__main__":
    tie(os.getppid())  # a crawl takes minutes, and nobody would read what it found
    main(Path(sys.argv[1]))
