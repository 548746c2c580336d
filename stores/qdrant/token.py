"""A token with which a service reads one index from Qdrant, and nothing else: a JWT over the server's API key (RFC 7519, HS256).

As run against Qdrant 1.18 with `service.jwt_rbac`: a token for an alias reads through the alias only (not the collection
below it, no other, no listing, no writing), and follows promotions and rollbacks.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime


def reading_token(api_key: str, alias: str, expires: datetime) -> str:
    """A token that reads through this alias until then."""
    claims = {"exp": int(expires.timestamp()), "access": [{"collection": alias, "access": "r"}]}
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    signature = hmac.new(api_key.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_encoded(signature)}"


def _part(value: dict[str, object]) -> str:
    return _encoded(json.dumps(value, separators=(",", ":")).encode())


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
