"""Pages of web sites, crawled politely: sitemaps, links within the allowed domains, robots.txt, throttling.

The uri is the page's canonical address. The validator is its ETag, else Last-Modified, and a hash of what was read; an
unchanged page is asked about and not sent again. What is known is always asked about, so that the links of an unchanged
page need not be read again; a page leaves the index when it answers 404 or 410, says noindex, moves, or is excluded. A
page that cannot be reached this time stays as it is known.

The crawl runs in a process of its own (`ingest.sources.crawler`); bodies wait in a temporary folder until the next scan.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from ingest.canonical import CANONICAL_URI
from ingest.sources.addresses import authority
from ingest.sources.bounded import within_limits
from ingest.sources.http import USER_AGENT, Http, HttpOptions, http_date, shown
from ingest.sources.pages import canonical, is_at, validator_of
from ingest.sources.robots import AGENT, directives
from ingest.sources.webpage import HTML, WARM, as_utf8, read_page
from sluice import passing
from sluice.errors import DocumentError, SourceUnavailable
from sluice.globs import selected
from sluice.records import ItemRef, RawItem
from sluice.settings import Glob, LimitSettings

_VERSION = 2
"""Raised whenever the same page is kept as other bytes than before, so that every page is asked for again."""

_HINTS = {
    "refused_address": "if it is meant, name the host in allow_hosts of this source",
    "too_large": "raise max_bytes of this source, or exclude the page",
    "redirects": "is it a loop, or a login page?",
    "timeout": "raise limits.timeout_s of this source, or exclude the page",
    "out_of_memory": "raise limits.memory_mb of this source, or exclude the page",
    "crashed": "exclude it; if it is an ordinary page, please report it",
}


class WebOptions(HttpOptions):
    start: tuple[str, ...] = Field(min_length=1)
    """Where to begin. Their hosts are the allowed domains (and may have private addresses: they are named here)."""
    sitemaps: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    """More hosts whose pages are read, with their subdomains."""
    include: tuple[Glob, ...] = Field(default=("**",), min_length=1)
    """Globs over addresses: which pages become documents."""
    exclude: tuple[Glob, ...] = ()
    """Which are neither read nor followed."""
    follow: tuple[Glob, ...] = ()
    """Which links are followed; empty: all within the domains."""
    types: tuple[str, ...] = ("text/html", "application/xhtml+xml", "text/plain", "text/markdown", "application/pdf")
    main_text: bool = True
    """Keep the main text of a page, without navigation and boilerplate."""
    robots: bool = True
    max_pages: int = Field(default=10_000, ge=1)
    """Per host."""
    delay_s: float = Field(default=0.25, ge=0)
    """The least time between two requests to a host; a slow server is asked more slowly. 0: no throttling."""
    max_sitemaps: int = Field(default=1000, ge=1)
    """Sitemaps that sitemaps may lead to, in all; more is an index without end, and an error."""
    max_minutes: float = Field(default=240, gt=0)
    limits: LimitSettings = Field(default=LimitSettings(), exclude=True)

    @field_validator("start", "sitemaps")
    @classmethod
    def _urls(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            authority(url)
        return urls


@dataclass(frozen=True, slots=True)
class _Outcome:
    kind: str
    validator: str = ""
    reason: str = ""
    why: str = ""
    file: str = ""
    media_type: str = ""
    modified: str = ""
    mark: str = ""
    """Of a page that could not be read: which one it was, so that another is tried."""


class WebSource:
    """Every page that a crawl finds and `include` selects."""

    Options = WebOptions

    def __init__(self, name: str, options: WebOptions) -> None:
        self.name = name
        self.options = options
        self.bodies = 0
        """How many pages the last crawl was sent in full."""
        self._shape = f"{'text' if options.main_text else 'page'}{_VERSION};"
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._found: dict[str, _Outcome] = {}

    def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]:
        """Crawl, then give each page once.

        Raises SourceUnavailable when a start page or a sitemap cannot be had, or shows a login page: a part of a site is
        never passed off as the whole.
        """
        with self._lock:
            folder = self._crawled(known)
            found: dict[str, _Outcome] = {}
            for line in (folder / "pages.jsonl").read_text(encoding="utf-8").splitlines():
                fields = json.loads(line)
                uri = fields.pop("uri")
                if found.get(uri, _Outcome("gone")).kind != "page":
                    found[uri] = _Outcome(**fields)
            self._found = found
        refs = [ref for uri, outcome in found.items() if (ref := self._ref(uri, outcome)) is not None]
        refs += [ItemRef(uri, validator) for uri, validator in known.items() if uri not in found and self.asks_for(uri)]
        return iter(refs)

    def _ref(self, uri: str, outcome: _Outcome) -> ItemRef | None:
        match outcome.kind:
            case "page" | "same":
                return ItemRef(uri, outcome.validator, http_date(outcome.modified))
            case "later":
                return ItemRef(uri, outcome.validator or "unreached")
            case "failed":
                return ItemRef(uri, f"failed:{outcome.reason}:{outcome.mark}".rstrip(":"))
        return None

    def asks_for(self, uri: str) -> bool:
        """Whether include and exclude select an address. A known page that they select and a crawl did not get to stays known."""
        return selected(uri, self.options.include, self.options.exclude)

    def fetch(self, ref: ItemRef) -> RawItem:
        """The page as the last crawl read it; one that it did not read is asked for now.

        Raises DocumentError (`gone`, `forbidden`, `too_large`, `refused_address`, `redirects`, …) and SourceUnavailable.
        """
        with self._lock:
            outcome, folder = self._found.get(ref.uri), self._folder
            if outcome is not None and outcome.kind == "failed":
                raise DocumentError(
                    outcome.reason,
                    f"source '{self.name}': {shown(ref.uri)}: {outcome.why}",
                    hint=_HINTS.get(outcome.reason, "open it in a browser"),
                )
            if outcome is not None and outcome.kind == "page" and folder is not None:
                return RawItem(
                    uri=ref.uri,
                    content=(folder / outcome.file).read_bytes(),
                    validator=outcome.validator,
                    media_type=outcome.media_type or None,
                    modified=http_date(outcome.modified),
                    metadata=_about(ref.uri),
                )
            if outcome is not None and outcome.kind == "gone":
                raise DocumentError(
                    "gone",
                    f"source '{self.name}': {shown(ref.uri)}: {outcome.why or outcome.reason}",
                    hint="a new scan will not list it",
                )
        return self._asked(ref.uri)

    def _asked(self, uri: str) -> RawItem:
        answer = self._http.get(uri, types=self.options.types)
        stated = answer.headers.get("content-type", "")
        content, media_type, page = as_utf8(answer.content, stated), answer.media_type, dict[str, Any]()
        if media_type in HTML:
            about = {"url": answer.url, "content_type": stated, "main_text": self.options.main_text}
            page = within_limits(read_page, answer.content, uri, about, warm=WARM, limits=self.options.limits)
        headers, metas = [answer.headers.get("x-robots-tag", "")], [(name, words) for name, words in page.get("robots", ())]
        said = directives(headers, metas, AGENT, datetime.now(UTC))
        if not is_at(uri, answer.url):  # what lies elsewhere is judged by where it lies, and the crawl lists it there
            what = f"source '{self.name}': {shown(uri)}: redirects to {shown(answer.url)}"
            if page.get("login"):
                raise SourceUnavailable(f"{what}, a login page", hint="nobody logs in here: exclude it, or let it be read")
            raise DocumentError("gone", what, hint="run again: a new scan lists it where it is")
        if not said.index:
            raise DocumentError("gone", f"source '{self.name}': {shown(uri)}: says noindex", hint="a new scan will not list it")
        if "html" in page:
            content, media_type = page["html"].encode("utf-8", "replace"), "text/html"
        return RawItem(
            uri=uri,
            content=content,
            validator=self._shape + validator_of(answer.headers, content, said.until),
            media_type=media_type,
            modified=answer.modified,
            metadata=_about(uri),
        )

    @cached_property
    def _http(self) -> Http:
        return Http(self.name, self.options, named=self._named())

    def _named(self) -> list[str]:
        return [authority(url) for url in (*self.options.start, *self.options.sitemaps)]

    def _crawled(self, known: Mapping[str, str]) -> Path:
        """The folder of a finished crawl."""
        folder = passing.folder("web", self)
        (folder / "job.json").write_text(json.dumps(self._job(known)), encoding="utf-8")
        command = [sys.executable, "-m", "ingest.sources.crawler", str(folder)]
        home = str(Path(__file__).parents[2])
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))}
        try:
            limit = self.options.max_minutes * 60 + 120
            ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=limit, check=False)
        except subprocess.TimeoutExpired:
            raise self._unavailable("the crawl did not end in time", "raise max_minutes, or exclude what has no end") from None
        try:
            done = json.loads((folder / "done.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            last = " ".join(ended.stderr.split()[-40:])
            raise self._unavailable(f"the crawl broke off (exit {ended.returncode}): {last}", "run again") from None
        if done["problems"]:
            some = "; ".join(done["problems"][:5])
            raise self._unavailable(some, "is the site up, and may it be read without logging in?")
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder, self.bodies = folder, done["bodies"]
        return folder

    def _job(self, known: Mapping[str, str]) -> dict[str, Any]:
        o = self.options
        keys = {
            "sitemaps",
            "include",
            "exclude",
            "follow",
            "types",
            "main_text",
            "robots",
            "max_pages",
            "max_sitemaps",
            "delay_s",
        }
        job = o.model_dump(mode="json", include=keys | {"max_minutes", "max_wait_s", "timeout_s", "max_bytes", "attempts"})
        hosts = [urlsplit(url).hostname or "" for url in o.start]
        return job | {
            "start": [canonical(url) for url in o.start],
            "domains": [*dict.fromkeys([*hosts, *o.domains])],
            "named": [*self._named(), *o.allow_hosts],
            "known": dict(known),
            "limits": o.limits.model_dump(mode="json"),
            "shape": self._shape,
            "user_agent": USER_AGENT,
        }

    def _unavailable(self, what: str, hint: str) -> SourceUnavailable:
        return SourceUnavailable(f"source '{self.name}': {what}", hint=hint)


def _about(uri: str) -> dict[str, str]:
    """A page's uri is its canonical address; its head, which says so too, is not part of its main text."""
    return {"url": uri, CANONICAL_URI: uri}
