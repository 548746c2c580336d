"""A model behind an OpenAI-compatible endpoint (`POST …/embeddings`): OpenAI, TEI, vLLM, Infinity.

Texts go in requests that keep to the server's limits, a few at a time. What may succeed later (429, 5xx, no answer) is tried
again with jitter, as the server asks (Retry-After); what a server finds too large is halved. Nothing is believed: the
number, order, dimension, finiteness and length of the vectors are checked, and `usage.prompt_tokens` is held against our own
count, because servers cut long texts without a word.

Over 300 lines: one client; what it asks, what it tries again and what it checks are one conversation.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from indexing.models.hashing import too_long
from sluice.errors import ConfigurationError, IntegrityError, ModelUnavailable
from sluice.ids import fingerprint
from sluice.points import Vector

if TYPE_CHECKING:
    import httpx

    from sluice.settings import EndpointSettings

PREFIX = "openai:"
"""How `embedding.model` names a model behind an endpoint."""

ATTEMPTS = 6
LONGEST_WAIT_S = 120.0
BREAKS_AFTER = 8
"""Failed answers in a row, over all requests, after which the endpoint is left alone for `RESTS_S`."""
RESTS_S = 30.0


class Tokenizer(Protocol):
    """Counts tokens as the model does, or nearly so."""

    special_tokens: int

    def counts(self, texts: Sequence[str]) -> list[int]: ...

    def spans(self, text: str) -> Any: ...


@dataclass(slots=True)
class Usage:
    """What was asked for and charged; a request counts once, when it succeeded, however often it was tried."""

    requests: int = 0
    retries: int = 0
    texts: int = 0
    tokens: int = 0

    def cost(self, per_million_tokens: float) -> float:
        """In the currency of the price."""
        return self.tokens * per_million_tokens / 1e6


@dataclass
class Breaker:
    """Lets requests through until too many failed in a row; then none for a while, then until one fails."""

    clock: Callable[[], float]
    failures: int = 0
    opened: float = field(default=0.0)
    lock: Lock = field(default_factory=Lock)

    def check(self, name: str) -> None:
        """Raise ModelUnavailable while the endpoint is left alone."""
        with self.lock:
            if self.failures < BREAKS_AFTER:
                return
            if (rest := self.opened + RESTS_S - self.clock()) > 0:
                raise ModelUnavailable(
                    f"'{name}' failed {self.failures} times in a row and is left alone for another {rest:.0f} s",
                    hint="look at the endpoint; what was embedded is kept, and the next run goes on from there",
                )
            self.failures = BREAKS_AFTER - 1  # rested: the next failure, whosever it is, closes it again

    def note(self, *, ok: bool) -> None:
        """What became of a request."""
        with self.lock:
            self.failures = 0 if ok else self.failures + 1
            if self.failures == BREAKS_AFTER:
                self.opened = self.clock()


class RemoteEncoder:
    """Unit vectors, float32, in the order of the texts, from an endpoint; safe to use from several threads.

    The fingerprint covers the model's name, dimension, window and prompts, not where it is served.
    """

    def __init__(
        self,
        name: str,
        endpoint: EndpointSettings,
        tokenizer: Tokenizer,
        *,
        client: httpx.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        rng: random.Random | None = None,
    ) -> None:
        self.name = name
        self.model = name.removeprefix(PREFIX)
        self.dimension = endpoint.dimensions
        self.fingerprint = fingerprint("encoder", {"model": identity(name, endpoint), "family": "remote"})
        self.usage = Usage()
        self._endpoint, self._tokenizer = endpoint, tokenizer
        self._client, self._sleep, self._now, self._rng = client, sleep, now, rng or random.Random()
        self._breaker, self._lock = Breaker(clock), Lock()

    def load(self) -> None:
        """Nothing to open: an endpoint is asked for vectors only, and paid for them."""

    def encode(self, texts: Sequence[str]) -> Vector:
        """Shape (n, dimension); IntegrityError for a text longer than the window, or for an answer that is not right;
        ModelUnavailable when the endpoint does not answer in the end: nothing is lost but what was under way."""
        # `special_tokens` counts those of the document prompt in.
        counts = [n + self._tokenizer.special_tokens for n in self._tokenizer.counts(texts)]
        for position, tokens in enumerate(counts):
            if tokens > self._endpoint.window:
                raise too_long(position, tokens, self._endpoint.window, texts[position])
        vectors = np.empty((len(texts), self.dimension), np.float32)
        groups = list(self._groups(counts))
        with ThreadPoolExecutor(max(1, min(self._endpoint.concurrency, len(groups))), "embeddings") as pool:
            asked = [
                pool.submit(self._group, [self._document(texts[p]) for p in group], [counts[p] for p in group])
                for group in groups
            ]
            try:
                for group, answer in zip(groups, asked, strict=True):
                    vectors[group] = answer.result()
            finally:
                for answer in asked:
                    answer.cancel()
        return vectors

    def encode_query(self, text: str) -> Vector:
        """Shape (dimension,); a query longer than the window is cut."""
        prompted = self._endpoint.query_prompt + text
        spans, room = self._tokenizer.spans(prompted), self._endpoint.window - self._tokenizer.special_tokens
        kept = prompted if len(spans) <= room else prompted[: int(spans[room - 1][1])]
        vector: Vector = self._group([kept], [min(len(spans), room) + self._tokenizer.special_tokens])[0]
        return vector

    def _document(self, text: str) -> str:
        return self._endpoint.document_prompt + text

    def _groups(self, counts: Sequence[int]) -> Iterator[list[int]]:
        """Positions of texts for one request each, within the server's limits; alike lengths together."""
        group: list[int] = []
        tokens = 0
        for position in sorted(range(len(counts)), key=lambda p: (-counts[p], p)):
            full = len(group) == self._endpoint.max_inputs or tokens + counts[position] > self._endpoint.max_request_tokens
            if group and full:
                yield group
                group, tokens = [], 0
            group.append(position)
            tokens += counts[position]
        if group:
            yield group

    def _group(self, texts: list[str], counts: list[int]) -> Vector:
        answer = self._asked(texts)
        if answer is None:  # too large for this server, whatever the configuration says of it
            middle = len(texts) // 2
            if not middle:
                raise IntegrityError(
                    f"'{self.name}' refuses a single text of {counts[0]} tokens as too large",
                    hint="lower chunking.max_tokens or embedding.endpoint.window to what the server takes",
                )
            halves = slice(None, middle), slice(middle, None)
            return np.concatenate([self._group(texts[half], counts[half]) for half in halves])
        vectors = self._checked(answer, len(texts))
        self._counted(answer, texts, counts)
        return vectors

    def _asked(self, texts: list[str]) -> dict[str, Any] | None:
        """The server's answer; None when it says that this is too much at once."""
        import httpx

        problem, wait = "", 0.0
        for attempt in range(ATTEMPTS):
            if attempt:
                with self._lock:
                    self.usage.retries += 1
                self._sleep(wait)
            self._breaker.check(self.name)
            wait = self._rng.uniform(0.5, 1.0) * min(2.0**attempt, LONGEST_WAIT_S)
            try:
                response = self._http().post(
                    f"{self._endpoint.url.rstrip('/')}/embeddings",
                    json={"model": self.model, "input": texts, "encoding_format": "float", **self._asked_dimensions()},
                    headers=self._headers(),
                    timeout=self._endpoint.timeout_s,
                )
            except httpx.HTTPError as error:
                problem = type(error).__name__
                self._breaker.note(ok=False)
                continue
            status = response.status_code
            if status == 429 or status >= 500:
                problem = f"status {status}"
                wait = max(wait, self._retry_after(response.headers.get("retry-after", "")))
                self._breaker.note(ok=False)
                continue
            self._breaker.note(ok=True)
            if status in (413, 422) and (len(texts) > 1 or status == 413):
                return None
            return self._json(response)
        raise ModelUnavailable(
            f"'{self.name}' did not answer after {ATTEMPTS} attempts (last: {problem})",
            hint="what was embedded is kept: run again when the endpoint is back",
        )

    def _asked_dimensions(self) -> dict[str, int]:
        return {"dimensions": self.dimension} if self._endpoint.send_dimensions else {}

    def _headers(self) -> dict[str, str]:
        key = self._endpoint.api_key
        return {"Authorization": f"Bearer {key.get_secret_value()}"} if key is not None else {}

    def _http(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._client is None:
                self._client = httpx.Client(limits=httpx.Limits(max_connections=self._endpoint.concurrency))
            return self._client

    def _retry_after(self, value: str) -> float:
        """Seconds, from seconds or a date (RFC 9110, 10.2.3), bounded; 0 where it says neither."""
        try:
            seconds = float(value)
        except ValueError:
            try:
                seconds = (parsedate_to_datetime(value) - self._now()).total_seconds()
            except (ValueError, TypeError):
                return 0.0
        return min(max(seconds, 0.0), LONGEST_WAIT_S) if seconds == seconds else 0.0

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        if response.status_code in (401, 403):
            raise ConfigurationError(
                f"embedding.endpoint: '{self.name}' refuses the key (status {response.status_code})",
                hint="set embedding.endpoint.api_key to ${NAME} and that variable to a valid key",
            )
        try:
            found = response.json()
        except ValueError:
            found = None
        if response.status_code >= 300 or not isinstance(found, dict):
            said = " ".join(response.text.split())[:200]
            raise ConfigurationError(
                f"embedding.endpoint: '{self.name}' answered with status {response.status_code}: {said}",
                hint="check embedding.endpoint.url (it ends before /embeddings) and the model's name",
            )
        return found

    def _checked(self, answer: dict[str, Any], texts: int) -> Vector:
        """The vectors in the order of the texts, of unit norm."""
        rows = answer.get("data")
        if not isinstance(rows, list) or sorted(row.get("index", n) for n, row in enumerate(rows)) != list(range(texts)):
            raise self._wrong(f"{len(rows) if isinstance(rows, list) else 'no'} vectors for {texts} texts")
        ordered = sorted(enumerate(rows), key=lambda pair: pair[1].get("index", pair[0]))
        try:
            vectors = np.array([row["embedding"] for _, row in ordered], np.float32)
        except (KeyError, TypeError, ValueError):
            raise self._wrong("vectors that are not lists of numbers, all of one length") from None
        if vectors.shape != (texts, self.dimension):
            raise self._wrong(f"vectors of {vectors.shape[-1]} dimensions, the configuration says {self.dimension}")
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(vectors).all() or not (norms > 1e-6).all():
            raise self._wrong("a vector with NaN, infinity or zero length")
        unit: Vector = vectors / norms
        return unit

    def _counted(self, answer: dict[str, Any], texts: list[str], counts: list[int]) -> None:
        ours = sum(counts)
        said = (answer.get("usage") or {}).get("prompt_tokens")
        with self._lock:
            self.usage.requests += 1
            self.usage.texts += len(texts)
            self.usage.tokens += said if isinstance(said, int) else ours
        if isinstance(said, int) and said > 0 and said < ours * (1 - self._endpoint.token_tolerance):
            raise IntegrityError(
                f"'{self.name}' read {said} tokens of {len(texts)} texts that have {ours}: it cuts long texts in silence",
                hint="lower embedding.endpoint.window to the server's, or name its own tokenizer (embedding.endpoint.tokenizer)",
            )

    def _wrong(self, what: str) -> IntegrityError:
        return IntegrityError(
            f"'{self.name}' answered with {what}",
            hint="no vector of this answer was kept; check embedding.endpoint and the server",
        )


def identity(name: str, endpoint: EndpointSettings) -> str:
    """What decides a remote model's vectors, as far as anybody outside can know."""
    prompts = [endpoint.document_prompt, endpoint.query_prompt]
    return fingerprint(
        "remote-model",
        {
            "name": name,
            "dimensions": endpoint.dimensions,
            "window": endpoint.window,
            "prompts": prompts,
            "revision": endpoint.revision,
        },
    )
