"""The server under test does every MongoDB operation that Sluice uses as MongoDB does it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pymongo
import pytest

from sluice.errors import StoreUnavailable
from stores.mongo.connection import MongoDatabase
from stores.mongo.operations import OPERATIONS, probe


def test_every_operation_is_right_and_leaves_nothing_behind(database: MongoDatabase) -> None:
    """The proofs that `sluice doctor` runs pass, one by one, and clean up."""
    found = probe(database)
    assert [operation.name for operation in found] == list(OPERATIONS)
    assert [(operation.name, operation.detail) for operation in found if not operation.ok] == []
    assert database.list_collection_names() == []


def test_a_wrong_operation_is_reported_by_name_and_the_others_are_still_proved(database: MongoDatabase) -> None:
    """A server that does one thing wrong fails that line, with what it did; an error in a proof is a line, too."""
    wrong = {
        "answers wrongly": lambda _d, _r: "expected 1, got 2",
        "refuses": lambda _d, rows: str([rows.insert_one({"_id": 1}) for _twice in range(2)]),
        "right": lambda _d, _r: "",
    }
    found = {operation.name: operation for operation in probe(database, wrong)}
    assert (found["answers wrongly"].ok, found["answers wrongly"].detail) == (False, "expected 1, got 2")
    assert not found["refuses"].ok
    assert "refuses" in found["refuses"].detail
    assert found["right"].ok


def test_a_server_that_is_gone_is_an_error_not_a_list() -> None:
    """Nothing can be said about a server that does not answer."""
    with (
        pymongo.MongoClient[dict[str, Any]]("127.0.0.1", 9, serverSelectionTimeoutMS=100) as client,
        pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:9"),
    ):
        probe(client["x"])


def test_stores_use_no_operation_that_is_not_proved() -> None:
    """Every method called on a collection in stores/ occurs in the proofs: the list is complete."""
    stores = Path(__file__).parents[2] / "stores"
    call = re.compile(
        r"\b(?:_rows|rows|_files|files|collection|database\[[^]]+\])\.(\w+)\(|_bucket\.(\w+)\(|bucket\.(\w+)\(", re.MULTILINE
    )
    proofs = {name for found in call.findall((stores / "mongo" / "operations.py").read_text()) for name in found if name}
    used = {
        name
        for file in [*stores.glob("*.py"), *(stores / "mongo").glob("*.py")]
        if file.name != "operations.py"
        for found in call.findall(file.read_text())
        for name in found
        if name
    }
    assert used - proofs == set()
    assert {"find", "update_one", "bulk_write", "insert_one", "find_one_and_update", "upload_from_stream"} <= used
