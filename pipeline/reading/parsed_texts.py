"""The texts of documents as they were parsed, and which of them hold some words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.resources import Resources
from sluice.ids import version_id
from sluice.records import DocumentState

READ_DOCUMENTS = 200
"""How many parsed texts are held at once."""
FOUND = 9
"""How many documents a keyword search names."""


def texts(r: Resources, states: Sequence[DocumentState]) -> Iterator[tuple[str, str]]:
    """The parsed texts of these documents by key, a batch at a time."""
    for start in range(0, len(states), READ_DOCUMENTS):
        batch = {version_id(s.key, s.version, s.parse_fingerprint): s.key for s in states[start : start + READ_DOCUMENTS]}
        versions = r.stores.versions.get(list(batch))
        yield from ((key, versions[identity].text) for identity, key in batch.items() if identity in versions)


def containing(r: Resources, words: str) -> list[tuple[str, str, str]]:
    """The first documents, by uri, with all of these words in their text or uri: source, uri, and the words in their place."""
    wanted = words.casefold().split()
    states = sorted((s for s in r.stores.documents.read() if s.in_release), key=lambda s: s.uri)
    by_key = {s.key: s for s in states}
    found: list[tuple[str, str, str]] = []
    for key, text in texts(r, states) if wanted else ():
        state, small = by_key[key], text.casefold()
        if all(word in small or word in state.uri.casefold() for word in wanted):
            at = max(0, min((place for word in wanted if (place := small.find(word)) >= 0), default=0) - 40)
            found.append((state.source, state.uri, " ".join(text[at : at + 160].split())))
            if len(found) == FOUND:
                break
    return found
