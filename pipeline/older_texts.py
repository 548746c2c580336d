"""Who may read what now, and who an older text of it that a collection still holds: law 7 for what was edited since.

An older text is known by its own front matter; what its source said of it then is not kept. So where the source has permissions
of its own, or the document is a link, an older text gains nobody; nor does one from before the document was deleted, expired or
withdrawn. One that was parsed when less was masked is nobody's: a mask is a revocation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from indexing.access_sync import CurrentAccess, Text
from indexing.fingerprints import tags_root
from ingest.redact import REDACTED
from sluice.access import NOBODY, AccessTags
from sluice.ids import digest, version_id
from sluice.records import Document, DocumentState


class Versions(Protocol):
    """Parsed documents by version id."""

    def get(self, version_ids: Sequence[str]) -> dict[str, Document]: ...


def current_access(versions: Versions, states: Sequence[DocumentState]) -> CurrentAccess:
    """Access as it is now; `versions` are read only for documents of which a collection holds an older text that may gain
    readers, or in which less was masked."""
    masked = {state.key: state for state in states if state.tags and state.metadata.get(REDACTED)}

    def older(texts: Mapping[str, Text]) -> Mapping[str, AccessTags]:
        names = {version_id(key, *text): key for key, text in texts.items()}
        by_key = {state.key: state for state in states}
        found: dict[str, AccessTags] = {}
        for name, document in versions.get(list(names)).items():
            key = names[name]
            state = by_key[key]
            if key in masked and texts[key][1] != state.parse_fingerprint and _less_masked(document, state):
                found[key] = NOBODY
            elif state.source_tags is None and not state.stands_for and texts[key][0] in (state.version, *state.earlier):
                found[key] = state.tags if document.tags is None else AccessTags(state.tags & document.tags)
        return found

    root = tags_root(states)
    if masked:  # a policy that masks more changes nobody's tags, and is a change of access all the same
        root = digest("masked", root, *sorted(f"{key} {state.parse_fingerprint}" for key, state in masked.items()))
    texts = {state.key: (state.version, state.parse_fingerprint) for state in states if state.tags}
    return CurrentAccess({state.key: state.tags for state in states}, root, texts, older, frozenset(masked))


def _less_masked(document: Document, state: DocumentState) -> bool:
    before = document.metadata.get(REDACTED) or {}
    return any(count > before.get(kind, 0) for kind, count in state.metadata[REDACTED].items())
