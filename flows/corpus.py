"""The documents that golden labels point to, as the evaluation asks for them."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.parse import raw_text
from ingest.protocols import Blobs, Versions
from sluice.errors import SluiceError
from sluice.ids import version_id
from sluice.records import DocumentState


class CorpusDocuments:
    """Implements `evaluation.protocols.LabelledDocuments` over what ingestion left behind."""

    def __init__(self, states: Sequence[DocumentState], versions: Versions, blobs: Blobs) -> None:
        self._versions, self._blobs = versions, blobs
        self._by_uri: dict[str, list[DocumentState]] = {}
        for state in states:
            self._by_uri.setdefault(state.uri, []).append(state)

    def find(self, uri: str, source: str | None) -> list[DocumentState]:
        return [s for s in self._by_uri.get(uri, []) if source is None or s.source == source]

    def text(self, state: DocumentState) -> str | None:
        if not state.in_release:
            return None
        identity = version_id(state.key, state.version, state.parse_fingerprint)
        document = self._versions.get([identity]).get(identity)
        return document.text if document is not None else None

    def raw_text(self, state: DocumentState) -> str | None:
        if not state.content_hash:
            return None
        try:
            return raw_text(self._blobs.get(state.content_hash), state.uri, state.media_type)
        except SluiceError:
            return None  # bytes that cannot be read prove nothing: the label is then a miss, never stale
