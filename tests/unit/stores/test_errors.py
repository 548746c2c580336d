"""Every error of a driver becomes one of Sluice's, and none of them tells a secret."""

from __future__ import annotations

import inspect
import json
from typing import Any

import bson.errors
import gridfs.errors
import grpc
import httpx
import pymongo.errors
import pytest
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from sluice.errors import ConfigurationError, DiskFull, IntegrityError, Permanent, ReleaseError, SluiceError, StoreUnavailable
from stores.mongo import connection as mongo
from stores.qdrant import errors

UNAVAILABLE = {
    "ProtocolError", "ConnectionFailure", "WaitQueueTimeoutError", "AutoReconnect", "NetworkTimeout", "NotPrimaryError",
    "ServerSelectionTimeoutError", "CursorNotFound", "ExecutionTimeout", "WriteConcernError", "WTimeoutError",
    "_OperationCancelled",
}  # fmt: skip
CONFIGURATION = {"ConfigurationError", "InvalidURI", "InvalidName"}
INTEGRITY = {"DuplicateKeyError"}


def driver_errors() -> list[type[Exception]]:
    """Every exception class that pymongo, bson and gridfs define."""
    found = {
        kind
        for module in (pymongo.errors, bson.errors, gridfs.errors)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, pymongo.errors.PyMongoError | bson.errors.BSONError)
    }
    return sorted(found, key=lambda kind: kind.__name__)


def made(kind: type[Exception]) -> Exception:
    arguments: dict[str, Any] = {
        "BulkWriteError": {"results": {"writeErrors": []}},
        "ClientBulkWriteException": {"results": {"error": None}, "verbose": False},
        "EncryptionError": {"cause": ValueError("x")},
        "EncryptedCollectionError": {"cause": ValueError("x"), "encrypted_fields": {}},
    }
    if kind.__name__ in arguments:
        return kind(**arguments[kind.__name__])
    return kind("what the server said")


@pytest.mark.parametrize("kind", driver_errors(), ids=lambda kind: kind.__name__)
def test_every_error_of_the_mongodb_driver_is_mapped(kind: type[Exception]) -> None:
    """A class that a new version of the driver brings is either unavailable by inheritance or refused: never unmapped."""
    error = mongo.translate(made(kind), doing="testing", where="db.example:27017")
    expected: type[SluiceError] = Permanent
    if kind.__name__ in UNAVAILABLE:
        expected = StoreUnavailable
    elif kind.__name__ in CONFIGURATION:
        expected = ConfigurationError
    elif kind.__name__ in INTEGRITY:
        expected = IntegrityError
    assert type(error) is expected
    assert "db.example:27017" in error.message
    assert error.hint


def test_there_are_errors_to_map() -> None:
    """The list above is not empty by accident."""
    assert len(driver_errors()) > 25


@pytest.mark.parametrize("code", [13, 18])
def test_refused_credentials_are_a_matter_of_configuration(code: int) -> None:
    """Exit code 2, and not to be retried."""
    error = mongo.translate(pymongo.errors.OperationFailure("Authentication failed.", code), doing="connecting", where="h:1")
    assert (type(error), error.exit_code) == (ConfigurationError, 2)


@pytest.mark.parametrize("said", ["database or disk is full", "errno:28 No space left on device", "OutOfDiskSpace"])
def test_a_full_disk_is_called_one(said: str) -> None:
    """SQLite's words (of the embedded server) and MongoDB's."""
    error = mongo.translate(pymongo.errors.OperationFailure(said), doing="writing", where="h:1")
    assert type(error) is DiskFull
    assert "full" in error.message


def test_a_web_server_that_answers_for_qdrant_is_found_out() -> None:
    """Not JSON, or JSON of another kind: a matter of configuration; what a proxy says of a server that is away is not."""
    page = b"<html>not found</html>"
    found = [
        UnexpectedResponse(404, "Not Found", page, httpx.Headers()),
        json.JSONDecodeError("Expecting value", "<html>", 0),
        UnexpectedResponse(502, "Bad Gateway", page, httpx.Headers()),
    ]
    kinds = [type(errors.translate(error, url="http://h:6333", doing="listing collections")) for error in found]
    assert kinds == [ConfigurationError, ConfigurationError, StoreUnavailable]


def test_what_the_server_calls_transient_is_retryable() -> None:
    """By its error labels, whatever the class."""
    labelled = pymongo.errors.OperationFailure("x", 1, {"errorLabels": ["RetryableWriteError"]})
    assert type(mongo.translate(labelled, doing="x", where="y")) is StoreUnavailable


def test_of_the_embedded_server_nobody_is_asked_whether_it_can_be_reached() -> None:
    """It is nobody's to start; `stores.mongodb.uri` is not what is wrong."""
    gone = pymongo.errors.ServerSelectionTimeoutError("refused")
    own = mongo.translate(gone, doing="reading", where="/srv/state/mongodb/mongodb.sock")
    assert "run again, it is started anew" in own.hint
    assert "/srv/state/mongodb/server.log" in own.hint
    for served in ("db.example:27017", "/run/mongodb-27017.sock"):
        assert "stores.mongodb.uri" in mongo.translate(gone, doing="reading", where=served).hint


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    """Host and port, never the credentials; the hint says what to look at."""
    with pytest.raises(StoreUnavailable) as error:
        mongo.connect("mongodb://someone:hunter2@127.0.0.1:9/?serverSelectionTimeoutMS=100", "x")
    assert "127.0.0.1:9" in error.value.message
    assert "hunter2" not in error.value.message + error.value.hint
    assert "stores.mongodb.uri" in error.value.hint


@pytest.mark.parametrize("uri", ["http://x", "mongodb://", "mongodb://u:hunter2@h:notaport", "mongodb://u:hun@ter2@h", ""])
def test_a_uri_that_is_none_is_a_matter_of_configuration(uri: str) -> None:
    """Also without quoting a password that was not escaped."""
    with pytest.raises(ConfigurationError) as error:
        mongo.connect(uri, "x")
    assert error.value.exit_code == 2
    if "@" in uri:
        assert "hun" not in error.value.message


def test_a_database_name_that_cannot_be_is_a_matter_of_configuration(mongo_uri: str) -> None:
    """The key is named."""
    with pytest.raises(ConfigurationError, match=r"stores\.mongodb\.database"):
        mongo.connect(mongo_uri, "a b/c")


def by_grpc(code: grpc.StatusCode) -> grpc.RpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details="said")


def test_a_majority_acknowledges_each_write_unless_the_uri_says_otherwise(mongo_uri: str) -> None:
    """What one member alone has seen may be gone when another takes over."""
    joined = f"{mongo_uri}{'&' if '?' in mongo_uri else '?'}w=1"
    for uri, acknowledged in ((mongo_uri, "majority"), (joined, 1)):
        found = mongo.connect(uri, "test_write_concern")
        assert found.client.write_concern.document == {"w": acknowledged}
        found.client.close()


def response(status: int) -> UnexpectedResponse:
    return UnexpectedResponse(status, "reason", b'{"status": {"error": "said"}}', httpx.Headers())


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ResponseHandlingException(httpx.ConnectError("refused")), StoreUnavailable),
        (ResponseHandlingException(httpx.ReadTimeout("slow")), StoreUnavailable),
        (ResourceExhaustedResponse("too many", 3), StoreUnavailable),
        (response(500), StoreUnavailable),
        (response(503), StoreUnavailable),
        (response(429), StoreUnavailable),
        (response(401), ConfigurationError),
        (response(403), ConfigurationError),
        (response(404), ReleaseError),
        (response(400), Permanent),
        (ValueError("Collection a__1 not found"), ReleaseError),
        (ValueError("Wrong input"), Permanent),
        (by_grpc(grpc.StatusCode.UNAVAILABLE), StoreUnavailable),
        (by_grpc(grpc.StatusCode.DEADLINE_EXCEEDED), StoreUnavailable),
        (by_grpc(grpc.StatusCode.RESOURCE_EXHAUSTED), StoreUnavailable),
        (by_grpc(grpc.StatusCode.INTERNAL), StoreUnavailable),
        (by_grpc(grpc.StatusCode.UNAUTHENTICATED), ConfigurationError),
        (by_grpc(grpc.StatusCode.PERMISSION_DENIED), ConfigurationError),
        (by_grpc(grpc.StatusCode.NOT_FOUND), ReleaseError),
        (by_grpc(grpc.StatusCode.INVALID_ARGUMENT), Permanent),
        (grpc.RpcError(), StoreUnavailable),
    ],
)
def test_every_error_of_qdrants_client_is_mapped(error: Exception, expected: type[SluiceError]) -> None:
    """What may pass is retryable; a key that is refused is configuration; a missing collection is a release that is gone."""
    mapped = errors.translate(error, url="https://user:hunter2@db.example:6333/x", doing="searching", collection="a__1")
    assert type(mapped) is expected
    assert "db.example:6333" in mapped.message
    assert "hunter2" not in mapped.message
    assert mapped.hint
