"""Aliases on a server, which applies the actions of a request one by one and keeps those before the one that fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from qdrant_client.http import models

from sluice.errors import ReleaseError
from stores.qdrant.aliases import aliases, switch


class Gone(Exception):
    """The server is killed here."""


@dataclass
class Server:
    """What a Qdrant server does with aliases; it dies before its n-th action."""

    collections: set[str] = field(default_factory=lambda: {"i__1", "i__2"})
    named: dict[str, str] = field(default_factory=lambda: {"i": "i__1", "i__candidate": "i__2"})
    requests: list[list[models.AliasOperations]] = field(default_factory=list)
    dies: int = 1000
    vanishes: str = ""
    """A collection that somebody removes between the look and the switch."""

    def get_collections(self) -> Any:
        found = SimpleNamespace(collections=[SimpleNamespace(name=name) for name in sorted(self.collections)])
        self.collections -= {self.vanishes}
        return found

    def get_aliases(self) -> Any:
        named = [SimpleNamespace(alias_name=alias, collection_name=name) for alias, name in self.named.items()]
        return SimpleNamespace(aliases=named)

    def update_collection_aliases(self, change_aliases_operations: Sequence[models.AliasOperations]) -> bool:
        self.requests.append(list(change_aliases_operations))
        for operation in change_aliases_operations:
            if sum(map(len, self.requests)) > self.dies:
                raise Gone
            if isinstance(operation, models.DeleteAliasOperation):
                self.named.pop(operation.delete_alias.alias_name, None)
            elif isinstance(operation, models.CreateAliasOperation):
                if operation.create_alias.collection_name not in self.collections:
                    raise ReleaseError("no such collection")
                self.named[operation.create_alias.alias_name] = operation.create_alias.collection_name
        return True


CHANGES: dict[str, str | None] = {"i": "i__2", "i__candidate": None}


def test_each_alias_moves_in_one_action_of_a_request_of_its_own() -> None:
    """In the order given; what stands as wanted already costs no request."""
    server: Any = Server()
    switch(server, CHANGES)
    assert server.named == {"i": "i__2"}
    assert [len(request) for request in server.requests] == [1, 1]
    switch(server, {"i": "i__2", "i__candidate": None})
    assert len(server.requests) == 2


@pytest.mark.parametrize("dies", range(3))
def test_wherever_the_server_dies_the_alias_names_a_collection(dies: int) -> None:
    """The one it named, or the one it was to name; the candidate stands until the serving alias has moved."""
    server: Any = Server(dies=dies)
    if dies < 2:
        with pytest.raises(Gone):
            switch(server, CHANGES)
    else:
        switch(server, CHANGES)
    moved = [{"i": "i__1", "i__candidate": "i__2"}, {"i": "i__2", "i__candidate": "i__2"}, {"i": "i__2"}]
    assert aliases(server) == moved[dies]


def test_a_collection_that_vanishes_after_the_look_leaves_the_alias_where_it_was() -> None:
    """Refused by the server, for nothing was deleted before."""
    server: Any = Server(vanishes="i__2")
    with pytest.raises(ReleaseError):
        switch(server, {"i": "i__2"})
    assert server.named["i"] == "i__1"


def test_a_collection_that_is_not_there_is_named_and_nothing_is_asked() -> None:
    """No request at all."""
    server: Any = Server()
    with pytest.raises(ReleaseError, match="i__3"):
        switch(server, {"i__candidate": None, "i": "i__3"})
    assert server.requests == []
