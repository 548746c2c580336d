"""The documents that golden labels point to, as the evaluation asks for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Protocol

from ingest import raw_text
from ingest.protocols import Blobs
from pipeline.spelled import spelled
from sluice.errors import Retryable, SluiceError
from sluice.ids import document_key, version_id
from sluice.records import Document, DocumentState, RawItem
from sluice.settings import LimitSettings
from sluice.spelling import composed, forms


class Held(Protocol):
    """Parsed documents by version id."""

    def get(self, ids: Sequence[str]) -> Mapping[str, Document]:
        """Those that are there."""


class Kept(Held, Protocol):
    """Every parsed version that is kept, older ones too."""

    def ids(self, document_keys: Iterable[str] | None = None) -> Mapping[str, str]:
        """Version id to document key, of these documents."""


class CorpusDocuments:
    """Implements `evaluation.protocols.LabelledDocuments` over what ingestion left behind.

    With `held` (document key → version id) it is one release's view: `text` is what that release holds of a document,
    which may be older than the source, and None for a document that it does not hold. A document that was `forgotten`
    (its key, of one of `sources`) is one that was deleted: a label that names it is stale. `limits` are those of each
    source: raw bytes are read within them, in the sandbox. `kept` are all versions, for labels that this one has lost.
    """

    def __init__(
        self,
        states: Sequence[DocumentState],
        versions: Held,
        blobs: Blobs,
        held: Mapping[str, str] | None = None,
        *,
        sources: Sequence[str] = (),
        forgotten: Collection[str] = (),
        limits: Mapping[str, LimitSettings] | None = None,
        kept: Kept | None = None,
    ) -> None:
        self._versions, self._blobs, self._held, self._kept = versions, blobs, held, kept
        self._sources, self._forgotten, self._limits = sources, forgotten, limits or {}
        self._states = states

    @cached_property
    def _by_uri(self) -> Mapping[str, list[DocumentState]]:
        """Made when a label first asks: 17 MB of 100,000 documents."""
        found: dict[str, list[DocumentState]] = {}
        for state in self._states:
            found.setdefault(composed(state.uri), []).append(state)
        return found

    @property
    def keys(self) -> Collection[str]:
        """The documents that the release holds; without one, none."""
        return self._held.keys() if self._held is not None else ()

    def find(self, uri: str, source: str | None) -> list[DocumentState]:
        mine = (s for s in self._by_uri.get(composed(uri), []) if source is None or s.source == source)
        known = spelled(uri, mine)
        others = {*self._sources} - {state.source for state in known}
        asked = (name for name in self._sources if self._forgotten and name in others and source in (None, name))
        erased = ((name, document_key(name, form)) for name in asked for form in forms(uri))
        return known + [DocumentState(key, name, uri, "deleted") for name, key in erased if key in self._forgotten]

    def text(self, state: DocumentState) -> str | None:
        return self.texts([state]).get(state.key)

    def texts(self, states: Sequence[DocumentState]) -> dict[str, str]:
        ids = {state.key: identity for state in states if (identity := self.version(state)) is not None}
        documents = self._versions.get(list(ids.values())) if ids else {}
        return {key: documents[identity].text for key, identity in ids.items() if identity in documents}

    def version(self, state: DocumentState) -> str | None:
        if self._held is not None:
            return self._held.get(state.key)
        return version_id(state.key, state.version, state.parse_fingerprint) if state.in_release else None

    def earlier(self, states: Sequence[DocumentState]) -> dict[str, list[str]]:
        if self._kept is None:
            return {}
        served = {identity for state in states if (identity := self.version(state)) is not None}
        ids = [identity for identity in self._kept.ids(state.key for state in states) if identity not in served]
        found: dict[str, list[str]] = {}
        for document in self._kept.get(ids).values() if ids else ():
            found.setdefault(document.key, []).append(document.text)
        return found

    def raw_text(self, state: DocumentState) -> str | None:
        if not state.content_hash:
            return None
        try:
            content = self._blobs.get(state.content_hash)
            item = RawItem(state.uri, content, state.validator, media_type=state.media_type, named=state.named)
            return raw_text.of(item, self._limits.get(state.source) or LimitSettings())
        except Retryable:
            raise  # a store that is away is no finding about a label
        except SluiceError:
            return None  # bytes that cannot be read prove nothing: the label is then a miss, never stale
