"""The connection to MongoDB, and the one seam where its driver's errors become Sluice's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pymongo
from bson.errors import BSONError
from pymongo import UpdateOne, errors
from pymongo.collection import Collection
from pymongo.database import Database

from sluice.errors import ConfigurationError, DiskFull, IntegrityError, Permanent, SluiceError, StoreUnavailable

MongoDatabase = Database[dict[str, Any]]
T = TypeVar("T")

DEFAULTS: Mapping[str, int] = {"serverSelectionTimeoutMS": 5_000, "connectTimeoutMS": 5_000, "socketTimeoutMS": 60_000}
"""What holds unless the uri says otherwise."""

_FULL = ("disk is full", "No space left on device", "OutOfDiskSpace")
"""What SQLite (of the embedded server) and MongoDB say of a full disk."""

_DUPLICATE_KEY = 11000

_REFUSED_CREDENTIALS = (13, 18, 8000)
"""Unauthorized, AuthenticationFailed, and Atlas' own code for both."""


def connect(uri: str, database: str, patience: Mapping[str, int] = DEFAULTS) -> MongoDatabase:
    """A database that has just answered; close it with `database.client.close()`.

    Raises StoreUnavailable, naming host and port (never the password), when nobody answers within `patience` (or the
    uri's own limits), and ConfigurationError for a uri or a name that cannot be, or credentials that are refused.
    """
    try:
        options: dict[str, Any] = {name: value for name, value in patience.items() if name.lower() not in uri.lower()}
        if not re.search(r"[?&]w=", uri, re.IGNORECASE):
            options["w"] = "majority"  # what a minority alone has seen is gone when another member takes over
        client = pymongo.MongoClient[dict[str, Any]](uri, tz_aware=True, appname="sluice", **options)
    except (errors.PyMongoError, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"stores.mongodb.uri is not a MongoDB URI: {_without_secrets(uri, error)}",
            hint="write mongodb://user:password@host:port (reserved characters percent-encoded), or 'embedded'",
        ) from None
    try:
        found = client[database]
        with translated(found, "connecting"):
            client.admin.command("ping")
    except errors.InvalidName as error:
        client.close()
        raise ConfigurationError(f"stores.mongodb.database: {error}", hint="use letters, digits, '-' and '_'") from None
    except BaseException:
        client.close()
        raise
    return found


def _without_secrets(uri: str, error: Exception) -> str:
    """What the driver said, unless it quotes a part of a uri that holds credentials."""
    return type(error).__name__ if "@" in uri else str(error)


def address(database: MongoDatabase) -> str:
    """Host and port, as configured."""
    servers = database.client.topology_description.server_descriptions()
    return ", ".join(sorted(f"{host}:{port}" if port else host for host, port in servers)) or "unknown address"


@contextmanager
def translated(database: MongoDatabase, doing: str) -> Iterator[None]:
    """Whatever the driver raises within, as an error of Sluice's."""
    try:
        yield
    except (errors.PyMongoError, BSONError) as error:
        raise translate(error, doing=doing, where=address(database)) from error


def translate(error: Exception, *, doing: str, where: str) -> SluiceError:
    """The error of Sluice's for any error of pymongo, gridfs or bson.

    A damaged SQLite file under the embedded server: IntegrityError; a full disk: StoreUnavailable; both say so. Nobody
    answered, or not in time: StoreUnavailable. Wrong credentials or settings: ConfigurationError. A key that must be unique
    is not: IntegrityError. Anything else was understood and refused: Permanent.
    """
    kind = type(error).__name__
    labelled = isinstance(error, errors.PyMongoError) and (
        error.has_error_label("RetryableWriteError") or error.has_error_label("TransientTransactionError")
    )
    said = str(error)
    if "database disk image is malformed" in said or "file is not a database" in said:
        return IntegrityError(
            f"the embedded database at {where} is damaged (seen while {doing}): its file is truncated or overwritten",
            hint=f"restore {_folder(where)} from a backup; without one, remove it and run again: every document is fetched, "
            "parsed and embedded anew, and what was forgotten, pinned or decided is no longer known",
        )
    if "database or disk is full" in said or "No space left" in said:
        return DiskFull(
            f"the disk of MongoDB at {where} is full (seen while {doing})",
            hint="make room and run again (sluice gc removes what is no longer kept); nothing that was stored is lost",
        )
    match error:
        case errors.OperationFailure(code=code) if code in _REFUSED_CREDENTIALS:
            return ConfigurationError(
                f"MongoDB at {where} refused the credentials while {doing}", hint="check user and password in stores.mongodb.uri"
            )
        case errors.ConfigurationError() | errors.InvalidName():
            return ConfigurationError(f"MongoDB at {where} cannot be used as configured ({kind})", hint="check stores.mongodb")
        case errors.DuplicateKeyError():
            return IntegrityError(
                f"MongoDB at {where} already holds a row with this key ({doing})",
                hint="run 'sluice doctor' on this configuration",
            )
        case (
            errors.ConnectionFailure()
            | errors.ProtocolError()
            | errors.ExecutionTimeout()
            | errors.CursorNotFound()
            | errors.WriteConcernError()
        ):
            return _unavailable(kind, doing, where)
        case _ if labelled:
            return _unavailable(kind, doing, where)
    if any(sign in str(error) for sign in _FULL):
        return DiskFull(
            f"the disk of MongoDB at {where} is full (seen while {doing})",
            hint="make room there and run again; nothing that was stored is lost",
        )
    return Permanent(
        f"MongoDB at {where} refused an operation while {doing}: {kind}: {str(error)[:200]}",
        hint="run 'sluice doctor': it proves every operation Sluice needs on this server",
    )


def _folder(where: str) -> str:
    """The folder of an embedded server's files, by its socket's place: beside it there is one, or a link to it."""
    return str((Path(where).parent / "data").resolve()) if where.startswith("/") else "its files"


def _unavailable(kind: str, doing: str, where: str) -> StoreUnavailable:
    if where.startswith("/") and where.endswith("/mongodb.sock"):  # as embedded_server.socket_path names it
        log = Path(_folder(where)).with_name("server.log")
        hint = f"it is the embedded server, which ended or hangs ({log}): run again, it is started anew; nothing was lost"
    else:
        hint = "check that it runs and can be reached from here, and stores.mongodb.uri; nothing was lost"
    return StoreUnavailable(f"MongoDB at {where} did not answer while {doing} ({kind})", hint=hint)


def insert_new(rows: Collection[dict[str, Any]], made: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Insert rows with an `_id`, in one request; those whose `_id` was there already, as they were handed in.

    For rows that are named by what they hold: nearly all of them are new, and an insert costs a server half of an upsert.
    """
    if not made:
        return []
    try:
        rows.insert_many(list(made), ordered=False)
    except errors.BulkWriteError as error:
        details = error.details or {}
        if details.get("writeConcernErrors") or any(e["code"] != _DUPLICATE_KEY for e in details["writeErrors"]):
            raise
        return [made[e["index"]] for e in details["writeErrors"]]
    return []


def replace_rows(rows: Collection[dict[str, Any]], made: Sequence[dict[str, Any]]) -> None:
    """Write rows with an `_id`, whether they are there or not, in one request."""
    if made:  # never ReplaceOne: with upsert, the embedded server loses the _id
        changes = [
            UpdateOne({"_id": row["_id"]}, {"$set": {k: v for k, v in row.items() if k != "_id"}}, upsert=True) for row in made
        ]
        rows.bulk_write(changes, ordered=False)
