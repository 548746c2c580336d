"""Drafted questions in a model's words: what is sent, what is believed, what is tried again."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from pipeline.golden.rewriting import ATTEMPTS, Rewriter
from sluice.errors import ConfigurationError, ModelUnavailable

Answer = Callable[[httpx.Request], httpx.Response]
DRAFT, QUOTE = "How long is parental leave?", "Parental leave lasts sixteen weeks."


def asked(answer: Answer, key: str | None = "sesame") -> Rewriter:
    client = httpx.Client(transport=httpx.MockTransport(answer))
    return Rewriter("https://models.example/v1/", "small", key, client=client, sleep=lambda _: None)


def says(words: object) -> Answer:
    return lambda _: httpx.Response(200, json={"choices": [{"message": {"content": words}}]})


def test_the_question_and_the_words_that_answer_it_are_sent_with_the_key() -> None:
    """At temperature 0, to …/chat/completions; the answer's quotation marks are not the question's."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return says('"When must a new parent be back at work?"\n')(request)

    assert asked(answer)(DRAFT, QUOTE) == "When must a new parent be back at work?"
    body = json.loads(seen[0].content)
    assert (str(seen[0].url), seen[0].headers["authorization"]) == ("https://models.example/v1/chat/completions", "Bearer sesame")
    assert (body["model"], body["temperature"]) == ("small", 0)
    assert DRAFT in body["messages"][-1]["content"]
    assert QUOTE in body["messages"][-1]["content"]
    asked(answer, None)(DRAFT, QUOTE)
    assert "authorization" not in seen[1].headers


@pytest.mark.parametrize(
    "words", ["", "Why?", "One question?\nAnd another?", "x" * 400, DRAFT.upper(), QUOTE, None, ["When?"], {"a": 1}]
)
def test_what_is_no_other_question_leaves_the_draft_as_it_is(words: object) -> None:
    """Empty, too short, several lines, a page, the same question again, the passage itself, no text at all."""
    assert asked(says(words))(DRAFT, QUOTE) is None


@pytest.mark.parametrize("body", [b"no json", b"[]", b'{"choices": []}', b'{"choices": [{"message": null}]}'])
def test_an_answer_of_another_shape_leaves_the_draft_as_it_is(body: bytes) -> None:
    """Whatever comes with status 200."""
    assert asked(lambda _: httpx.Response(200, content=body))(DRAFT, QUOTE) is None


def test_what_may_succeed_later_is_tried_again_and_what_cannot_is_said_at_once() -> None:
    """429, 5xx and no answer: four times in all; a refused key is the user's to mend, and is not in the message."""
    statuses = [429, 503]

    def later(request: httpx.Request) -> httpx.Response:
        return httpx.Response(statuses.pop()) if statuses else says("When is a parent back?")(request)

    assert asked(later)(DRAFT, QUOTE) == "When is a parent back?"
    tries: list[int] = []

    def never(request: httpx.Request) -> httpx.Response:
        tries.append(1)
        raise httpx.ConnectError("nobody is there", request=request)

    with pytest.raises(ModelUnavailable, match="did not answer after 4 attempts"):
        asked(never)(DRAFT, QUOTE)
    assert len(tries) == ATTEMPTS
    with pytest.raises(ConfigurationError, match="status 401") as refused:
        asked(lambda _: httpx.Response(401, text="bad key sesame"))(DRAFT, QUOTE)
    assert "sesame" not in str(refused.value)
