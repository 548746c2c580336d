"""Objects of a paginated JSON API, one document each.

Pages are followed by number, by cursor or by Link header, to the end: a page that fails, that is no JSON, or that has no
list where one must be, ends the scan with an error, and nothing is taken for deleted. Where the API says how many there
are, the number is checked.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal
from urllib.parse import urljoin

from pydantic import Field, field_validator, model_validator

from ingest.sources.addresses import authority
from ingest.sources.http import Answer, Http, HttpOptions, shown
from ingest.sources.paths import FieldPath, value_at
from ingest.sources.rows import RowOptions, Rows
from ingest.sources.snapshot import Listed, Snapshot
from sluice.errors import DocumentError, SourceUnavailable
from sluice.ids import digest
from sluice.jsons import doubled, loads
from sluice.records import ItemRef, RawItem
from sluice.settings import Section

_LINK = re.compile(r"<([^>]*)>([^<]*)")
_NEXT = re.compile(r";\s*rel\s*=\s*\"?(?:[^\";]*\s)?next(?=[\s\";,]|$)", re.IGNORECASE)


class PageOptions(Section):
    """How one page leads to the next.

    `page`: a number goes up until a page is empty; after one that is shorter than `size` (the last, or an API gives fewer than
    it is asked for, or leaves out what one may not see) also until one is not there. `offset`: so does a count of items.
    `cursor`: the page says, at `cursor`, what to ask for next: a token, or a whole URL; nothing ends it.
    `link`: the header `Link: <…>; rel="next"`. `none`: one page is all.
    """

    by: Literal["page", "offset", "cursor", "link", "none"] = "none"
    param: str = ""
    """The query parameter that takes the number or token: `page`, `offset` or `cursor` unless said otherwise."""
    start: int = Field(default=1, ge=0)
    size: int | None = Field(default=None, gt=0)
    size_param: str = ""
    cursor: FieldPath | None = None
    max_pages: int = Field(default=100_000, gt=0)

    @model_validator(mode="after")
    def _is_complete(self) -> PageOptions:
        if self.by == "cursor" and not self.cursor:
            raise ValueError("pages by cursor need 'cursor': where a page says what comes next, like meta.next_cursor")
        if self.size_param and not self.size:
            raise ValueError("'size_param' needs 'size'")
        return self


class RestOptions(RowOptions, HttpOptions):
    url: str
    headers: Mapping[str, str] = Field(default_factory=dict, repr=False)
    """Sent to this API only. Credentials come from the environment: {Authorization: "Bearer ${TICKETS_TOKEN}"}"""
    params: Mapping[str, str | int | bool] = Field(default_factory=dict, repr=False)
    items: FieldPath = "$"
    """Where a page holds its list; `$` where the page is the list."""
    total: FieldPath | None = None
    """Where a page says how many items there are in all."""
    pages: PageOptions = PageOptions()
    max_minutes: float = Field(default=240, gt=0)
    """For all pages together: a listing without end is an error."""

    @field_validator("url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        authority(value)
        return value


_REPEATED = 3
"""Pages in a row without a new item: items that move while pages are read make one such page at most, now and then."""
_LONGEST_TOKEN = 8192


class RestSource:
    """Every item that the API lists. A uri is `<name>/<key>`."""

    Options = RestOptions

    def __init__(
        self, name: str, options: RestOptions, http: Http | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self.name = name
        self.options = options
        self._http = http or Http(name, options, named=(authority(options.url),), secret=dict(options.headers))
        self._rows = Rows(name, options, name)
        self._snapshot = Snapshot(name, self._read)

    def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]:
        """Each item once; raises SourceUnavailable when the API did not answer to the last page."""
        return self._snapshot.scan(known)

    def fetch(self, ref: ItemRef) -> RawItem:
        """The item as it was listed; raises DocumentError (`gone`, `no_key`, `bad_tags`, `too_large`)."""
        return self._snapshot.fetch(ref)

    def _read(self, known: Mapping[str, str]) -> Iterator[Listed]:
        seen: set[bytes] = set()
        total, repeated, previous = None, 0, 0
        for page_number, page in enumerate(self._pages(), start=1):
            total = value_at(page, self.options.total) if self.options.total else None
            rows, before = self._list(page), len(seen)
            for number, row in enumerate(rows, start=1):
                # An item that moves to the next page while pages are read comes twice: the later one counts.
                item = self._item(row, f"item {number} of page {page_number}")
                seen.add(bytes.fromhex(digest(item.ref.uri))[:12])
                yield item
            if len(seen) == before and page_number > 1 and self._short(previous):
                break  # the page before was the last
            previous = len(rows)
            repeated = repeated + 1 if rows and len(seen) == before else 0
            if repeated == _REPEATED:
                what = f"pages {page_number - _REPEATED + 1} to {page_number} hold nothing that was not on pages before"
                raise self._partial(f"{what}: does it know the parameter '{self._param}'?")
        if self.options.total and total not in (len(seen), str(len(seen))):
            raise self._partial(f"{self.options.total} says {total!r}, its pages hold {len(seen)}")

    def _item(self, row: Any, where: str) -> Listed:
        if not isinstance(row, Mapping):
            return self._rows.broken(json.dumps(row), where, "malformed_record", "is no object", "correct 'items'")
        if twice := doubled(row):
            return self._rows.doubled(row, json.dumps(row), where, twice)
        return self._rows.listed(row, where)

    @property
    def _param(self) -> str:
        return self.options.pages.param or self.options.pages.by

    def _pages(self) -> Iterator[Any]:
        o = self.options.pages
        ends = self._clock() + self.options.max_minutes * 60
        contents: set[str] = set()
        params: dict[str, Any] = dict(self.options.params)
        if o.size_param:
            params[o.size_param] = o.size
        position: int | str | None = {"page": o.start, "offset": 0}.get(o.by)
        url, seen = self.options.url, set[str]()
        items, beyond = 0, False
        for _ in range(o.max_pages):
            if position is not None:
                params[self._param] = position
            answer = self._asked(url, params, beyond=beyond)
            if answer is None:
                return
            page = self._json(answer)
            content = digest(answer.content)[:24]
            if content in contents and self._list(page):
                if beyond:
                    return
                raise self._partial(f"its pages lead in a circle (one came twice): does it know the parameter '{self._param}'?")
            contents.add(content)
            yield page
            count = len(self._list(page))
            items, beyond = items + count, self._short(count)
            said = value_at(page, self.options.total) if self.options.total else None
            following = self._next(answer, page, position) if said not in (items, str(items)) or position is None else None
            if following is None:
                return
            if str(following) in seen or following == url:
                raise self._partial("its pages lead in a circle")
            if self._clock() > ends:
                raise self._partial(f"it did not come to its last page within max_minutes, {self.options.max_minutes:g}")
            seen.add(str(following))
            if isinstance(following, str) and following.startswith(("http://", "https://")):
                url, params, position = following, {}, None  # a whole address: its parameters are its own
            else:
                position = following
        raise self._partial(f"it has more than max_pages, {o.max_pages}")

    def _asked(self, url: str, params: Mapping[str, Any], *, beyond: bool) -> Answer | None:
        """A page; None where one `beyond` the last that may be is said not to be there."""
        if not beyond:
            return self._http.listing(url, params=params or None, accept="application/json")
        try:
            return self._http.get(url, params=params or None, accept="application/json")
        except DocumentError as error:
            if error.reason in ("gone", "http_error"):
                return None
            raise SourceUnavailable(error.message, hint=error.hint) from error

    def _short(self, items: int) -> bool:
        """Whether a page of so many items is shorter than was asked for, so that it may be the last."""
        o = self.options.pages
        return o.by in ("page", "offset") and o.size is not None and items < o.size

    def _next(self, answer: Answer, page: Any, position: int | str | None) -> int | str | None:
        """The number, token or address of the page that follows; None after the last."""
        o = self.options.pages
        if o.by == "link":
            links = _LINK.findall(answer.headers.get("link", ""))
            return next((self._own(self._joined(answer.url, url)) for url, rest in links if _NEXT.search(rest)), None)
        if o.by == "cursor":
            token = value_at(page, o.cursor or "$")
            if token is None or token is False or token == "":
                return None
            if not isinstance(token, str | int) or len(str(token)) > _LONGEST_TOKEN:
                raise self._partial(f"what comes next, at '{o.cursor}', is no token but a {type(token).__name__}")
            token = str(token)
            is_address = token.startswith(("http://", "https://")) or (token.startswith(("/", "?")) and "?" in token)
            return self._own(self._joined(answer.url, token)) if is_address else token
        if o.by in ("page", "offset") and isinstance(position, int):
            count = len(self._list(page))
            return position + (1 if o.by == "page" else count) if count else None
        return None

    def _joined(self, base: str, url: str) -> str:
        try:
            return urljoin(base, url)
        except ValueError:
            raise self._partial("its next page is no address") from None

    def _own(self, url: str) -> str:
        """Refuse to follow pages to another host: they would come without credentials, and may be anyone's."""
        try:
            if authority(url) != authority(self.options.url):
                raise self._partial(f"its next page is on another host, {shown(url)}")
        except ValueError:
            raise self._partial("its next page is no address") from None
        return url

    def _list(self, page: Any) -> list[Any]:
        items = value_at(page, self.options.items)
        if not isinstance(items, list):
            raise self._partial(f"a page has no list at '{self.options.items}' but {type(items).__name__}")
        return items

    def _json(self, answer: Answer) -> Any:
        try:
            return loads(answer.content)
        except ValueError as error:
            what = (
                f"a page is no JSON but {answer.media_type} of {len(answer.content)} bytes ({' '.join(str(error).split())[:100]})"
            )
            raise self._partial(what) from None

    def _partial(self, what: str) -> SourceUnavailable:
        return SourceUnavailable(
            f"source '{self.name}': {shown(self.options.url)}: {what}; nothing was changed",
            hint="compare with what the API answers to the same request; correct 'items', 'pages' or the credential",
        )
