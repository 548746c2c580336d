"""Who may read what now, and who an older text of it that a collection still holds: law 7 for what was edited since.

An older text is known by its own front matter; what its source said of it then is not kept. So where the source has permissions
of its own, or the document is a link, an older text gains nobody; nor does one from before the document was deleted, expired or
withdrawn. One that was parsed when less was masked is nobody's: a mask is a revocation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol

from indexing.access_sync import CurrentAccess, Text
from indexing.fingerprints import tags_root
from ingest.redact import REDACTED, redacted
from sluice.access import NOBODY, AccessTags
from sluice.errors import DocumentError
from sluice.ids import digest, version_id
from sluice.records import Document, DocumentState
from sluice.settings import RedactSettings


class Versions(Protocol):
    """Parsed documents by version id."""

    def get(self, version_ids: Sequence[str]) -> dict[str, Document]: ...


def current_access(
    versions: Versions, states: Sequence[DocumentState], policies: Mapping[str, RedactSettings] = MappingProxyType({})
) -> CurrentAccess:
    """Access as it is now, with what is masked in which source; `versions` are read only for documents of which a collection
    holds an older text that may gain readers, or in which less may have been masked."""
    masked = {state.key: state for state in states if state.tags and (state.metadata.get(REDACTED) or state.source in policies)}

    def older(texts: Mapping[str, Text]) -> Mapping[str, AccessTags]:
        names = {version_id(key, *text): key for key, text in texts.items()}
        by_key = {state.key: state for state in states}
        found: dict[str, AccessTags] = {}
        for name, key in list(names.items()):  # the same bytes, in which nothing is masked: what they say is in the tags of now
            state = by_key[key]
            if key in masked and texts[key][0] == state.version and not state.metadata.get(REDACTED):
                found |= {key: state.tags} if state.source_tags is None and not state.stands_for else {}
                del names[name]
        for name, document in versions.get(list(names)).items():
            key = names[name]
            state = by_key[key]
            other = texts[key][1] != state.parse_fingerprint
            if key in masked and other and _less_masked(document, state, texts[key][0], policies.get(state.source)):
                found[key] = NOBODY
            elif state.source_tags is None and not state.stands_for and texts[key][0] in (state.version, *state.earlier):
                found[key] = state.tags if document.tags is None else AccessTags(state.tags & document.tags)
        return found

    root = tags_root(states)
    if masked:  # a policy that masks more changes nobody's tags, and is a change of access all the same
        root = digest("masked", root, *sorted(f"{key} {state.parse_fingerprint}" for key, state in masked.items()))
    texts = {state.key: (state.version, state.parse_fingerprint) for state in states if state.tags}
    return CurrentAccess({state.key: state.tags for state in states}, root, texts, older, frozenset(masked))


def _less_masked(document: Document, state: DocumentState, version: str, policy: RedactSettings | None) -> bool:
    """Whether less is masked in an older text than now: of the same bytes by their counts, of others by looking through them."""
    if version == state.version or policy is None:
        before = document.metadata.get(REDACTED) or {}
        return any(count > before.get(kind, 0) for kind, count in (state.metadata.get(REDACTED) or {}).items())
    rest = {name: value for name, value in document.metadata.items() if name != REDACTED}
    try:
        return bool(redacted(replace(document, metadata=rest), policy).metadata.get(REDACTED))
    except DocumentError:  # a policy that would keep all of it out
        return True
