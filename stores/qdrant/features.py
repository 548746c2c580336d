"""What a Qdrant server can do, and what is lost where it cannot."""

from __future__ import annotations

import importlib.metadata
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from qdrant_client import QdrantClient
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from sluice.display import counted
from stores.features import Feature, feature
from stores.qdrant.clone import SNAPSHOT
from stores.qdrant.opening import opened
from stores.qdrant.token import reading_token

SCOPED, WEIGHTED = (1, 19), (1, 17)
"""The first servers that compute BM25's statistics over what a reader may read, and that weigh the parts of a hybrid search."""


def features(client: QdrantClient, url: str, api_key: str | None, clones_by: str) -> list[Feature]:
    """Of a Qdrant server that was seen to clone so."""
    said, how = client.info().version, clones_by
    version, ours = numbers(said), numbers(importlib.metadata.version("qdrant-client"))
    near = bool(version) and version[0] == ours[0] and abs(version[1] - ours[1]) <= 1
    tokens, why = reads_tokens(url, api_key)
    nodes = _nodes(client)
    return [
        feature("qdrant", "version", near, said, f"client {ours[0]}.{ours[1]}: more than a minor version apart"),
        feature(
            "qdrant",
            "sparse statistics of what a reader may read",
            version >= SCOPED,
            f"since {'.'.join(map(str, SCOPED))}",
            "scores of sparse and hybrid search depend on what the reader may not read",
        ),
        feature(
            "qdrant",
            "weighted fusion",
            version >= WEIGHTED,
            f"since {'.'.join(map(str, WEIGHTED))}",
            "search.dense_weight in hybrid search",
        ),
        feature(
            "qdrant",
            "snapshots",
            how == SNAPSHOT,
            f"clones by {how}",
            "a delta reads and writes every point",
        ),
        feature("qdrant", "tokens (service.jwt_rbac)", tokens, why, "sluice token: services that read without Sluice's process"),
        feature(
            "qdrant", "encrypted", _unread(url), url.partition(":")[0], "who listens in reads the API key, documents and tags"
        ),
        feature("qdrant", "a node to spare", nodes > 1, counted(nodes, "node"), "no answers while the one is away"),
    ]


def numbers(version: str) -> tuple[int, ...]:
    """A version's numbers, without what stands behind a hyphen."""
    return tuple(int(part) for part in version.split("-")[0].split(".") if part.isdigit())


def reads_tokens(url: str, api_key: str | None) -> tuple[bool, str]:
    """A token that reads nothing of consequence asks for a list: a server that reads tokens says 403, one that does not 401."""
    if not api_key:
        return False, "no API key"
    token = reading_token(api_key, "sluice_probe", datetime.now(UTC) + timedelta(minutes=1))
    asking = opened(url, token, 5)
    try:
        asking.get_collections()
    except UnexpectedResponse as error:
        return error.status_code == 403, "on" if error.status_code == 403 else f"off ({error.status_code})"
    except ApiException:
        return False, "not answered"
    finally:
        asking.close()
    return False, "the server asks nobody for a key"


def _unread(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1")


def _nodes(client: QdrantClient) -> int:
    with suppress(ApiException, ValueError):
        peers: Any = getattr(client.cluster_status(), "peers", None)
        return len(peers or ()) or 1
    return 1
