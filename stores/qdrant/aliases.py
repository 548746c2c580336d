"""Moving Qdrant's aliases so that no reader ever finds one missing, whatever fails and whoever dies in between.

A server applies the actions of one request one after the other and keeps the earlier ones when a later one fails (1.18.3,
tried; local mode refuses the whole request). So an alias that exists is overwritten and never deleted first, each alias
moves in one action of a request of its own, and what it is to name is looked for before anything is moved.
"""

from __future__ import annotations

from collections.abc import Mapping

from qdrant_client.client_base import QdrantBase
from qdrant_client.http import models

from sluice.errors import ReleaseError


def aliases(client: QdrantBase) -> dict[str, str]:
    """Alias to collection, all of them."""
    return {found.alias_name: found.collection_name for found in client.get_aliases().aliases}


def switch(client: QdrantBase, changes: Mapping[str, str | None]) -> None:
    """Point aliases to collections (None removes the alias), in the order given; those that stand as wanted are left alone.

    ReleaseError, and nothing is changed, when a collection does not exist. After any other failure the aliases before it
    have moved, and it and those after it stand where they stood.
    """
    there = {found.name for found in client.get_collections().collections}
    if missing := sorted({collection for collection in changes.values() if collection is not None} - there):
        raise ReleaseError(
            f"there is no collection {', '.join(missing)}: no alias was moved", hint="sluice releases lists what can be searched"
        )
    present = aliases(client)
    for alias, collection in changes.items():
        if present.get(alias) != collection:
            client.update_collection_aliases(change_aliases_operations=[_action(alias, collection)])


def _action(alias: str, collection: str | None) -> models.AliasOperations:
    if collection is None:
        return models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))
    return models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name=collection, alias_name=alias))
