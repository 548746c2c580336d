"""What the crawl's downloader lets pass, and when: public addresses, what a robots.txt allows that could be had, whole bodies.

Middlewares of Scrapy's for `ingest.sources.crawler`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import scrapy
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.resolver import CachingThreadedResolver
from scrapy.robotstxt import ProtegoRobotParser

from ingest.sources import encodings
from ingest.sources.addresses import Guard, is_public
from ingest.sources.http import seconds_asked
from sluice.errors import DocumentError

LATER = frozenset({408, 425, 429, *range(500, 600)})
"""Answers after which the same may be had at another time."""
GONE = frozenset({401, 403, 404, 410, 451})
"""Answers after which a page is none that this reader may have. Any other (400, a firewall's 202) says nothing of it."""
CUT_OFF = "cut off: "
"""What marks an answer whose body is not whole (`Whole`)."""
_ROBOTS_BYTES = 500 << 10
"""RFC 9309, 2.5: what a crawler must read of a robots.txt at least."""


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


class ShortRobots(ProtegoRobotParser):
    """The beginning of a robots.txt: it is read here, and every address is held against every rule of it."""

    def __init__(self, robotstxt_body: bytes, spider: Any) -> None:
        longer = len(robotstxt_body) > _ROBOTS_BYTES  # then its last line is cut somewhere, and means something else
        super().__init__(robotstxt_body[:_ROBOTS_BYTES].rpartition(b"\n")[0] if longer else robotstxt_body, spider)


class Unreachable(Exception):
    """A host whose robots.txt cannot be had."""


class AskedRobots(RobotsTxtMiddleware):
    """As Scrapy's; a robots.txt that is there and cannot be had (5xx, 429, no answer) forbids for now, and is no permission.

    RFC 9309, 2.3.1.4. What is known of such a host stays as it is.
    """

    def __init__(self, crawler: Any) -> None:
        super().__init__(crawler)
        self._unreachable: dict[str, str] = {}

    async def process_request(self, request: scrapy.Request, spider: Any = None) -> None:
        await super().process_request(request)
        host = urlsplit(request.url).netloc
        if host in self._unreachable and not request.meta.get("dont_obey_robotstxt"):
            why = self._unreachable[host]
            raise Unreachable(f"the robots.txt of {host} cannot be had ({why}), so nothing is read there (robots: false does)")

    async def _parse_robots(self, response: Response, netloc: str, request: scrapy.Request) -> None:
        if response.status in LATER:
            self._unreachable[netloc] = f"HTTP {response.status}"
        await super()._parse_robots(response.replace(body=b"") if response.status != 200 else response, netloc, request)

    def _robots_error(self, exc: Exception, netloc: str) -> None:
        if not isinstance(exc, IgnoreRequest):
            self._unreachable[netloc] = type(exc).__name__
        super()._robots_error(exc, netloc)


def inside(host: str, domains: Iterable[str]) -> bool:
    """Whether a host is one of these domains or below one."""
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


class Inside:
    """Downloader middleware: what a page redirects to out of the source's domains is none of its pages, and not asked for."""

    def __init__(self, domains: list[str]) -> None:
        self._domains = domains

    @classmethod
    def from_crawler(cls, crawler: Any) -> Inside:
        return cls(crawler.settings.getlist("SLUICE_DOMAINS"))

    def process_request(self, request: scrapy.Request) -> None:
        host = (urlsplit(request.url).hostname or "").lower()
        if "asked" in request.meta and request.meta.get("redirect_urls") and not inside(host, self._domains):
            raise IgnoreRequest(f"redirects to {host}, which is not among the domains of this source")


class Patient:
    """Downloader middleware: a host that asks for patience (Retry-After) is asked nothing until then; one that asks for more
    than `max_wait_s` is not asked again for what it refused."""

    def __init__(self, max_wait_s: float) -> None:
        self._max_wait_s = max_wait_s
        self._until: dict[str, float] = {}

    @classmethod
    def from_crawler(cls, crawler: Any) -> Patient:
        return cls(crawler.settings.getfloat("SLUICE_MAX_WAIT_S"))

    async def process_request(self, request: scrapy.Request) -> None:
        host = urlsplit(request.url).netloc
        while (wait := self._until.get(host, 0.0) - time.monotonic()) > 0:
            await asyncio.sleep(wait)

    def process_response(self, request: scrapy.Request, response: Response) -> Response:
        if response.status in LATER:
            said = (response.headers.get("Retry-After") or b"").decode("latin-1")
            wait = seconds_asked(said, datetime.now(UTC)) or 0.0
            if wait > self._max_wait_s:
                request.meta["dont_retry"] = True
            elif wait:
                self._until[urlsplit(request.url).netloc] = time.monotonic() + wait
        return response


class Whole:
    """Downloader middleware: a body that is cut off within its compression is as one of which the connection broke off.

    Scrapy's own would give what it could unpack of it.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    @classmethod
    def from_crawler(cls, crawler: Any) -> Whole:
        return cls(crawler.settings.getint("DOWNLOAD_MAXSIZE"))

    def process_request(self, request: scrapy.Request) -> None:
        request.headers["Accept-Encoding"] = encodings.ACCEPTED

    def process_response(self, request: scrapy.Request, response: Response) -> Response:
        coding = b",".join(response.headers.getlist("Content-Encoding")).decode("latin-1")
        size = 0
        try:
            for part in encodings.unpacked([response.body] if response.body else [], coding):
                size += len(part)
                if size > self._max_bytes:  # who unpacks it says so
                    break
        except ValueError as error:
            headers = response.headers.copy()
            del headers["Content-Encoding"]
            return response.replace(status=502, body=b"", headers=headers, flags=[f"{CUT_OFF}{error}"])
        return response


MIDDLEWARES: dict[type[Any], int | None] = {
    PublicOnly: 50,
    Inside: 60,
    RobotsTxtMiddleware: None,
    AskedRobots: 100,
    Patient: 560,
    Whole: 595,
}
"""Where they stand among Scrapy's own: retries are at 550, what unpacks bodies at 590."""
