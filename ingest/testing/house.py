"""A small house of stores in memory, with a scripted source and a scripted parser, in which nights can be lived through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ingest.frontmatter import split
from ingest.pipeline import Ingestion
from ingest.planning import plan_source, to_parse
from ingest.protocols import Parser, Source
from ingest.testing.stores import MemoryBlobs, MemoryDocumentStates, MemoryQuarantine, MemoryVersions
from sluice.access import AccessRule, AccessRules, AccessTags
from sluice.counts import StageCounts
from sluice.errors import DocumentError, SluiceError, SourceUnavailable
from sluice.ids import content_hash, document_key
from sluice.records import Document, DocumentState, ItemRef, RawItem

STAFF = AccessTags({"staff", "hr"})
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@dataclass
class ScriptedSource:
    """Lists and gives what it is told to: bytes, or an error to raise. The bytes are the validator."""

    items: dict[str, bytes | SluiceError]
    name: str = "s"
    tags: AccessTags | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]:
        return (ItemRef(uri, self._validator(item)) for uri, item in self.items.items())

    def fetch(self, ref: ItemRef) -> RawItem:
        item = self.items[ref.uri]
        if isinstance(item, SluiceError):
            raise item
        return RawItem(ref.uri, item, self._validator(item), metadata=self.metadata, tags=self.tags)

    @staticmethod
    def _validator(item: bytes | SluiceError) -> str:
        return item.hex() if isinstance(item, bytes) else f"error:{item.message}"


@dataclass
class ScriptedParser:
    """UTF-8 text with front matter; bytes that begin with `broken` do not parse, `later` may the next time."""

    fingerprint: str = "p1"
    parsed: list[str] = field(default_factory=list)

    def parse(self, item: RawItem, *, source: str) -> Document:
        self.parsed.append(item.uri)
        if item.content.startswith(b"broken"):
            raise DocumentError("malformed", f"{item.uri}: broken", hint="mend it")
        if item.content.startswith(b"later"):
            raise SourceUnavailable(f"{item.uri}: not now")
        front = split(item.content.decode(), uri=item.uri)
        return Document(
            key=document_key(source, item.uri),
            source=source,
            uri=item.uri,
            version=content_hash(item.content),
            title=front.title,
            language="en",
            text=front.body,
            metadata={**item.metadata, **front.metadata},
            tags=front.tags,
            expires=front.expires,
        )


@dataclass
class House:
    """An ingestion on stores in memory, and the day's clock."""

    rules: tuple[AccessRule, ...] = (AccessRule("**", STAFF),)
    now: datetime = NOW
    states: MemoryDocumentStates = field(default_factory=MemoryDocumentStates)
    blobs: MemoryBlobs = field(default_factory=MemoryBlobs)
    versions: MemoryVersions = field(default_factory=MemoryVersions)
    quarantine: MemoryQuarantine = field(default_factory=MemoryQuarantine)
    parser: Parser = field(default_factory=ScriptedParser)

    @property
    def ingestion(self) -> Ingestion:
        rules = AccessRules(self.rules)
        return Ingestion(self.states, self.blobs, self.versions, self.quarantine, rules, "run-1", lambda: self.now)

    def run(self, source: Source) -> tuple[StageCounts, StageCounts]:
        """What a night does with one source: plan, tombstone, fetch, parse; the accounts of what was worked on."""
        states = self.states.read(source=source.name)
        known = {state.uri: state.validator for state in states if state.status != "deleted"}
        plan = plan_source(source.name, source.scan(known), states, self.quarantine.entries())
        self.ingestion.tombstone(plan.gone)
        fetched = self.ingestion.fetch(source, plan.fetch)
        fingerprints = {source.name: self.parser.fingerprint}
        due, _ = to_parse(self.states.read(source=source.name), fingerprints, self.quarantine.entries())
        return fetched.checked("crawl"), self.ingestion.parse(self.parser, due).checked("parse")

    def state(self, uri: str) -> DocumentState:
        (found,) = self.states.read([document_key("s", uri)])
        return found

    def failing(self, stage: str) -> set[str]:
        return {entry.uri for entry in self.quarantine.entries(stage=stage)}
