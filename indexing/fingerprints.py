"""What a release is made of, as two hashes.

The release fingerprint says which texts a release holds and how they are cut, embedded and searched; the access root says who
may read them. Two releases with both equal answer alike. Neither depends on vector bytes, on time or on the
order of anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from sluice.access import AccessTags
from sluice.ids import digest, fingerprint, merkle_root
from sluice.records import DocumentState


def document_fingerprint(state: DocumentState) -> str:
    """Of what a release holds of one document: its version, and what is served of it beside its text.

    Not when it was modified: a fresh checkout touches every file.
    """
    if not state.held:
        about = fingerprint("about", {"title": state.title, "language": state.language, "metadata": state.metadata})
        found = digest("held", state.key, state.version, state.parse_fingerprint, about)
        object.__setattr__(state, "held", found)  # frozen, so it stays true; who makes another state of it starts anew
    return state.held


def release_fingerprint(states: Iterable[DocumentState], how: str) -> str:
    """Merkle root over the documents a release built now would contain; `how` is the `answers` of its recipe.

    How documents are parsed is in each document's own state.
    """
    members = [state for state in states if state.in_release]
    return _release_root(how, tuple(map(document_fingerprint, members)), tuple(state.expires for state in members))


def access_root(states: Iterable[DocumentState]) -> str:
    """Merkle root over who may read each document of a release built now."""
    return _root_of("access", [state for state in states if state.in_release])


def tags_root(states: Iterable[DocumentState]) -> str:
    """Merkle root over the tags of every document that anyone may read, in a release or not: what a collection was synced to."""
    return _root_of("tags", [state for state in states if state.tags])


def forget_roots() -> None:
    """Let go of what roots were made of: 10 MB of 100,000 documents."""
    _release_root.cache_clear()
    _tags_root.cache_clear()


@lru_cache(maxsize=2)
def _release_root(how: str, documents: tuple[str, ...], expiries: tuple[datetime | None, ...]) -> str:
    """Asked before a release is built and when it is judged."""
    return merkle_root(
        digest("leaf", document, expires.astimezone(UTC).isoformat() if expires else None, how)
        for document, expires in zip(documents, expiries, strict=True)
    )


def _root_of(kind: str, states: Sequence[DocumentState]) -> str:
    return _tags_root(kind, tuple(state.key for state in states), tuple(state.tags for state in states))


@lru_cache(maxsize=4)
def _tags_root(kind: str, keys: tuple[str, ...], tags: tuple[AccessTags, ...]) -> str:
    """Asked several times a run of the same: to compare 100,000 takes a hundredth of hashing them."""
    return merkle_root(digest(kind, key, *sorted(readers)) for key, readers in zip(keys, tags, strict=True))
