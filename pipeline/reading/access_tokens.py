"""Read access to an index for a service that talks to the vector store itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.resources import Resources, utc_now
from sluice.errors import ConfigurationError
from stores.qdrant.token import reading_token


@dataclass(frozen=True, slots=True)
class ReadingToken:
    """What a service needs to read an index."""

    token: str
    url: str
    expires: datetime


def make(r: Resources, index: str, lasts: timedelta) -> ReadingToken:
    """A token for the alias of this configuration's index. ConfigurationError without a server that has an API key."""
    settings, qdrant = r.settings, r.settings.stores.qdrant
    if index != settings.index:
        raise ConfigurationError(
            f"{settings.path} is the configuration of index '{settings.index}', not of '{index}'",
            hint="name its own: --config FILE",
        )
    if qdrant.url == "embedded" or not qdrant.api_key:
        raise ConfigurationError(
            f"{settings.path}: a token is signed with the API key of a Qdrant server, and there is none",
            hint="set stores.qdrant.url and api_key, and on the server service.jwt_rbac: true",
        )
    expires = utc_now() + lasts
    return ReadingToken(reading_token(qdrant.api_key, index, expires), qdrant.url, expires)
