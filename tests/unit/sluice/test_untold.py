"""A configuration is kept and shown without the secrets that somebody wrote into it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.untold import untold

WORD = "Tr0ub4dor" + "3xYq"


@pytest.mark.parametrize(
    "held",
    [
        {"password": WORD}, {"token": WORD}, {"headers": {"X-Anything": WORD}}, {"apiKey": WORD},
        {"options": {"client_secret": [WORD]}},
        {"url": f"postgresql://app:{WORD}@db/prod"}, {"url": f"https://x.example/api?access_token={WORD}&page=2"},
        {"urls": [f"imaps://ada%40x.example:{WORD}@mail/"]}, {"url": f"redis://:{WORD}@cache/0"}, {"auth": {"user": WORD}},
    ],
)  # fmt: skip
def test_what_a_key_or_an_address_says_is_secret_is_hidden(held: dict[str, Any]) -> None:
    """However deep, in whatever spelling of the key."""
    shown = str(untold([{"name": "crm", **held}]))
    assert WORD not in shown
    assert "***" in shown
    assert "crm" in shown


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.sampled_from(["crm", "${TOKEN}", "https://x.example/a?page=2", "**/*.md"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "url", "include", "limits"]), inner),
    )
)
def test_all_else_stays(value: Any) -> None:
    """What holds no secret is as it was, and variables are names."""
    assert untold(value) == value
    assert untold({"password": "${PASSWORD}", "max_tokens": 200}) == {"password": "${PASSWORD}", "max_tokens": 200}
    assert untold({"url": "postgresql://app:${PW}@db/prod?sslmode=require"}) == {
        "url": "postgresql://app:${PW}@db/prod?sslmode=require"
    }
