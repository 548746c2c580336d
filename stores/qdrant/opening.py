"""A client of a Qdrant server."""

from __future__ import annotations

import warnings

from qdrant_client import QdrantClient


def opened(url: str, api_key: str | None, timeout_s: float, grpc_port: int | None = None) -> QdrantClient:
    """Connects when first used; close it. By gRPC where its port is given.

    Versions that do not belong together, and a key in the open, are `doctor`'s to say.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Api key is used with an insecure connection", UserWarning)
        return QdrantClient(
            url=url,
            api_key=api_key,
            timeout=max(1, int(timeout_s)),
            check_compatibility=False,
            prefer_grpc=grpc_port is not None,
            grpc_port=grpc_port or 6334,
        )
