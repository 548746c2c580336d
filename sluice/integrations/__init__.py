"""Retrievers for other frameworks, over whatever `sluice.open(…).searcher()` gives: one module a framework.

    from sluice.integrations.langchain import SluiceRetriever     # pip install 'sluice[langchain]'
    from sluice.integrations.llamaindex import SluiceRetriever    # pip install 'sluice[llamaindex]'
    from sluice.integrations.haystack import SluiceRetriever      # pip install 'sluice[haystack]'

They stand in the vocabulary because they know nothing else of Sluice: a `Searcher`, a `Principal`, a `Hit`. None has a default
principal, and none takes anything else for one: the tags of whoever asks come from a login, never from a prompt.
"""

from __future__ import annotations

from typing import Any

from sluice.access import Principal
from sluice.errors import ConfigurationError
from sluice.plain import plain
from sluice.records import Hit


def asked_by(principal: object) -> Principal:
    """Whoever asks, for certain; raises ConfigurationError for anything else, a set of tags among it."""
    if isinstance(principal, Principal):
        return principal
    raise ConfigurationError(
        f"a retriever needs the sluice.Principal who asks, not {type(principal).__name__}",
        hint="sluice.Principal.of(tags, id), with the tags that your login gives",
    )


def cited(hit: Hit) -> dict[str, Any]:
    """What a hit says beside its text, in plain JSON values; the document's own metadata in a key of its own."""
    return {name: value for name, value in plain(hit).items() if name not in ("text", "score")}


def told(hit: Hit) -> dict[str, str]:
    """The part of it that a language model may be shown: where the text stands, and nothing of who may read it."""
    return {"title": hit.title, "uri": hit.uri, "heading_path": " > ".join(hit.heading_path)}
