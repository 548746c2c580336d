from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.models.files import locate
from indexing.models.hashing import HashingEncoder, HashingTokenizer
from indexing.models.model import open_model
from indexing.models.remote import BREAKS_AFTER, RemoteEncoder
from sluice.errors import ConfigurationError, IntegrityError, ModelUnavailable
from sluice.settings import EmbeddingSettings, EndpointSettings
from tests.embeddings import DIMENSION, Endpoint, serving

TEXTS = [f"text number {n} has {'several ' * (n % 7)}words" for n in range(50)]
EXPECTED = HashingEncoder(locate(f"hashing:{DIMENSION}", Path())).encode(TEXTS)
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


class Watch:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def __call__(self) -> float:
        return sum(self.slept)


@contextmanager
def encoder(endpoint: Endpoint, watch: Watch | None = None, **settings: Any) -> Iterator[RemoteEncoder]:
    watch = watch or Watch()
    with serving(endpoint), httpx.Client() as client:
        given = {
            "dimensions": DIMENSION,
            "window": 256,
            "max_inputs": 8,
            "token_tolerance_share": 0.0,
            "timeout_s": 5,
            **settings,
        }
        section = EndpointSettings.model_validate({"url": endpoint.url, **given})
        yield RemoteEncoder(
            "openai:hashed", section, HashingTokenizer(), client=client, sleep=watch.sleep, clock=watch, now=lambda: NOW
        )


def test_every_text_gets_its_vector_and_is_charged_once() -> None:
    """Requests keep to `max_inputs`, run side by side, and answers come in any order; the key goes along."""
    endpoint = Endpoint()
    with encoder(endpoint, api_key="s3cret") as remote:
        assert np.allclose(remote.encode(TEXTS), EXPECTED, atol=1e-6)
        assert max(len(asked["input"]) for asked in endpoint.requests) == 8
        assert (remote.usage.texts, remote.usage.requests, remote.usage.retries) == (50, 7, 0)
        assert remote.usage.tokens == endpoint.charged == sum(HashingTokenizer().counts(TEXTS))
        assert remote.usage.cost(20.0) == pytest.approx(endpoint.charged * 20 / 1e6)
    assert set(endpoint.keys) == {"Bearer s3cret"}


@given(st.lists(st.integers(1, 60), max_size=30), st.integers(1, 9), st.integers(60, 200))
def test_requests_keep_to_both_limits(lengths: list[int], max_inputs: int, max_tokens: int) -> None:
    """Every text once; never more texts or tokens than the server takes."""
    section = EndpointSettings(url="http://x", dimensions=4, max_inputs=max_inputs, max_request_tokens=max_tokens)
    groups = list(RemoteEncoder("openai:x", section, HashingTokenizer())._groups(lengths))
    assert sorted(position for group in groups for position in group) == list(range(len(lengths)))
    assert all(len(group) <= max_inputs and sum(lengths[p] for p in group) <= max_tokens for group in groups)


@pytest.mark.parametrize("failure", [(429, {"retry-after": "7"}, b""), (500, {}, b"oops"), (503, {}, b""), (0, {}, b"")])
def test_what_may_succeed_later_is_tried_again(failure: tuple[int, dict[str, str], bytes]) -> None:
    """Every third request fails once: no vector is lost or doubled, each text is charged once, and the server's wish is kept."""
    watch = Watch()
    endpoint = Endpoint(lambda n, _: failure if n % 3 == 0 else None)
    with encoder(endpoint, watch, concurrency=1) as remote:
        assert np.allclose(remote.encode(TEXTS), EXPECTED, atol=1e-6)
        assert remote.usage.retries == len(watch.slept) >= 3
        assert remote.usage.tokens == endpoint.charged
    if failure[0] == 429:
        assert min(watch.slept) >= 7


@pytest.mark.parametrize(
    ("said", "at_least", "at_most"),
    [(format_datetime(NOW + timedelta(seconds=30)), 30, 31), ("86400", 120, 120), ("soon", 0, 2), ("-5", 0, 2), ("nan", 0, 2)],
)
def test_retry_after_is_a_number_or_a_date_and_bounded(said: str, at_least: float, at_most: float) -> None:
    """Two minutes at most, whatever a server asks for; what cannot be read is as if it were not there."""
    watch = Watch()
    with encoder(Endpoint(lambda n, _: (429, {"retry-after": said}, b"") if n == 0 else None), watch) as remote:
        remote.encode(TEXTS[:3])
    assert at_least <= watch.slept[0] <= at_most


def test_an_endpoint_that_stays_away_is_left_alone() -> None:
    """After some failures in a row nothing is asked any more until it has rested; then they may try again."""
    watch = Watch()
    endpoint = Endpoint(lambda _n, _answer: (500, {}, b""))
    with encoder(endpoint, watch, concurrency=2) as remote:
        with pytest.raises(ModelUnavailable, match=r"did not answer|left alone"):
            remote.encode(TEXTS)
        asked = len(endpoint.requests)
        assert asked <= BREAKS_AFTER + 2
        with pytest.raises(ModelUnavailable, match="left alone"):
            remote.encode(TEXTS)
        assert len(endpoint.requests) == asked
        watch.sleep(31)
        endpoint.behave = lambda _n, _answer: None
        assert np.allclose(remote.encode(TEXTS), EXPECTED, atol=1e-6)


def test_a_request_that_is_too_large_is_halved() -> None:
    """A server that takes 3 inputs where the configuration says 8 (TEI answers 422)."""
    endpoint = Endpoint(max_inputs=3)
    with encoder(endpoint) as remote:
        assert np.allclose(remote.encode(TEXTS), EXPECTED, atol=1e-6)
        assert remote.usage.tokens == endpoint.charged


def _changed(**changes: Any) -> Endpoint:
    def behave(_: int, answer: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        rows = [row | {"embedding": changes.get("embedding", row["embedding"])} for row in answer["data"]]
        told = {**answer, "data": changes.get("rows", lambda found: found)(rows)}
        return 200, {}, json.dumps(told).encode()

    return Endpoint(behave)


@pytest.mark.parametrize(
    ("endpoint", "what"),
    [
        (_changed(embedding=[1.0] * 31), "31 dimensions, the configuration says 32"),
        (_changed(embedding=[float("nan")] * 32), "NaN"),
        (_changed(embedding=[0.0] * 32), "zero length"),
        (_changed(embedding="AAAA"), "not lists of numbers"),
        (_changed(rows=lambda rows: rows[:-1]), "vectors for 8 texts"),
        (_changed(rows=lambda rows: [*rows[:-1], rows[0]]), "vectors for 8 texts"),
        (_changed(rows=lambda _: None), "no vectors"),
    ],
)
def test_an_answer_that_is_not_right_is_refused(endpoint: Endpoint, what: str) -> None:
    """Dimension, NaN, zero vectors, missing and doubled rows: nothing of it is kept."""
    with encoder(endpoint) as remote, pytest.raises(IntegrityError, match=what):
        remote.encode(TEXTS[:8])


def test_a_server_that_cuts_texts_in_silence_is_found_out() -> None:
    """Its count of tokens is below ours."""
    with encoder(Endpoint(window=5)) as remote, pytest.raises(IntegrityError, match="cuts long texts in silence"):
        remote.encode(TEXTS)


def test_wrong_keys_and_addresses_are_configuration_errors() -> None:
    """They are not tried again, and the message holds no key."""
    refused = Endpoint(lambda _n, _answer: (401, {}, b'{"error": "bad key s3cret"}'))
    with encoder(refused, api_key="s3cret") as remote, pytest.raises(ConfigurationError, match="refuses the key") as raised:
        remote.encode(TEXTS[:2])
    assert "s3cret" not in f"{raised.value.message} {raised.value.hint}"
    with encoder(Endpoint(lambda _n, _a: (404, {}, b"<html>nothing"))) as remote, pytest.raises(ConfigurationError, match="404"):
        remote.encode(TEXTS[:2])
    assert len(refused.requests) == 1


def test_a_text_beyond_the_window_is_refused_and_a_query_cut() -> None:
    """As for every encoder: before anything is asked."""
    endpoint = Endpoint()
    with encoder(endpoint) as remote:
        with pytest.raises(IntegrityError, match="text 1 of the batch has 300"):
            remote.encode(["fine", "word " * 300])
        assert not endpoint.requests
        assert remote.encode_query("word " * 300).shape == (DIMENSION,)


def test_the_configuration_opens_it_and_keeps_no_key(tmp_path: Path) -> None:
    """`openai:NAME` and `endpoint` go together; what is dumped for a manifest holds no secret, the fingerprint no address."""
    raw = {"model": "openai:big", "endpoint": {"url": "https://one.example/v1", "dimensions": 8, "api_key": "s3cret"}}
    section = EmbeddingSettings.model_validate(raw)
    assert "s3cret" not in json.dumps(section.model_dump(mode="json")) + repr(section)
    moved = EmbeddingSettings.model_validate({**raw, "endpoint": {"url": "https://two.example/v1", "dimensions": 8}})
    opened = [
        open_model(s, base=tmp_path, cache=tmp_path, decide=lambda _n, v: v, decided=lambda _n: None) for s in (section, moved)
    ]
    assert opened[0].encoder.fingerprint == opened[1].encoder.fingerprint
    assert (opened[0].encoder.dimension, opened[0].tokenizer.window) == (8, 512)
    with pytest.raises(ValueError, match="go together"):
        EmbeddingSettings.model_validate({"model": "openai:big"})


def test_an_endpoint_is_not_asked_for_anything_ahead() -> None:
    """A model of this machine is loaded while documents are parsed; one that is paid by the text waits for a text."""
    endpoint = Endpoint()
    with encoder(endpoint) as remote:
        remote.load()
        assert endpoint.requests == []
        remote.encode(TEXTS[:1])
        assert len(endpoint.requests) == 1
