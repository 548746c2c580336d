"""HTTP for sources: polite, bounded, and unable to be led to a private address.

One request costs at most `timeout_s` and `max_bytes`. 429 and 5xx are tried again after what Retry-After asks for.
Conditional requests cost no body; a 304 to a request that was none is no answer, and neither is a body that is cut off, also
within its compression. Secret headers go to the host they are meant for and to no other, also after
redirects; messages show neither them nor a URL's user, password and query.
"""

from __future__ import annotations

import email.utils
import random
import ssl
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import RLock
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx
from pydantic import Field

from ingest.sources import encodings
from ingest.sources.addresses import Guard, GuardedBackend, authority, deadline
from sluice.errors import DocumentError, SourceUnavailable
from sluice.once import once
from sluice.settings import Section

USER_AGENT = "sluice/0.1"
MAX_REDIRECTS = 5
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_NOT_YET = _RETRIED | {202, 204, 205}
"""Accepted, and without content: what was asked for is not in the answer."""
_REFUSALS = {401: "forbidden", 403: "forbidden", 404: "gone", 410: "gone", 451: "forbidden"}


class HttpOptions(Section):
    """What every source that speaks HTTP understands."""

    timeout_s: float = Field(default=30, gt=0)
    """For one request as a whole: connecting, redirects, headers, body."""
    max_bytes: int = Field(default=50_000_000, gt=0)
    attempts: int = Field(default=4, ge=1)
    max_wait_s: float = Field(default=60, ge=0)
    """The longest that Retry-After may ask for; more than that ends the run, to be continued by the next."""
    pause_s: float = Field(default=0, ge=0)
    """Between two requests."""
    allow_hosts: tuple[str, ...] = ()
    """Hosts (`host` or `host:port`) that may have private addresses. A source's own `url` names its host."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as read: `content` is empty when `not_modified`. Header names are lower case."""

    url: str
    status: int
    headers: Mapping[str, str]
    content: bytes = b""

    @property
    def not_modified(self) -> bool:
        return self.status == 304

    @property
    def media_type(self) -> str | None:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower() or None

    @property
    def modified(self) -> datetime | None:
        return http_date(self.headers.get("last-modified", ""))

    @property
    def validator(self) -> str:
        """The ETag, else Last-Modified, in a form that `Http.get(validator=…)` understands; "" without either."""
        if etag := self.headers.get("etag"):
            return f"etag:{etag}"
        since = self.headers.get("last-modified")
        return f"since:{since}" if since else ""


@dataclass
class Http:
    """GET requests of one source; safe to use from several threads, connections are kept and closed when it is let go.

    `secret` headers are sent to the hosts of `named` only. `named` hosts (`host:port`) may be private.
    """

    source: str
    options: HttpOptions
    named: Iterable[str] = ()
    secret: Mapping[str, str] = field(default_factory=dict, repr=False)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    lock: Any = field(default_factory=RLock, init=False, repr=False, compare=False)

    def get(
        self,
        url: str,
        *,
        validator: str = "",
        accept: str = "*/*",
        types: Iterable[str] = (),
        params: Mapping[str, Any] | None = None,
    ) -> Answer:
        """The answer to a GET: 2xx, or 304 for a `validator` that still holds. `types` are media types to insist on.

        Raises SourceUnavailable for what may succeed later (no answer, 429, 5xx, out of time), DocumentError for what
        will not: `gone`, `forbidden`, `refused_address`, `too_large`, `wrong_type`, `redirects`, `http_error`.
        """
        conditions = _conditions(validator)
        headers = {"accept": accept, **conditions}
        problem = ""
        for attempt in range(1, self.options.attempts + 1):
            if self.options.pause_s:
                self.sleep(self.options.pause_s)
            try:
                answer = self._once(url, headers, frozenset(types), params)
            except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, httpx.HTTPError, ssl.SSLError) as e:
                answer, problem = None, f"no answer: {' '.join(str(e).split())[:160] or type(e).__name__}"
            if answer is not None and answer.status not in _NOT_YET and (conditions or not answer.not_modified):
                return self._checked(url, answer)
            wait = 0.5 * 2**attempt * random.uniform(0.5, 1)
            if answer is not None:
                problem = f"HTTP {answer.status}"
                wait = self._asked(answer, wait)
            if wait > self.options.max_wait_s:
                problem += f"; it asks to wait {wait:.0f} s, max_wait_s is {self.options.max_wait_s:.0f}"
                break
            if attempt < self.options.attempts:
                self.sleep(wait)
        raise SourceUnavailable(
            f"source '{self.source}': {shown(url)}: {problem} (tried {attempt} times)",
            hint="run again later; if it stays, is the address right, and is the server reachable from here?",
        )

    def listing(self, url: str, **more: Any) -> Answer:
        """Like `get`, for a page that tells what there is: whatever goes wrong, the listing is not whole."""
        try:
            return self.get(url, **more)
        except DocumentError as error:
            raise SourceUnavailable(error.message, hint=error.hint) from error

    # ── one attempt ──────────────────────────────────────────────────────────────────────────────────────────────

    def _once(self, url: str, headers: Mapping[str, str], types: frozenset[str], params: Mapping[str, Any] | None) -> Answer:
        token = deadline.set(time.monotonic() + self.options.timeout_s)
        try:
            address = httpx.URL(url).copy_merge_params(params or {})
            request = self._client.build_request("GET", address, headers=self._headers(url, headers))
            for _ in range(MAX_REDIRECTS + 1):
                response = self._client.send(request, stream=True)
                try:
                    if response.next_request is None:
                        return self._read(response, types)
                    target = str(response.next_request.url)
                finally:
                    response.close()
                request = self._client.build_request("GET", target, headers=self._headers(target, headers))
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpcore.UnsupportedProtocol, ValueError) as error:
            raise self._refused("http_error", url, f"leads to what is no http or https URL: {error}", "correct it") from error
        except DocumentError as error:
            where = f"source '{self.source}': {shown(url)}: "
            raise DocumentError(error.reason, where + error.message.removeprefix(where), hint=error.hint) from error
        finally:
            deadline.reset(token)
        raise self._refused("redirects", url, f"more than {MAX_REDIRECTS} redirects", "is it a loop, or a login page?")

    def _headers(self, url: str, headers: Mapping[str, str]) -> dict[str, str]:
        return {**headers, **(self.secret if authority(url) in set(self.named) else {})}

    def _read(self, response: httpx.Response, types: frozenset[str]) -> Answer:
        url, limit = str(response.url), self.options.max_bytes
        answer = Answer(url, response.status_code, {name.lower(): value for name, value in response.headers.items()})
        if not response.is_success:
            return answer
        if types and answer.media_type not in types:
            raise self._refused("wrong_type", url, f"is {answer.media_type}, wanted: {', '.join(sorted(types))}", "exclude it")
        content = bytearray()
        try:
            for part in encodings.unpacked(response.iter_raw(65536), answer.headers.get("content-encoding", "")):
                content += part  # of what it decodes to: a compressed bomb counts in full
                if len(content) > limit:
                    raise self._refused("too_large", url, f"more than max_bytes, {limit}", "raise max_bytes, or exclude it")
        except ValueError as error:
            raise httpx.DecodingError(str(error)) from None
        return Answer(url, answer.status, answer.headers, bytes(content))

    def _checked(self, url: str, answer: Answer) -> Answer:
        if 200 <= answer.status < 300 or answer.not_modified:
            return answer
        reason = _REFUSALS.get(answer.status, "http_error")
        hint = {
            "gone": "a new scan will not list it, or correct the address",
            "forbidden": f"does the credential in sources.{self.source}.headers still hold, and may it read this?"
            if self.secret
            else "it is not for everybody, and the configuration sends no credential along",
        }.get(reason, "open it in a browser: what does the server say?")
        raise self._refused(reason, url, f"HTTP {answer.status}", hint)

    def _refused(self, reason: str, url: str, what: str, hint: str) -> DocumentError:
        return DocumentError(reason, f"source '{self.source}': {shown(url)}: {what}", hint=hint)

    def _asked(self, answer: Answer, otherwise: float) -> float:
        wait = seconds_asked(answer.headers.get("retry-after", ""), self.clock())
        return otherwise if wait is None else wait

    @once
    def _client(self) -> httpx.Client:
        named = [*self.named, *self.options.allow_hosts]
        transport = _Transport(Guard(named), self.options.timeout_s)
        own = {"user-agent": USER_AGENT, "accept-encoding": encodings.ACCEPTED}
        client = httpx.Client(transport=transport, headers=own, trust_env=False)
        client.cookies.jar.set_policy(_NO_COOKIES)
        weakref.finalize(self, client.close)
        return client


class _NoCookies:
    """Nothing that one page sets is sent with the next: each request stands alone."""

    netscape, rfc2965, hide_cookie2 = True, False, False

    def set_ok(self, *_: Any) -> bool:
        return False

    return_ok = domain_return_ok = path_return_ok = set_ok


_NO_COOKIES: Any = _NoCookies()


class _Transport(httpx.BaseTransport):
    """httpx on a connection pool of httpcore's own, for the sake of its network backend."""

    def __init__(self, guard: Guard, timeout_s: float) -> None:
        context = ssl.create_default_context()
        self._pool = httpcore.ConnectionPool(ssl_context=context, network_backend=GuardedBackend(guard), max_connections=10)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        response = self._pool.handle_request(
            httpcore.Request(request.method, target, headers=request.headers.raw, content=b"", extensions=request.extensions)
        )
        return httpx.Response(
            response.status, headers=response.headers, stream=_Stream(response), extensions=dict(response.extensions)
        )

    def close(self) -> None:
        self._pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


def shown(url: str) -> str:
    """A URL for messages: without user, password, query and fragment, any of which may be a secret."""
    parts = urlsplit(url)
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}" + ("?…" if parts.query else "")


def http_date(text: str) -> datetime | None:
    """An HTTP date as aware UTC; None for what is none."""
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def seconds_asked(retry_after: str, now: datetime) -> float | None:
    """Seconds that Retry-After asks for: a number, or a date; None where it says neither."""
    said = retry_after.strip()
    if said.isascii() and said.isdecimal():
        return float(said)
    moment = http_date(said)
    return max((moment - now).total_seconds(), 0.0) if moment is not None else None


def _conditions(validator: str) -> dict[str, str]:
    kind, _, value = validator.partition(":")
    name = {"etag": "if-none-match", "since": "if-modified-since"}.get(kind)
    return {name: value} if name and value.isprintable() else {}
