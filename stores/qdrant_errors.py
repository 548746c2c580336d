"""The one seam where the errors of Qdrant's client become Sluice's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from sluice.errors import ConfigurationError, Permanent, ReleaseError, SluiceError, StoreUnavailable


@contextmanager
def translated(url: str, doing: str, collection: str = "") -> Iterator[None]:
    """Whatever the client raises within, as an error of Sluice's."""
    try:
        yield
    except (ApiException, QdrantException, ValueError) as error:
        raise translate(error, url=url, doing=doing, collection=collection) from error


def translate(error: Exception, *, url: str, doing: str, collection: str = "") -> SluiceError:
    """Not answered, overloaded or failing: StoreUnavailable. Refused credentials, or an answer that no Qdrant gives:
    ConfigurationError. No such collection: ReleaseError. Anything else was understood and refused: Permanent.
    """
    where = place(url)
    what = f"{doing} {collection}".strip()
    status = error.status_code if isinstance(error, UnexpectedResponse) else None
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
    return Permanent(f"Qdrant at {where} refused an operation while {what}: {str(error)[:300]}", hint="run 'sluice doctor'")


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
