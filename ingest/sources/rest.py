"""Objects of a paginated JSON API, one document each.

Pages are followed by number, by cursor or by Link header, to the end: a page that fails, that is no JSON, or that has no
list where one must be, ends the scan with an error, and nothing is taken for deleted. Where the API says how many there
are, the number is checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import urljoin

from pydantic import Field, field_validator, model_validator

from ingest.sources.addresses import authority
from ingest.sources.http import Answer, Http, HttpOptions, shown
from ingest.sources.paths import FieldPath, value_at
from ingest.sources.rows import RowOptions, Rows
from ingest.sources.snapshot import Listed, Snapshot
from sluice.errors import SourceUnavailable
from sluice.ids import digest
from sluice.records import ItemRef, RawItem
from sluice.settings import Section

_LINK = re.compile(r"<([^>]*)>([^<]*)")
_NEXT = re.compile(r";\s*rel\s*=\s*\"?[^\";]*\bnext\b", re.IGNORECASE)


class PageOptions(Section):
    """How one page leads to the next.

    `page`: a number goes up until a page is empty (or shorter than `size`). `offset`: so does a count of items.
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

    @field_validator("url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        authority(value)
        return value


class RestSource:
    """Every item that the API lists. A uri is `<name>/<key>`."""

    Options = RestOptions

    def __init__(self, name: str, options: RestOptions, http: Http | None = None) -> None:
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
        seen: set[str] = set()
        total = None
        for page in self._pages():
            total = value_at(page, self.options.total) if self.options.total else None
            for number, row in enumerate(self._list(page), start=1):
                # An item that moves to the next page while pages are read comes twice: the later one counts.
                where = f"item {number} of a page"
                if isinstance(row, Mapping):
                    item = self._rows.listed(row, where)
                else:
                    item = self._rows.broken(json.dumps(row), where, "malformed_record", "is no object", "correct 'items'")
                seen.add(digest(item.ref.uri)[:24])
                yield item
        if self.options.total and str(total) != str(len(seen)):
            raise self._partial(f"{self.options.total} says {total!r}, its pages hold {len(seen)}")

    def _pages(self) -> Iterator[Any]:
        o = self.options.pages
        params: dict[str, Any] = dict(self.options.params)
        if o.size_param:
            params[o.size_param] = o.size
        position: int | str | None = {"page": o.start, "offset": 0}.get(o.by)
        url, seen = self.options.url, set[str]()
        for _ in range(o.max_pages):
            if position is not None:
                params[o.param or o.by] = position
            answer = self._http.listing(url, params=params or None, accept="application/json")
            page = self._json(answer)
            yield page
            following = self._next(answer, page, position)
            if following is None:
                return
            if str(following) in seen:
                raise self._partial("its pages lead in a circle")
            seen.add(str(following))
            if isinstance(following, str) and following.startswith(("http://", "https://")):
                url, params, position = following, {}, None  # a whole address: its parameters are its own
            else:
                position = following
        raise self._partial(f"it has more than max_pages, {o.max_pages}")

    def _next(self, answer: Answer, page: Any, position: int | str | None) -> int | str | None:
        """The number, token or address of the page that follows; None after the last."""
        o = self.options.pages
        if o.by == "link":
            links = _LINK.findall(answer.headers.get("link", ""))
            return next((self._own(urljoin(answer.url, url)) for url, rest in links if _NEXT.search(rest)), None)
        if o.by == "cursor":
            token = value_at(page, o.cursor or "$")
            if token is None or token is False or token == "":
                return None
            token = str(token)
            is_address = token.startswith(("http://", "https://")) or (token.startswith(("/", "?")) and "?" in token)
            return self._own(urljoin(answer.url, token)) if is_address else token
        if o.by in ("page", "offset") and isinstance(position, int):
            count = len(self._list(page))
            if not count or (o.size and count < o.size):
                return None
            return position + (1 if o.by == "page" else count)
        return None

    def _own(self, url: str) -> str:
        """Refuse to follow pages to another host: they would come without credentials, and may be anyone's."""
        if authority(url) != authority(self.options.url):
            raise self._partial(f"its next page is on another host, {shown(url)}")
        return url

    def _list(self, page: Any) -> list[Any]:
        items = value_at(page, self.options.items)
        if not isinstance(items, list):
            raise self._partial(f"a page has no list at '{self.options.items}' but {type(items).__name__}")
        return items

    def _json(self, answer: Answer) -> Any:
        try:
            return json.loads(answer.content)
        except (ValueError, RecursionError):
            raise self._partial(f"a page is no JSON but {answer.media_type} of {len(answer.content)} bytes") from None

    def _partial(self, what: str) -> SourceUnavailable:
        return SourceUnavailable(
            f"source '{self.name}': {shown(self.options.url)}: {what}; nothing was changed",
            hint="compare with what the API answers to the same request; correct 'items', 'pages' or the credential",
        )
