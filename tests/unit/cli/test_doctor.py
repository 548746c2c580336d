"""What doctor shows of an address."""

from __future__ import annotations

import pytest

from sluice.display import address


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("embedded", "embedded"),
        ("http://127.0.0.1:6333", "http://127.0.0.1:6333"),
        ("https://someone:s3cret@qdrant.example:6333/path", "https://qdrant.example:6333/path"),
        (
            "mongodb://a:s3cret@one:1,two:2/?replicaSet=r&tlsCertificateKeyFilePassword=s3cret",
            "mongodb://one:1,two:2/?replicaSet=…",
        ),
        ("mongodb://a:s3@cret@one", "mongodb://one"),
        ("mongodb://a:s3?cr/et@one/db", "mongodb://one/db"),
        ("https://qdrant.example?api_key=s3cret", "https://qdrant.example?api_key=…"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, seen: str) -> None:
    """No user, password or value of a query is printed, wherever an address holds it."""
    assert address(url).startswith(seen)
    assert not any(part in address(url) for part in ("s3", "cret", "et@"))
