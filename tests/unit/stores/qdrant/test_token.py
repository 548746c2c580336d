"""The token with which a service reads an index: what it claims, and that it is signed as RFC 7519 says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

from stores.qdrant.token import reading_token


def test_a_token_claims_one_alias_and_an_end_and_is_signed_with_the_api_key() -> None:
    """HS256 over header and claims, base64url without padding; `r` on the alias and no other access."""
    token = reading_token("a key", "handbook", datetime(2030, 1, 1, tzinfo=UTC))
    head, claims, signature = token.split(".")

    def decoded(part: str) -> bytes:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    assert json.loads(decoded(head)) == {"alg": "HS256", "typ": "JWT"}
    assert json.loads(decoded(claims)) == {"exp": 1893456000, "access": [{"collection": "handbook", "access": "r"}]}
    assert hmac.compare_digest(decoded(signature), hmac.new(b"a key", f"{head}.{claims}".encode(), hashlib.sha256).digest())
    assert "=" not in token
