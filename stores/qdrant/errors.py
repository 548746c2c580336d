"""The one seam where the errors of Qdrant's client become Sluice's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import grpc
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from sluice.errors import ConfigurationError, Permanent, ReleaseError, SluiceError, StoreUnavailable

REFUSALS = (ApiException, QdrantException, grpc.RpcError)
"""What the client raises that came from the server, or from the way there."""
STATUS = {
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.FAILED_PRECONDITION: 412,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 405,
}
"""gRPC's codes in HTTP's words; any other (unavailable, too late, cancelled, an error of the server's own) is 503."""


@contextmanager
def translated(url: str, doing: str, collection: str = "") -> Iterator[None]:
    """Whatever the client raises within, as an error of Sluice's."""
    try:
        yield
    except (*REFUSALS, ValueError) as error:
        raise translate(error, url=url, doing=doing, collection=collection) from error


def translate(error: Exception, *, url: str, doing: str, collection: str = "") -> SluiceError:
    """Not answered, overloaded or failing: StoreUnavailable. Refused credentials, or an answer that no Qdrant gives:
    ConfigurationError. No such collection: ReleaseError. Anything else was understood and refused: Permanent.
    """
    where = place(url)
    what = f"{doing} {collection}".strip()
    status = _status(error)
    missing = isinstance(error, ValueError) and str(error).startswith("Collection ") and str(error).endswith(" not found")
    if _is_another_server(error) and not missing:
        return ConfigurationError(
            f"what answers at {where} is not Qdrant (seen while {what}{f': {status}' if status else ''})",
            hint="check host and port in stores.qdrant.url: Qdrant's REST interface is on 6333 unless it was set up otherwise",
        )
    if status == 404 or missing:
        return ReleaseError(
            f"Qdrant at {where} has no such collection ({what})", hint="sluice releases lists what can be searched"
        )
    if status in (401, 403):
        return ConfigurationError(f"Qdrant at {where} refused the key while {what}", hint="check stores.qdrant.api_key")
    if (
        isinstance(error, QdrantException)
        or (status is None and isinstance(error, ApiException))
        or (status or 0) >= 500
        or status == 429
    ):
        return StoreUnavailable(
            f"Qdrant at {where} did not answer while {what} ({type(error).__name__}{f' {status}' if status else ''})",
            hint="check that it runs and can be reached from here, and stores.qdrant.url; nothing that was stored is lost",
        )
    said = error.details() if isinstance(error, grpc.RpcError) and hasattr(error, "details") else str(error)
    return Permanent(f"Qdrant at {where} refused an operation while {what}: {str(said)[:300]}", hint="run 'sluice doctor'")


def _status(error: Exception) -> int | None:
    """As HTTP has it; None where there was no answer, or none with a status."""
    if isinstance(error, UnexpectedResponse):
        return error.status_code
    if isinstance(error, grpc.RpcError):
        return STATUS.get(error.code(), 503) if hasattr(error, "code") else 503
    return None


def _is_another_server(error: Exception) -> bool:
    """Whether this is no answer of Qdrant's: it speaks JSON, in its own shapes, also when it refuses."""
    if isinstance(error, UnexpectedResponse):
        if error.status_code is None or error.status_code in (401, 403, 429) or error.status_code >= 500:
            return False  # a proxy before it may say so, in HTML
        try:
            return not isinstance(json.loads(error.content), dict)
        except ValueError:
            return True
    return isinstance(error, json.JSONDecodeError) or isinstance(getattr(error, "source", None), ValueError)


def place(url: str) -> str:
    """Host and port of a url, without credentials."""
    parts = urlsplit(url)
    return url if not parts.hostname else f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
