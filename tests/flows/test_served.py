"""Against served stores, over the real client and HTTP: tokens, what servers can do, a release moved between servers.

What answers as Qdrant is `benchmarks/qdrant_served.py`: its REST interface, not its engine. SLUICE_TEST_QDRANT_URL points the
store's conformance suite at a real one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from stores.features import Feature
from stores.mongo.connection import MongoDatabase
from stores.mongo.features import features
from stores.qdrant.features import numbers, reads_tokens
from stores.qdrant.token import reading_token
from tests.flows.conftest import TOPICS, Index
from tests.served import serving, serving_both

KEY = "a-key-of-the-server"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving("--key", KEY) as found:
        yield found


def on(index: Index, url: str, database: str, mongo_uri: str, **qdrant: Any) -> None:
    stores = {"mongodb": {"uri": mongo_uri, "database": database}, "qdrant": {"url": url, "api_key": KEY, **qdrant}}
    index.configure(stores=stores)


def bare(hit: dict[str, Any]) -> dict[str, Any]:
    """Without the release; the score as single precision has it, in which gRPC sends it."""
    return {**hit, "release": "", "score": round(hit["score"], 6)}


def asked(url: str, token: str, path: str, body: dict[str, Any] | None = None) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    if body is None:
        return httpx.get(f"{url}{path}", headers=headers).status_code
    return httpx.post(f"{url}{path}", headers=headers, json=body).status_code


@pytest.mark.slow
def test_a_served_index_is_read_with_a_token_diagnosed_moved_and_the_same(
    index: Index, url: str, mongo_uri: str, database: MongoDatabase, tmp_path: Path
) -> None:
    """`token` reads what is live through the alias, also after a rollback; `doctor` says what is missing; export, import (to
    another server, by gRPC)."""
    on(index, url, database.name, mongo_uri)
    first = index.run()
    index.write("people/9.md", "# People note 9\n\nRemember the zeppelin allowance.\n")
    second = index.run()["release"]

    token = index("token", "small", "--days", "1").out["token"]
    readable = {"must": [{"key": "access_tags", "match": {"any": ["people"]}}]}
    body = {"filter": readable, "limit": 50, "with_payload": ["uri"]}
    assert asked(url, token, "/collections/small/points/scroll", body) == 200

    def seen() -> set[str]:
        answer = httpx.post(f"{url}/collections/small/points/scroll", headers={"Authorization": f"Bearer {token}"}, json=body)
        return {point["payload"]["uri"] for point in answer.json()["result"]["points"]}

    assert seen() == {f"people/{n}.md" for n in (0, 1, 2, 3, 9)}
    assert index("rollback").out["outcome"] == "rolled back"
    assert seen() == {f"people/{n}.md" for n in (0, 1, 2, 3)}
    assert index("promote", second).code == 0
    assert asked(url, token, "/collections") == 403
    assert asked(url, token, f"/collections/small__{second}/points/scroll", body) == 403
    assert asked(url, token, "/collections/small/points/delete", {"filter": {}}) == 403
    late = reading_token(KEY, "small", datetime.now(UTC) - timedelta(minutes=1))
    assert asked(url, late, "/collections/small/points/scroll", body) == 401
    assert asked(url, token + "x", "/collections/small/points/scroll", body) == 401

    doctor = index("doctor")
    assert doctor.code == 0, doctor
    found = {(f["server"], f["feature"]): f for f in doctor.out["features"]}
    assert found["qdrant", "tokens (service.jwt_rbac)"]["there"]
    assert found["qdrant", "sparse statistics of what a reader may read"]["there"]
    assert not found["qdrant", "snapshots"]["there"]
    assert "reads and writes every point" in found["qdrant", "snapshots"]["lost"]
    assert not found["mongodb", "replica set"]["there"]
    assert all(bool(f["lost"]) is not f["there"] for f in found.values())

    hits = index("search", TOPICS["people"][0], "--as", "people,security", "-k", "8").out["hits"]
    before = index("releases", "show", second).out
    assert index("export", second, str(tmp_path / "kept")).code == 0
    with serving_both("--key", KEY) as (other, port):
        on(index, other, f"{database.name}_other", mongo_uri, grpc=True, grpc_port=port)
        answer = index("import", str(tmp_path / "kept"))
        assert (answer.code, answer.out["embedded"]) == (0, 0), answer
        assert index("promote", answer.out["release"]).out["outcome"] == "promoted"
        after = index("releases", "show", answer.out["release"]).out
        assert [after[name] for name in ("fingerprint", "access_root")] == [before[n] for n in ("fingerprint", "access_root")]
        again = index("search", TOPICS["people"][0], "--as", "people,security", "-k", "8").out["hits"]
        assert [bare(hit) for hit in again] == [bare(hit) for hit in hits]
    database.client.drop_database(f"{database.name}_other")
    assert first["release"] != second


def test_a_server_without_a_key_makes_no_tokens() -> None:
    """Without one, and where it asks nobody for it, whoever reaches it reads everything: it is said."""
    assert reads_tokens("http://127.0.0.1:9", None) == (False, "no API key")
    with serving() as found:
        assert reads_tokens(found, KEY) == (False, "the server asks nobody for a key")
    assert numbers("1.20.0-dev") == (1, 20, 0)


class Set:
    """A MongoDB that says of itself what a member of a replica set of three does."""

    def __init__(self, **hello: Any) -> None:
        self._hello = hello

    @property
    def client(self) -> Any:
        return self

    admin = client

    def command(self, _name: str) -> dict[str, Any]:
        return self._hello

    def server_info(self) -> dict[str, Any]:
        return {"version": "8.0.4"}


@pytest.mark.parametrize(
    ("hello", "there"),
    [
        ({"setName": "rs0", "hosts": ["a", "b", "c"], "logicalSessionTimeoutMinutes": 30}, {"replica set", "retryable writes"}),
        ({"setName": "rs0", "hosts": ["a"], "logicalSessionTimeoutMinutes": 30}, {"replica set", "retryable writes"}),
        ({"msg": "isdbgrid", "logicalSessionTimeoutMinutes": 30}, {"replica set", "retryable writes"}),
        ({}, set()),
    ],
)
def test_what_a_mongodb_can_do_is_what_it_says_of_itself(hello: dict[str, Any], there: set[str]) -> None:
    """A replica set, a cluster or neither; what is lost is said where something is missing, and only there."""
    found: list[Feature] = features(cast(MongoDatabase, Set(**hello)))
    assert {f.feature for f in found if f.there} & {"replica set", "retryable writes"} == there
    assert all(bool(f.lost) is not f.there for f in found)
