"""The records that travel down the pipeline: frozen, slotted, and free of behaviour.

ItemRef ─fetch▶ RawItem ─parse▶ Document ─chunk▶ Chunk ─embed, stage▶ (a point) ─search▶ Hit
                    └──────▶ DocumentState: what is known about one document between two runs
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sluice.access import NOBODY, AccessTags
from sluice.evidence import Block

Metadata = Mapping[str, Any]
"""Plain values only (str, int, float, bool, None, lists and string-keyed dicts of these): it is stored and filtered on."""

Status = Literal["active", "deleted", "expired", "quarantined"]


@dataclass(frozen=True, slots=True)
class ItemRef:
    """What a source says about an item without fetching it.

    `validator` is an opaque string that changes whenever the item's bytes may have changed
    (etag, `mtime:size`, revision); an equal validator means that nothing needs to be fetched.
    """

    uri: str
    validator: str
    modified: datetime | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class RawItem:
    """An item as fetched: its bytes, and what the source itself knows about it.

    `tags` are the source's own permissions; None means that the source has none, not that nobody may read it. `stands_for` is
    the uri at which the bytes lie, where another one leads to them (a link): its rules hold too. `named` says that the uri ends
    in a file's name, whose extension means something; a key of a row or a message-id does not.
    """

    uri: str
    content: bytes
    validator: str
    media_type: str | None = None
    modified: datetime | None = None
    metadata: Metadata = field(default_factory=dict)
    tags: AccessTags | None = None
    named: bool = True
    stands_for: str = ""


@dataclass(frozen=True, slots=True)
class Element:
    """A structural piece of a document's text: `document.text[start:end]`.

    `kind` is one of title, text, list, table, code, other. `heading_path` names the headings above it, outermost
    first (a title element's own text is the last entry of its own path). `page` counts from 1; None where the
    format has no pages.
    """

    kind: str
    start: int
    end: int
    heading_path: tuple[str, ...] = ()
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document: `elements` are in order, do not overlap, and lie within `text`."""

    key: str
    source: str
    uri: str
    version: str
    title: str
    language: str
    text: str
    elements: tuple[Element, ...] = ()
    metadata: Metadata = field(default_factory=dict)
    tags: AccessTags | None = None
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A span of a document: `document.text[start:end] == text`, always.

    `context` (title, heading path) is put before the text for the embedder only; `tokens` counts those of `text`
    in the embedding model's tokenizer, special tokens not included. `parent` is the span of the document that a reader
    is shown in the chunk's place (hierarchical chunking); None: the chunk itself.
    """

    id: str
    document_key: str
    start: int
    end: int
    text: str
    tokens: int
    context: str = ""
    context_cut: bool = False
    heading_path: tuple[str, ...] = ()
    page: int | None = None
    parent: tuple[int, int] | None = None

    @property
    def embedded_text(self) -> str:
        """What the embedder sees: context, a blank line, text."""
        return f"{self.context}\n\n{self.text}" if self.context else self.text


@dataclass(frozen=True, slots=True)
class Cut:
    """How one version of a document was cut by one chunker: of each chunk, in order, the id, the tokens, and the hash of the
    text that is embedded; `rest` is what else makes chunks of them, packed, and empty where it was not asked for.
    """

    document_key: str
    version: str
    ids: tuple[str, ...]
    tokens: tuple[int, ...]
    texts: tuple[str, ...]
    rest: bytes = b""


@dataclass(frozen=True, slots=True)
class DocumentState:
    """What is known about one document of a source between two runs.

    `content_hash` is of the bytes fetched last; `version` is the content hash of the last version that parsed, under
    `parse_fingerprint`. They differ while a newer version waits or fails to parse (`stale`). `dropped` says why a
    parsed document has no place in a release (empty). `source_metadata` is what the source said with these bytes,
    `metadata` what parsing made of both. `own_tags` come from the document or its source, and may only narrow what the
    rules give; `tags` are the effective ones. `raw` says whether the bytes of `content_hash` are kept: not those in
    which redaction found something, so that parsing them again means to fetch them again. `renamed` says that the same
    bytes are to be parsed again: the source says something else beside them (title, author, permissions of a record) than when
    they were parsed, or a backfill stopped before it came to them. `named`
    is the item's (see `RawItem`).
    """

    key: str
    source: str
    uri: str
    status: Status = "active"
    validator: str = ""
    content_hash: str = ""
    version: str = ""
    parse_fingerprint: str = ""
    stale: bool = False
    dropped: str = ""
    media_type: str | None = None
    size: int | None = None
    title: str = ""
    language: str = ""
    metadata: Metadata = field(default_factory=dict)
    source_tags: AccessTags | None = None
    own_tags: AccessTags | None = None
    tags: AccessTags = NOBODY
    expires: datetime | None = None
    modified: datetime | None = None
    first_seen: datetime | None = None
    fetched: datetime | None = None
    source_metadata: Metadata = field(default_factory=dict)
    raw: bool = True
    named: bool = True
    stands_for: str = ""
    """The uri at which the bytes lie, where this one only leads to them: the rules of both hold."""
    earlier: tuple[str, ...] = ()
    """Versions that were served before, since the document was last taken away: of older texts only these gain readers."""
    bound: AccessTags | None = None
    """While an older version stands in for newer bytes that come with other permissions, or led somewhere else: who could read it
    before; no more may."""
    renamed: bool = False
    unasked: bool = False
    """The configuration does not ask for it any more: it stays readable where it is, and is in no release built from now on."""
    held: str = field(default="", init=False, repr=False, compare=False)
    """Where `indexing.fingerprints.document_fingerprint` remembers what it gave: it is asked for every document several times."""

    @property
    def in_release(self) -> bool:
        """Whether a release built now contains this document."""
        return self.status == "active" and bool(self.version) and not self.dropped and not self.unasked


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """A document that a stage could not process, and whether trying again may help."""

    document_key: str
    source: str
    uri: str
    stage: str
    reason: str
    error: str
    retryable: bool
    content_hash: str
    fingerprint: str
    attempts: int
    first_seen: datetime
    last_seen: datetime
    run: str
    hint: str = ""
    """What to do about it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text stands: `document.text[start:end]` of one document."""

    document_key: str
    uri: str
    source: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that a principal may read, with what is needed to cite it; `score` grows with similarity.

    `release` says which release answered. `copies` are the other places where the very same text stands, in documents
    that this principal may read: a hit answers for all of them.
    """

    chunk_id: str
    document_key: str
    uri: str
    source: str
    title: str
    score: float
    start: int
    end: int
    text: str
    heading_path: tuple[str, ...]
    page: int | None
    language: str
    access_tags: tuple[str, ...]
    metadata: Metadata
    release: str
    copies: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate found: whether the release may pass, why in one sentence, and the figures behind it.

    `evidence` is for programs, plain values; `shown` is for people, and every report renders it. `advice` says what to do
    about a verdict that did not pass: one line each, names and commands whole.
    """

    gate: str
    passed: bool
    reason: str
    evidence: Metadata = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    shown: tuple[Block, ...] = ()
    advice: tuple[str, ...] = ()
